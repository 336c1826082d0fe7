"""Small edits of a listing, as somebody's hand or a bug might make them; each says what it did."""

import copy
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from random import Random
from typing import Any

PORT_FIELDS = {"dport", "sport"}
OTHER_VERDICTS = {"accept": "drop", "drop": "accept", "return": "accept", "jump": "goto", "goto": "jump"}


def edited(listing: Any, chance: Random) -> tuple[str, Any]:
    """Give a copy of *listing* with one edit that a kernel would take, and what it was."""
    while True:
        changed = copy.deepcopy(listing)
        edit = chance.choice(EDITS)
        what = edit(changed["nftables"], chance)
        if what is not None and is_listable(changed):
            return f"{edit.__name__}: {what}", changed


def is_listable(part: Any) -> bool:
    """Tell whether a kernel could hold all of it: prefixes are of 32 bits at most, and no key has a thing twice."""
    if isinstance(part, list):
        return all(map(is_listable, part))
    if not isinstance(part, dict):
        return True
    sides = part.get("concat", [])
    is_doubled = any(isinstance(side, dict) and sides.count(side) > 1 for side in sides)
    return not is_doubled and part.get("len", 0) <= 32 and all(map(is_listable, part.values()))


def rules(entries: list[Any]) -> list[Any]:
    return [entry["rule"] for entry in entries if "rule" in entry]


def one_rule(entries: list[Any], chance: Random) -> Any:
    return chance.choice(rules(entries))


def drop_rule(entries: list[Any], chance: Random) -> str | None:
    rule = one_rule(entries, chance)
    entries.remove({"rule": rule})
    return f"handle {rule['handle']}"


def swap_rules(entries: list[Any], chance: Random) -> str | None:
    places = [number for number, entry in enumerate(entries) if "rule" in entry]
    one, other = chance.sample(places, 2)
    if entries[one]["rule"]["chain"] != entries[other]["rule"]["chain"]:
        return None
    entries[one], entries[other] = entries[other], entries[one]
    return f"handles {entries[one]['rule']['handle']} and {entries[other]['rule']['handle']}"


def move_rule(entries: list[Any], chance: Random) -> str | None:
    """Append a copy of a rule to another chain."""
    chains = [entry["chain"] for entry in entries if "chain" in entry]
    rule, chain = copy.deepcopy(one_rule(entries, chance)), chance.choice(chains)["name"]
    if chain == rule["chain"] or leads_on(rule):
        return None
    at = chance.choice([number for number, entry in enumerate(entries) if "rule" in entry])
    entries.insert(at, {"rule": {**rule, "chain": chain}})
    return f"handle {rule['handle']} into {chain}"


def leads_on(rule: Any) -> bool:
    """Tell whether a rule leads to another chain: a copy of it could lead in a circle."""
    return "jump" in str(rule["expr"]) or "goto" in str(rule["expr"]) or "vmap" in str(rule["expr"])


def drop_condition(entries: list[Any], chance: Random) -> str | None:
    rule = one_rule(entries, chance)
    conditions = [statement for statement in rule["expr"] if statement.keys() & {"match", "limit"}]
    if not conditions:
        return None
    gone = chance.choice(conditions)
    rule["expr"].remove(gone)
    return f"handle {rule['handle']}: {gone}"


def negate(entries: list[Any], chance: Random) -> str | None:
    rule = one_rule(entries, chance)
    matches = [each["match"] for each in rule["expr"] if "match" in each and each["match"]["op"] in {"==", "!="}]
    if not matches:
        return None
    match = chance.choice(matches)
    match["op"] = "!=" if match["op"] == "==" else "=="
    return f"handle {rule['handle']}: {match}"


def change_verdict(entries: list[Any], chance: Random) -> str | None:
    rule = one_rule(entries, chance)
    for statement in rule["expr"]:
        if word := next(iter(statement.keys() & OTHER_VERDICTS.keys()), None):
            statement[OTHER_VERDICTS[word]] = statement.pop(word)
            return f"handle {rule['handle']}: {word}"
    return None


def change_policy(entries: list[Any], chance: Random) -> str | None:
    chain = chance.choice([entry["chain"] for entry in entries if "hook" in entry.get("chain", {})])
    chain["policy"] = "accept"
    return str(chain["name"])


def elements(entries: list[Any]) -> Iterator[list[Any]]:
    """Yield every list of elements, of named sets and maps and of those in rules."""
    for entry in entries:
        for kind in ("set", "map"):
            if kind in entry:
                yield entry[kind].get("elem", [])
    for rule in rules(entries):
        for statement in rule["expr"]:
            right = statement.get("match", {}).get("right")
            data = statement.get("vmap", {}).get("data")
            for holder in (right, data):
                if isinstance(holder, dict) and "set" in holder:
                    yield holder["set"]


def drop_element(entries: list[Any], chance: Random) -> str | None:
    held = [each for each in elements(entries) if len(each) > 1]
    if not held:
        return None
    chosen = chance.choice(held)
    return str(chosen.pop(chance.randrange(len(chosen))))


def change_element_verdict(entries: list[Any], chance: Random) -> str | None:
    verdicts = [each[1] for held in elements(entries) for each in held if isinstance(each, list)]
    if not verdicts:
        return None
    verdict = chance.choice(verdicts)
    word = next(iter(verdict))
    if word not in OTHER_VERDICTS:
        return None
    verdict[OTHER_VERDICTS[word]] = verdict.pop(word)
    return f"{word} in a map"


def values(part: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the place of every value in a listing: its container and its key."""
    if isinstance(part, dict):
        places: Any = part.items()
    elif isinstance(part, list):
        places = enumerate(part)
    else:
        return
    for key, value in list(places):
        if key not in {"handle", "comment", "limit", "log", "counter", "table", "chain", "name", "target", "prio"}:
            yield part, key
            yield from values(value)


def change_value(
    entries: list[Any], chance: Random, wanted: Callable[[Any], bool], change: Callable[[Any], Any]
) -> str | None:
    held = [entry[kind] for entry in entries for kind in ("rule", "set", "map") if kind in entry]
    places = [place for body in held for place in values(body) if wanted(place[0][place[1]])]
    if not places:
        return None
    container, key = chance.choice(places)
    old = container[key]
    container[key] = change(old)
    return f"{old} → {container[key]}"


def is_number(value: Any) -> bool:
    return type(value) is int and 1 < value < 65000


def widen_port(entries: list[Any], chance: Random) -> str | None:
    ports = [
        (match, "right")
        for rule in rules(entries)
        for match in (statement.get("match", {}) for statement in rule["expr"])
        if match.get("left", {}).get("payload", {}).get("field") in PORT_FIELDS and is_number(match["right"])
    ]
    ports += [
        (concat, len(concat) - 1)
        for held in elements(entries)
        for concat in (find_concat(each) for each in held)
        if concat and is_number(concat[-1])
    ]
    if not ports:
        return None
    container, key = chance.choice(ports)
    old = container[key]
    container[key] = {"range": [old - chance.randrange(2), old + chance.choice([1, 7, 300])]}
    return f"{old} → {container[key]}"


def find_concat(element: Any) -> list[Any]:
    key = element[0] if isinstance(element, list) else element
    bare = key["elem"]["val"] if isinstance(key, dict) and "elem" in key else key
    return bare["concat"] if isinstance(bare, dict) and "concat" in bare else []


def change_port(entries: list[Any], chance: Random) -> str | None:
    return change_value(entries, chance, is_number, lambda old: old + chance.choice([-1, 1, 1000]))


def change_address(entries: list[Any], chance: Random) -> str | None:
    return change_value(entries, chance, is_address, lambda old: str(ip_address(old) + chance.choice([-1, 1, 256])))


def is_address(value: Any) -> bool:
    return isinstance(value, str) and value.count(".") == 3 and value[0].isdigit() and not value.endswith(".0")


def change_prefix(entries: list[Any], chance: Random) -> str | None:
    def is_prefix(value: Any) -> bool:
        return isinstance(value, dict) and value.keys() == {"addr", "len"}

    return change_value(
        entries,
        chance,
        is_prefix,
        lambda old: {**old, "len": max(0, min(32, old["len"] + chance.choice([-8, -1, 1, 4])))},
    )


def change_word(entries: list[Any], chance: Random) -> str | None:
    """Put another interface, transport, state, type or field in the place of one."""
    others = {
        "eth1": "ipsec1",
        "ipsec1": "eth1.110",
        "eth1.110": "eth1.100",
        "eth1.100": "eth1",
        "lo": "eth1",
        "tcp": "udp",
        "udp": "tcp",
        "established": "new",
        "related": "new",
        "invalid": "untracked",
        "echo-request": "time-exceeded",
        "saddr": "daddr",
        "daddr": "saddr",
        "iifname": "oifname",
        "oifname": "iifname",
    }

    def is_known(value: Any) -> bool:
        return isinstance(value, str) and value in others

    return change_value(entries, chance, is_known, lambda old: others[old])


EDITS: tuple[Callable[[list[Any], Random], str | None], ...] = (
    drop_rule,
    swap_rules,
    move_rule,
    drop_condition,
    negate,
    change_verdict,
    change_policy,
    drop_element,
    change_element_verdict,
    widen_port,
    change_port,
    change_address,
    change_prefix,
    change_word,
)
