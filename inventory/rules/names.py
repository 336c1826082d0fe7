"""Names made of identifiers: short enough for the engines, and never the same for two things.

`a-b` with `c` and `a` with `b-c` would both make `a-b-c`: one application would be given what is another's.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from inventory import naming
from inventory.documents import Steps
from inventory.located import LocatedRegion, Placed
from inventory.models import Application, RegionSheet
from inventory.problems import Problem, Words, quoted
from inventory.resource import PLATFORM
from inventory.rules.uniqueness import whereabouts

LONGEST_BUCKET = 63
LONGEST_LABEL = 47
"""Bytes of a LUKS2 label."""


class Name(NamedTuple):
    """A name that we will give: where it must be unique, what it is, and whose identifier made it."""

    space: str
    text: str
    place: Placed[Application]
    steps: Steps


RESERVED = {
    ("application", PLATFORM): "the platform's own keys and secrets",
    ("role", naming.S3_KMS_ROLE): "the object store",
    ("role", naming.METRICS_POLICY): "the exporter of metrics",
    ("role", naming.NEIGHBOUR_PROBE_POLICY): "the checks of isolation",
    ("user", naming.EVIDENCE_USER): "who adds to the platform's evidence",
    ("user", naming.EVIDENCE_READER): "who reads the platform's evidence",
}
"""Names of the platform's own, and what they are; a role and its policy have one name."""


def reserved_names(sheet: RegionSheet) -> Mapping[tuple[str, str], str]:
    """Give the names that the platform has in *sheet*'s region."""
    return {
        **RESERVED,
        ("bucket", naming.scratch_bucket(sheet.id)): "where object stores are tried",
        ("bucket", naming.evidence_bucket(sheet)): "the platform's evidence",
        ("bucket", naming.log_bucket(sheet)): "the platform's logs",
    }


def generated_names(sheet: RegionSheet, place: Placed[Application]) -> Iterator[Name]:
    """Give every name that is made for an application."""
    application = place.value
    yield Name("application", application.id, place, ("id",))
    yield Name("user", naming.data_user(application.id), place, ("id",))
    yield Name("user", naming.backup_user(application.id), place, ("id",))
    yield Name("user", naming.prune_user(application.id), place, ("id",))
    yield Name("user", naming.restore_user(application.id), place, ("id",))
    yield Name("role", naming.prune_user(application.id), place, ("id",))
    yield from _names_of_copies(sheet, place)
    for purpose in naming.KEY_PURPOSES:
        yield Name("key", naming.transit_key(application.id, purpose), place, ("id",))
    for tier_number, tier in enumerate(application.tiers):
        for number, host in enumerate(tier.hosts):
            text = naming.host_role(application.id, host)
            yield Name("role", text, place, ("tiers", tier_number, "hosts", number))
        for number, volume in enumerate(tier.volumes):
            text = naming.volume_label(application.id, volume.id)
            yield Name("volume", text, place, ("tiers", tier_number, "volumes", number, "id"))
    if application.backup:
        yield Name("bucket", naming.backup_bucket(sheet, application.id), place, ("backup",))
    for number, bucket in enumerate(application.buckets):
        yield Name("bucket", naming.bucket(sheet, application.id, bucket.id), place, ("buckets", number, "id"))


def _names_of_copies(sheet: RegionSheet, place: Placed[Application]) -> Iterator[Name]:
    backup, name = place.value.backup, place.value.id
    if backup is None or backup.second_store is None:
        return
    steps = ("backup", "second_store")
    yield Name("bucket", naming.copy_bucket(sheet, name), place, steps)
    yield Name("role", naming.copy_user(name), place, steps)
    for user in (naming.copy_reader, naming.copy_user, naming.copy_prune_user):
        yield Name("user", user(name), place, steps)


def generated_names_fit(region: LocatedRegion) -> Iterator[Problem]:
    """Find names that the object store or LUKS would refuse for their length."""
    limits = {"bucket": (LONGEST_BUCKET, "S3 takes"), "volume": (LONGEST_LABEL, "a LUKS2 label has")}
    for name in _all_names(region):
        limit, who = limits.get(name.space, (len(name.text), ""))
        if len(name.text) > limit:
            what = f"the {name.space} would be called {name.text}, with {len(name.text)} characters"
            yield name.place.problem(name.steps, Words(what, f"{who} at most {limit}", "shorten the id"))


def generated_names_are_unique(region: LocatedRegion) -> Iterator[Problem]:
    """Find names that two applications, or an application and the platform, would share."""
    first: dict[tuple[str, str], Name] = {}
    reserved = reserved_names(region.sheet.value) if region.sheet is not None else {}
    for name in _all_names(region):
        key = (name.space, name.text)
        earlier = first.setdefault(key, name)
        if key in reserved:
            words = Words(
                f"the {name.space} would be called {quoted(name.text)}", f"that is {reserved[key]}", "rename it"
            )
            yield name.place.problem(name.steps, words)
        elif not _is_same_thing(earlier, name):
            what = f"the {name.space} would be called {name.text}"
            why = f"{whereabouts(earlier.place, earlier.steps)} already makes that name"
            yield name.place.problem(name.steps, Words(what, why, "choose another id"))


def _is_same_thing(earlier: Name, name: Name) -> bool:
    """Tell whether two names may be equal: an application on one host twice has one role there.

    Equal identifiers inside one application are told by the rule on identifiers.
    """
    if earlier.place is not name.place:
        return False
    return name.space != "bucket" or earlier.steps[0] == name.steps[0]


def _all_names(region: LocatedRegion) -> Iterator[Name]:
    if region.sheet is not None:
        for place in region.applications:
            yield from generated_names(region.sheet.value, place)
