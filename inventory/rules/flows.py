"""The flow matrix: each row opens only what its own application may open, for a time, and not in clear."""

from collections.abc import Iterator

from inventory.located import Kind, LocatedRegion, Placed
from inventory.models import Application, DataClass, Flow, Segment, SegmentKind
from inventory.problems import Problem, Words
from inventory.rules.references import TIER_PREFIX


def ends(region: LocatedRegion, application: Application, flow: Flow) -> tuple[Segment | None, Segment | None]:
    """Find the segments where a flow begins and ends; ``None`` for one that does not exist."""
    return _segment(region, application, flow.source), _segment(region, application, flow.destination)


def _segment(region: LocatedRegion, application: Application, end: str) -> Segment | None:
    if end.startswith(TIER_PREFIX):
        names = [tier.segment for tier in application.tiers if tier.id == end.removeprefix(TIER_PREFIX)]
        end = names[0] if names else ""
    place = region.segment(end)
    return place.value if place else None


def each_flow(region: LocatedRegion) -> Iterator[tuple[Application, Placed[Flow]]]:
    """Give every row of the flow matrix with its application."""
    for place in region.applications:
        for flow in place.each("flows", place.value.flows):
            yield place.value, flow


def flows_touch_their_own_application(region: LocatedRegion) -> Iterator[Problem]:
    """Find rows that would open a way between segments of others."""
    for application, flow in each_flow(region):
        segments = ends(region, application, flow.value)
        own = {tier.segment for tier in application.tiers}
        if all(segments) and not any(segment and segment.id in own for segment in segments):
            what = f"neither {flow.value.source} nor {flow.value.destination} is a tier of {application.id}"
            why = "an application opens flows of its own tiers only"
            yield flow.problem(
                ("destination",), Words(what, why, f"write {TIER_PREFIX}{application.tiers[0].id} at one end")
            )


def tunnels_serve_their_own_establishment(region: LocatedRegion) -> Iterator[Problem]:
    """Find rows that join an establishment's tunnel to an application which is not for that establishment."""
    for application, flow in each_flow(region):
        for key, segment in zip(("source", "destination"), ends(region, application, flow.value), strict=True):
            if segment is None or segment.establishment in (None, *application.establishments):
                continue
            what = f"{segment.id} is the tunnel of establishment {segment.establishment}"
            why = f"{application.id} is not for it"
            remedy = "add it to the application's establishments or choose another segment"
            yield flow.problem((key,), Words(what, why, remedy))


def flows_have_not_expired(region: LocatedRegion) -> Iterator[Problem]:
    """Find rows whose last day is past, if a day is to be judged by."""
    if region.today is None:
        return
    for _, flow in each_flow(region):
        if flow.value.expires < region.today:
            what = f"the flow expired on {flow.value.expires}"
            remedy = "ask its owner whether it is still needed, then renew or remove it"
            yield flow.problem(("expires",), Words(what, f"today is {region.today}", remedy))


def health_data_is_not_sent_in_clear(region: LocatedRegion) -> Iterator[Problem]:
    """Find protocols without encryption that carry health data from one site to another, or out of a tunnel."""
    protocols = region.index(Kind.PROTOCOL)
    for application, flow in each_flow(region):
        protocol = protocols.get(flow.value.protocol)
        if application.data_class is not DataClass.HEALTH or protocol is None or protocol.value.encrypted:
            continue
        crossing = _crossing(*ends(region, application, flow.value))
        if crossing:
            what = f"{protocol.value.name} ({protocol.value.code}) is in clear"
            why = f"the flow carries health data {crossing}"
            yield flow.problem(("protocol",), Words(what, why, "use the encrypted form, or a gateway on the same site"))


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
