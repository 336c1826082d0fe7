"""The address plan: nothing overlaps, everything is inside what holds it."""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network

from inventory.located import LocatedRegion, Placed
from inventory.models import Host
from inventory.network import Interface, Segment, SegmentKind
from inventory.problems import Problem, Words
from inventory.rules.uniqueness import whereabouts


def overlapping(networks: Iterable[tuple[IPv4Network, int]]) -> Iterator[tuple[int, int]]:
    """Find networks that overlap, as pairs of their numbers in the file (later, earlier).

    Two networks either hold one another or are apart; sorted by first address and length, what holds the next ones
    comes right before them.
    """
    holder: tuple[IPv4Network, int] | None = None
    for network, number in sorted(
        networks, key=lambda pair: (int(pair[0].network_address), pair[0].prefixlen, pair[1])
    ):
        if holder is not None and network.subnet_of(holder[0]):
            yield max(number, holder[1]), min(number, holder[1])
        else:
            holder = (network, number)


def address_space_is_disjoint(region: LocatedRegion) -> Iterator[Problem]:
    """Find ranges of the address space that overlap, or hold every address there is."""
    if region.network is None:
        return
    space = region.network.value.address_space
    for number, network in enumerate(space):
        if network.prefixlen == 0:
            words = Words(f"{network} holds every address", "an operator has its own", "write the operator's ranges")
            yield region.network.problem(("address_space", number), words)
    for later, earlier in overlapping((network, number) for number, network in enumerate(space)):
        words = Words(f"{space[later]} overlaps {space[earlier]}", "each range stands once", "keep the larger one")
        yield region.network.problem(("address_space", later), words)


def segments_are_inside_and_disjoint(region: LocatedRegion) -> Iterator[Problem]:
    """Find segments outside the address space, and segments that share addresses."""
    if region.network is None:
        return
    space = region.network.value.address_space
    for place in region.segments:
        network = place.value.network
        if not any(network.subnet_of(part) for part in space):
            why = f"the region has only {', '.join(map(str, space))}"
            words = Words(f"{network} is outside the address space", why, "choose a network inside, or widen the space")
            yield place.problem(("network",), words)
    places = region.segments
    for later, earlier in overlapping((place.value.network, number) for number, place in enumerate(places)):
        what = f"{places[later].value.network} overlaps {places[earlier].value.network} of {places[earlier].value.id}"
        words = Words(what, "two segments never share an address", "give one of them another network")
        yield places[later].problem(("network",), words)


def interfaces_fit_their_segments(region: LocatedRegion) -> Iterator[Problem]:
    """Find interfaces with an address that their segment does not have, or in a segment of another site."""
    for host in region.hosts:
        for interface in host.each("interfaces", host.value.interfaces):
            segment = region.segment(interface.value.segment)
            if segment is not None:
                yield from _check_address(interface, segment.value)
                yield from _check_site(host, interface, segment.value)


def _check_address(place: Placed[Interface], segment: Segment) -> Iterator[Problem]:
    address, network = place.value.address, segment.network
    if address.ip not in network:
        words = Words(
            f"{address.ip} is not in segment {segment.id}", f"its network is {network}", "correct one of them"
        )
    elif address.network.prefixlen != network.prefixlen:
        what = f"the prefix of {address} is /{address.network.prefixlen}"
        words = Words(what, f"segment {segment.id} is {network}", f"write {address.ip}/{network.prefixlen}")
    elif address.ip in (network.network_address, network.broadcast_address) and network.prefixlen < 31:
        what = f"{address.ip} cannot be a host's address"
        words = Words(what, f"{network} keeps its first and last address to itself", "choose one between them")
    else:
        return
    yield place.problem(("address",), words)


def _check_site(host: Placed[Host], place: Placed[Interface], segment: Segment) -> Iterator[Problem]:
    if segment.site != host.value.site:
        what = f"segment {segment.id} is at {segment.site}"
        words = Words(what, f"the host is at {host.value.site} and a segment is at one site", "choose a segment there")
        yield place.problem(("segment",), words)


def host_addresses_are_unique(region: LocatedRegion) -> Iterator[Problem]:
    """Find addresses that two interfaces have."""
    first: dict[object, Placed[Interface]] = {}
    for host in region.hosts:
        for place in host.each("interfaces", host.value.interfaces):
            earlier = first.setdefault(place.value.address.ip, place)
            if earlier is not place:
                why = f"it already stands in {whereabouts(earlier, ('address',))}"
                words = Words(f"the address {place.value.address.ip} is taken", why, "choose a free address")
                yield place.problem(("address",), words)


def tunnels_alone_belong_to_establishments(region: LocatedRegion) -> Iterator[Problem]:
    """Find segments of ours that are said to be an establishment's."""
    for place in region.segments:
        if place.value.establishment is not None and place.value.kind is not SegmentKind.TUNNEL:
            what = f"a segment of kind {place.value.kind} belongs to an establishment"
            words = Words(what, "only the end of a tunnel is an establishment's", "remove establishment")
            yield place.problem(("establishment",), words, at_key=True)


def tiers_have_segments_of_their_kind(region: LocatedRegion) -> Iterator[Problem]:
    """Find tiers in a tunnel or among the platform's own machines."""
    for application in region.applications:
        for tier in application.each("tiers", application.value.tiers):
            segment = region.segment(tier.value.segment)
            if segment is not None and segment.value.kind is not SegmentKind.TIER:
                what = f"segment {segment.value.id} is a {segment.value.kind}"
                why = "a tier has a segment of kind tier, so that others reach it through flows only"
                yield tier.problem(("segment",), Words(what, why, "choose another segment"))
