"""Work out what a rule set does with every packet: which may pass, which may be stopped.  Pure.

A limit lets one packet pass and stops the next that is just like it, so that a packet can be in both sets.  What is
*not* in the one is certain to be stopped, and what is not in the other is certain to pass.  A condition that is not
understood is like a limit: both are possible.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from hosting_cli.network.packets import Axis, Packets, Pattern
from hosting_cli.network.rules import (
    Chain,
    Hook,
    Key,
    Kind,
    Match,
    NotUnderstood,
    Rule,
    RuleSet,
    Selector,
    Value,
    Verdict,
    VerdictMap,
)
from hosting_cli.network.spaces import Point, PointSet, Span, overlap


@dataclass(frozen=True)
class Fate:
    """What may become of packets in a chain: accepted, dropped, or left to whatever comes after it."""

    accepted: PointSet
    dropped: PointSet
    left: PointSet


@dataclass(frozen=True)
class Passage:
    """What may become of packets at a hook, all base chains and their policies taken together."""

    accepted: PointSet
    dropped: PointSet


@dataclass(frozen=True)
class Decision:
    """Where one packet's fate is decided: a rule (and the element of its map) of a chain, or the chain's policy."""

    kind: Kind
    chain: Chain
    rule: Rule | None
    reach: PointSet
    """All packets that the same words decide about, whether or not they come so far."""
    comment: str | None = None

    def __str__(self) -> str:
        """Name it, for people."""
        if self.rule is None:
            return f"{self.chain.table}, chain {self.chain.name}, policy {self.kind}"
        element = f", element “{self.comment}”" if self.comment else ""
        return f"{self.chain.place(self.rule)}{element}"


class Evaluation:
    """A rule set over all packets; every chain is worked out once, however many verdicts lead to it."""

    def __init__(self, rules: RuleSet, packets: Packets) -> None:
        self._rules = rules
        self._packets = packets
        self._fates: dict[tuple[str, str], Fate] = {}
        self._cases: dict[Rule, _Cases] = {}

    def passage(self, hooks: Sequence[Hook]) -> Passage:
        """Say what may become of packets that come through *hooks*: each base chain of them must accept."""
        accepted, dropped = self._packets.possible, self._packets.nothing
        for chain in self._base_chains(hooks):
            fate, concerned = self._fate(chain), self._concerned(chain)
            accepts, drops = fate.accepted, fate.dropped
            if chain.policy is Kind.ACCEPT:
                accepts = accepts | fate.left
            else:
                drops = drops | fate.left
            accepted = accepted & (accepts | (self._packets.everything - concerned))
            dropped = dropped | (drops & concerned)
        return Passage(accepted, dropped & self._packets.possible)

    def decision(self, packet: Point, wanted: Kind, hooks: Sequence[Hook]) -> Decision | None:
        """Name what may accept or drop *packet* on its way, as *wanted*; ``None`` if nothing understood does."""
        met = [
            decision
            for chain in self._base_chains(hooks)
            if packet in self._concerned(chain)
            for decision in self._met_in_base(chain, packet)
            if decision.kind is wanted
        ]
        # A rule says more than the policy of a chain that everything comes to the end of.
        return min(met, key=lambda decision: decision.rule is None, default=None)

    def _base_chains(self, hooks: Sequence[Hook]) -> Iterator[Chain]:
        yield from (chain for hook in hooks for chain in self._rules.based_on(hook))

    def _concerned(self, chain: Chain) -> PointSet:
        return (
            self._packets.everything if chain.family is None else self._packets.matching(Pattern(family=chain.family))
        )

    # -- a chain, over all packets ------------------------------------------------------------------------------

    def _fate(self, chain: Chain) -> Fate:
        """Work a chain out for all packets, whichever of them come to it."""
        name = (chain.table, chain.name)
        if name not in self._fates:
            self._fates[name] = self._worked_out(chain)
        return self._fates[name]

    def _worked_out(self, chain: Chain) -> Fate:
        union = self._packets.space.union
        accepted: list[PointSet] = []
        dropped: list[PointSet] = []
        left: list[PointSet] = []
        remaining = self._packets.everything
        for is_accepting, rules in groupby(chain.rules, key=lambda rule: rule.outcome == _ACCEPT):
            if is_accepting:
                # Their order makes no difference, so they are taken together.
                cases = [self._cases_of(rule) for rule in rules]
                accepted.append(remaining & union(case.matched for case in cases))
                remaining = remaining - union(case.matched for case in cases if case.is_certain)
                continue
            for rule in rules:
                effect = self._effect(chain, rule)
                accepted.append(remaining & effect.fate.accepted)
                dropped.append(remaining & effect.fate.dropped)
                left.append(remaining & effect.fate.left)
                remaining = (remaining - effect.settled) | (remaining & effect.onward)
        return Fate(union(accepted), union(dropped), union([*left, remaining]))

    def _effect(self, chain: Chain, rule: Rule) -> "_Effect":
        """Say what a rule does with all packets, whichever of them come to it."""
        union, nothing = self._packets.space.union, self._packets.nothing
        cases = self._cases_of(rule)
        if isinstance(rule.outcome, NotUnderstood):
            return _Effect(Fate(cases.matched, cases.matched, cases.matched), nothing, nothing)
        fates = [(way, self._fate_of(chain, way)) for way in cases.ways]
        matched = cases.matched
        fate = Fate(
            matched & union(each.accepted for _, each in fates),
            matched & union(each.dropped for _, each in fates),
            matched & union(each.left for way, each in fates if way.verdict.kind in _LEAVING),
        )
        onward = matched & union(each.left for way, each in fates if way.verdict.kind not in _LEAVING)
        settled = matched & union(way.packets for way in cases.ways) if cases.is_certain else nothing
        return _Effect(fate, onward, settled)

    def _fate_of(self, chain: Chain, way: "_Way") -> Fate:
        nothing, packets = self._packets.nothing, way.packets
        if way.verdict.kind is Kind.ACCEPT:
            return Fate(packets, nothing, nothing)
        if way.verdict.kind is Kind.DROP:
            return Fate(nothing, packets, nothing)
        if way.verdict.chain is None:
            return Fate(nothing, nothing, packets)
        fate = self._fate(self._rules.chains[chain.table, way.verdict.chain])
        return Fate(packets & fate.accepted, packets & fate.dropped, packets & fate.left)

    # -- a chain, for one packet --------------------------------------------------------------------------------

    def _met_in_base(self, chain: Chain, packet: Point) -> list[Decision]:
        met, is_left = self._met(chain, packet)
        return [*met, Decision(chain.policy, chain, None, self._packets.everything)] if is_left else met

    def _met(self, chain: Chain, packet: Point) -> tuple[list[Decision], bool]:
        """Give the decisions that *packet* may meet in a chain, and whether it may be left at its end."""
        met: list[Decision] = []
        for rule in chain.rules:
            cases = self._cases_of(rule)
            way = next((way for way in cases.ways if packet in way.packets), None)
            if way is None or packet not in cases.matched:
                continue
            kind = way.verdict.kind
            if kind in {Kind.ACCEPT, Kind.DROP}:
                met.append(self._decision(chain, rule, way, packet))
            is_left = kind is Kind.RETURN
            if way.verdict.chain is not None:
                inner, is_left = self._met(self._rules.chains[chain.table, way.verdict.chain], packet)
                met += inner
            goes_on = kind is Kind.CONTINUE or (kind is Kind.JUMP and is_left)
            if cases.is_certain and not goes_on:
                return met, is_left
        return met, True

    def _decision(self, chain: Chain, rule: Rule, way: "_Way", packet: Point) -> Decision:
        if not isinstance(rule.outcome, VerdictMap):
            return Decision(way.verdict.kind, chain, rule, self._cases_of(rule).matched)
        selectors = rule.outcome.selectors
        entry = next(entry for entry in rule.outcome.entries if self._is_among(packet, selectors, entry.key))
        return Decision(way.verdict.kind, chain, rule, self._keyed(selectors, (entry.key,)), entry.comment)

    def _is_among(self, packet: Point, selectors: Sequence[Selector], key: Key) -> bool:
        return all(
            any(low <= packet[selector.axis] <= high for low, high in self._spans(values))
            for selector, values in zip(selectors, key, strict=True)
        )

    # -- a rule -------------------------------------------------------------------------------------------------

    def _cases_of(self, rule: Rule) -> "_Cases":
        if rule not in self._cases:
            self._cases[rule] = self._read(rule)
        return self._cases[rule]

    def _read(self, rule: Rule) -> "_Cases":
        """Say which packets a rule matches, and which of them take which way out of it."""
        sides: dict[int, Sequence[Span]] = {}
        others: list[Match] = []
        for condition in rule.conditions:
            if isinstance(condition, Match) and len(condition.selectors) == 1 and not condition.negated:
                self._narrow(sides, condition)
            elif isinstance(condition, Match):
                others.append(condition)
        matched = self._packets.space.box(sides)
        for match_ in others:
            matched = matched & self._matching(match_)
        is_certain = all(isinstance(condition, Match) for condition in rule.conditions)
        match rule.outcome:
            case NotUnderstood():
                ways: tuple[_Way, ...] = ()
            case Verdict():
                ways = (_Way(self._packets.everything, rule.outcome),)
            case VerdictMap(selectors, entries):
                keys: dict[Verdict, list[Key]] = {}
                for entry in entries:
                    keys.setdefault(entry.verdict, []).append(entry.key)
                ways = tuple(_Way(self._keyed(selectors, found), verdict) for verdict, found in keys.items())
        return _Cases(matched, is_certain, ways)

    def _narrow(self, sides: dict[int, Sequence[Span]], match: Match) -> None:
        """Leave of a box what matches, where that is a box itself."""
        (selector,) = match.selectors
        needed: dict[int, Sequence[Span]] = {
            selector.axis: self._spans(value for (values,) in match.keys for value in values)
        }
        if selector.family is not None:
            needed[Axis.FAMILY] = ((selector.family, selector.family),)
        if selector.protocol is not None:
            needed[Axis.PROTOCOL] = ((selector.protocol, selector.protocol),)
        for axis, spans in needed.items():
            sides[axis] = overlap(sides[axis], spans) if axis in sides else spans

    def _matching(self, match: Match) -> PointSet:
        keyed = self._keyed(match.selectors, match.keys)
        return self._having(match.selectors) - keyed if match.negated else keyed

    def _having(self, selectors: Sequence[Selector]) -> PointSet:
        """Give the packets that have what *selectors* look at."""
        having = self._packets.everything
        for selector in selectors:
            protocols = None if selector.protocol is None else (selector.protocol,)
            having = having & self._packets.matching(Pattern(family=selector.family, protocols=protocols))
        return having

    def _keyed(self, selectors: Sequence[Selector], keys: Iterable[Key]) -> PointSet:
        """Give the packets that have one of *keys*."""
        axes = [selector.axis for selector in selectors]
        space = self._packets.space
        boxes = (space.box({axis: self._spans(values) for axis, values in zip(axes, key, strict=True)}) for key in keys)
        return self._having(selectors) & space.union(boxes)

    def _spans(self, values: Iterable[Value]) -> list[Span]:
        return [
            span
            for value in values
            for span in (self._packets.spans_of_interface(value) if isinstance(value, str) else (value,))
        ]


_ACCEPT = Verdict(Kind.ACCEPT)
_LEAVING = frozenset({Kind.RETURN, Kind.GOTO})
"""Verdicts after which a chain's next rule is not asked, even if they lead to no decision."""


@dataclass(frozen=True)
class _Way:
    """One way out of a rule: which packets take it, and the verdict they get."""

    packets: PointSet
    verdict: Verdict


@dataclass(frozen=True)
class _Cases:
    """Which packets match a rule, certainly or only sometimes, and the ways out of it."""

    matched: PointSet
    is_certain: bool
    ways: tuple[_Way, ...]


@dataclass(frozen=True)
class _Effect:
    """What a rule does: the fate of some packets; which go *onward* to the next rule although they took a way out of
    this one; and which are *settled*: they certainly took one."""

    fate: Fate
    onward: PointSet
    settled: PointSet
