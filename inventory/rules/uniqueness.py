"""What should stand once stands once."""

from collections.abc import Hashable, Iterable, Iterator
from pathlib import PurePath
from typing import Any

from inventory.documents import Steps
from inventory.located import LocatedRegion, Placed
from inventory.models import Application, Host
from inventory.problems import Problem, Words, quoted


def repeated(
    places: Iterable[Placed[Any]], attribute: str, noun: str, remedy: str = "give one of them another"
) -> Iterator[Problem]:
    """Find values of *attribute* that an earlier one of *places* has already; ``None`` may stand often."""
    first: dict[Hashable, Placed[Any]] = {}
    for place in places:
        value = getattr(place.value, attribute)
        if value is None:
            continue
        earlier = first.setdefault(value, place)
        if earlier is not place:
            why = f"it already stands in {whereabouts(earlier, (attribute,))}"
            yield place.problem((attribute,), Words(f"the {noun} {quoted(value)} stands twice", why, remedy))


def whereabouts(place: Placed[Any], steps: Steps) -> str:
    """Give file and line of what stands at *steps* of *place*, in the short form of messages."""
    line = place.document.mark((*place.steps, *steps)).line + 1
    return f"{PurePath(place.document.file).name} line {line}"


def identifiers_are_unique(region: LocatedRegion) -> Iterator[Problem]:
    """Find identifiers given twice; hosts, members and applications are told apart by their files' names."""
    yield from repeated(region.sites, "id", "site")
    yield from repeated(region.stores, "id", "object store")
    yield from repeated(region.segments, "id", "segment")
    yield from repeated(region.tunnels, "id", "tunnel")
    yield from repeated(region.tunnels, "segment", "segment of a tunnel", "give each tunnel a segment of its own")
    yield from repeated(region.gateway_pairs, "id", "gateway pair")
    yield from repeated(region.groups, "id", "group")
    yield from repeated(region.contacts, "id", "contact")
    yield from repeated(region.links, "id", "link")
    yield from repeated(region.protocols, "code", "flow code")
    for host in region.hosts:
        yield from _inside_host(host)
    for application in region.applications:
        yield from _inside_application(application)


def _inside_host(host: Placed[Host]) -> Iterator[Problem]:
    yield from repeated(host.each("interfaces", host.value.interfaces), "name", "interface")
    yield from repeated(host.each("data_devices", host.value.data_devices), "path", "device", "remove one of them")


def _inside_application(application: Placed[Application]) -> Iterator[Problem]:
    tiers = list(application.each("tiers", application.value.tiers))
    yield from repeated(tiers, "id", "tier")
    yield from repeated(
        (volume for tier in tiers for volume in tier.each("volumes", tier.value.volumes)), "id", "volume"
    )
    yield from repeated(application.each("buckets", application.value.buckets), "id", "bucket")


def lists_hold_nothing_twice(region: LocatedRegion) -> Iterator[Problem]:
    """Find repeated items of lists, and flows that an earlier row allows already."""
    for group in region.groups:
        yield from _twice(group, ("members",), group.value.members)
    for host in region.hosts:
        yield from _twice(host, ("trunks",), host.value.trunks, words="trunk")
    for place in region.applications:
        application = place.value
        yield from _twice(place, ("establishments",), application.establishments)
        yield from _twice(place, ("depends_on",), application.depends_on)
        yield from _twice(place, ("hds_activities",), application.hds_activities)
        for tier in place.each("tiers", application.tiers):
            yield from _twice(tier, ("hosts",), tier.value.hosts)
        if application.backup:
            yield from _twice(place, ("backup", "volumes"), application.backup.volumes)
        rows = [(flow.source, flow.destination, flow.protocol) for flow in application.flows]
        yield from _twice(place, ("flows",), rows, words="flow")


def _twice(place: Placed[Any], steps: Steps, items: Iterable[Hashable], words: str = "item") -> Iterator[Problem]:
    first: dict[Hashable, int] = {}
    for number, item in enumerate(items):
        if first.setdefault(item, number) != number:
            what = f"the {words} {quoted(' '.join(item) if isinstance(item, tuple) else item)} stands twice"
            line = place.document.mark((*place.steps, *steps, first[item])).line + 1
            yield place.problem(
                (*steps, number), Words(what, f"it already stands on line {line}", "remove one of them")
            )


def register_numbers_are_unique(region: LocatedRegion) -> Iterator[Problem]:
    """Find numbers of the registers given to two; a SIRET may be shared (several places under one number)."""
    remedy = "correct or remove one of them"
    yield from repeated(region.establishments, "finess", "FINESS number", remedy)
    yield from repeated(region.members, "finess", "FINESS number", remedy)
    yield from repeated(region.members, "siren", "SIREN number", remedy)
