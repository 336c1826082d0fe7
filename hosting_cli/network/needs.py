"""Say what the platform itself needs to pass at a host, whatever is hosted there.  Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from urllib.parse import urlsplit

from deploys.desired_network import NODE_EXPORTER_PORT, NTP_PORT, PACKAGE_PORTS
from deploys.flows import time_clients, time_sources
from deploys.nftables import SSH_PORT
from deploys.pairs import role_of
from deploys.tunnels import outside
from hosting_cli.network.packets import ICMP, ICMPV6, LOOPBACK, TCP, UDP, VRRP, Family, Pattern, State, spans_of
from hosting_cli.network.permits import FOLLOWED, Permit, Position
from hosting_cli.network.spaces import Span, without

HEARTBEAT = "heartbeat of a pair of gateways"

ICMP_PROBLEMS = (3, 11, 12)
"""Destination unreachable, time exceeded, parameter problem."""
ICMP_ECHO_REQUEST = 8
ICMPV6_NEEDED = (1, 2, 3, 4, 135, 136)
"""What neighbour discovery needs of IPv6, and the problems that it reports; no router is listened to."""

_NOT_INVALID = tuple(state for state in State if state is not State.INVALID)


def incoming(position: Position) -> Iterator[Permit]:
    """Give what every host lets in."""
    yield from _always(Pattern(incoming=(LOOPBACK,)))
    sources = spans_of(position.environment.administration_sources)
    for what, port in (("administration", SSH_PORT), ("node exporter", NODE_EXPORTER_PORT)):
        allowed = replace(_new(TCP), sources=sources)
        promised = replace(
            allowed,
            incoming=position.managed_by,
            sources=without(sources, position.own),
            destinations=position.own_spans,
        )
        yield Permit(what, allowed, promised, (port,))
    if position.is_gateway and not position.environment.time_servers:
        for leg in time_clients(position.places, position.host):
            network = spans_of([leg.network])
            allowed = replace(_new(UDP), incoming=(leg.name,), sources=network, destinations=spans_of([leg.alone]))
            yield Permit("time", allowed, replace(allowed, sources=without(network, position.own)), (NTP_PORT,))
    if role := role_of(position.places, position.host.id):
        heard = replace(
            _new(VRRP),
            incoming=(role.own.name,),
            sources=spans_of([role.other.alone]),
            destinations=spans_of([role.own.alone]),
        )
        yield Permit(HEARTBEAT, heard, heard)
    for each in outside(position.places, position.host.id):
        allowed = replace(_new(UDP), sources=spans_of(each.theirs), destinations=spans_of(each.ours))
        promised = replace(allowed, incoming=position.outer, sources=without(spans_of(each.theirs), position.own))
        yield Permit(f"tunnel {each.tunnel}", allowed, promised, each.ports)


def outgoing(position: Position) -> Iterator[Permit]:
    """Give what every host lets out."""
    yield from _always(Pattern(outgoing=(LOOPBACK,)))
    access, environment = position.environment.hosts[position.host.id], position.environment
    yield _engine(position, "vault", access.vault_address)
    for address in dict.fromkeys(access.object_stores.values()):
        yield _engine(position, "object store", address)
    gateways = tuple(leg.address for leg in time_sources(position.places, position.host))
    if servers := environment.time_servers or gateways:
        yield _use(position, "time", [IPv4Network(server) for server in servers], UDP, (NTP_PORT,))
    if environment.package_sources:
        yield _use(position, "packages", environment.package_sources, TCP, PACKAGE_PORTS)
    if role := role_of(position.places, position.host.id):
        said = replace(
            _new(VRRP),
            outgoing=(role.own.name,),
            sources=spans_of([role.own.alone]),
            destinations=spans_of([role.other.alone]),
        )
        yield Permit(HEARTBEAT, said, said)
    for each in outside(position.places, position.host.id):
        allowed = replace(_new(UDP), sources=spans_of(each.ours), destinations=spans_of(each.theirs))
        yield Permit(f"tunnel {each.tunnel}", allowed, replace(allowed, outgoing=position.interfaces), each.ports)


def _always(loopback: Pattern) -> Iterator[Permit]:
    tracked = replace(loopback, states=(State.NEW, *FOLLOWED), family=Family.IPV4)
    yield Permit("the host's talk with itself", loopback, tracked)
    icmp = Pattern(
        states=_NOT_INVALID, family=Family.IPV4, protocols=(ICMP,), heads=_types(*ICMP_PROBLEMS, ICMP_ECHO_REQUEST)
    )
    yield Permit("problems and echoes of IPv4", icmp)
    icmpv6 = Pattern(states=_NOT_INVALID, family=Family.IPV6, protocols=(ICMPV6,), heads=_types(*ICMPV6_NEEDED))
    yield Permit("neighbour discovery and problems of IPv6", icmpv6)


def _types(*kinds: int) -> tuple[Span, ...]:
    return tuple((kind << 8, kind << 8 | 255) for kind in kinds)


def _engine(position: Position, what: str, url: str) -> Permit:
    parts = urlsplit(url)
    network = IPv4Network(IPv4Address(parts.hostname or ""))
    return _use(position, what, [network], TCP, (parts.port or 443,))


def _use(
    position: Position, what: str, networks: Iterable[IPv4Network], protocol: int, ports: tuple[int, ...]
) -> Permit:
    allowed = replace(_new(protocol), destinations=spans_of(networks))
    promised = replace(
        allowed,
        outgoing=position.interfaces,
        sources=position.own_spans,
        destinations=without(spans_of(networks), position.own),
    )
    return Permit(what, allowed, promised, ports)


def _new(protocol: int) -> Pattern:
    return Pattern(states=(State.NEW,), family=Family.IPV4, protocols=(protocol,))
