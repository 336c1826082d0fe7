"""What a region needs addresses for and has none yet: tiers, tunnels, zones of the platform, NAT pools, VLANs.  Pure.

It works on a region that is not whole: whoever writes the manifest of an application names its segment before there
is one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network

from inventory.address_plan import NoRoomError, Numbers, Room, colliding_ranges
from inventory.located import LocatedRegion
from inventory.models import Application, Tier
from inventory.network import PlatformPurpose, RangePurpose, Segment, SegmentKind
from inventory.pairs import segments_of_pairs


class UnplacedError(Exception):
    """Nothing says at which site something would be."""


@dataclass(frozen=True)
class Allocated:
    """A segment that is new, and whom it is for."""

    segment: Segment
    reason: str


@dataclass(frozen=True)
class Pool:
    """A NAT pool that is new, and the tunnel that gets it."""

    segment: str
    site: str
    network: IPv4Network
    ranges: tuple[IPv4Network, ...]


@dataclass(frozen=True)
class Tag:
    """The number of a VLAN that is new, and the segment that gets it."""

    segment: str
    site: str
    vlan: int


@dataclass(frozen=True)
class Shared:
    """The address that a pair of gateways is to hold in a segment that has none yet."""

    segment: str
    site: str
    address: IPv4Address


@dataclass(frozen=True)
class Allocation:
    """What is to be written into the address plan."""

    segments: tuple[Allocated, ...]
    pools: tuple[Pool, ...]
    tags: tuple[Tag, ...] = ()
    shared: tuple[Shared, ...] = ()


def allocation(region: LocatedRegion, site: str | None = None) -> Allocation:
    """Allocate whatever *region* needs and has not.

    *site* is where tiers go whose hosts are in no file yet.  Raise ``UnplacedError`` where that is needed and not
    given, and ``NoRoomError`` when addresses run out.
    """
    if region.network is None:
        raise ValueError("a region without an address plan has nothing to allocate from")
    room, numbers = Room.of(region.network.value), Numbers.of(region.network.value)
    # Those that are there come first, as their networks did.
    tags = tuple(_tags(region.network.value.segments, numbers))
    wanted = sorted(_wanted(region, site), key=_order)
    segments = tuple(replace(item, segment=_with_network(item.segment, room, numbers)) for item in wanted)
    return Allocation(segments, tuple(_pools(region, room)), tags, tuple(_shared(region)))


_ORDER = (SegmentKind.PLATFORM, SegmentKind.TIER, SegmentKind.TUNNEL)
_NOWHERE = IPv4Network("0.0.0.0/32")


def _order(item: Allocated) -> tuple[str, int, str]:
    return item.segment.site, _ORDER.index(item.segment.kind), item.segment.id


def _with_network(segment: Segment, room: Room, numbers: Numbers) -> Segment:
    found: dict[str, object] = {"network": room.allocate(segment.site, RangePurpose(segment.kind))}
    if _is_on_switches(segment):
        found["vlan"] = numbers.allocate(segment.site)
    return segment.model_copy(update=found)


def _is_on_switches(segment: Segment) -> bool:
    """Tell whether frames of a segment are on a switch: what comes out of a tunnel is not."""
    return segment.kind is not SegmentKind.TUNNEL


def _tags(segments: Iterable[Segment], numbers: Numbers) -> Iterator[Tag]:
    for segment in segments:
        if segment.vlan is None and _is_on_switches(segment):
            yield Tag(segment.id, segment.site, numbers.allocate(segment.site))


def _shared(region: LocatedRegion) -> Iterator[Shared]:
    """Give each segment in which a pair stands the last address that nobody has."""
    hosts = [host.value for host in region.hosts]
    taken = {interface.address.ip for host in hosts for interface in host.interfaces}
    segments, pairs = (place.value for place in region.segments), [place.value for place in region.gateway_pairs]
    for segment, pair in segments_of_pairs(segments, pairs, hosts):
        if segment.gateway is None:
            free = (address for address in reversed(list(segment.network.hosts())) if address not in taken)
            address = next(free, None)
            if address is None:
                raise NoRoomError(f"segment {segment.id} has no address left for the gateways {pair.id}")
            yield Shared(segment.id, segment.site, address)


def _wanted(region: LocatedRegion, site: str | None) -> Iterator[Allocated]:
    tiers = list(_tiers(region, site))
    yield from tiers
    tunnels = list(_tunnels(region, site))
    yield from tunnels
    new = [item.segment for item in (*tiers, *tunnels)]
    yield from _platform(region, [*new, *(place.value for place in region.segments)])


def _tiers(region: LocatedRegion, site: str | None) -> Iterator[Allocated]:
    seen = {segment.value.id for segment in region.segments}
    for place in region.applications:
        for tier in place.value.tiers:
            if tier.segment not in seen:
                seen.add(tier.segment)
                where = _site_of(region, place.value, tier, site)
                reason = f"Tier {tier.id} of {place.value.id}."
                yield Allocated(Segment(id=tier.segment, site=where, kind=SegmentKind.TIER, network=_NOWHERE), reason)


def _tunnels(region: LocatedRegion, site: str | None) -> Iterator[Allocated]:
    seen = set(region.directory.tunnels)
    for place in region.applications:
        for finess in place.value.establishments:
            owners = region.owners.get(finess, [])
            if finess in seen or not owners:
                continue
            seen.add(finess)
            tier = place.value.tiers[0]
            known = region.segment(tier.segment)
            where = known.value.site if known else _site_of(region, place.value, tier, site)
            name = next(item.name for item in owners[0].establishments if item.finess == finess)
            segment = Segment(
                id=f"tunnel-{finess.lower()}",
                site=where,
                kind=SegmentKind.TUNNEL,
                network=_NOWHERE,
                establishment=finess,
            )
            yield Allocated(segment, f"The tunnel of {name}.")


def _site_of(region: LocatedRegion, application: Application, tier: Tier, site: str | None) -> str:
    for name in tier.hosts:
        host = region.host(name)
        if host is not None:
            return host.value.site
    if site is not None:
        return site
    sites = {item.value.site for item in region.supernets}
    if len(sites) == 1:
        return sites.pop()
    raise UnplacedError(f"tier {tier.id} of {application.id}")


def _platform(region: LocatedRegion, segments: list[Segment]) -> Iterator[Allocated]:
    """Give the zones of the platform that sites lack where it has hosts, or somebody's segments."""
    present = {(segment.site, segment.purpose) for segment in segments}
    for site in sorted({*(host.value.site for host in region.hosts), *(segment.site for segment in segments)}):
        for purpose in PlatformPurpose:
            if (site, purpose) not in present:
                segment = Segment(
                    id=f"{site}-{purpose}", site=site, kind=SegmentKind.PLATFORM, network=_NOWHERE, purpose=purpose
                )
                yield Allocated(segment, f"The platform's {purpose} at {site}.")


def _pools(region: LocatedRegion, room: Room) -> Iterator[Pool]:
    if region.network is None:
        return
    segments = region.network.value.segments
    collisions = colliding_ranges(region.network.value.address_space, segments)
    for number in sorted({item.segment for item in collisions}):
        segment = segments[number]
        wanted = sum(network.num_addresses for network in segment.internal_ranges)
        network = room.allocate(segment.site, RangePurpose.NAT, 32 - (wanted - 1).bit_length())
        yield Pool(segment.id, segment.site, network, segment.internal_ranges)
