"""Which segments pairs of gateways hold an address in: those that both of a pair stand in.  Pure."""

from collections.abc import Iterable, Iterator, Sequence

from inventory.models import Host
from inventory.network import GatewayPair, Segment, SegmentKind


def segments_of_pairs(
    segments: Iterable[Segment], pairs: Iterable[GatewayPair], hosts: Sequence[Host]
) -> Iterator[tuple[Segment, GatewayPair]]:
    """Give each segment that both gateways of a pair stand in, with the pair.

    Of a tunnel's segment nothing is held: who is behind it reaches us by the tunnel, and not by an address there.
    """
    stands = {host.id: {interface.segment for interface in host.interfaces} for host in hosts}
    common = [
        (pair, stands.get(pair.first, set()) & stands.get(pair.second, set()))
        for pair in pairs
        if pair.first != pair.second
    ]
    for segment in segments:
        for pair, shared in common:
            if segment.id in shared and segment.kind is not SegmentKind.TUNNEL:
                yield segment, pair
