"""What a region's files say of one packet on its way: that it must arrive, must not, or neither.  Pure.

Asked of the permits that the proof of rule sets is held against, so that packets and proofs answer to the same words.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeAlias

from deploys.flows import Topology
from hosting_cli.network.expected import permits
from hosting_cli.network.interfaces import HostInterfaces
from hosting_cli.network.packets import FirstPacket, Interfaces, Packets, Pattern, State
from hosting_cli.network.permits import Permit, Position
from hosting_cli.network.probes import Hop
from hosting_cli.network.rules import Hook
from hosting_cli.network.spaces import PointSet
from inventory.environment import Environment

_Door: TypeAlias = tuple[str | None, str | None]
"""By which interface a permit's packets come and by which they go; ``None`` is any."""


class Allowances:
    """What each host should let pass; worked out once for each way through it that is asked about."""

    def __init__(self, places: Topology, environment: Environment) -> None:
        self._places = places
        self._environment = environment
        self._hosts: dict[str, _Host] = {}

    def passes(self, packet: FirstPacket, hops: Iterable[Hop]) -> bool | None:
        """Say whether *packet* must pass all *hops*, must be stopped by one of them, or may do either."""
        found = [self._host(hop.host).says(packet, hop) for hop in hops]
        if not all(is_allowed for is_allowed, _ in found):
            return False
        return True if all(is_promised for _, is_promised in found) else None

    def _host(self, name: str) -> "_Host":
        if name not in self._hosts:
            addresses = {leg.name: (leg.address,) for leg in self._places.legs[name]}
            position = Position(self._places, self._environment, self._places.hosts[name], HostInterfaces(addresses))
            self._hosts[name] = _Host(position)
        return self._hosts[name]


class _Host:
    """What one host should let pass."""

    def __init__(self, position: Position) -> None:
        self._position = position
        self._packets = Packets(Interfaces.of(position.interfaces))
        self._permits: dict[Hook, Mapping[_Door, list[Permit]]] = {}
        self._known: dict[Hop, tuple[PointSet, PointSet]] = {}

    def says(self, packet: FirstPacket, hop: Hop) -> tuple[bool, bool]:
        """Say whether *packet* is allowed at *hop*, and whether it is promised to pass."""
        if hop not in self._known:
            self._known[hop] = self._worked_out(hop)
        allowed, promised = self._known[hop]
        point = self._packets.first(packet, hop.incoming, hop.outgoing)
        return point in allowed, point in promised

    def _worked_out(self, hop: Hop) -> tuple[PointSet, PointSet]:
        if hop.hook not in self._permits:
            self._permits[hop.hook] = _by_door(permits(self._position, hop.hook))
        doors = [(come, go) for come in (None, hop.incoming) for go in (None, hop.outgoing)]
        found = [permit for door in doors for permit in self._permits[hop.hook].get(door, ())]
        return (
            self._packets.union(_with_ports(permit.allowed, permit) for permit in found if permit.allowed),
            self._packets.union(_with_ports(permit.promised, permit) for permit in found if permit.promised),
        )


def _with_ports(pattern: Pattern, permit: Permit) -> Pattern:
    return replace(pattern, ports=tuple((port, port) for port in permit.ports)) if permit.ports else pattern


def _by_door(found: Iterable[Permit]) -> Mapping[_Door, list[Permit]]:
    """Sort the permits for packets that begin something by their interfaces, of which gateways have hundreds."""
    doors: dict[_Door, list[Permit]] = defaultdict(list)
    for permit in found:
        of_permit: set[_Door] = set()
        for pattern in (permit.allowed, permit.promised):
            if pattern is not None and (pattern.states is None or State.NEW in pattern.states):
                of_permit |= {(come, go) for come in pattern.incoming or (None,) for go in pattern.outgoing or (None,)}
        for door in of_permit:
            doors[door].append(permit)
    return doors
