"""Cut the rows of a flow matrix into elements that never overlap, since nft takes no others into one map.  Pure.

An element is a box: sources, destinations, a transport, ports.  It belongs to every row that it is a part of, so that
no row is lost where two say the same: together, the elements let pass what the rows do, and nothing else.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network
from itertools import pairwise, product
from typing import TypeAlias

Interval: TypeAlias = tuple[int, int]
"""The least and the greatest of some numbers."""


class Transport(StrEnum):
    """The transports that flows use."""

    TCP = "tcp"
    UDP = "udp"


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one row of the flow matrix lets pass: from any of its sources to any port of any of its destinations."""

    comment: str
    sources: tuple[IPv4Network, ...]
    destinations: tuple[IPv4Network, ...]
    transport: Transport
    ports: tuple[int, ...]


@dataclass(frozen=True, order=True)
class Element:
    """One box, and the comments of the rows that it is a part of, in their order."""

    source: Interval
    destination: Interval
    transport: Transport
    ports: Interval
    rows: tuple[str, ...]

    @property
    def key(self) -> str:
        """Write the box as nft does: a concatenation of intervals."""
        return f"{addresses(self.source)} . {addresses(self.destination)} . {self.transport} . {_span(self.ports)}"


def elements(rows: Sequence[Row]) -> tuple[Element, ...]:
    """Cut *rows* into the elements that say the same; for the same rows always the same, in the same order."""
    order = {transport: number for number, transport in enumerate(Transport)}
    named = list(Transport)
    boxes = [
        ((destination, source, (order[row.transport],) * 2, ports), number)
        for number, row in enumerate(rows)
        for destination, source, ports in product(
            networks(row.destinations), networks(row.sources), joined((port, port) for port in row.ports)
        )
    ]
    return tuple(
        sorted(
            Element(
                source, destination, named[transport], ports, tuple(dict.fromkeys(rows[n].comment for n in numbers))
            )
            for (destination, source, (transport, _), ports), numbers in _cut(boxes, 0)
        )
    )


_DIMENSIONS = 4

_Box: TypeAlias = tuple[tuple[Interval, ...], int]
_Piece: TypeAlias = tuple[tuple[Interval, ...], tuple[int, ...]]


def _cut(boxes: Sequence[_Box], depth: int) -> tuple[_Piece, ...]:
    """Cut along the dimension *depth* wherever a box begins or ends, and what lies between along those that follow.

    Neighbours that were cut alike are joined again, so that only what overlaps is ever cut.
    """
    if len(boxes) == 1:
        ((intervals, number),) = boxes
        return ((intervals[depth:], (number,)),)
    if depth == _DIMENSIONS:
        return (((), tuple(sorted({number for _, number in boxes}))),)
    slices: list[tuple[Interval, tuple[_Piece, ...]]] = []
    for (low, high), within in _slices(boxes, depth):
        inner = _cut(within, depth + 1)
        if slices and slices[-1][0][1] + 1 == low and slices[-1][1] == inner:
            slices[-1] = ((slices[-1][0][0], high), inner)
        else:
            slices.append(((low, high), inner))
    return tuple(((interval, *rest), numbers) for interval, inner in slices for rest, numbers in inner)


def _slices(boxes: Sequence[_Box], depth: int) -> Iterable[tuple[Interval, list[_Box]]]:
    """Give each interval in which the same boxes lie, with them."""
    whole: dict[Interval, list[_Box]] = {}
    for box in boxes:
        whole.setdefault(box[0][depth], []).append(box)
    spans = sorted(whole)
    if all(one[1] < other[0] for one, other in pairwise(spans)):  # as nearly everywhere, nothing overlaps
        return [(span, whole[span]) for span in spans]
    return _swept(whole, spans)


def _swept(whole: Mapping[Interval, list[_Box]], spans: Sequence[Interval]) -> Iterable[tuple[Interval, list[_Box]]]:
    """Go along the dimension, from each place where an interval begins or has ended to the next."""
    begin: dict[int, list[Interval]] = {}
    end: dict[int, list[Interval]] = {}
    for low, high in spans:
        begin.setdefault(low, []).append((low, high))
        end.setdefault(high + 1, []).append((low, high))
    inside: dict[Interval, None] = {}
    for place, following in pairwise(sorted(begin.keys() | end.keys())):
        for span in end.get(place, ()):
            del inside[span]
        inside |= dict.fromkeys(begin.get(place, ()))
        if inside:
            yield (place, following - 1), [box for span in inside for box in whole[span]]


@lru_cache(maxsize=4096)  # the hosts of a tier all have the same networks in their rows
def networks(wanted: tuple[IPv4Network, ...]) -> tuple[Interval, ...]:
    """Give networks as the fewest intervals."""
    return joined((int(each.network_address), int(each.broadcast_address)) for each in wanted)


def joined(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """Join intervals that overlap or touch."""
    found: list[Interval] = []
    for low, high in sorted(intervals):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return tuple(found)


@lru_cache(maxsize=16384)  # the same networks stand in many elements, on many hosts
def addresses(interval: Interval) -> str:
    """Write addresses as one, a prefix or a range."""
    low, high = interval
    size = high - low + 1
    if size == 1:
        return str(IPv4Address(low))
    if size & (size - 1) == 0 and low % size == 0:
        return f"{IPv4Address(low)}/{33 - size.bit_length()}"
    return f"{IPv4Address(low)}-{IPv4Address(high)}"


def _span(interval: Interval) -> str:
    low, high = interval
    return str(low) if low == high else f"{low}-{high}"
