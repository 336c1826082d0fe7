"""What a probe is: one real packet, who sends it to whom by which way, and what the files say becomes of it.  Pure."""

from dataclasses import dataclass
from enum import StrEnum

from deploys.flows import Leg, ResolvedFlow
from hosting_cli.network.packets import Family, FirstPacket
from hosting_cli.network.rules import Hook
from inventory.resource import Json


class Kind(StrEnum):
    """How a packet is related to the row that it is sent for: it is the row's, or its neighbour in one thing."""

    LISTED = "listed"
    OTHER_PORT = "other port"
    OWN_RULES = "other port, own rules"
    """The only neighbour that is sent as a program of the sender would: its own rules are to stop it."""
    OTHER_PROTOCOL = "other protocol"
    ICMP = "icmp"
    OTHER_SOURCE = "other source"
    SPOOFED = "spoofed source"
    REVERSED = "reversed"
    IPV6 = "ipv6"


class By(StrEnum):
    """By what a packet is sent: past its sender's own rules, or by the wire as from one that somebody took over."""

    KERNEL = "kernel"
    WIRE = "wire"


@dataclass(frozen=True)
class Place:
    """A host, and one of its interfaces."""

    host: str
    leg: Leg


@dataclass(frozen=True)
class Hop:
    """Rules that a packet comes to: a host's, at a hook, from one interface to another."""

    host: str
    hook: Hook
    incoming: str
    outgoing: str


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One packet to be sent for a way that a row of the flow matrix opens."""

    kind: Kind
    flow: ResolvedFlow
    sender: Place
    receiver: str
    by: By
    packet: FirstPacket
    next_hop: str | None
    """The address to whose card it goes; of IPv6, it goes to everybody on the link."""
    hops: tuple[Hop, ...]
    passes: bool
    """What the files say: it must arrive, or must not."""
    stands_in: bool = False
    """A gateway sends it for an end behind a tunnel, which is no host of ours."""

    @property
    def mark(self) -> tuple[str, int]:
        """Give by what hosts recognise it."""
        return str(self.packet.destination), self.packet.number

    def send(self) -> dict[str, Json]:
        """Give what its sender is told."""
        packet = self.packet
        return {
            "number": packet.number,
            "by": self.by.value,
            "version": 4 if packet.family is Family.IPV4 else 6,
            "source": str(packet.source),
            "destination": str(packet.destination),
            "protocol": packet.protocol,
            "port": packet.port,
            "interface": self.sender.leg.name,
            "via": str(self.sender.leg.address),
            "next_hop": self.next_hop,
        }
