"""Read the values that nft writes in its JSON: what a rule looks at, and what it holds that against.  Pure.

Whatever is not known here raises ``ForeignError``; the listing keeps it as not understood.
"""

from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from hosting_cli.network.packets import ICMP, ICMPV6, PROTOCOLS, TCP, UDP, Axis, Family, State
from hosting_cli.network.rules import Key, Kind, Selector, Value, Verdict
from hosting_cli.network.spaces import Span


class ForeignError(ValueError):
    """Something in a listing whose meaning is not known."""


ICMP_TYPES = {
    "echo-reply": 0, "destination-unreachable": 3, "source-quench": 4, "redirect": 5, "echo-request": 8,
    "router-advertisement": 9, "router-solicitation": 10, "time-exceeded": 11, "parameter-problem": 12,
    "timestamp-request": 13, "timestamp-reply": 14, "info-request": 15, "info-reply": 16,
    "address-mask-request": 17, "address-mask-reply": 18,
}  # fmt: skip
ICMPV6_TYPES = {
    "destination-unreachable": 1, "packet-too-big": 2, "time-exceeded": 3, "parameter-problem": 4,
    "echo-request": 128, "echo-reply": 129, "mld-listener-query": 130, "mld-listener-report": 131,
    "mld-listener-done": 132, "mld-listener-reduction": 132, "nd-router-solicit": 133, "nd-router-advert": 134,
    "nd-neighbor-solicit": 135, "nd-neighbor-advert": 136, "nd-redirect": 137, "router-renumbering": 138,
    "ind-neighbor-solicit": 141, "ind-neighbor-advert": 142, "mld2-listener-report": 143,
}  # fmt: skip
"""Types under the names that nft writes for them."""

_META = {
    "iifname": Selector(Axis.INCOMING),
    "oifname": Selector(Axis.OUTGOING),
    "iif": Selector(Axis.INCOMING),
    "oif": Selector(Axis.OUTGOING),
    "mark": Selector(Axis.MARK),
    "nfproto": Selector(Axis.FAMILY),
    "l4proto": Selector(Axis.PROTOCOL),
}
_PAYLOAD = {
    ("ip", "saddr"): Selector(Axis.SOURCE, Family.IPV4),
    ("ip", "daddr"): Selector(Axis.DESTINATION, Family.IPV4),
    ("ip", "protocol"): Selector(Axis.PROTOCOL, Family.IPV4),
    ("ip6", "saddr"): Selector(Axis.SOURCE, Family.IPV6),
    ("ip6", "daddr"): Selector(Axis.DESTINATION, Family.IPV6),
    ("tcp", "sport"): Selector(Axis.HEAD, protocol=TCP),
    ("tcp", "dport"): Selector(Axis.PORT, protocol=TCP),
    ("udp", "sport"): Selector(Axis.HEAD, protocol=UDP),
    ("udp", "dport"): Selector(Axis.PORT, protocol=UDP),
    ("th", "sport"): Selector(Axis.HEAD),
    ("th", "dport"): Selector(Axis.PORT),
    ("icmp", "type"): Selector(Axis.HEAD, Family.IPV4, ICMP, unit=256),
    ("icmpv6", "type"): Selector(Axis.HEAD, Family.IPV6, ICMPV6, unit=256),
}


def selectors(left: Any) -> tuple[Selector, ...]:
    """Read what a match or a map looks at: one thing, or several side by side."""
    match left:
        case {"concat": [*parts]}:
            found = tuple(each for part in parts for each in selectors(part))
            if len({each.axis for each in found}) < len(found):
                raise ForeignError  # one thing is looked at twice
            return found
        case {"meta": {"key": str(key)}} if key in _META:
            return (_META[key],)
        case {"ct": {"key": "state", **rest}} if not rest:
            return (Selector(Axis.STATE),)
        case {"ct": {"key": "direction", **rest}} if not rest:
            return (Selector(Axis.REPLY),)
        case {"payload": {"protocol": str(protocol), "field": str(field)}} if (protocol, field) in _PAYLOAD:
            return (_PAYLOAD[protocol, field],)
    raise ForeignError


def key(value: Any, wanted: tuple[Selector, ...]) -> Key:
    """Read what *wanted* are held against: for each of them one value, or several that are as good."""
    sides = value["concat"] if isinstance(value, dict) and value.keys() == {"concat"} else [value]
    if len(sides) != len(wanted):
        raise ForeignError
    return tuple(_values(side, selector) for side, selector in zip(sides, wanted, strict=True))


def verdict(value: Any) -> Verdict:
    """Read a verdict; to reject is to drop and to say so."""
    ((word, content),) = value.items() if isinstance(value, dict) and len(value) == 1 else [("", None)]
    match word, content:
        case (("jump" | "goto"), {"target": str(chain)}):
            return Verdict(Kind(word), chain)
        case (("accept" | "drop" | "continue" | "return"), None):
            return Verdict(Kind(word))
        case "reject", _:
            return Verdict(Kind.DROP)
    raise ForeignError


def _values(side: Any, selector: Selector) -> tuple[Value, ...]:
    if selector.axis in {Axis.INCOMING, Axis.OUTGOING}:
        if type(side) is not str or not side or "\\" in side or side == "*":
            raise ForeignError
        return (side,)
    return (_span(side, selector),)


def _span(side: Any, selector: Selector) -> Span:
    match side:
        case {"range": [low, high]}:
            span = _number(low, selector)[0], _number(high, selector)[1]
            if span[0] > span[1]:
                raise ForeignError
            return span
        case {"prefix": {"addr": str(address), "len": int(length)}}:
            return _prefix(address, length, selector)
    return _number(side, selector)


def _number(value: Any, selector: Selector) -> Span:
    number = value if type(value) is int else _NUMBERS.get(selector, _spelt_out(selector.axis))(value)
    if number < 0:
        raise ForeignError
    return number * selector.unit, (number + 1) * selector.unit - 1


def _prefix(address: str, length: int, selector: Selector) -> Span:
    bits = 32 if selector.family is Family.IPV4 else 128
    if selector.axis not in {Axis.SOURCE, Axis.DESTINATION} or not 0 <= length <= bits:
        raise ForeignError
    rest = (1 << (bits - length)) - 1
    low = _address(selector.family)(address) & ~rest
    return low, low | rest


def _named(names: Mapping[str, int]) -> Callable[[Any], int]:
    def number(value: Any) -> int:
        if value not in names:
            raise ForeignError
        return names[value]

    return number


def _address(family: Family | None) -> Callable[[Any], int]:
    def number(value: Any) -> int:
        try:
            found = ip_address(value)
        except ValueError as error:
            raise ForeignError from error
        if not isinstance(found, IPv4Address if family is Family.IPV4 else IPv6Address):
            raise ForeignError
        return int(found)

    return number


def _spelt_out(axis: Axis) -> Callable[[Any], int]:
    return _named(_NAMES.get(axis, {}))


_NAMES: dict[Axis, Mapping[str, int]] = {
    Axis.STATE: {state.name.lower(): int(state) for state in State},
    Axis.REPLY: {"original": 0, "reply": 1},
    Axis.FAMILY: {family.name.lower(): int(family) for family in Family},
    Axis.PROTOCOL: PROTOCOLS,
}
_NUMBERS: dict[Selector, Callable[[Any], int]] = {
    _PAYLOAD["ip", "saddr"]: _address(Family.IPV4),
    _PAYLOAD["ip", "daddr"]: _address(Family.IPV4),
    _PAYLOAD["ip6", "saddr"]: _address(Family.IPV6),
    _PAYLOAD["ip6", "daddr"]: _address(Family.IPV6),
    _PAYLOAD["icmp", "type"]: _named(ICMP_TYPES),
    _PAYLOAD["icmpv6", "type"]: _named(ICMPV6_TYPES),
}
