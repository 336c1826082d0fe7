"""What the profiles of groups ask: access points only send, and imaging goes through the regional application."""

from collections import Counter
from collections.abc import Iterator

from inventory.ends import GROUP
from inventory.located import Kind, LocatedRegion
from inventory.network import Direction, GroupProfile, TrafficClass
from inventory.problems import Problem, Words
from inventory.rules.flows import between_establishments, tunnels

MOST_FLOWS = 4
"""Of an access point (R16): what the equipment of a town doctor needs, and a person can look through."""


def _segments_with(region: LocatedRegion, *profiles: GroupProfile) -> frozenset[str]:
    """Give the segments of all groups with one of these profiles."""
    return frozenset(
        place.segment
        for group in region.groups
        if group.value.profile in profiles
        for place in region.directory.known("", f"{GROUP}:{group.value.id}")
    )


def access_points_only_send(region: LocatedRegion) -> Iterator[Problem]:
    """Find rows by which somebody could begin to talk to an access point."""
    points = _segments_with(region, GroupProfile.ACCESS_POINT)
    for row in region.rows:
        for key, _, parties in row.ends:
            reached = [party.segment.id for party in parties if party.segment.id in points]
            if reached and (key == "destination" or row.flow.direction is Direction.BOTH_WAYS):
                what = f"the flow reaches access point {reached[0]}{_and_more(len(reached) - 1)}"
                key_told = key if key == "destination" else "direction"
                remedy = "have the access point begin"
                yield row.problem(key_told, Words(what, "access points begin flows and take none", remedy))


def access_points_have_few_flows(region: LocatedRegion) -> Iterator[Problem]:
    """Find access points with more flows than their equipment needs; told at each row that is one too many."""
    points = _segments_with(region, GroupProfile.ACCESS_POINT)
    flows = Counter[str]()
    for row in region.rows:
        talking = [party.segment.id for party in row.sources if party.segment.id in points]
        flows.update(talking)
        beyond = [segment for segment in talking if flows[segment] > MOST_FLOWS]
        if beyond:
            what = f"this is flow {flows[beyond[0]]} of access point {beyond[0]}{_and_more(len(beyond) - 1)}"
            why = f"an access point has at most {MOST_FLOWS}"
            yield row.problem("source", Words(what, why, "remove one, or take it out of the group of access points"))


def _and_more(count: int) -> str:
    return f" and {count} more" if count else ""


def imaging_goes_through_the_hub(region: LocatedRegion) -> Iterator[Problem]:
    """Find flows from one establishment to another: with a mesh, each link and each firewall would carry all others.

    Between two requesting centres nothing passes at all; between others, imaging goes through the application's tier.
    """
    requesting = _segments_with(region, GroupProfile.REQUESTING_CENTRE)
    protocols = region.index(Kind.PROTOCOL)
    for row in region.rows:
        if not between_establishments(row):
            continue
        protocol = protocols.get(row.flow.protocol)
        is_imaging = protocol is not None and protocol.value.traffic is TrafficClass.IMAGING
        sources, destinations = tunnels(row.sources), tunnels(row.destinations)
        both_request = not requesting.isdisjoint(sources) and not requesting.isdisjoint(destinations)
        ends = f"from {sources[0]} to {destinations[0]}"
        if both_request:
            what, why = f"the flow leads {ends}", "two requesting centres do not talk to one another"
        elif is_imaging:
            what, why = f"images go {ends}", "imaging goes through the regional application, as a hub"
        else:
            what, why = f"the flow leads {ends}", "an application opens flows of its own tiers only"
        remedy = f"write tier:{row.application.tiers[0].id} at one end"
        yield row.problem("destination", Words(what, why, remedy))
