"""What addresses are allocated from, what came out of it, and how establishments' own addresses are told apart."""

from collections.abc import Iterator
from ipaddress import IPv4Network

from inventory.address_plan import colliding_ranges
from inventory.located import LocatedRegion, Placed
from inventory.network import RangePurpose, Segment, SegmentKind, Supernet
from inventory.problems import Problem, Words
from inventory.rules.addresses import overlapping
from inventory.rules.uniqueness import whereabouts


def supernets_are_inside_and_disjoint(region: LocatedRegion) -> Iterator[Problem]:
    """Find supernets outside the address space, over one another, or smaller than the networks they are for."""
    if region.network is None:
        return
    space = region.network.value.address_space
    for place in region.supernets:
        network, length = place.value.network, place.value.prefix_length
        if not any(network.subnet_of(part) for part in space):
            why = f"the region has only {', '.join(map(str, space))}"
            words = Words(f"{network} is outside the address space", why, "choose a network inside, or widen the space")
            yield place.problem(("network",), words)
        if length < network.prefixlen:
            words = Words(f"no network of /{length} fits into {network}", "it is too small", "write a longer prefix")
            yield place.problem(("prefix_length" if length != _USUAL_LENGTH else "network",), words)
    places = region.supernets
    for later, earlier in overlapping((place.value.network, number) for number, place in enumerate(places)):
        what = f"{places[later].value.network} overlaps {places[earlier].value.network} of {places[earlier].value.site}"
        words = Words(what, "addresses are set apart once", "give one of them another network")
        yield places[later].problem(("network",), words)


_USUAL_LENGTH = Supernet.model_fields["prefix_length"].default


def networks_come_from_their_sites_supernets(region: LocatedRegion) -> Iterator[Problem]:
    """Find networks that are not where their site has networks of their purpose, once any site says where."""
    if not region.supernets:
        return
    for place in region.segments:
        segment = place.value
        yield from _check_origin(region, place, "network", segment.network, RangePurpose(segment.kind))
        if segment.nat_pool is not None:
            yield from _check_origin(region, place, "nat_pool", segment.nat_pool, RangePurpose.NAT)


def _check_origin(
    region: LocatedRegion, place: Placed[Segment], key: str, network: IPv4Network, purpose: RangePurpose
) -> Iterator[Problem]:
    site = place.value.site
    ranges = [item.value.network for item in region.supernets if item.value.site == site and item.value.serves(purpose)]
    is_ours = any(network.subnet_of(part) for part in region.network.value.address_space) if region.network else False
    if not is_ours and key == "network":
        return  # told already
    if not any(network.subnet_of(part) for part in ranges):
        what = f"{network} is not among what {site} has for {purpose.plural}"
        why = f"that is {', '.join(map(str, ranges))}" if ranges else "it has no supernet for them"
        yield place.problem((key,), Words(what, why, "choose a network there, or add a supernet"))


def nothing_is_allocated_twice(region: LocatedRegion) -> Iterator[Problem]:
    """Find NAT pools over other networks, and networks that somebody had before: never given to anybody again."""
    if region.network is None:
        return
    retired = list(region.network.each("retired", region.network.value.retired))
    pools = [place for place in region.segments if place.value.nat_pool is not None]
    allocated = [
        *((place, "network", place.value.network, f"of {place.value.id}") for place in region.segments),
        *((place, "nat_pool", place.value.nat_pool, f"of the pool of {place.value.id}") for place in pools),
        *((place, "network", place.value.network, _had(place.value.id, str(place.value.since))) for place in retired),
    ]
    first_pool, first_retired = len(region.segments), len(allocated) - len(retired)
    for later, earlier in overlapping((item[2], number) for number, item in enumerate(allocated) if item[2]):
        if later < first_pool:
            continue  # two segments: a matter of `addresses`
        is_retired = later >= first_retired
        told, other = (earlier, later) if is_retired and earlier < first_retired else (later, earlier)
        place, key, network, _ = allocated[told]
        what = f"{network} overlaps {allocated[other][2]} {allocated[other][3]}"
        why = "addresses that were somebody's are never given to anybody else" if is_retired else "a pool is nobody's"
        yield place.problem((key,), Words(what, why, "remove it and run hosting network allocate, which finds another"))


def _had(identifier: str, since: str) -> str:
    return f"that {identifier} had until {since}"


def only_tunnels_lead_to_others(region: LocatedRegion) -> Iterator[Problem]:
    """Find segments of ours that are said to have somebody's addresses behind them."""
    for place in region.segments:
        if place.value.kind is SegmentKind.TUNNEL:
            continue
        for key in ("internal_ranges", "nat_pool"):
            if getattr(place.value, key):
                what = f"a segment of kind {place.value.kind} has {key}"
                words = Words(what, "only behind a tunnel are addresses that are not ours", f"remove {key}")
                yield place.problem((key,), words, at_key=True)


def purposes_are_the_platforms(region: LocatedRegion) -> Iterator[Problem]:
    """Find segments with a purpose of the platform that are not its own."""
    for place in region.segments:
        if place.value.purpose is not None and place.value.kind is not SegmentKind.PLATFORM:
            what = f"a segment of kind {place.value.kind} has the purpose {place.value.purpose}"
            words = Words(what, "only segments of the platform have one", "remove purpose, or write kind: platform")
            yield place.problem(("purpose",), words, at_key=True)


def internal_ranges_are_not_everything(region: LocatedRegion) -> Iterator[Problem]:
    """Find ranges behind a tunnel that are wider than the region itself: a flow from there would be one from any."""
    if region.network is None:
        return
    widest = max(part.num_addresses for part in region.network.value.address_space)
    for place in region.segments:
        for number, network in enumerate(place.value.internal_ranges):
            if network.num_addresses > widest:
                what = f"{network} has more addresses than the region"
                why = "a flow from there would be a flow from anywhere"
                yield place.problem(("internal_ranges", number), Words(what, why, "write the ranges that take part"))


def colliding_ranges_are_translated(region: LocatedRegion) -> Iterator[Problem]:
    """Find establishments' own ranges that are also the region's or another establishment's, without a NAT pool."""
    if region.network is None:
        return
    for collision in colliding_ranges(region.network.value.address_space, [place.value for place in region.segments]):
        place, network = region.segments[collision.segment], collision.network
        if collision.other is None:
            what = f"{network} is in the region's address space"
            why = "an address has one owner"
        else:
            other = region.segments[collision.other]
            steps = ("internal_ranges", collision.other_number)
            what = f"{network} is also behind {other.value.id} ({whereabouts(other, steps)})"
            why = "two establishments with one address cannot be told apart"
        remedy = f"give {place.value.id} a nat_pool: run hosting network allocate, which finds one"
        yield place.problem(("internal_ranges", collision.number), Words(what, why, remedy))
