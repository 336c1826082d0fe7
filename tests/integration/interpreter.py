"""What a kernel does with one packet, rule by rule, as its listing says: plain, and without the proof's code."""

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any, Literal

TYPES = {
    4: {"destination-unreachable": 3, "echo-request": 8, "time-exceeded": 11, "parameter-problem": 12},
    6: {
        "destination-unreachable": 1,
        "packet-too-big": 2,
        "time-exceeded": 3,
        "parameter-problem": 4,
        "nd-neighbor-solicit": 135,
        "nd-neighbor-advert": 136,
    },
}
NUMBERS = {"icmp": 1, "tcp": 6, "udp": 17, "ipv6-icmp": 58, "icmpv6": 58}


@dataclass(frozen=True, kw_only=True)
class Packet:
    """One packet at one hook; ``first`` and ``second`` are the half-words that its transport's header begins with."""

    hook: str
    state: str = "new"
    is_reply: bool = False
    version: Literal[4, 6] = 4
    incoming: str = ""
    outgoing: str = ""
    mark: int = 0
    source: int = 0
    destination: int = 0
    protocol: int = 6
    first: int = 0
    second: int = 0


class AbsentError(Exception):
    """A packet has nothing of what a rule looks at."""


Tables = dict[str, dict[str, Any]]


def tables(listing: Any) -> Tables:
    """Give the chains and sets of every table, each chain with its rules."""
    found: Tables = {}
    for entry in listing["nftables"]:
        ((kind, body),) = entry.items()
        if kind in {"chain", "set", "map"}:
            name = f"{body['family']} {body['table']}"
            found.setdefault(name, {})[f"{'chain' if kind == 'chain' else 'set'} {body['name']}"] = {
                **body,
                "rules": [],
            }
        elif kind == "rule":
            found[f"{body['family']} {body['table']}"][f"chain {body['chain']}"]["rules"].append(body["expr"])
    return found


def passes(held: Tables, packet: Packet, *, within_limits: bool) -> bool:
    """Tell whether *packet* gets through every base chain of its hook, if it is (or is not) within all limits."""
    for objects in held.values():
        for body in objects.values():
            if body.get("hook") == packet.hook:
                verdict = walk(objects, body["name"], packet, within_limits) or body["policy"]
                if verdict != "accept":
                    return False
    return True


def walk(objects: dict[str, Any], chain: str, packet: Packet, within_limits: bool) -> str | None:
    """Give ``accept`` or ``drop``, or nothing if the chain comes to its end."""
    for expression in objects[f"chain {chain}"]["rules"]:
        verdict = run(objects, expression, packet, within_limits)
        if verdict is None:
            continue
        ((word, content),) = verdict.items()
        if word in {"accept", "drop"}:
            return str(word)
        if word == "return":
            return None
        if word == "goto":
            return walk(objects, content["target"], packet, within_limits)
        if word == "jump":
            inner = walk(objects, content["target"], packet, within_limits)
            if inner is not None:
                return inner
    return None


def run(objects: dict[str, Any], expression: Any, packet: Packet, within_limits: bool) -> Any:
    """Give the verdict of one rule, or nothing if it does not match."""
    for statement in expression:
        ((kind, content),) = statement.items()
        try:
            if kind == "vmap":
                return looked_up(objects, content, packet)
            if not goes_on(objects, kind, content, packet, within_limits):
                return None
        except AbsentError:
            return None
        if kind not in {"counter", "log", "limit", "match"}:
            return statement
    return None


def goes_on(objects: dict[str, Any], kind: str, content: Any, packet: Packet, within_limits: bool) -> bool:
    """Tell whether a rule is not over at one of its statements."""
    if kind == "limit":
        return within_limits != bool(content.get("inv"))
    if kind == "match":
        equal = is_among(look(content["left"], packet), content["right"], objects, content["left"])
        return equal != (content["op"] == "!=")
    return True


def looked_up(objects: dict[str, Any], content: Any, packet: Packet) -> Any:
    """Give the verdict that a map has for *packet*, or nothing."""
    seen, data = look(content["key"], packet), content["data"]
    elements = objects[f"set {data[1:]}"].get("elem", []) if isinstance(data, str) else data["set"]
    return next((verdict for key, verdict in elements if fits(seen, bare(key), content["key"])), None)


def look(left: Any, packet: Packet) -> list[Any]:
    """Give what a rule sees of *packet*."""
    if "concat" in left:
        return [value for part in left["concat"] for value in look(part, packet)]
    ((kind, content),) = left.items()
    if kind == "meta":
        return [
            {
                "iifname": packet.incoming,
                "oifname": packet.outgoing,
                "mark": packet.mark,
                "l4proto": packet.protocol,
                "nfproto": packet.version,
            }[content["key"]]
        ]
    if kind == "ct":
        return [{"state": packet.state, "direction": "reply" if packet.is_reply else "original"}[content["key"]]]
    header, field = content["protocol"], content["field"]
    versions, protocols = {"ip": 4, "icmp": 4, "icmpv6": 6}, {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58}
    if versions.get(header, packet.version) != packet.version:
        raise AbsentError
    if protocols.get(header, packet.protocol) != packet.protocol:
        raise AbsentError
    return [
        {
            "saddr": packet.source,
            "daddr": packet.destination,
            "sport": packet.first,
            "dport": packet.second,
            "type": packet.first >> 8,
        }[field]
    ]


def is_among(seen: list[Any], right: Any, objects: dict[str, Any], left: Any) -> bool:
    """Tell whether what was seen is the value, or one of the values, of *right*."""
    if isinstance(right, str) and right.startswith("@"):
        values = objects[f"set {right[1:]}"].get("elem", [])
    elif isinstance(right, list):
        values = right
    elif isinstance(right, dict) and "set" in right:
        values = right["set"]
    else:
        values = [right]
    return any(fits(seen, bare(value), left) for value in values)


def bare(value: Any) -> Any:
    return value["elem"]["val"] if isinstance(value, dict) and "elem" in value else value


def fits(seen: list[Any], value: Any, left: Any) -> bool:
    """Hold what was seen against one element, side by side."""
    values = value["concat"] if isinstance(value, dict) and "concat" in value else [value]
    parts = left.get("concat", [left])
    return all(fits_one(*each) for each in zip(seen, values, parts, strict=True))


def fits_one(seen: Any, value: Any, part: Any) -> bool:
    if isinstance(value, dict) and "range" in value:
        low, high = (number(each, part) for each in value["range"])
        return bool(low <= seen <= high)
    if isinstance(value, dict) and "prefix" in value:
        network = ip_network(f"{value['prefix']['addr']}/{value['prefix']['len']}", strict=False)
        return int(network.network_address) <= seen <= int(network.broadcast_address)
    return bool(seen == number(value, part))


def number(value: Any, part: Any) -> Any:
    """Give a value as ``look`` gives it: addresses, protocols and types as numbers, names as they are."""
    payload = part.get("payload", {})
    if payload.get("field") in {"saddr", "daddr"}:
        return int(ip_address(value))
    if payload.get("field") == "type":
        return TYPES[4 if payload["protocol"] == "icmp" else 6][value]
    if part.get("meta", {}).get("key") == "l4proto":
        return NUMBERS[value]
    if part.get("meta", {}).get("key") == "nfproto":
        return {"ipv4": 4, "ipv6": 6}[value]
    return value
