"""Choose the packets to be sent for a flow matrix: those that must arrive, and beside each its neighbours.  Pure.

A neighbour differs from a listed packet in one thing, and is sent only where the files forbid it: what they neither
promise nor forbid shows nothing.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address
from itertools import chain, islice
from random import Random
from typing import Literal, TypeAlias

from deploys.flows import Leg, ResolvedFlow, Topology, next_hop
from hosting_cli.network.allowances import Allowances
from hosting_cli.network.packets import NONE, Family, FirstPacket
from hosting_cli.network.probes import By, Hop, Kind, Place, Probe
from hosting_cli.network.rules import Hook
from inventory.environment import Environment
from inventory.models import HostRole
from inventory.resource import Json

UNLISTED = (11112, 104, 2575, 5432, 3389)
"""Ports to try that a matrix should not list: plain DICOM, plain HL7, a database, a remote desktop."""
EPHEMERAL = range(49152, 65536)
"""What is left where a region lists all of these: ports that are never registered for a service."""
MOST_PORTS = 6
"""How many ports of a row are tried; of a longer range the first, the last, and some between."""
ICMP_QUESTIONS = (8, 13)
"""An echo request, which hosts may answer; a timestamp request, which nobody needs."""
TRIES = 8
"""How many places are looked at for one whose packets the files forbid."""
LINK_LOCAL, ALL_NODES = IPv6Address("fe80::1"), IPv6Address("ff02::1")
NUMBERS = range(16384, 61000)

_Address: TypeAlias = IPv4Address | IPv6Address


@dataclass(frozen=True)
class Untried:
    """A way that a row opens for which no packet is sent, and why."""

    flow: ResolvedFlow
    why: str

    def to_json(self) -> dict[str, Json]:
        """Give it for programs."""
        ends = {"from": self.flow.source.segment, "to": self.flow.destination.segment}
        return {"row": self.flow.comment, **ends, "why": self.why}


NO_RECEIVER = "nobody of ours receives it"
NO_SENDER = "nobody of ours can send it"
NO_WAY = "no gateway of ours joins its segments"
NOT_PROMISED = "the files promise no packet of it"


@dataclass(frozen=True)
class _Origin:
    """From where packets are sent: by a leg of a host, in the name of the same or another leg of its own."""

    place: Place
    own: Leg
    stands_in: bool = False


@dataclass(frozen=True)
class _Case:
    """One way of a row, with one of its senders and one of its receivers."""

    flow: ResolvedFlow
    origin: _Origin
    receiver: Place

    @property
    def ends(self) -> tuple[IPv4Address, IPv4Address]:
        """Give the addresses of both."""
        return self.origin.own.address, self.receiver.leg.address


@dataclass(frozen=True)
class _Path:
    """The way from a leg to an address: to whose card packets go first, and whose rules they come to."""

    next_hop: str
    hops: tuple[Hop, ...]


class Chooser:
    """Chooses packets for the hosts of an environment; the same *chance* chooses the same, numbered from *first*."""

    def __init__(self, places: Topology, environment: Environment, chance: Random, first: int) -> None:
        self._places = places
        self._reached = environment.hosts.keys()
        self._chance = chance
        self._allowances = Allowances(places, environment)
        self._numbers: dict[str, int] = defaultdict(lambda: first)

    def sample(self, flows: Sequence[ResolvedFlow], count: int) -> list[ResolvedFlow]:
        """Take *count* ways: in turn of each transport, application and kind of sender, as long as there are any."""
        strata: dict[tuple[str, str, bool], list[ResolvedFlow]] = defaultdict(list)
        for flow in flows:
            strata[flow.transport, flow.application, id(flow) in self._senders].append(flow)
        groups = list(strata.values())
        self._chance.shuffle(groups)
        for group in groups:
            self._chance.shuffle(group)
        taken: list[ResolvedFlow] = []
        while len(taken) < min(count, len(flows)):
            taken += [group.pop() for group in groups if group]
        return taken[:count]

    def probes(self, flow: ResolvedFlow) -> tuple[Probe, ...] | Untried:
        """Give the packets for one way: to each of its receivers one to each port, and the neighbours of the first."""
        receivers = self._receivers.get(id(flow), ())
        if not receivers:
            return Untried(flow, NO_RECEIVER)
        found: list[Probe] = []
        reasons: list[str] = []
        for receiver in receivers:
            origins = self._origins(flow, receiver)
            if not origins:
                reasons.append(NO_SENDER)
                continue
            case = _Case(flow, self._chance.choice(origins), receiver)
            listed = list(self._listed(case))
            if not listed:
                reasons.append(NO_WAY if self._path(case.origin.place, receiver) is None else NOT_PROMISED)
            found += [*listed, *(self._neighbours(case, listed[0].packet) if listed else ())]
        return tuple(found) or Untried(flow, reasons[0])

    # -- who takes part -----------------------------------------------------------------------------------------

    @cached_property
    def _senders(self) -> dict[int, list[Place]]:
        return self._ends("sent")

    @cached_property
    def _receivers(self) -> dict[int, list[Place]]:
        return self._ends("received")

    def _ends(self, what: Literal["sent", "received"]) -> dict[int, list[Place]]:
        """Give the hosts at one end of each flow; a gateway is nobody's end."""
        found: dict[int, list[Place]] = defaultdict(list)
        for host, exchanges in self._places.exchanges.items():
            if host in self._reached and not self._is_gateway(host):
                for exchange in exchanges:
                    for flow in exchange.sent if what == "sent" else exchange.received:
                        found[id(flow)].append(Place(host, exchange.leg))
        return found

    def _is_gateway(self, host: str) -> bool:
        return self._places.hosts[host].role is HostRole.GATEWAY

    def _gateways(self, segment: str) -> dict[str, Leg]:
        """Give the legs of the gateways in *segment* that we reach."""
        return {host: leg for host, leg in self._places.gateways.get(segment, ()) if host in self._reached}

    def _origins(self, flow: ResolvedFlow, receiver: Place) -> list[_Origin]:
        """Give who can send for a flow: its hosts or, where nobody of ours begins it, a gateway in their segment."""
        own = [place for place in self._senders.get(id(flow), ()) if place.host != receiver.host]
        if own:
            return [_Origin(place, place.leg) for place in own]
        towards = self._gateways(receiver.leg.segment)
        return [
            _Origin(Place(gateway, towards[gateway]), leg, stands_in=True)
            for gateway, leg in self._gateways(flow.source.segment).items()
            if gateway in towards and any(leg.address in network for network in flow.source.networks)
        ]

    def _path(self, sender: Place, receiver: Place) -> _Path | None:
        """Find the way to an address: on its own link, or by the gateway that routes lead to."""
        arriving = Hop(receiver.host, Hook.INPUT, receiver.leg.name, NONE)
        if sender.leg.segment == receiver.leg.segment:
            return _Path(str(receiver.leg.address), (arriving,))
        here, there = self._gateways(sender.leg.segment), self._gateways(receiver.leg.segment)
        if receiver.host in here:
            leg = here[receiver.host]
            return _Path(str(leg.address), (Hop(receiver.host, Hook.INPUT, leg.name, NONE),))
        for gateway in here:
            if gateway in there:
                through = Hop(gateway, Hook.FORWARD, here[gateway].name, there[gateway].name)
                hop = next_hop(self._places, gateway, here[gateway], receiver.leg.segment)
                return _Path(str(hop), (through, arriving))
        return None

    # -- packets ------------------------------------------------------------------------------------------------

    def _listed(self, case: _Case) -> Iterator[Probe]:
        by = By.WIRE if case.origin.stands_in else By.KERNEL
        for port in self._ports(case.flow):
            probe = self._probe(Kind.LISTED, case, self._packet(*case.ends, case.flow.transport, port), by)
            if probe is not None and probe.passes:
                yield probe

    def _ports(self, flow: ResolvedFlow) -> Sequence[int]:
        ports = sorted(set(flow.ports))
        if len(ports) <= MOST_PORTS:
            return ports
        return sorted({ports[0], ports[-1], *self._chance.sample(ports, MOST_PORTS - 2)})

    def _neighbours(self, case: _Case, listed: FirstPacket) -> Iterator[Probe]:
        """Give at most one neighbour of each kind: the first that the files forbid."""
        for attempts in self._attempts(case, listed):
            forbidden = (probe for probe in attempts if probe is not None and not probe.passes)
            yield from islice(forbidden, 1)

    def _attempts(self, case: _Case, listed: FirstPacket) -> Iterator[Iterator[Probe | None]]:
        probe, packet, (source, destination) = self._probe, self._packet, case.ends
        name, port, receiver = listed.protocol, listed.port, case.receiver
        unlisted = [number for number in chain(UNLISTED, EPHEMERAL[:TRIES]) if number not in case.flow.ports]
        yield (probe(Kind.OTHER_PORT, case, packet(source, destination, name, number)) for number in unlisted)
        if not case.origin.stands_in:
            yield (
                probe(Kind.OWN_RULES, case, packet(source, destination, name, number), By.KERNEL) for number in unlisted
            )
        other = "udp" if name == "tcp" else "tcp"
        yield iter([probe(Kind.OTHER_PROTOCOL, case, packet(source, destination, other, port))])
        yield (probe(Kind.ICMP, case, packet(source, destination, "icmp", kind)) for kind in ICMP_QUESTIONS)
        yield (
            probe(Kind.OTHER_SOURCE, replace(case, origin=each), packet(each.own.address, destination, name, port))
            for each in chain(self._itself(case), self._others(case))
        )
        alleged = case.flow.source.networks[-1][1] if case.origin.stands_in else source
        yield (
            probe(Kind.SPOOFED, replace(case, origin=each), packet(alleged, destination, name, port))
            for each in self._others(case)
        )
        yield iter([probe(Kind.REVERSED, self._turned(case), packet(destination, source, name, port))])
        if case.origin.place.leg.segment == receiver.leg.segment:
            yield iter([probe(Kind.IPV6, case, packet(LINK_LOCAL, ALL_NODES, name, port))])

    def _itself(self, case: _Case) -> Iterator[_Origin]:
        """Let a gateway that stands in for somebody else also be itself, in the receiver's own segment."""
        if case.origin.stands_in:
            yield _Origin(case.origin.place, case.origin.place.leg, stands_in=True)

    def _others(self, case: _Case) -> Iterator[_Origin]:
        """Give, in chance's order, hosts in other segments of the receiver's gateways: nobody who should reach it."""
        receiving = case.receiver.leg.segment
        joined = {leg.segment for gateway in self._gateways(receiving) for leg in self._places.legs[gateway]}
        segments = sorted((joined - {receiving, case.origin.own.segment}) & self._hosts_in.keys())
        for segment in self._chance.sample(segments, min(TRIES, len(segments))):
            place = self._chance.choice(self._hosts_in[segment])
            yield _Origin(place, place.leg)

    @cached_property
    def _hosts_in(self) -> dict[str, list[Place]]:
        found: dict[str, list[Place]] = defaultdict(list)
        for host, legs in self._places.legs.items():
            if host in self._reached and not self._is_gateway(host):
                for leg in legs:
                    found[leg.segment].append(Place(host, leg))
        return found

    def _turned(self, case: _Case) -> _Case:
        """Let the receiver begin, where only the sender may."""
        back = Place(case.origin.place.host, case.origin.own)
        return _Case(case.flow, _Origin(case.receiver, case.receiver.leg), back)

    def _probe(self, kind: Kind, case: _Case, packet: FirstPacket, by: By = By.WIRE) -> Probe | None:
        """Give a probe about which the files say something, if there is a way for it."""
        sender = case.origin.place
        path = self._path(sender, case.receiver)
        if path is None:
            return None
        leaving = Hop(sender.host, Hook.OUTPUT, NONE, sender.leg.name)
        hops = (leaving, *path.hops) if by is By.KERNEL else path.hops
        passes = self._allowances.passes(packet, hops)
        if passes is None:
            return None
        return Probe(
            kind=kind,
            flow=case.flow,
            sender=sender,
            receiver=case.receiver.host,
            by=by,
            packet=packet,
            next_hop=None if packet.family is Family.IPV6 else path.next_hop,
            hops=hops,
            passes=passes,
            stands_in=case.origin.stands_in,
        )

    def _packet(self, source: _Address, destination: _Address, protocol: str, port: int) -> FirstPacket:
        """Write a packet with a number that no other to its destination has."""
        number = self._numbers[str(destination)] = (self._numbers[str(destination)] + 1) % len(NUMBERS)
        return FirstPacket(source=source, destination=destination, protocol=protocol, number=NUMBERS[number], port=port)
