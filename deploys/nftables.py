"""Write a host's rule set: typed rules in, the text of one atomic nftables transaction out.  Pure.

Nothing is formatted that was not checked to be an interface name, a network, a port or a harmless comment, so that no
value of a region's files can end a rule and begin another.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property, lru_cache
from ipaddress import IPv4Network, collapse_addresses

FAMILY = "inet"
TABLE = "hosting"

PROBE_MARK = 0x686F
"""The mark of packets that a proof sends on purpose to see them dropped elsewhere; only root can set one."""

_INTERFACE = re.compile(r"[a-z][a-z0-9.]{1,14}")
_COMMENT = re.compile(r"[A-Za-z0-9 _.:/-]{1,120}")


class Transport(StrEnum):
    """The transports that flows use."""

    TCP = "tcp"
    UDP = "udp"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Accept what all given attributes match; an empty attribute matches everything."""

    comment: str
    incoming: str | None = None
    outgoing: str | None = None
    sources: tuple[IPv4Network, ...] = ()
    destinations: tuple[IPv4Network, ...] = ()
    transport: Transport | None = None
    ports: tuple[int, ...] = ()
    mark: int | None = None

    def __post_init__(self) -> None:
        """Refuse with ``ValueError`` whatever could not be written safely."""
        for interface in filter(None, (self.incoming, self.outgoing)):
            if not _INTERFACE.fullmatch(interface):
                raise ValueError(f"{interface!r} is not the name of a network interface")
        if not _COMMENT.fullmatch(self.comment):
            raise ValueError(f"{self.comment!r} cannot be the comment of a rule")
        if not all(type(port) is int and 0 < port < 65536 for port in self.ports):
            raise ValueError(f"{self.ports} are not ports")
        if bool(self.ports) != (self.transport is not None):
            raise ValueError("a rule names a transport and its ports, or neither")
        if not all(type(network) is IPv4Network for network in self.sources + self.destinations):
            raise ValueError("sources and destinations are IPv4 networks")

    @cached_property
    def line(self) -> str:
        """Write the rule; once, though every gateway may hold it."""
        parts = [
            f'iifname "{self.incoming}"' if self.incoming else "",
            f'oifname "{self.outgoing}"' if self.outgoing else "",
            f"meta mark {self.mark:#010x}" if self.mark is not None else "",
            f"ip saddr {_networks(self.sources)}" if self.sources else "",
            f"ip daddr {_networks(self.destinations)}" if self.destinations else "",
            f"{self.transport} dport {_ports(self.ports)}" if self.transport else "",
            f'counter accept comment "{self.comment}"',
        ]
        return " ".join(filter(None, parts))


@dataclass(frozen=True, kw_only=True)
class RuleSet:
    """What a host lets in, out and through; everything else is dropped, counted and, sparingly, logged.

    ``through`` holds the rules of each pair of interfaces, so that a packet sees only those of its own pair.
    """

    incoming: tuple[Rule, ...]
    outgoing: tuple[Rule, ...]
    through: dict[tuple[str, str], tuple[Rule, ...]] = field(default_factory=dict)


def render(rules: RuleSet) -> str:
    """Write *rules* so that loading the text replaces the whole table in one transaction, or nothing at all."""
    table = f"{FAMILY} {TABLE}"
    return "\n".join(
        [
            "# Written by `hosting`; a change made here is undone by the next convergence.",
            f"table {table}",  # so that the deletion below never fails
            f"delete table {table}",
            f"table {table} {{",
            *_indent(_counters()),
            *_indent(_pair_chains(rules)),
            *_indent(_chain("input", [*_common("iifname"), *_lines(rules.incoming)])),
            *_indent(_chain("forward", [_TRACKED, *_dispatch(rules)])),
            *_indent(_chain("output", [*_common("oifname"), *_lines(rules.outgoing)])),
            "}",
            "",
        ]
    )


_HOOKS = ("input", "forward", "output")
_TRACKED = "ct state vmap { established : accept, related : accept, invalid : drop }"


def _common(loopback: str) -> list[str]:
    return [
        f'{loopback} "lo" accept',
        _TRACKED,
        "icmp type { destination-unreachable, time-exceeded, parameter-problem } accept",
        "icmp type echo-request limit rate 10/second accept",
        "icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem,"
        " nd-neighbor-solicit, nd-neighbor-advert } accept",
    ]


def _counters() -> list[str]:
    return [line for hook in _HOOKS for line in (f"counter {hook}-dropped {{", "}", "")]


def _chain(hook: str, lines: Iterable[str]) -> list[str]:
    body = [
        f"type filter hook {hook} priority filter; policy drop;",
        *lines,
        f'limit rate 10/minute burst 20 packets log prefix "hosting {hook} dropped: " level info',
        f'counter name "{hook}-dropped" drop',
    ]
    return [f"chain {hook} {{", *_indent(body), "}", ""]


def _pair_chains(rules: RuleSet) -> list[str]:
    lines: list[str] = []
    for pair in sorted(rules.through):
        lines += [f"chain {_pair_name(pair)} {{", *_indent(_lines(rules.through[pair])), "}", ""]
    return lines


def _lines(rules: Iterable[Rule]) -> list[str]:
    return [rule.line for rule in rules]


def _dispatch(rules: RuleSet) -> list[str]:
    pairs = ", ".join(f'"{pair[0]}" . "{pair[1]}" : jump {_pair_name(pair)}' for pair in sorted(rules.through))
    return [f"iifname . oifname vmap {{ {pairs} }}"] if pairs else []


def _pair_name(pair: tuple[str, str]) -> str:
    for interface in pair:
        if not _INTERFACE.fullmatch(interface):
            raise ValueError(f"{interface!r} is not the name of a network interface")
    return f"from-{pair[0]}-to-{pair[1]}"


@lru_cache(maxsize=4096)  # the hosts of a tier all have the same networks in their rules
def _networks(networks: tuple[IPv4Network, ...]) -> str:
    """Write networks as one set; nft refuses sets whose intervals overlap."""
    merged = networks if len(networks) == 1 else tuple(collapse_addresses(networks))
    return _set([str(each) if each.prefixlen < 32 else str(each.network_address) for each in merged])


@lru_cache(maxsize=1024)
def _ports(ports: tuple[int, ...]) -> str:
    return _set([str(port) for port in sorted(set(ports))])


def _set(elements: Sequence[str]) -> str:
    return elements[0] if len(elements) == 1 else f"{{ {', '.join(elements)} }}"


def _indent(lines: Iterable[str]) -> list[str]:
    return [f"\t{line}" if line else "" for line in lines]
