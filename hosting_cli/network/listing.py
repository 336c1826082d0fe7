"""Read what `nft -j list ruleset` writes into the rule set that it means.  Pure.

Nothing is skipped because it is not known: it becomes a ``NotUnderstood`` where it stands.  Left out is only what can
neither stop a packet nor let one through: counters, logs, and objects until a rule uses them.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from hosting_cli.network.listing_values import ForeignError, key, selectors, verdict
from hosting_cli.network.packets import Axis, Family
from hosting_cli.network.rules import (
    Chain,
    Condition,
    Entry,
    Hook,
    Key,
    Kind,
    Match,
    NotUnderstood,
    Outcome,
    Rule,
    RuleSet,
    Selector,
    Sometimes,
    Verdict,
    VerdictMap,
)

_FAMILIES = {"inet": None, "ip": Family.IPV4, "ip6": Family.IPV6}
_WITHOUT_EFFECT = {
    "metainfo", "counter", "quota", "limit", "flowtable", "ct helper", "ct timeout", "ct expectation", "secmark",
    "synproxy",
}  # fmt: skip
"""Objects that do nothing of themselves; rules that use them say so."""

_AFTER_TRACKING = -200
"""The priority of connection tracking: before it there is no state to look at."""

_LONGEST_TEXT = 160


def rule_set(listing: Any) -> RuleSet:
    """Read a whole listing; raise ``ValueError`` if it is none."""
    try:
        entries = [next(iter(entry.items())) for entry in listing["nftables"]]
        return _Listing(entries).rule_set()
    except (LookupError, TypeError, AttributeError, StopIteration) as error:
        raise ValueError(f"not a listing of nft: {type(error).__name__}: {error}") from error


class _Listing:
    """The objects of a listing, with its sets and maps at hand."""

    def __init__(self, entries: list[tuple[str, Any]]) -> None:
        self._entries = entries
        self._sets = {(_table(body), body["name"]): body for kind, body in entries if kind in {"set", "map"}}
        self._read: dict[tuple[str, str, tuple[Selector, ...]], tuple[Any, ...]] = {}

    def rule_set(self) -> RuleSet:
        rules: dict[tuple[str, str], list[Rule]] = {}
        for kind, body in self._entries:
            if kind == "rule":
                rules.setdefault((_table(body), body["chain"]), []).append(self._rule(body))
        chains = {
            (_table(body), body["name"]): _chain(body, tuple(rules.get((_table(body), body["name"]), ())))
            for kind, body in self._entries
            if kind == "chain"
        }
        beside = [*self._objects(), *_misplaced(self._entries, rules), *_astray(chains)]
        return RuleSet(chains, tuple(beside))

    def _objects(self) -> Iterator[NotUnderstood]:
        for kind, body in self._entries:
            if kind == "table" and body.get("flags"):
                # In some versions of nft they are numbers that mean nothing; one of them makes a table sleep.
                yield NotUnderstood(_table(body), f"flags {body['flags']}")
            elif kind not in {"table", "chain", "rule", "set", "map"} | _WITHOUT_EFFECT:
                yield NotUnderstood(kind, _text(body))

    def _rule(self, body: Any) -> Rule:
        table, handle, comment = _table(body), body["handle"], body.get("comment")
        place = f"{table}, chain {body['chain']}, handle {handle}" + (f" “{comment}”" if comment else "")
        conditions: list[Condition] = []
        outcome: Outcome = Verdict(Kind.CONTINUE)
        deciding = [statement for statement in body["expr"] if statement.keys() - {"counter", "log"}]
        for number, statement in enumerate(deciding, start=1):
            if statement.keys() == {"match"}:
                conditions.append(self._match(table, place, statement))
            elif statement.keys() == {"limit"} and isinstance(statement["limit"], dict):
                conditions.append(Sometimes())
            else:
                outcome = self._outcome(table, place, statement, is_last=number == len(deciding))
                break
        return Rule(handle, tuple(conditions), outcome, comment)

    def _match(self, table: str, place: str, statement: Any) -> Condition:
        try:
            return self._understood_match(table, statement["match"])
        except ForeignError:
            return NotUnderstood(place, _text(statement))

    def _understood_match(self, table: str, content: Any) -> Match:
        wanted, operator, right = selectors(content["left"]), content["op"], content["right"]
        if operator not in {"==", "!=", "in"}:
            raise ForeignError
        if operator == "in" and (len(wanted) != 1 or wanted[0].axis is not Axis.STATE):
            raise ForeignError  # a comparison of bits
        return Match(wanted, self._keys(table, right, wanted), operator == "!=")

    def _keys(self, table: str, right: Any, wanted: tuple[Selector, ...]) -> tuple[Key, ...]:
        match right:
            case str() if right.startswith("@"):
                return self._elements(table, right[1:], wanted)
            case {"set": [*values]}:
                return tuple(key(_plain(value)[0], wanted) for value in values)
            case [*values]:
                return tuple(key(value, wanted) for value in values)
        return (key(right, wanted),)

    def _outcome(self, table: str, place: str, statement: Any, *, is_last: bool) -> Outcome:
        try:
            return self._understood_outcome(table, statement if is_last else None)
        except ForeignError:
            return NotUnderstood(place, _text(statement))

    def _understood_outcome(self, table: str, statement: Any) -> Outcome:
        if not isinstance(statement, dict) or statement.keys() != {"vmap"}:
            return verdict(statement)
        wanted, data = selectors(statement["vmap"]["key"]), statement["vmap"]["data"]
        if isinstance(data, str) and data.startswith("@"):
            return VerdictMap(wanted, self._elements(table, data[1:], wanted))
        if not isinstance(data, dict) or data.keys() != {"set"}:
            raise ForeignError
        return VerdictMap(wanted, tuple(_entry(value, wanted) for value in data["set"]))

    def _elements(self, table: str, name: str, wanted: tuple[Selector, ...]) -> tuple[Any, ...]:
        """Read the elements of a named set or map, once for each way in which they are looked at."""
        found = self._read.get((table, name, wanted))
        if found is None:
            body = self._sets[table, name]
            if set(_listed(body.get("flags", ()))) - {"interval", "constant"} or "timeout" in body:
                raise ForeignError  # what is in it changes without anybody
            if "map" not in body:
                found = tuple(key(_plain(value)[0], wanted) for value in body.get("elem", ()))
            elif body["map"] == "verdict":
                found = tuple(_entry(value, wanted) for value in body.get("elem", ()))
            else:
                raise ForeignError
            self._read[table, name, wanted] = found
        return found


def _entry(value: Any, wanted: tuple[Selector, ...]) -> Entry:
    if not isinstance(value, list) or len(value) != 2:
        raise ForeignError
    plain, comment = _plain(value[0])
    return Entry(key(plain, wanted), verdict(value[1]), comment)


def _plain(value: Any) -> tuple[Any, str | None]:
    """Take off an element what does not decide: its counter and its comment."""
    if isinstance(value, dict) and value.keys() == {"elem"}:
        if value["elem"].keys() - {"val", "comment", "counter"}:
            raise ForeignError  # a limit, a quota, or the end of its time
        return value["elem"]["val"], value["elem"].get("comment")
    return value, None


def _chain(body: Any, rules: tuple[Rule, ...]) -> Chain:
    return Chain(
        _table(body),
        body["name"],
        rules,
        _FAMILIES.get(body["family"]),
        Hook(body["hook"]) if body.get("hook") in set(Hook) and body["family"] in _FAMILIES else None,
        Kind(body.get("policy", "accept")),
    )


def _misplaced(entries: Iterable[tuple[str, Any]], rules: Any) -> Iterator[NotUnderstood]:
    """Find base chains that stop or change packets where, or in a way that, the proof does not follow."""
    for kind, body in entries:
        if kind != "chain" or "hook" not in body:
            continue
        is_idle = not rules.get((_table(body), body["name"])) and body.get("policy", "accept") == "accept"
        is_followed = body["family"] in _FAMILIES and body["hook"] in set(Hook) and body["type"] in {"filter", "route"}
        if not is_idle and not (is_followed and body["prio"] > _AFTER_TRACKING):
            words = f"a base chain of type {body['type']} at {body['hook']}, priority {body['prio']}"
            yield NotUnderstood(f"{_table(body)}, chain {body['name']}", words)


def _astray(chains: Any) -> Iterator[NotUnderstood]:
    """Find verdicts that lead to a chain which the listing does not have."""
    for (table, _), chain in chains.items():
        for rule in chain.rules:
            entries = rule.outcome.entries if isinstance(rule.outcome, VerdictMap) else ()
            verdicts = [rule.outcome] if isinstance(rule.outcome, Verdict) else [entry.verdict for entry in entries]
            for found in verdicts:
                if found.chain is not None and (table, found.chain) not in chains:
                    yield NotUnderstood(chain.place(rule), f"a chain {found.chain} that is not listed")


def _table(body: Any) -> str:
    return f"{body['family']} {body['name' if 'table' not in body else 'table']}"


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _text(value: Any) -> str:
    written = json.dumps(value, ensure_ascii=False)
    return written if len(written) <= _LONGEST_TEXT else f"{written[: _LONGEST_TEXT - 1]}…"
