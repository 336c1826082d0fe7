"""A rule set as a kernel holds it: the kinds of things that the proof understands, and the one that it does not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from hosting_cli.network.packets import Axis, Family
from hosting_cli.network.spaces import Span


@dataclass(frozen=True)
class Selector:
    """One thing of a packet that a rule looks at, and what a packet must be for it to have that at all.

    A rule is over for a packet that has none, whether it asks for something equal or unequal.  ``unit`` is how many
    numbers of the axis one value spans: 256 for an ICMP type, which is the upper half of what the axis counts.
    """

    axis: Axis
    family: Family | None = None
    protocol: int | None = None
    unit: int = 1


Value: TypeAlias = Span | str
"""A span of numbers, or the name (or pattern) of an interface."""

Key: TypeAlias = tuple[tuple[Value, ...], ...]
"""The values that each selector may have; what is listed together holds together."""


@dataclass(frozen=True)
class Match:
    """Go on with the rule if what *selectors* see is among *keys*; or, *negated*, if it is not."""

    selectors: tuple[Selector, ...]
    keys: tuple[Key, ...]
    negated: bool = False


@dataclass(frozen=True)
class Sometimes:
    """Go on with the rule for some packets and not for others that are alike: a limit of their rate."""


@dataclass(frozen=True)
class NotUnderstood:
    """Something whose meaning the proof does not know: nothing is proven while it is there."""

    place: str
    text: str

    def __str__(self) -> str:
        """Say where it is and what it is."""
        return f"{self.place}: {self.text}"


class Kind(StrEnum):
    """What a verdict does."""

    ACCEPT = "accept"
    DROP = "drop"
    CONTINUE = "continue"
    RETURN = "return"
    JUMP = "jump"
    GOTO = "goto"


@dataclass(frozen=True)
class Verdict:
    """What becomes of a packet; *chain* is where a jump or goto leads."""

    kind: Kind
    chain: str | None = None


@dataclass(frozen=True)
class Entry:
    """An element of a verdict map."""

    key: Key
    verdict: Verdict
    comment: str | None = None


@dataclass(frozen=True)
class VerdictMap:
    """Give the verdict of the entry whose key a packet has; the rule is over for one that has none of them."""

    selectors: tuple[Selector, ...]
    entries: tuple[Entry, ...]


Condition: TypeAlias = Match | Sometimes | NotUnderstood
Outcome: TypeAlias = Verdict | VerdictMap | NotUnderstood


@dataclass(frozen=True, eq=False)
class Rule:
    """If all conditions hold, the outcome.  Compared by identity: one may hold tens of thousands of keys."""

    handle: int
    conditions: tuple[Condition, ...]
    outcome: Outcome
    comment: str | None = None


class Hook(StrEnum):
    """Where in the kernel's path a base chain stands."""

    PREROUTING = "prerouting"
    INPUT = "input"
    FORWARD = "forward"
    OUTPUT = "output"
    POSTROUTING = "postrouting"


@dataclass(frozen=True)
class Chain:
    """Rules in their order; a base chain has a hook, and a policy for what comes to its end."""

    table: str
    name: str
    rules: tuple[Rule, ...]
    family: Family | None = None
    hook: Hook | None = None
    policy: Kind = Kind.ACCEPT

    def place(self, rule: Rule) -> str:
        """Name a rule, for people."""
        comment = f" “{rule.comment}”" if rule.comment else ""
        return f"{self.table}, chain {self.name}, handle {rule.handle}{comment}"


@dataclass(frozen=True)
class RuleSet:
    """All tables of a kernel: chains by table and name, and what stands beside them that is not understood."""

    chains: Mapping[tuple[str, str], Chain]
    beside: tuple[NotUnderstood, ...] = ()

    @property
    def not_understood(self) -> Iterator[NotUnderstood]:
        """Yield everything that is not understood, wherever it stands."""
        yield from self.beside
        for chain in self.chains.values():
            for rule in chain.rules:
                yield from (part for part in (*rule.conditions, rule.outcome) if isinstance(part, NotUnderstood))

    @property
    def may_change_packets(self) -> bool:
        """Tell whether something that is not understood might do more than decide."""
        outcomes = (rule.outcome for chain in self.chains.values() for rule in chain.rules)
        return bool(self.beside) or any(isinstance(outcome, NotUnderstood) for outcome in outcomes)

    def based_on(self, hook: Hook) -> tuple[Chain, ...]:
        """Give the base chains of *hook*: a packet passes only if it passes every one."""
        return tuple(chain for chain in self.chains.values() if chain.hook is hook)

    @property
    def interfaces(self) -> frozenset[str]:
        """Give every name and pattern of an interface that any rule speaks of."""
        return frozenset(
            value
            for chain in self.chains.values()
            for rule in chain.rules
            for key in _keys(rule)
            for side in key
            for value in side
            if isinstance(value, str)
        )


def _keys(rule: Rule) -> Iterator[Key]:
    for part in (*rule.conditions, rule.outcome):
        if isinstance(part, Match):
            yield from part.keys
        elif isinstance(part, VerdictMap):
            yield from (entry.key for entry in part.entries)
