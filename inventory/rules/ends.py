"""The ends of flows: what they name exists, and none of them is everybody."""

from collections.abc import Iterator
from difflib import get_close_matches

from inventory.ends import ESTABLISHMENT, GROUP, SEGMENT, TIER, Word, parsed
from inventory.located import Kind, LocatedRegion, Placed
from inventory.models import Application
from inventory.problems import Problem, Words, quoted
from inventory.rules.references import unknown

ANYWHERE = frozenset({"any", "all", "internet"})
KINDS = (TIER, ESTABLISHMENT, GROUP)
KINDS_OF_NAMES = {SEGMENT: Kind.SEGMENT, ESTABLISHMENT: Kind.ESTABLISHMENT, GROUP: Kind.GROUP}


def flow_ends_exist(region: LocatedRegion) -> Iterator[Problem]:
    """Find flows that begin or end nowhere, or anywhere."""
    for application in region.applications:
        for flow in application.each("flows", application.value.flows):
            for key, text in (("source", flow.value.source), ("destination", flow.value.destination)):
                words = _nowhere(region, text, application.value)
                if words is not None:
                    yield flow.problem((key,), words)


def group_members_exist(region: LocatedRegion) -> Iterator[Problem]:
    """Find members of groups that are nobody, anybody, or a group."""
    for group in region.groups:
        for number, member in enumerate(group.value.members):
            words = _unfit_member(region, member)
            if words is not None:
                yield group.problem(("members", number), words)


def _unfit_member(region: LocatedRegion, member: str) -> Words | None:
    word = parsed(member)
    if word.kind == GROUP:
        why = "a group holds none, so that one look tells who is in it"
        return Words(f"{quoted(member)} is a group", why, "write its members")
    if word.kind == TIER and word.application is None:
        what = f"{quoted(member)} does not say of which application"
        return Words(what, "a group is no application's own", f"write {TIER}:<application>/{word.name}")
    return _nowhere(region, member, None)


def _nowhere(region: LocatedRegion, text: str, application: Application | None) -> Words | None:
    """Say why nobody is where *text* says, if that is so."""
    word = parsed(text)
    if word.kind == TIER:
        return _no_tier(region, word, application)
    if word.kind not in KINDS_OF_NAMES or text.lower() in ANYWHERE or not text[0].isalpha():
        why = "a flow joins two segments, what is in no segment stays out"
        return Words(f"{quoted(text)} is no end of a flow", why, "write the id of a segment")
    kind = KINDS_OF_NAMES[word.kind]
    if not region.may_exist(kind, word.name):
        return unknown(region, kind, word.name)
    if kind is Kind.ESTABLISHMENT and region.network is not None and word.name not in region.directory.tunnels:
        what = f"establishment {word.name} has no tunnel"
        return Words(what, "a flow joins two segments", "run hosting network allocate, which gives it one")
    return None


def _no_tier(region: LocatedRegion, word: Word, application: Application | None) -> Words | None:
    owner = application
    if word.application is not None:
        if not region.may_exist(Kind.APPLICATION, word.application):
            return unknown(region, Kind.APPLICATION, word.application)
        place: Placed[Application] | None = region.index(Kind.APPLICATION).get(word.application)
        owner = place.value if place else None
    if owner is None:
        return None
    tiers = sorted(tier.id for tier in owner.tiers)
    if word.name in tiers:
        return None
    whose = "the application" if word.application is None else owner.id
    close = get_close_matches(word.name, tiers, n=1)
    remedy = f"write {close[0]}" if close else "write one of its tiers"
    return Words(f"there is no tier {quoted(word.name)}", f"{whose} has only {', '.join(tiers)}", remedy)


def no_group_is_everybody(region: LocatedRegion) -> Iterator[Problem]:
    """Find groups of all segments there are: a flow to such a group would be a flow to anywhere."""
    segments = {segment.value.id for segment in region.segments}
    for group in region.groups:
        if (
            segments
            and {place.segment for place in region.directory.known("", f"{GROUP}:{group.value.id}")} == segments
        ):
            what = f"group {group.value.id} holds every segment of the region"
            words = Words(what, "a flow to everybody could not be told from any", "name those who need it")
            yield group.problem(("members",), words)
