"""The flow matrix: each row opens only what its own application may open, for a time, and not in clear."""

from collections.abc import Iterator

from inventory.ends import TIER
from inventory.located import Kind, LocatedRegion, Party, Row
from inventory.models import DataClass
from inventory.network import Protocol, SegmentKind
from inventory.problems import Problem, Words


def flows_are_their_own_applications(region: LocatedRegion) -> Iterator[Problem]:
    """Find rows that open a way between others, or to somebody whom the application has nothing to do with."""
    for row in region.rows:
        yield from _check_touches(row)
        for key, word, parties in row.ends:
            yield from _check_tunnels(region, row, key, word, parties)
            yield from _check_neighbours(region, row, key, word, parties)


def _check_touches(row: Row) -> Iterator[Problem]:
    if not row.sources or not row.destinations or between_establishments(row):
        return
    own = {tier.segment for tier in row.application.tiers}
    if not any(all(party.segment.id in own for party in parties) for parties in (row.sources, row.destinations)):
        what = f"neither {row.flow.source} nor {row.flow.destination} is a tier of {row.application.id}"
        why = "an application opens flows of its own tiers only"
        remedy = f"write {TIER}:{row.application.tiers[0].id} at one end"
        yield row.problem("destination", Words(what, why, remedy))


def between_establishments(row: Row) -> bool:
    """Tell whether tunnels stand at both ends: a matter of `rules.profiles`."""
    return all(tunnels(parties) for parties in (row.sources, row.destinations))


def tunnels(parties: tuple[Party, ...]) -> list[str]:
    """Give the tunnels among those who take part."""
    return [
        party.segment.id for party in parties if party.segment.kind is SegmentKind.TUNNEL and party.place.tier is None
    ]


def _check_tunnels(
    region: LocatedRegion, row: Row, key: str, word: str, parties: tuple[Party, ...]
) -> Iterator[Problem]:
    foreign = [
        party.segment
        for party in parties
        if party.segment.establishment in region.owners
        and party.segment.establishment not in row.application.establishments
    ]
    if foreign:
        what = f"{foreign[0].id}{_in_group(word)} is the tunnel of establishment {foreign[0].establishment}"
        why = f"{row.application.id} is not for it{_and_more(len(foreign) - 1)}"
        remedy = "add it to the application's establishments or choose another segment"
        yield row.problem(key, Words(what, why, remedy))


def _check_neighbours(
    region: LocatedRegion, row: Row, key: str, word: str, parties: tuple[Party, ...]
) -> Iterator[Problem]:
    """Find ends that are another application's, on which this one does not depend."""
    allowed = {row.application.id, *row.application.depends_on}
    for party in parties:
        hosted = (
            {party.place.application} if party.place.application else region.directory.tenants.get(party.segment.id)
        )
        if hosted and not hosted & allowed:
            others = ", ".join(sorted(hosted))
            what = f"{party.segment.id}{_in_group(word)} is the segment of {others}"
            why = f"{row.application.id} does not depend on it"
            yield row.problem(key, Words(what, why, "name it in depends_on or choose another end"))


def _in_group(word: str) -> str:
    return f" (of {word})" if ":" in word else ""


def _and_more(count: int) -> str:
    return f" nor for {count} more" if count else ""


def flows_have_not_expired(region: LocatedRegion) -> Iterator[Problem]:
    """Find rows whose last day is past, if a day is to be judged by."""
    if region.today is None:
        return
    for place in region.applications:
        for number, flow in enumerate(place.value.flows):
            if flow.expires < region.today:
                remedy = "ask its owner whether it is still needed, then renew or remove it"
                words = Words(f"the flow expired on {flow.expires}", f"today is {region.today}", remedy)
                yield place.problem(("flows", number, "expires"), words)


def health_data_is_not_sent_in_clear(region: LocatedRegion) -> Iterator[Problem]:
    """Find protocols without encryption that carry health data from one site to another, or out of a tunnel."""
    protocols = region.index(Kind.PROTOCOL)
    for row in region.rows:
        protocol = protocols.get(row.flow.protocol)
        if row.application.data_class is not DataClass.HEALTH or protocol is None or not _is_readable(protocol.value):
            continue
        crossing = _crossing(row)
        if crossing:
            what = f"{protocol.value.name} ({protocol.value.code}) is in clear"
            why = f"the flow carries health data {crossing}"
            yield row.problem("protocol", Words(what, why, "use the encrypted form, or a gateway on the same site"))


def _is_readable(protocol: Protocol) -> bool:
    return not protocol.encrypted and not protocol.may_cross_in_clear


def _crossing(row: Row) -> str | None:
    """Say which border a flow crosses, if any."""
    if not row.sources or not row.destinations:
        return None
    for party in (*row.sources, *row.destinations):
        if party.segment.kind is SegmentKind.TUNNEL:
            return f"through the tunnel segment {party.segment.id}"
    apart = (
        f"from {source.segment.site} to {destination.segment.site}"
        for source in row.sources
        for destination in row.destinations
        if source.segment.site != destination.segment.site
    )
    return next(apart, None)
