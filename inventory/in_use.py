"""Who still needs a segment: whoever is in it, and every row and group that means it.  Pure."""

from collections.abc import Iterator

from inventory.ends import ESTABLISHMENT, SEGMENT, parsed
from inventory.located import LocatedRegion
from inventory.network import Segment


def users(region: LocatedRegion, segment: Segment) -> Iterator[str]:
    """Say what of the region's files would mean nobody any more without *segment*."""
    for host in region.hosts:
        for interface in host.value.interfaces:
            if interface.segment == segment.id:
                yield f"interface {interface.name} of host {host.value.id}"
    for pair in region.gateway_pairs:
        if pair.value.heartbeat == segment.id:
            yield f"gateway pair {pair.value.id}"
    for tunnel in region.tunnels:
        if tunnel.value.segment == segment.id:
            yield f"tunnel {tunnel.value.id}"
    for group in region.groups:
        if any(_means(region, member, segment) for member in group.value.members):
            yield f"group {group.value.id}"
    yield from _applications(region, segment)


def _applications(region: LocatedRegion, segment: Segment) -> Iterator[str]:
    for place in region.applications:
        for tier in place.value.tiers:
            if tier.segment == segment.id:
                yield f"tier {tier.id} of {place.value.id}"
        for number, flow in enumerate(place.value.flows, start=1):
            if _means(region, flow.source, segment) or _means(region, flow.destination, segment):
                yield f"flow {number} of {place.value.id}"


def _means(region: LocatedRegion, text: str, segment: Segment) -> bool:
    """Tell whether *text* is the segment, or an establishment that has no other tunnel."""
    word = parsed(text)
    if word.kind == ESTABLISHMENT:
        return [place.segment for place in region.directory.tunnels.get(word.name, ())] == [segment.id]
    return word.kind == SEGMENT and word.name == segment.id
