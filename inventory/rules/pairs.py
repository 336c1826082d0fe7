"""Pairs of gateways: two that hear each other, and an address for each segment that both stand in."""

from collections import defaultdict
from collections.abc import Iterator
from ipaddress import IPv4Address

from inventory.located import LocatedRegion, Placed
from inventory.models import HostRole
from inventory.network import GatewayPair, Interface, Segment, SegmentKind
from inventory.pairs import segments_of_pairs
from inventory.problems import Problem, Words
from inventory.rules.uniqueness import whereabouts
from inventory.tunnels import MOST_GATEWAYS


def pairs_are_two_gateways(region: LocatedRegion) -> Iterator[Problem]:
    """Find pairs of one, of hosts that forward nothing or stand at two sites, and gateways of two pairs."""
    of: dict[str, Placed[GatewayPair]] = {}
    for place in region.gateway_pairs:
        pair = place.value
        if pair.first == pair.second:
            why = "a gateway cannot take its own place"
            yield place.problem(("second",), Words(f"{pair.second} stands twice", why, "name another"))
            continue
        hosts = [region.host(name) for name in pair.gateways]
        for key, name, host in zip(("first", "second"), pair.gateways, hosts, strict=True):
            if host is not None and host.value.role is not HostRole.GATEWAY:
                what = f"{name} is of role {host.value.role}"
                yield place.problem((key,), Words(what, "it would forward nothing", "name a gateway"))
            earlier = of.setdefault(name, place)
            if earlier is not place:
                why = f"it is one of {earlier.value.id} in {whereabouts(earlier, ())}"
                yield place.problem((key,), Words(f"{name} is in two pairs", why, "keep one of them"))
        first, second = hosts
        if first is not None and second is not None and first.value.site != second.value.site:
            what = f"{pair.second} is at {second.value.site}"
            why = f"{pair.first} is at {first.value.site}, and a segment is at one site"
            yield place.problem(("second",), Words(what, why, "name a gateway of the same site"))


def pairs_hear_each_other(region: LocatedRegion) -> Iterator[Problem]:
    """Find heartbeats among hosts that are not the platform's, where a gateway is not, or under another's number."""
    numbers: dict[tuple[str, int], Placed[GatewayPair]] = {}
    for place in region.gateway_pairs:
        pair, segment = place.value, region.segment(place.value.heartbeat)
        if segment is not None and segment.value.kind is not SegmentKind.PLATFORM:
            what = f"segment {pair.heartbeat} is a {segment.value.kind}"
            why = "whoever is in it could end the other's word for all segments"
            yield place.problem(("heartbeat",), Words(what, why, "choose a segment of the platform"))
        for name in dict.fromkeys(pair.gateways):
            host = region.host(name)
            if (
                host is not None
                and segment is not None
                and pair.heartbeat not in {interface.segment for interface in host.value.interfaces}
            ):
                what = f"{name} has no interface in {pair.heartbeat}"
                yield place.problem(("heartbeat",), Words(what, "the other would not hear it", "give it one there"))
        earlier = numbers.setdefault((pair.heartbeat, pair.virtual_router), place)
        if earlier is not place:
            what = f"{pair.virtual_router} is the number of {earlier.value.id} in {pair.heartbeat}"
            why = f"so it is in {whereabouts(earlier, ('virtual_router',))} and one would obey the other's word"
            yield place.problem(("virtual_router",), Words(what, why, "write another number, 1 to 255"))


def shared_addresses_fit(region: LocatedRegion) -> Iterator[Problem]:
    """Find shared addresses that their segment does not have, that are somebody's own, or that nobody would hold."""
    own: dict[IPv4Address, Placed[Interface]] = {}
    for host in region.hosts:
        for interface in host.each("interfaces", host.value.interfaces):
            own.setdefault(interface.value.address.ip, interface)
    held = {segment.id for segment, _ in _held(region)}
    for place in region.segments:
        address, network = place.value.gateway, place.value.network
        if address is None:
            continue
        if address not in network:
            words = Words(f"{address} is not in segment {place.value.id}", f"its network is {network}", "correct one")
        elif address in (network.network_address, network.broadcast_address):
            why = f"{network} keeps its first and last address to itself"
            words = Words(f"{address} cannot be a gateway's address", why, "choose one between them")
        elif address in own:
            why = f"it already stands in {whereabouts(own[address], ('address',))}"
            words = Words(f"the address {address} is taken", why, "choose one that no host has")
        elif place.value.id not in held and all(region.host(name) for name in _paired(region)):
            why = "no pair of gateways has both of its gateways in the segment"
            words = Words(f"nobody would hold {address}", why, "remove gateway, or add the pair to gateway_pairs")
        else:
            continue
        yield place.problem(("gateway",), words)


def segments_of_pairs_have_addresses(region: LocatedRegion) -> Iterator[Problem]:
    """Find segments that a pair stands in without an address to hold there, and those of two pairs."""
    places: dict[str, Placed[Segment]] = {place.value.id: place for place in reversed(region.segments)}
    pairs: dict[str, list[str]] = defaultdict(list)
    for segment, pair in _held(region):
        pairs[segment.id].append(pair.id)
        if len(pairs[segment.id]) > 1:
            what = f"segment {segment.id} has the gateways of {' and '.join(pairs[segment.id])}"
            yield places[segment.id].problem(("id",), Words(what, "one address is held by one pair", "keep one there"))
        elif segment.gateway is None:
            what = f"both gateways of {pair.id} stand in segment {segment.id}"
            why = "its hosts would answer by the first of them, even when that is dead"
            remedy = "run hosting network allocate, which finds an address for both"
            yield places[segment.id].problem(("id",), Words(what, why, remedy))


def tunnels_of_two_gateways_have_a_way_back(region: LocatedRegion) -> Iterator[Problem]:
    """Find tunnels that end on two gateways which are no pair: what comes by the second is answered by the first."""
    pairs = {frozenset(pair.value.gateways) for pair in region.gateway_pairs}
    for place in region.tunnels:
        hosts = frozenset(end.host for end in place.value.gateways)
        is_double = place.value.wireguard is None and len(hosts) == len(place.value.gateways) == MOST_GATEWAYS
        if is_double and hosts not in pairs and all(map(region.host, hosts)):
            what = f"{' and '.join(sorted(hosts))} are no pair"
            why = "hosts answer by the first of them, whichever the peer talks to"
            yield place.problem(("gateways",), Words(what, why, "add them to gateway_pairs, or keep one"))


def _held(region: LocatedRegion) -> Iterator[tuple[Segment, GatewayPair]]:
    return segments_of_pairs(
        [place.value for place in region.segments],
        [place.value for place in region.gateway_pairs],
        [place.value for place in region.hosts],
    )


def _paired(region: LocatedRegion) -> list[str]:
    return [name for place in region.gateway_pairs for name in place.value.gateways]
