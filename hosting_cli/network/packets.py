"""What the proof knows of a packet: its coordinates, the sets that packets form, and an example in words.  Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, IPv6Address

from hosting_cli.network.spaces import Point, PointSet, Space, Span


class Axis(IntEnum):
    """The coordinates of a packet, in the order in which sets ask for them.

    Rules say by which interface each source comes, and what goes out by each: asked of in this order, each of these is
    as large as what it says.  Were the way in asked for before the source, all pairs of a gateway's interfaces would
    have to be looked at.

    ``REPLY`` is the direction in a connection: 0 with whoever began it, 1 against.

    ``HEAD`` is the first half-word of the transport's header and ``PORT`` the second, whatever the transport: the
    source and destination ports of TCP and UDP.  ICMP has its type and its code in the first.
    """

    STATE = 0
    REPLY = 1
    FAMILY = 2
    OUTGOING = 3
    MARK = 4
    SOURCE = 5
    INCOMING = 6
    DESTINATION = 7
    PROTOCOL = 8
    HEAD = 9
    PORT = 10


class State(IntEnum):
    """What connection tracking says of a packet."""

    INVALID = 0
    ESTABLISHED = 1
    RELATED = 2
    NEW = 3
    UNTRACKED = 4


class Family(IntEnum):
    """Which Internet protocol a packet is of."""

    IPV4 = 0
    IPV6 = 1


ICMP, TCP, UDP, ICMPV6, VRRP = 1, 6, 17, 58, 112

PROTOCOLS = {
    "icmp": ICMP, "igmp": 2, "tcp": TCP, "udp": UDP, "dccp": 33, "gre": 47, "esp": 50, "ah": 51, "icmpv6": ICMPV6,
    "ipv6-icmp": ICMPV6, "comp": 108, "ipcomp": 108, "vrrp": VRRP, "sctp": 132, "udplite": 136,
}  # fmt: skip
"""Numbers of IANA's registry, under the names that nft writes for them."""

LOOPBACK = "lo"
OTHER = "*"
"""Every name of an interface that nothing speaks of."""
NONE = ""
"""The way out of a packet that stays on the host, and the way in of one that begins there."""

_LASTS = {
    Axis.STATE: len(State) - 1,
    Axis.REPLY: 1,
    Axis.FAMILY: len(Family) - 1,
    Axis.MARK: (1 << 32) - 1,
    Axis.SOURCE: (1 << 128) - 1,
    Axis.DESTINATION: (1 << 128) - 1,
    Axis.PROTOCOL: 255,
    Axis.HEAD: 65535,
    Axis.PORT: 65535,
}
_LAST_IPV4 = (1 << 32) - 1


@dataclass(frozen=True)
class Interfaces:
    """Names of interfaces as numbers.

    What nothing speaks of cannot be told apart: all such names are one, and so are, of those that only a pattern like
    ``eth*`` covers, all that the same patterns cover.
    """

    words: tuple[str, ...]

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.words)}

    @classmethod
    def of(cls, spoken_of: Iterable[str]) -> "Interfaces":
        """Give numbers to *spoken_of*: names, and patterns that end with an asterisk, which sorts before any letter."""
        return cls(tuple(sorted({*spoken_of, NONE, OTHER, LOOPBACK})))

    def spans(self, name: str) -> tuple[Span, ...]:
        """Give the numbers of a name or of all that a pattern covers; raise ``KeyError`` for one not spoken of."""
        if name == OTHER or not name.endswith("*"):
            return ((self._numbers[name],) * 2,)
        covered = [number for number, word in enumerate(self.words) if word.startswith(name[:-1])]
        return ((covered[0], covered[-1]),)


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """Packets that have one of the values of everything that is named; ``None`` is free."""

    states: tuple[State, ...] | None = None
    replies: tuple[int, ...] | None = None
    family: Family | None = None
    incoming: tuple[str, ...] | None = None
    outgoing: tuple[str, ...] | None = None
    marks: tuple[Span, ...] | None = None
    sources: tuple[Span, ...] | None = None
    destinations: tuple[Span, ...] | None = None
    protocols: tuple[int, ...] | None = None
    heads: tuple[Span, ...] | None = None
    ports: tuple[Span, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class FirstPacket:
    """A packet that begins something: its ends, and the ports of both; of ICMP, its type stands for the port."""

    source: IPv4Address | IPv6Address
    destination: IPv4Address | IPv6Address
    protocol: str
    number: int
    port: int

    @property
    def family(self) -> Family:
        """Give the Internet protocol that it is of."""
        return Family.IPV4 if self.source.version == 4 else Family.IPV6

    def __str__(self) -> str:
        """Name it for people."""
        what = "type" if self.protocol == "icmp" else "port"
        return f"{self.protocol} {self.source} → {self.destination} {what} {self.port}"


class Packets:
    """All packets there can be at one host, and the sets of them."""

    def __init__(self, interfaces: Interfaces) -> None:
        self._interfaces = interfaces
        last = len(interfaces.words) - 1
        lasts = {**_LASTS, Axis.INCOMING: last, Axis.OUTGOING: last}
        self.space = Space([lasts[axis] for axis in Axis])
        self.nothing, self.everything = self.space.nothing, self.space.everything
        ipv4 = Pattern(family=Family.IPV4, sources=((0, _LAST_IPV4),), destinations=((0, _LAST_IPV4),))
        self.possible = self.union([ipv4, Pattern(family=Family.IPV6)])
        """All but those whose addresses are too long for their family."""

    def matching(self, pattern: Pattern) -> PointSet:
        """Give the packets of a pattern."""
        sides = {
            Axis.STATE: _alone(pattern.states),
            Axis.REPLY: _alone(pattern.replies),
            Axis.FAMILY: None if pattern.family is None else _alone((pattern.family,)),
            Axis.INCOMING: self._named(pattern.incoming),
            Axis.OUTGOING: self._named(pattern.outgoing),
            Axis.MARK: pattern.marks,
            Axis.SOURCE: pattern.sources,
            Axis.DESTINATION: pattern.destinations,
            Axis.PROTOCOL: _alone(pattern.protocols),
            Axis.HEAD: pattern.heads,
            Axis.PORT: pattern.ports,
        }
        return self.space.box({axis: spans for axis, spans in sides.items() if spans is not None})

    def _named(self, names: Iterable[str] | None) -> tuple[Span, ...] | None:
        return None if names is None else tuple(span for name in names for span in self._interfaces.spans(name))

    def union(self, patterns: Iterable[Pattern]) -> PointSet:
        """Give the packets of any of *patterns*."""
        return self.space.union(map(self.matching, patterns))

    def spans_of_interface(self, name: str) -> tuple[Span, ...]:
        """Give the numbers that a name or a pattern stands for."""
        return self._interfaces.spans(name)

    def first(self, packet: FirstPacket, incoming: str, outgoing: str) -> Point:
        """Give the point of a packet that begins something, where it comes in and goes out; ``KeyError`` as above."""
        values = dict.fromkeys(Axis, 0) | {
            Axis.STATE: State.NEW,
            Axis.FAMILY: packet.family,
            Axis.INCOMING: self._interfaces.spans(incoming)[0][0],
            Axis.OUTGOING: self._interfaces.spans(outgoing)[0][0],
            Axis.SOURCE: int(packet.source),
            Axis.DESTINATION: int(packet.destination),
            Axis.PROTOCOL: PROTOCOLS[packet.protocol],
            Axis.HEAD: packet.port << 8 if packet.protocol == "icmp" else packet.number,
            Axis.PORT: packet.port,
        }
        return tuple(values[axis] for axis in Axis)

    def example(self, packets: PointSet, preferred: Iterable[PointSet]) -> Point:
        """Choose a packet that people would send: one that is in each *preferred* set as far as there is one."""
        for wish in preferred:
            packets = packets & wish or packets
        return packets.first()

    def words(self, point: Point) -> str:
        """Describe a packet in words."""
        family, protocol = Family(point[Axis.FAMILY]), point[Axis.PROTOCOL]
        address = IPv4Address if family is Family.IPV4 else IPv6Address
        source, destination = address(point[Axis.SOURCE]), address(point[Axis.DESTINATION])
        incoming, outgoing = (self._interfaces.words[point[axis]] for axis in (Axis.INCOMING, Axis.OUTGOING))
        parts = [
            f"{_protocol(protocol)} {source} → {destination}{_detail(protocol, point)}",
            *([f"in by {_interface(incoming)}"] if incoming != NONE else []),
            *([f"out by {_interface(outgoing)}"] if outgoing != NONE else []),
            *([f"mark {point[Axis.MARK]:#x}"] if point[Axis.MARK] else []),
            *([State(point[Axis.STATE]).name.lower()] if point[Axis.STATE] != State.NEW else []),
        ]
        return ", ".join(parts)


def spans_of(networks: Iterable[IPv4Network]) -> tuple[Span, ...]:
    """Give the addresses of *networks* as spans."""
    return tuple((int(each.network_address), int(each.broadcast_address)) for each in networks)


def _alone(numbers: Iterable[int] | None) -> tuple[Span, ...] | None:
    return None if numbers is None else tuple((number, number) for number in numbers)


def _protocol(number: int) -> str:
    return next((name for name, known in PROTOCOLS.items() if known == number), f"protocol {number}")


def _detail(protocol: int, point: Point) -> str:
    if protocol in {ICMP, ICMPV6}:
        return f" type {point[Axis.HEAD] >> 8}"
    return f" port {point[Axis.PORT]}" if protocol in {TCP, UDP, 132, 33, 136} else ""


def _interface(word: str) -> str:
    return "any other interface" if word == OTHER else word
