"""Write a host's rule set: typed rules in, the text of one atomic nftables transaction out.  Pure.

Every host has the same few chains; what differs stands in named sets and maps, so that a packet costs the same however
many segments and flows there are.  docs/network.md walks through them.

Nothing is formatted that was not checked to be an interface name, a network, a port or a harmless comment, so that no
value of a region's files can end a rule and begin another.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from ipaddress import IPv4Address, IPv4Network

from deploys import names
from deploys.elements import Element, Row, Transport, addresses, elements, networks
from inventory.resource import Json

FAMILY = "inet"
TABLE = "hosting"
ISOLATED = "isolated"
"""The set of the networks that an incident cut off; the only one whose elements are no part of the rule set."""

READING: dict[str, Json] = {"table": [FAMILY, TABLE], "set": ISOLATED, "directory": names.ISOLATED_DIRECTORY}
"""What a host is told to look at to say which rules it holds, and what is isolated."""

SSH_PORT = 22
VRRP = 112
"""The number of the protocol by which gateways of a pair hear each other."""

_INTERFACE = re.compile(r"[a-z][a-z0-9.]{1,14}")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_COMMENT = re.compile(r"[A-Za-z0-9 _.:/-]{1,100}")
_LONGEST_COMMENT = 120
"""How much of a comment the kernel keeps, less a little; one row's fits beside the number of others."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Accept what all given attributes match; an empty attribute matches everything.

    For what a host itself offers and uses, which is little; flows are rows, of which there are many.
    """

    comment: str
    sources: tuple[IPv4Network, ...] = ()
    destinations: tuple[IPv4Network, ...] = ()
    transport: Transport | None = None
    ports: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse with ``ValueError`` whatever could not be written safely."""
        _check_matches(self)
        if bool(self.ports) != (self.transport is not None):
            raise ValueError("a rule names a transport and its ports, or neither")

    @cached_property
    def line(self) -> str:
        """Write the rule; once, though every host may hold it."""
        parts = [
            f"ip saddr {_networks(self.sources)}" if self.sources else "",
            f"ip daddr {_networks(self.destinations)}" if self.destinations else "",
            f"{self.transport} dport {_ports(self.ports)}" if self.transport else "",
            f'counter accept comment "{self.comment}"',
        ]
        return " ".join(filter(None, parts))


@dataclass(frozen=True, kw_only=True)
class Zone:
    """A segment that flows lead to, behind interfaces of a gateway.

    What leaves by one of them is one of these flows or is dropped, so that routes which lead astray open nothing.
    """

    name: str
    interfaces: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, kw_only=True)
class Heartbeat:
    """By which interface, from where and to where a gateway and the other one of its pair say that they are there."""

    interface: str
    own: IPv4Address
    other: IPv4Address

    @property
    def heard(self) -> str:
        """Match what the other one says; of who else says it, nothing is taken."""
        return f'iifname "{self.interface}" ip saddr {self.other} ip daddr {self.own} meta l4proto {VRRP}'

    @property
    def said(self) -> str:
        """Match what this one says."""
        return f'oifname "{self.interface}" ip saddr {self.own} ip daddr {self.other} meta l4proto {VRRP}'


@dataclass(frozen=True, kw_only=True)
class RuleSet:
    """What a host lets in, out and through; everything else is dropped, counted and, sparingly, logged.

    ``administration`` may look at a host in whatever state it is.  What comes or goes by one of ``trunks`` itself bears
    no tag and is nobody's.  ``behind`` says of each interface in a segment which networks are reached by it: from no
    other may a packet come in by it, and for no other may one leave by it as a flow.  ``serves`` and ``uses`` are what
    the host itself offers and needs, by whichever interface.  The ``heartbeat`` of a pair passes whatever is isolated:
    without it both gateways would hold the addresses of all segments.
    """

    administration: tuple[IPv4Network, ...]
    trunks: tuple[str, ...] = ()
    behind: Mapping[str, tuple[IPv4Network, ...]]
    serves: tuple[Rule, ...] = ()
    uses: tuple[Rule, ...] = ()
    received: tuple[Row, ...] = ()
    sent: tuple[Row, ...] = ()
    zones: tuple[Zone, ...] = ()
    heartbeat: Heartbeat | None = None

    def __post_init__(self) -> None:
        """Refuse with ``ValueError`` whatever could not be written safely."""
        heard = [self.heartbeat.interface] if self.heartbeat else []
        zones = (name for zone in self.zones for name in zone.interfaces)
        for interface in (*self.trunks, *self.behind, *zones, *heard):
            if not _INTERFACE.fullmatch(interface):
                raise ValueError(f"{interface!r} is not the name of a network interface")
        for zone in self.zones:
            if not _NAME.fullmatch(zone.name):
                raise ValueError(f"{zone.name!r} cannot be the name of a zone")
        for row in (*self.received, *self.sent, *(row for zone in self.zones for row in zone.rows)):
            _check_matches(row)
            if not (row.sources and row.destinations and row.ports and isinstance(row.transport, Transport)):
                raise ValueError(f"{row.comment} does not say from where, to where and how")
        _check_networks((*self.administration, *(network for found in self.behind.values() for network in found)))


def _check_matches(rule: Rule | Row) -> None:
    if not _COMMENT.fullmatch(rule.comment):
        raise ValueError(f"{rule.comment!r} cannot be the comment of a rule")
    if not all(type(port) is int and 0 < port < 65536 for port in rule.ports):
        raise ValueError(f"{rule.ports} are not ports")
    _check_networks(rule.sources + rule.destinations)


def _check_networks(found: Iterable[IPv4Network]) -> None:
    if not all(type(network) is IPv4Network for network in found):
        raise ValueError("sources and destinations are IPv4 networks")


_WRITTEN = "# Written by `hosting`; a change made here is undone by the next convergence."
_TABLE = f"table {FAMILY} {TABLE}"
_REPLACED = (_WRITTEN, _TABLE, f"delete {_TABLE}")  # made first, so that the deletion never fails

_TRACKED = "ct state vmap { established : accept, related : accept, invalid : drop }"
_ISOLATED = (f"ip saddr @{ISOLATED} jump isolation", f"ip daddr @{ISOLATED} jump isolation")
_SPOOFED = "iifname . ip saddr != @behind jump spoofed"
_BY_FLOW = "ip saddr . ip daddr . meta l4proto . th dport vmap"
_NEIGHBOURS = "nd-neighbor-solicit, nd-neighbor-advert"
_ICMP = (
    "icmp type { destination-unreachable, time-exceeded, parameter-problem } accept",
    "icmp type echo-request limit rate 10/second accept",
    "icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem,"
    f" {_NEIGHBOURS} }} accept",
)


def render(rules: RuleSet) -> str:
    """Write *rules* so that loading the text replaces the whole table in one transaction, or nothing at all.

    What is isolated on the host is loaded with them, from files of its own.
    """
    body = [
        *_counters("input", "forward", "output", "isolated", "spoofed", *(["untagged"] if rules.trunks else [])),
        *_set(ISOLATED, "ipv4_addr", (), interval=True),
        *_set("administration", "ipv4_addr", map(addresses, networks(rules.administration)), interval=True),
        *(_set("trunks", "ifname", map(_quoted, rules.trunks)) if rules.trunks else []),
        *_set("legs", "ifname", map(_quoted, rules.behind)),
        *_set("behind", "ifname . ipv4_addr", _behind(rules.behind), interval=True),
        *_flow_map("received", rules.received),
        *_flow_map("sent", rules.sent),
        *(line for zone in rules.zones for line in _zone(zone)),
        *_set("zones", "ifname : verdict", _dispatch(rules.zones), word="map"),
        *_shared_chains(rules.heartbeat),
        *(_chain("untagged", _drop("untagged")) if rules.trunks else []),
        *_hook(
            "input",
            [
                *_untagged(rules, "iifname"),
                *_begin("iifname"),
                "iifname @legs jump arriving",
                *_ICMP,
                *_lines(rules.serves),
                *([f'{rules.heartbeat.heard} counter accept comment "heartbeat"'] if rules.heartbeat else []),
            ],
        ),
        *_hook(
            "forward", [*_untagged(rules, "iifname", "oifname"), *_ISOLATED, _TRACKED, _SPOOFED, "oifname vmap @zones"]
        ),
        *_hook(
            "output",
            [
                *_untagged(rules, "oifname"),
                *_begin("oifname"),
                "oifname @legs jump leaving",
                *_ICMP,
                *_lines(rules.uses),
                *([f'{rules.heartbeat.said} counter accept comment "heartbeat"'] if rules.heartbeat else []),
            ],
        ),
    ]
    return "\n".join([*_REPLACED, f"{_TABLE} {{", *_indent(body), "}", f'include "{names.ISOLATED_FILES}"', ""])


def render_emergency(administration: tuple[IPv4Network, ...]) -> str:
    """Write the rules that are loaded before any others: nothing but SSH of those who come to mend."""
    sources = _networks(administration)
    body = [
        *_bare("input", ['iifname "lo" accept', f"ip saddr {sources} tcp dport {SSH_PORT} accept"]),
        *_bare("forward", []),
        *_bare("output", ['oifname "lo" accept', f"ip daddr {sources} tcp sport {SSH_PORT} accept"]),
    ]
    return "\n".join([*_REPLACED, f"{_TABLE} {{", *_indent(body), "}", ""])


def render_closed() -> str:
    """Write in one line what stands in where not even the emergency rules are left: nothing gets in, out or through."""
    chains = (
        f"add chain {FAMILY} {TABLE} {hook} {{ type filter hook {hook} priority filter; policy drop; }}"
        for hook in ("input", "forward", "output")
    )
    return "; ".join([f"add {_TABLE}", *chains])


def render_isolation(name: str, found: tuple[IPv4Network, ...]) -> str:
    """Write the file that isolates the networks of the segment *name*."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot be the name of a segment")
    written = ", ".join(f'{network} comment "{name}"' for network in isolated_networks(found))
    return f"add element {FAMILY} {TABLE} {ISOLATED} {{ {written} }}\n"


def isolated_networks(found: tuple[IPv4Network, ...]) -> list[str]:
    """Write networks as the kernel lists them once they are isolated."""
    _check_networks(found)
    return [addresses(span) for span in networks(found)]


# -- chains -----------------------------------------------------------------------------------------------------------


def _begin(interface: str) -> tuple[str, ...]:
    """Give what comes first where packets enter or leave the host; what never leaves it is nobody's segment."""
    return (f'{interface} "lo" accept', *_ISOLATED, _TRACKED)


def _untagged(rules: RuleSet, *ways: str) -> list[str]:
    """Drop what comes or goes by a trunk itself; a host without one is not asked for every packet."""
    return [f"{way} @trunks jump untagged" for way in ways if rules.trunks]


def _shared_chains(heartbeat: Heartbeat | None) -> list[str]:
    return [
        *_chain(
            "isolation",
            [
                f"ip saddr @administration tcp dport {SSH_PORT} return",
                f"ct direction reply ip daddr @administration tcp sport {SSH_PORT} return",
                *([f"{heartbeat.heard} return", f"{heartbeat.said} return"] if heartbeat else []),
                *_drop("isolated"),
            ],
        ),
        *_chain("spoofed", _drop("spoofed")),
        *_chain("arriving", [_SPOOFED, f"{_BY_FLOW} @received"]),
        *_chain("leaving", [f"oifname . ip daddr @behind {_BY_FLOW} @sent"]),
    ]


def _zone(zone: Zone) -> list[str]:
    return [*_flow_map(_zone_name(zone), zone.rows), *_chain(_zone_name(zone), [f"{_BY_FLOW} @{_zone_name(zone)}"])]


def _zone_name(zone: Zone) -> str:
    return f"to-{zone.name}"


def _dispatch(zones: Iterable[Zone]) -> list[str]:
    return [f'"{interface}" : jump {_zone_name(zone)}' for zone in zones for interface in zone.interfaces]


def _hook(hook: str, lines: Iterable[str]) -> list[str]:
    return _bare(hook, [*lines, *_drop(hook)])


def _bare(hook: str, lines: Iterable[str]) -> list[str]:
    return _chain(hook, [f"type filter hook {hook} priority filter; policy drop;", *lines])


def _chain(name: str, lines: Iterable[str]) -> list[str]:
    return _block(f"chain {name}", lines)


def _drop(why: str) -> list[str]:
    return [
        f'limit rate 10/minute burst 20 packets log prefix "hosting {why} dropped: " level info',
        f'counter name "{why}-dropped" drop',
    ]


def _lines(rules: Iterable[Rule]) -> list[str]:
    return [rule.line for rule in rules]


# -- sets and maps ----------------------------------------------------------------------------------------------------


def _counters(*why: str) -> list[str]:
    return [line for each in why for line in _block(f"counter {each}-dropped", ())]


def _set(name: str, kind: str, found: Iterable[str], *, interval: bool = False, word: str = "set") -> list[str]:
    return _block(f"{word} {name}", [f"type {kind}", *(["flags interval"] if interval else []), *_elements(found)])


def _flow_map(name: str, rows: Sequence[Row]) -> list[str]:
    kind = "ipv4_addr . ipv4_addr . inet_proto . inet_service : verdict"
    return _block(f"map {name}", [f"type {kind}", "flags interval", "counter", *_flow_elements(tuple(rows))])


@lru_cache(maxsize=4096)  # the gateways of a site hold the same zones
def _flow_elements(rows: tuple[Row, ...]) -> list[str]:
    lines = [line for found in elements(rows) for line in _flow_element(found)]
    return ["elements = {", *_indent(lines), "}"] if lines else []


def _flow_element(element: Element) -> list[str]:
    """Write an element with its rows; where nft cannot keep them all, they stand above it for whoever reads."""
    whole = ", ".join(element.rows)
    comment = whole if len(whole) <= _LONGEST_COMMENT else _shortened(element.rows)
    line = f'{element.key} counter comment "{comment}" : accept,'
    return [line] if comment == whole else [f"# {whole}", line]


def _shortened(rows: Sequence[str]) -> str:
    """Name as many rows as fit, and say how many follow."""
    shortened = (f"{', '.join(rows[:count])} and {len(rows) - count} more" for count in range(len(rows), 0, -1))
    return next(text for text in shortened if len(text) <= _LONGEST_COMMENT)


def _elements(found: Iterable[str]) -> list[str]:
    lines = [f"{each}," for each in found]
    return ["elements = {", *_indent(lines), "}"] if lines else []


def _behind(interfaces: Mapping[str, tuple[IPv4Network, ...]]) -> list[str]:
    return [f'"{interface}" . {addresses(span)}' for interface, found in interfaces.items() for span in networks(found)]


def _quoted(name: str) -> str:
    return f'"{name}"'


@lru_cache(maxsize=4096)  # hosts by the hundred name the same engines
def _networks(found: tuple[IPv4Network, ...]) -> str:
    """Write networks as one set; nft refuses sets whose intervals overlap."""
    return _anonymous([addresses(span) for span in networks(found)])


@lru_cache(maxsize=1024)
def _ports(ports: tuple[int, ...]) -> str:
    return _anonymous([str(port) for port in sorted(set(ports))])


def _anonymous(found: Sequence[str]) -> str:
    return found[0] if len(found) == 1 else f"{{ {', '.join(found)} }}"


def _block(head: str, lines: Iterable[str]) -> list[str]:
    return [f"{head} {{", *_indent(lines), "}", ""]


def _indent(lines: Iterable[str]) -> list[str]:
    return [f"\t{line}" if line else "" for line in lines]
