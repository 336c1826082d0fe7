"""Which addresses and which VLANs are free: first fit, and what was once given stays given.  Pure."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network
from typing import NamedTuple

from inventory.network import NetworkSheet, RangePurpose, Segment, Supernet, VlanRange
from inventory.notations import FIRST_VLAN, LAST_VLAN, RESERVED_VLANS

# -- collisions ---------------------------------------------------------------------------------------------------


class Collision(NamedTuple):
    """A range behind a tunnel that somebody else has: the region, or whoever is behind another segment.

    Segments and ranges are given by their numbers in the file.
    """

    segment: int
    number: int
    network: IPv4Network
    other: int | None = None
    other_number: int = 0


class _Range(NamedTuple):
    network: IPv4Network
    segment: int
    number: int


def colliding_ranges(space: Sequence[IPv4Network], segments: Sequence[Segment]) -> list[Collision]:
    """Find internal ranges, of tunnels without a NAT pool, that are also the region's or another establishment's.

    Of two establishments the one that stands first keeps its addresses; an establishment may have two tunnels.
    """
    ranges = [
        _Range(network, position, number)
        for position, segment in enumerate(segments)
        if segment.nat_pool is None
        for number, network in enumerate(segment.internal_ranges)
    ]
    found = {
        (item.segment, item.number): Collision(item.segment, item.number, item.network)
        for item in ranges
        if any(item.network.overlaps(part) for part in space)
    }
    for later, earlier in _between_establishments(ranges, segments):
        collision = Collision(later.segment, later.number, later.network, earlier.segment, earlier.number)
        found.setdefault((later.segment, later.number), collision)
    return sorted(found.values())


def _between_establishments(ranges: list[_Range], segments: Sequence[Segment]) -> Iterator[tuple[_Range, _Range]]:
    """Find pairs of ranges of two establishments that overlap, the one that stands later first.

    Two networks either hold one another or are apart: sorted, those that hold the next one are open brackets.
    """
    holders: list[_Range] = []
    for item in sorted(ranges, key=lambda item: (int(item.network.network_address), item.network.prefixlen, item)):
        while holders and not item.network.subnet_of(holders[-1].network):
            holders.pop()
        for holder in holders:
            if _owner(segments[holder.segment]) != _owner(segments[item.segment]):
                first, second = sorted((holder, item), key=lambda one: (one.segment, one.number))
                yield second, first
        holders.append(item)


def _owner(segment: Segment) -> str:
    return segment.establishment or segment.id


# -- room ---------------------------------------------------------------------------------------------------------


class NoRoomError(Exception):
    """Nothing is left that a network, or the number of a VLAN, could be allocated from."""


class Room:
    """The address plan of a region while networks are allocated from it: what is set apart, and what is taken."""

    def __init__(self, supernets: Iterable[Supernet], taken: Iterable[IPv4Network]) -> None:
        self._supernets = tuple(supernets)
        self._taken: list[tuple[int, int]] = []
        for network in taken:
            self._take(network)

    @classmethod
    def of(cls, sheet: NetworkSheet) -> "Room":
        """Give the room that *sheet* leaves: what segments, pools and those who are no more have had is taken."""
        taken = [segment.network for segment in sheet.segments]
        taken += [segment.nat_pool for segment in sheet.segments if segment.nat_pool is not None]
        return cls(sheet.supernets, [*taken, *(item.network for item in sheet.retired)])

    def allocate(self, site: str, purpose: RangePurpose, prefix_length: int | None = None) -> IPv4Network:
        """Give, and take, the first free network of *site* for *purpose*; raise ``NoRoomError`` if there is none.

        Without *prefix_length* it is as large as its supernet says; with it, no larger than that.  What is set apart
        for the purpose comes before what is for all.
        """
        supernets = [item for item in self._supernets if item.site == site and item.serves(purpose)]
        for supernet in sorted(supernets, key=lambda item: item.purpose is None):
            length = max(prefix_length or 0, supernet.prefix_length)
            network = self._first_free(supernet.network, length)
            if network is not None:
                self._take(network)
                return network
        raise NoRoomError(f"{site} has no {'room left' if supernets else 'supernet'} for {purpose.plural}")

    def _first_free(self, supernet: IPv4Network, prefix_length: int) -> IPv4Network | None:
        size = 1 << (32 - prefix_length)
        start, end = int(supernet.network_address), int(supernet.broadcast_address) + 1
        while start + size <= end:
            beyond = self._end_of_what_is_in(start, start + size)
            if beyond is None:
                return IPv4Network((IPv4Address(start), prefix_length))
            start = -(-beyond // size) * size  # the next address that such a network can begin at
        return None

    def _end_of_what_is_in(self, start: int, end: int) -> int | None:
        """Say where the last of what is taken between two addresses ends, if anything is."""
        position = bisect_left(self._taken, (end,))
        beyond = self._taken[position - 1][1] if position else 0
        return beyond if beyond > start else None

    def _take(self, network: IPv4Network) -> None:
        """Keep what is taken apart and in order: of two networks that overlap, one holds the other."""
        start, end = int(network.network_address), int(network.broadcast_address) + 1
        if self._is_taken_whole(start, end):
            return
        first, last = bisect_left(self._taken, (start,)), bisect_left(self._taken, (end,))
        self._taken[first:last] = [(start, end)]

    def _is_taken_whole(self, start: int, end: int) -> bool:
        position = bisect_left(self._taken, (start + 1,))
        return position > 0 and self._taken[position - 1][1] >= end


# -- numbers ------------------------------------------------------------------------------------------------------


class Numbers:
    """The numbers of VLANs while they are given out: a site's are each one segment's, and a retired one nobody's."""

    def __init__(self, ranges: Iterable[VlanRange], taken: Iterable[tuple[str, int]], retired: Iterable[int]) -> None:
        self._ranges = tuple(ranges)
        self._taken = set(taken)
        self._retired = {*retired, *RESERVED_VLANS}

    @classmethod
    def of(cls, sheet: NetworkSheet) -> "Numbers":
        """Give the numbers that *sheet* leaves."""
        return cls(
            sheet.vlan_ranges,
            [(segment.site, segment.vlan) for segment in sheet.segments if segment.vlan is not None],
            [item.vlan for item in sheet.retired if item.vlan is not None],
        )

    def allocate(self, site: str) -> int:
        """Give, and take, the first free number of *site*; raise ``NoRoomError`` if there is none.

        A site that does not say which numbers are its own has all that a switch can tell apart.
        """
        spans = [(item.first, item.last) for item in self._ranges if item.site == site] or [(FIRST_VLAN, LAST_VLAN)]
        for first, last in spans:
            for number in range(first, last + 1):
                if number not in self._retired and (site, number) not in self._taken:
                    self._taken.add((site, number))
                    return number
        raise NoRoomError(f"{site} has no number left for a VLAN")
