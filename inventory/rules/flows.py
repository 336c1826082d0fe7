"""The flow matrix: each row opens only what its own application may open, for a time, and not in clear."""

from collections.abc import Iterator
from typing import NamedTuple

from inventory.located import Kind, LocatedRegion, Placed
from inventory.models import Application, DataClass
from inventory.network import Flow, Segment, SegmentKind
from inventory.problems import Problem, Words
from inventory.rules.references import TIER_PREFIX


class Row(NamedTuple):
    """A row of the flow matrix, and the segments where it begins and ends (``None`` for one that does not exist)."""

    place: Placed[Application]
    number: int
    flow: Flow
    source: Segment | None
    destination: Segment | None

    @property
    def application(self) -> Application:
        """Give the application that wants the flow."""
        return self.place.value

    def problem(self, key: str, words: Words) -> Problem:
        """Build the problem of the row's *key*."""
        return self.place.problem(("flows", self.number, key), words)


def rows(region: LocatedRegion) -> Iterator[Row]:
    """Give every row of the flow matrix."""
    for place in region.applications:
        tiers = {f"{TIER_PREFIX}{tier.id}": tier.segment for tier in place.value.tiers}
        for number, flow in enumerate(place.value.flows):
            source = _segment(region, tiers.get(flow.source, flow.source))
            destination = _segment(region, tiers.get(flow.destination, flow.destination))
            yield Row(place, number, flow, source, destination)


def _segment(region: LocatedRegion, identifier: str) -> Segment | None:
    place = region.segment(identifier)
    return place.value if place else None


def flows_are_their_own_applications(region: LocatedRegion) -> Iterator[Problem]:
    """Find rows that open a way between others, or to the tunnel of an establishment that has no part in it."""
    for row in rows(region):
        yield from _check_touches(row)
        for key, segment in (("source", row.source), ("destination", row.destination)):
            if segment is not None and segment.establishment in region.owners:
                yield from _check_tunnel(row, key, segment)


def _check_touches(row: Row) -> Iterator[Problem]:
    if row.source is None or row.destination is None:
        return
    tiers = row.application.tiers
    if not any(tier.segment in (row.source.id, row.destination.id) for tier in tiers):
        what = f"neither {row.flow.source} nor {row.flow.destination} is a tier of {row.application.id}"
        why = "an application opens flows of its own tiers only"
        yield row.problem("destination", Words(what, why, f"write {TIER_PREFIX}{tiers[0].id} at one end"))


def _check_tunnel(row: Row, key: str, segment: Segment) -> Iterator[Problem]:
    if segment.establishment not in row.application.establishments:
        what = f"{segment.id} is the tunnel of establishment {segment.establishment}"
        why = f"{row.application.id} is not for it"
        remedy = "add it to the application's establishments or choose another segment"
        yield row.problem(key, Words(what, why, remedy))


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
    for row in rows(region):
        protocol = protocols.get(row.flow.protocol)
        if row.application.data_class is not DataClass.HEALTH or protocol is None or protocol.value.encrypted:
            continue
        crossing = _crossing(row.source, row.destination)
        if crossing:
            what = f"{protocol.value.name} ({protocol.value.code}) is in clear"
            why = f"the flow carries health data {crossing}"
            yield row.problem("protocol", Words(what, why, "use the encrypted form, or a gateway on the same site"))


def _crossing(source: Segment | None, destination: Segment | None) -> str | None:
    """Say which border a flow crosses, if any."""
    if source is None or destination is None:
        return None
    for segment in (source, destination):
        if segment.kind is SegmentKind.TUNNEL:
            return f"through the tunnel segment {segment.id}"
    if source.site != destination.site:
        return f"from {source.site} to {destination.site}"
    return None
