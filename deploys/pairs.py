"""Say what a gateway is in its pair: whom it hears, which addresses the one of them holds that is in charge.  Pure."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface

from deploys.flows import Leg, Topology
from inventory.network import GatewayPair

FIRST_PRIORITY, SECOND_PRIORITY = 150, 100
"""Who takes the addresses when both start; whoever holds them keeps them all the same."""


@dataclass(frozen=True, order=True)
class Shared:
    """An address that one gateway of a pair holds at a time, at an interface of this one."""

    interface: str
    segment: str
    address: IPv4Interface


@dataclass(frozen=True)
class Role:
    """A gateway in its pair.

    ``shared`` begins with the address in the segment of the heartbeat.  ``peers`` are those of the tunnels that end on
    both gateways: only who holds the addresses answers them, since only to that one hosts give their answers.
    """

    pair: GatewayPair
    own: Leg
    other: Leg
    priority: int
    shared: tuple[Shared, ...]
    peers: tuple[IPv4Address, ...]


def role_of(places: Topology, host: str) -> Role | None:
    """Give the role of *host* in its pair, if it is one of any."""
    pair = places.pairs.get(host)
    if pair is None:
        return None
    other = pair.second if host == pair.first else pair.first
    heartbeat = {name: _leg(places, name, pair.heartbeat) for name in pair.gateways}
    return Role(
        pair,
        heartbeat[host],
        heartbeat[other],
        FIRST_PRIORITY if host == pair.first else SECOND_PRIORITY,
        _shared(places, host, pair),
        _peers(places, pair),
    )


def _leg(places: Topology, host: str, segment: str) -> Leg:
    return next(leg for leg in places.legs[host] if leg.segment == segment)


def _shared(places: Topology, host: str, pair: GatewayPair) -> tuple[Shared, ...]:
    found = [
        # With the prefix of the segment: an address by itself would not be answered for, since `arp_ignore` asks that
        # who asks is in the network of the address.
        Shared(leg.name, leg.segment, IPv4Interface((address, leg.network.prefixlen)))
        for leg in places.legs[host]
        if places.held.get(leg.segment) == pair and (address := places.segments[leg.segment].gateway) is not None
    ]
    return tuple(sorted(found, key=lambda shared: (shared.segment != pair.heartbeat, shared)))


def _peers(places: Topology, pair: GatewayPair) -> tuple[IPv4Address, ...]:
    found = {
        address
        for tunnel in places.tunnels.get(pair.first, ())
        if {end.host for end in tunnel.gateways} == set(pair.gateways)
        for address in tunnel.peer.addresses
    }
    return tuple(sorted(found))
