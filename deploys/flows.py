"""Find what a region's flow matrix means for one host: which packets enter, leave and pass it.  Pure.

Everything that is looked up per host is indexed once per region, so that all hosts together cost one pass.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network
from typing import TypeAlias

from deploys.nftables import Rule, Transport
from inventory.ends import Directory, Place, ways
from inventory.models import Application, Host, HostRole, Region, Tier
from inventory.network import Interface, Segment, SegmentKind

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
    def passing(self) -> Rule:
        """Give the rule by which gateways let it pass."""
        return Rule(
            comment=self.comment,
            sources=self.source.networks,
            destinations=self.destination.networks,
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
    flows_from: Mapping[str, tuple[ResolvedFlow, ...]]
    exchanges: Mapping[str, tuple[Exchange, ...]]


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
        {segment: tuple(found) for segment, found in flows_from.items()},
        {host: tuple(_exchange(leg, flows_from, flows_to) for leg in legs) for host, legs in words.legs.items()},
    )


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


def incoming(places: Topology, host: Host) -> tuple[Rule, ...]:
    """Give a rule for each flow that ends at one of the host's own addresses."""
    return tuple(
        Rule(
            comment=flow.comment,
            incoming=own.leg.name,
            sources=flow.source.networks,
            destinations=(own.leg.alone,),
            transport=flow.transport,
            ports=flow.ports,
        )
        for own in places.exchanges[host.id]
        for flow in own.received
    )


def outgoing(places: Topology, host: Host) -> tuple[Rule, ...]:
    """Give a rule for each flow that begins at one of the host's own addresses."""
    return tuple(
        Rule(
            comment=flow.comment,
            outgoing=own.leg.name,
            sources=(own.leg.alone,),
            destinations=flow.destination.networks,
            transport=flow.transport,
            ports=flow.ports,
        )
        for own in places.exchanges[host.id]
        for flow in own.sent
    )


def through(places: Topology, gateway: Host) -> dict[tuple[str, str], tuple[Rule, ...]]:
    """Give the rules of each pair of the gateway's interfaces between whose segments flows pass."""
    legs = places.legs[gateway.id]
    exits: dict[str, list[Leg]] = defaultdict(list)
    for leg in legs:
        exits[leg.segment].append(leg)
    pairs: dict[tuple[str, str], list[Rule]] = defaultdict(list)
    for entry in legs:
        for flow in places.flows_from.get(entry.segment, ()):
            if flow.destination.segment != entry.segment:
                for way_out in exits.get(flow.destination.segment, ()):
                    pairs[entry.name, way_out.name].append(flow.passing)
    return {pair: tuple(rules) for pair, rules in pairs.items()}


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
    """Give a route to each segment that the host exchanges flows with and is not in, by the gateway of both."""
    found: set[Route] = set()
    for own in places.exchanges[host.id]:
        for remote in _remote_segments(own):
            gateway = _common_gateway(places, own.leg.segment, remote)
            if gateway is not None and gateway != own.leg.address:
                networks = places.segments[remote].networks
                found.update(Route(network, gateway, own.leg.name) for network in networks)
    return tuple(sorted(found))


def _remote_segments(own: Exchange) -> set[str]:
    remotes = {flow.destination.segment for flow in own.sent} | {flow.source.segment for flow in own.received}
    return remotes - {own.leg.segment}


def _common_gateway(places: Topology, here: str, there: str) -> IPv4Address | None:
    beyond = {gateway for gateway, _ in places.gateways.get(there, ())}
    return next((leg.address for gateway, leg in places.gateways.get(here, ()) if gateway in beyond), None)
