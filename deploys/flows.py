"""Find what a region's flow matrix means for one host: which packets enter, leave and pass it.  Pure.

Everything that is looked up per host is indexed once per region, so that all hosts together cost one pass.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from deploys.nftables import Rule, Transport
from inventory.models import Application, Flow, Host, HostRole, Interface, Protocol, Region, Segment, SegmentKind, Tier

_TIER = "tier:"


@dataclass(frozen=True)
class End:
    """One end of a flow: a segment, and which of its addresses take part."""

    segment: str
    networks: tuple[IPv4Network, ...]


@dataclass(frozen=True)
class ResolvedFlow:
    """A row of the flow matrix with its words looked up."""

    source: End
    destination: End
    transport: Transport
    ports: tuple[int, ...]
    comment: str


@dataclass(frozen=True)
class Placement:
    """A tier of an application that runs on a host."""

    application: Application
    tier: Tier


@dataclass(frozen=True)
class Topology:
    """A region, indexed for questions about one host."""

    hosts: Mapping[str, Host]
    segments: Mapping[str, Segment]
    placements: Mapping[str, tuple[Placement, ...]]
    gateways: Mapping[str, tuple[tuple[Host, Interface], ...]]
    flows_from: Mapping[str, tuple[ResolvedFlow, ...]]
    flows_to: Mapping[str, tuple[ResolvedFlow, ...]]


def topology(region: Region) -> Topology:
    """Index *region*; raise ``KeyError`` for a reference that does not resolve (the inventory's rules refuse those)."""
    words = _Words(
        {host.id: host for host in region.hosts},
        {segment.id: segment for segment in region.segments},
        {protocol.code: protocol for protocol in region.protocols},
    )
    placements: dict[str, list[Placement]] = defaultdict(list)
    flows_from: dict[str, list[ResolvedFlow]] = defaultdict(list)
    flows_to: dict[str, list[ResolvedFlow]] = defaultdict(list)
    for application in region.applications:
        for tier in application.tiers:
            for host in tier.hosts:
                placements[host].append(Placement(application, tier))
        for row, flow in enumerate(application.flows, start=1):
            found = _resolve(application, row, flow, words)
            flows_from[found.source.segment].append(found)
            flows_to[found.destination.segment].append(found)
    return Topology(
        words.hosts,
        words.segments,
        {host: tuple(found) for host, found in placements.items()},
        _gateways(region),
        {segment: tuple(found) for segment, found in flows_from.items()},
        {segment: tuple(found) for segment, found in flows_to.items()},
    )


def _gateways(region: Region) -> dict[str, tuple[tuple[Host, Interface], ...]]:
    found: dict[str, list[tuple[Host, Interface]]] = defaultdict(list)
    for host in region.hosts:
        if host.role is HostRole.GATEWAY:
            for interface in host.interfaces:
                found[interface.segment].append((host, interface))
    return {segment: tuple(gateways) for segment, gateways in found.items()}


@dataclass(frozen=True)
class _Words:
    """What the words of a flow refer to."""

    hosts: Mapping[str, Host]
    segments: Mapping[str, Segment]
    protocols: Mapping[str, Protocol]


def _resolve(application: Application, row: int, flow: Flow, words: _Words) -> ResolvedFlow:
    protocol = words.protocols[flow.protocol]
    return ResolvedFlow(
        _end(application, flow.source, words),
        _end(application, flow.destination, words),
        Transport(protocol.transport),
        tuple(protocol.ports),
        f"{application.id} flow {row} {flow.protocol}",
    )


def _end(application: Application, end: str, words: _Words) -> End:
    if not end.startswith(_TIER):
        return End(end, (words.segments[end].network,))
    tier = {tier.id: tier for tier in application.tiers}[end.removeprefix(_TIER)]
    addresses = [
        IPv4Network(interface.address.ip)
        for host in tier.hosts
        for interface in words.hosts[host].interfaces
        if interface.segment == tier.segment
    ]
    return End(tier.segment, tuple(addresses))


def incoming(places: Topology, host: Host) -> tuple[Rule, ...]:
    """Give a rule for each flow that ends at one of the host's own addresses."""
    return tuple(
        Rule(
            comment=flow.comment,
            incoming=interface.name,
            sources=flow.source.networks,
            destinations=(IPv4Network(interface.address.ip),),
            transport=flow.transport,
            ports=flow.ports,
        )
        for interface in host.interfaces
        for flow in places.flows_to.get(interface.segment, ())
        if _takes_part(interface, flow.destination)
    )


def outgoing(places: Topology, host: Host) -> tuple[Rule, ...]:
    """Give a rule for each flow that begins at one of the host's own addresses."""
    return tuple(
        Rule(
            comment=flow.comment,
            outgoing=interface.name,
            sources=(IPv4Network(interface.address.ip),),
            destinations=flow.destination.networks,
            transport=flow.transport,
            ports=flow.ports,
        )
        for interface in host.interfaces
        for flow in places.flows_from.get(interface.segment, ())
        if _takes_part(interface, flow.source)
    )


def through(places: Topology, gateway: Host) -> dict[tuple[str, str], tuple[Rule, ...]]:
    """Give the rules of each pair of the gateway's interfaces between whose segments flows pass."""
    pairs: dict[tuple[str, str], tuple[Rule, ...]] = {}
    for entry in gateway.interfaces:
        for exit_ in gateway.interfaces:
            rules = tuple(
                _passing(flow)
                for flow in places.flows_from.get(entry.segment, ())
                if flow.destination.segment == exit_.segment != entry.segment
            )
            if rules:
                pairs[entry.name, exit_.name] = rules
    return pairs


def _passing(flow: ResolvedFlow) -> Rule:
    return Rule(
        comment=flow.comment,
        sources=flow.source.networks,
        destinations=flow.destination.networks,
        transport=flow.transport,
        ports=flow.ports,
    )


def _takes_part(interface: Interface, end: End) -> bool:
    return any(interface.address.ip in network for network in end.networks)


def time_sources(places: Topology, host: Host) -> tuple[Interface, ...]:
    """Give the gateways' interfaces in the host's segments: its reference where no time server is named."""
    return tuple(
        interface
        for own in host.interfaces
        for gateway, interface in places.gateways.get(own.segment, ())
        if gateway.id != host.id
    )


def time_clients(places: Topology, gateway: Host) -> tuple[Interface, ...]:
    """Give the gateway's interfaces behind which hosts of ours take the time from it; tunnels are not ours."""
    return tuple(
        interface
        for interface in gateway.interfaces
        if places.segments[interface.segment].kind is not SegmentKind.TUNNEL
    )


@dataclass(frozen=True, order=True)
class Route:
    """How a host reaches a network behind a gateway."""

    network: IPv4Network
    gateway: IPv4Address
    interface: str


def routes(places: Topology, host: Host) -> tuple[Route, ...]:
    """Give a route to each segment that the host exchanges flows with and is not in, by the gateway of both."""
    found: set[Route] = set()
    for interface in host.interfaces:
        for remote in _remote_segments(places, interface):
            gateway = _common_gateway(places, interface.segment, remote)
            if gateway is not None and gateway != interface.address.ip:
                found.add(Route(places.segments[remote].network, gateway, interface.name))
    return tuple(sorted(found))


def _remote_segments(places: Topology, interface: Interface) -> set[str]:
    sent = (flow for flow in places.flows_from.get(interface.segment, ()) if _takes_part(interface, flow.source))
    received = (flow for flow in places.flows_to.get(interface.segment, ()) if _takes_part(interface, flow.destination))
    remotes = {flow.destination.segment for flow in sent} | {flow.source.segment for flow in received}
    return remotes - {interface.segment}


def _common_gateway(places: Topology, here: str, there: str) -> IPv4Address | None:
    beyond = {gateway.id for gateway, _ in places.gateways.get(there, ())}
    return next(
        (interface.address.ip for gateway, interface in places.gateways.get(here, ()) if gateway.id in beyond), None
    )
