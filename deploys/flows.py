"""Find what a region's flow matrix means for one host: which packets enter, leave and pass it.  Pure.

Everything that is looked up per host is indexed once per region, so that all hosts together cost one pass.
"""

from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network
from typing import TypeAlias

from deploys.elements import Row, Transport
from deploys.nftables import Zone
from inventory.ends import Directory, Place, ways
from inventory.models import Application, Host, HostRole, Region, Tier
from inventory.network import GatewayPair, Interface, Segment, SegmentKind
from inventory.pairs import segments_of_pairs
from inventory.tunnels import Tunnel

_Flows: TypeAlias = "Mapping[str, Sequence[ResolvedFlow]]"


@dataclass(frozen=True)
class End:
    """One end of a flow: a segment, and which of its addresses take part."""

    segment: str
    networks: tuple[IPv4Network, ...]


@dataclass(frozen=True)
class ResolvedFlow:
    """One way that a row of the flow matrix opens, with its words looked up; one row may open many."""

    source: End
    destination: End
    transport: Transport
    ports: tuple[int, ...]
    application: str
    row: int
    code: str

    @property
    def comment(self) -> str:
        """Name the row, as rules and counters do."""
        return f"{self.application} flow {self.row} {self.code}"

    @cached_property
    def passing(self) -> Row:
        """Give the row by which gateways let it pass; made once, though several may."""
        return self.between(self.source.networks, self.destination.networks)

    def between(self, sources: tuple[IPv4Network, ...], destinations: tuple[IPv4Network, ...]) -> Row:
        """Give the row between some of its addresses."""
        return Row(
            comment=self.comment,
            sources=sources,
            destinations=destinations,
            transport=self.transport,
            ports=self.ports,
        )


@dataclass(frozen=True)
class Leg:
    """An interface of a host, with what is asked of it for every flow."""

    name: str
    segment: str
    address: IPv4Address
    alone: IPv4Network
    network: IPv4Network


@dataclass(frozen=True)
class Exchange:
    """The flows that begin and that end at one interface's own address."""

    leg: Leg
    sent: tuple[ResolvedFlow, ...]
    received: tuple[ResolvedFlow, ...]


@dataclass(frozen=True)
class Placement:
    """A tier of an application that runs on a host."""

    application: Application
    tier: Tier


@dataclass(frozen=True)
class Topology:
    """A region, indexed for questions about one host."""

    hosts: Mapping[str, Host]
    legs: Mapping[str, tuple[Leg, ...]]
    segments: Mapping[str, Segment]
    placements: Mapping[str, tuple[Placement, ...]]
    gateways: Mapping[str, tuple[tuple[str, Leg], ...]]
    flows_to: Mapping[str, tuple[ResolvedFlow, ...]]
    exchanges: Mapping[str, tuple[Exchange, ...]]
    tunnels: Mapping[str, tuple[Tunnel, ...]]
    pairs: Mapping[str, GatewayPair]
    """The pair that each gateway is one of, if it is of any."""
    held: Mapping[str, GatewayPair]
    """The pair that holds the shared address of a segment."""


def topology(region: Region) -> Topology:
    """Index *region*; raise ``KeyError`` for a reference that does not resolve (the inventory's rules refuse those)."""
    words = _words(region)
    placements: dict[str, list[Placement]] = defaultdict(list)
    flows_from: dict[str, list[ResolvedFlow]] = defaultdict(list)
    flows_to: dict[str, list[ResolvedFlow]] = defaultdict(list)
    for application in region.applications:
        for tier in application.tiers:
            for host in tier.hosts:
                placements[host].append(Placement(application, tier))
        for found in _resolve(application, words):
            flows_from[found.source.segment].append(found)
            flows_to[found.destination.segment].append(found)
    return Topology(
        {host.id: host for host in region.hosts},
        words.legs,
        words.segments,
        {host: tuple(found) for host, found in placements.items()},
        _gateways(region, words.legs),
        {segment: tuple(found) for segment, found in flows_to.items()},
        {host: tuple(_exchange(leg, flows_from, flows_to) for leg in legs) for host, legs in words.legs.items()},
        _tunnels(region),
        {gateway: pair for pair in region.gateway_pairs for gateway in pair.gateways},
        {segment.id: pair for segment, pair in segments_of_pairs(region.segments, region.gateway_pairs, region.hosts)},
    )


def _tunnels(region: Region) -> dict[str, tuple[Tunnel, ...]]:
    """Give the tunnels that each gateway ends."""
    found: dict[str, list[Tunnel]] = defaultdict(list)
    for tunnel in region.tunnels:
        for end in tunnel.gateways:
            found[end.host].append(tunnel)
    return {host: tuple(tunnels) for host, tunnels in found.items()}


def _leg(interface: Interface) -> Leg:
    address = interface.address.ip
    return Leg(interface.name, interface.segment, address, IPv4Network(address), interface.address.network)


def _exchange(leg: Leg, flows_from: _Flows, flows_to: _Flows) -> Exchange:
    return Exchange(
        leg,
        tuple(flow for flow in flows_from.get(leg.segment, ()) if _takes_part(leg, flow.source)),
        tuple(flow for flow in flows_to.get(leg.segment, ()) if _takes_part(leg, flow.destination)),
    )


def _takes_part(leg: Leg, end: End) -> bool:
    return any(leg.address in network for network in end.networks)


def _gateways(region: Region, legs: Mapping[str, tuple[Leg, ...]]) -> dict[str, tuple[tuple[str, Leg], ...]]:
    found: dict[str, list[tuple[str, Leg]]] = defaultdict(list)
    for host in region.hosts:
        if host.role is HostRole.GATEWAY:
            for leg in legs[host.id]:
                found[leg.segment].append((host.id, leg))
    return {segment: tuple(gateways) for segment, gateways in found.items()}


@dataclass(frozen=True)
class _Words:
    """What the words of a flow refer to."""

    legs: Mapping[str, tuple[Leg, ...]]
    segments: Mapping[str, Segment]
    tiers: Mapping[tuple[str, str], Tier]
    services: Mapping[str, tuple[Transport, tuple[int, ...]]]
    directory: Directory
    found: dict[Place, End]

    def end(self, place: Place) -> End:
        """Give the addresses of a place: the hosts of a tier, or all by which a segment is seen."""
        if place not in self.found:
            self.found[place] = End(place.segment, self._networks(place))
        return self.found[place]

    def _networks(self, place: Place) -> tuple[IPv4Network, ...]:
        if place.application is None or place.tier is None:
            return self.segments[place.segment].networks
        hosts = self.tiers[place.application, place.tier].hosts
        return tuple(leg.alone for host in hosts for leg in self.legs[host] if leg.segment == place.segment)


def _words(region: Region) -> _Words:
    return _Words(
        {host.id: tuple(map(_leg, host.interfaces)) for host in region.hosts},
        {segment.id: segment for segment in region.segments},
        {(application.id, tier.id): tier for application in region.applications for tier in application.tiers},
        {protocol.code: (Transport(protocol.transport), protocol.numbers) for protocol in region.protocols},
        Directory.of(region),
        {},
    )


def _resolve(application: Application, words: _Words) -> Iterator[ResolvedFlow]:
    for row, flow in enumerate(application.flows, start=1):
        service = words.services[flow.protocol]
        for way in ways(words.directory, application.id, flow):
            yield ResolvedFlow(
                words.end(way.source), words.end(way.destination), *service, application.id, row, flow.protocol
            )


def received(places: Topology, host: Host) -> tuple[Row, ...]:
    """Give a row for each flow that ends at one of the host's own addresses."""
    return tuple(
        flow.between(flow.source.networks, (own.leg.alone,))
        for own in places.exchanges[host.id]
        for flow in own.received
    )


def sent(places: Topology, host: Host) -> tuple[Row, ...]:
    """Give a row for each flow that begins at one of the host's own addresses."""
    return tuple(
        flow.between((own.leg.alone,), flow.destination.networks)
        for own in places.exchanges[host.id]
        for flow in own.sent
    )


def zones(places: Topology, gateway: Host) -> tuple[Zone, ...]:
    """Give the segments of the gateway that flows lead to from others of its segments, with these flows."""
    ways_out: dict[str, list[str]] = defaultdict(list)
    for leg in places.legs[gateway.id]:
        ways_out[leg.segment].append(leg.name)
    found = (
        Zone(name=segment, interfaces=tuple(interfaces), rows=_passing(places, segment, ways_out.keys()))
        for segment, interfaces in ways_out.items()
    )
    return tuple(zone for zone in found if zone.rows)


def _passing(places: Topology, segment: str, origins: Container[str]) -> tuple[Row, ...]:
    return tuple(
        flow.passing
        for flow in places.flows_to.get(segment, ())
        if flow.source.segment != segment and flow.source.segment in origins
    )


def behind(places: Topology, host: Host) -> dict[str, tuple[IPv4Network, ...]]:
    """Give the networks that each interface of the host leads to: its segment, and those of its flows' other ends.

    Of a tunnel's segment, the networks behind it are part.  A gateway has a leg in every segment that it forwards to; a
    host reaches others by the gateway of its segment.
    """
    if host.role is HostRole.GATEWAY:
        return {leg.name: places.segments[leg.segment].networks for leg in places.legs[host.id]}
    return {
        own.leg.name: tuple(
            network
            for segment in [own.leg.segment, *_remote_segments(own)]
            for network in places.segments[segment].networks
        )
        for own in places.exchanges[host.id]
    }


def applications(places: Topology, segment: str) -> frozenset[str]:
    """Name the applications with a tier in *segment*, or with flows to or from it."""
    tiers = {
        placement.application.id
        for placements in places.placements.values()
        for placement in placements
        if placement.tier.segment == segment
    }
    ends = {
        flow.application
        for found in places.flows_to.values()
        for flow in found
        if segment in {flow.source.segment, flow.destination.segment}
    }
    return frozenset(tiers | ends)


def concerned(places: Topology, segment: str) -> tuple[str, ...]:
    """Name the hosts that may exchange packets with *segment*: those in it, and those with flows to or from it.

    The gateways that these flows pass are in it themselves.
    """
    return tuple(
        host
        for host, exchanges in places.exchanges.items()
        if any(segment == own.leg.segment or segment in _remote_segments(own) for own in exchanges)
    )


def time_sources(places: Topology, host: Host) -> tuple[Leg, ...]:
    """Give the gateways' legs in the host's segments: its reference where no time server is named."""
    return tuple(
        leg
        for own in places.legs[host.id]
        for gateway, leg in places.gateways.get(own.segment, ())
        if gateway != host.id
    )


def time_clients(places: Topology, gateway: Host) -> tuple[Leg, ...]:
    """Give the gateway's legs behind which hosts of ours take the time from it; tunnels are not ours."""
    return tuple(leg for leg in places.legs[gateway.id] if places.segments[leg.segment].kind is not SegmentKind.TUNNEL)


@dataclass(frozen=True, order=True)
class Route:
    """How a host reaches a network behind a gateway."""

    network: IPv4Network
    gateway: IPv4Address
    interface: str


def routes(places: Topology, host: Host) -> tuple[Route, ...]:
    """Give a route to each segment that the host exchanges flows with and is not in, by the gateway of both.

    A gateway is in every segment that it leads to, and needs none.
    """
    found: set[Route] = set()
    if host.role is HostRole.GATEWAY:
        return ()
    for own in places.exchanges[host.id]:
        for remote in _remote_segments(own):
            gateway = _common_gateway(places, own.leg.segment, remote)
            if gateway is not None:
                networks = places.segments[remote].networks
                found.update(Route(network, gateway, own.leg.name) for network in networks)
    return tuple(sorted(found))


def _remote_segments(own: Exchange) -> list[str]:
    remotes = {flow.destination.segment for flow in own.sent} | {flow.source.segment for flow in own.received}
    return sorted(remotes - {own.leg.segment})


def _common_gateway(places: Topology, here: str, there: str) -> IPv4Address | None:
    beyond = {gateway for gateway, _ in places.gateways.get(there, ())}
    common = ((gateway, leg) for gateway, leg in places.gateways.get(here, ()) if gateway in beyond)
    return next((next_hop(places, gateway, leg, there) for gateway, leg in common), None)


def next_hop(places: Topology, gateway: str, leg: Leg, there: str) -> IPv4Address:
    """Give the address by which hosts in the segment of *leg* reach *there* over *gateway*.

    That is the shared one if both gateways of a pair lead there, so that whoever holds it forwards.  Where one alone
    does, nobody could take its place.
    """
    pair, shared = places.held.get(leg.segment), places.segments[leg.segment].gateway
    if pair is None or shared is None or gateway not in pair.gateways:
        return leg.address
    beyond = {name for name, _ in places.gateways.get(there, ())}
    return shared if beyond >= set(pair.gateways) else leg.address
