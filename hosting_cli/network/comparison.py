"""Hold what one host's kernel lets through against what the files say: differences, with example packets.  Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from deploys.flows import ResolvedFlow
from hosting_cli.network.evaluation import Evaluation
from hosting_cli.network.expected import permits
from hosting_cli.network.packets import (
    ICMPV6,
    LOOPBACK,
    NONE,
    TCP,
    UDP,
    Family,
    Interfaces,
    Packets,
    Pattern,
    State,
    spans_of,
)
from hosting_cli.network.permits import Permit, Position
from hosting_cli.network.rules import Hook, Kind, NotUnderstood, RuleSet
from hosting_cli.network.spaces import Point, PointSet, Span, without
from inventory.resource import Json

PATHS = {
    Hook.INPUT: (Hook.PREROUTING, Hook.INPUT),
    Hook.FORWARD: (Hook.PREROUTING, Hook.FORWARD, Hook.POSTROUTING),
    Hook.OUTPUT: (Hook.OUTPUT, Hook.POSTROUTING),
}
"""The hooks that a packet comes through, by the one that tells where it comes from and goes to."""

MOST_EXAMPLES = 50
"""How many differences of a kind are named at a hook, each decided by other words of the rule set."""


class Difference(StrEnum):
    """In which direction a kernel differs from the files."""

    TOO_MUCH = "passes, and is in no row"
    TOO_LITTLE = "is promised, and is stopped"


@dataclass(frozen=True)
class Finding:
    """A difference at one hook: an example packet, what decides about it, and which reasons to pass are concerned."""

    difference: Difference
    host: str
    hook: Hook
    packet: str
    decided_by: str
    """The rule or policy that lets the packet pass or stops it; empty if it was not looked for."""
    concerns: str | None = None
    """The reason for which it should pass, if it does not."""
    rows: tuple[ResolvedFlow, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """Give it for programs."""
        return {
            "difference": self.difference.name.lower(),
            "host": self.host,
            "hook": self.hook.value,
            "packet": self.packet,
            "decided_by": self.decided_by,
            "concerns": self.concerns,
        }


@dataclass(frozen=True)
class Judgement:
    """What was found of one host."""

    host: str
    findings: tuple[Finding, ...] = ()
    not_understood: tuple[NotUnderstood, ...] = ()
    misplaced: tuple[str, ...] = ()
    """Interfaces that do not hold the address which the files say: what is said of their names is said of others."""


def judge(rules: RuleSet, position: Position) -> Judgement:
    """Compare all hooks of a host; raise ``ValueError`` if an engine is not named by address.

    While something is not understood, only what holds whatever it means is called a difference; while that might even
    change packets, nothing is.
    """
    unknown = tuple(rules.not_understood)
    findings: list[Finding] = []
    if not rules.may_change_packets:
        packets = Packets(Interfaces.of([*rules.interfaces, *position.interfaces, *position.trunks]))
        evaluation = Evaluation(rules, packets)
        for hook in PATHS:
            findings += _Comparison(position, packets, evaluation, hook, certain_only=bool(unknown)).findings()
    return Judgement(position.host.id, tuple(findings), unknown, tuple(_misplaced(position)))


def _misplaced(position: Position) -> Iterator[str]:
    for leg in position.legs:
        held = position.kernel.addresses.get(leg.name)
        if held is None or leg.address not in held:
            found = "is not there" if held is None else f"holds {', '.join(map(str, held)) or 'no address'}"
            yield f"{leg.name} {found}, and should hold {leg.address}"


class _Comparison:
    """What the kernel lets through and what the files say, at one hook."""

    def __init__(
        self, position: Position, packets: Packets, evaluation: Evaluation, hook: Hook, *, certain_only: bool
    ) -> None:
        self._position = position
        self._packets = packets
        self._evaluation = evaluation
        self._hook = hook
        self._permits = permits(position, hook)
        self._domain = _domain(packets, hook)
        passage = evaluation.passage(PATHS[hook])
        everything = packets.everything
        self._passing = everything - passage.dropped if certain_only else passage.accepted
        self._stopped = everything - passage.accepted if certain_only else passage.dropped
        self._preferred = _preferred(packets, position, hook)

    def findings(self) -> Iterator[Finding]:
        """Name every difference."""
        yield from self._too_much()
        yield from self._too_little()

    def _too_much(self) -> Iterator[Finding]:
        allowed = self._together((permit.allowed, permit.ports) for permit in self._permits) - self._untagged()
        left, named = (self._passing & self._domain) - allowed, 0
        while left:
            packet = self._packets.example(left, self._preferred)
            decision = self._evaluation.decision(packet, Kind.ACCEPT, PATHS[self._hook])
            words = "" if decision is None else str(decision)
            if decision is None or named == MOST_EXAMPLES:
                yield self._finding(Difference.TOO_MUCH, packet, "much more besides" if decision else words)
                return
            yield self._finding(Difference.TOO_MUCH, packet, words)
            left, named = left - decision.reach, named + 1

    def _too_little(self) -> Iterator[Finding]:
        promised = self._together((permit.promised, permit.ports) for permit in self._permits)
        missing, named = promised & self._stopped & self._domain, 0
        for permit in self._permits if missing else ():
            lost = self._together([(permit.promised, permit.ports)]) & missing
            if permit.promised is None or not lost:
                continue
            packet = self._packets.example(lost, (self._packets.matching(_inside(permit.promised)), *self._preferred))
            # To look for what decides takes a walk through the whole rule set.
            decision = (
                self._evaluation.decision(packet, Kind.DROP, PATHS[self._hook]) if named < MOST_EXAMPLES else None
            )
            yield self._finding(Difference.TOO_LITTLE, packet, str(decision or ""), permit)
            named += 1

    def _untagged(self) -> PointSet:
        """Give the packets that come or go by a trunk itself: nothing is a reason for one of them to pass."""
        trunks = self._position.trunks
        return self._packets.union([Pattern(incoming=trunks), Pattern(outgoing=trunks)] if trunks else [])

    def _together(self, patterns: Iterable[tuple[Pattern | None, tuple[int, ...]]]) -> PointSet:
        """Unite patterns; those that are to other ports only are one."""
        ports: dict[Pattern, set[int]] = defaultdict(set)
        wholes: list[Pattern] = []
        for pattern, to in patterns:
            if pattern is not None and to:
                ports[pattern].update(to)
            elif pattern is not None:
                wholes.append(pattern)
        wholes += [replace(pattern, ports=tuple((port, port) for port in to)) for pattern, to in ports.items()]
        return self._packets.union(wholes)

    def _finding(self, difference: Difference, packet: Point, words: str, permit: Permit | None = None) -> Finding:
        return Finding(
            difference,
            self._position.host.id,
            self._hook,
            self._packets.words(packet),
            words,
            permit.what if permit else None,
            permit.rows if permit else (),
        )


def _domain(packets: Packets, hook: Hook) -> PointSet:
    """Give the packets that can come to *hook* at all."""
    matching, nowhere = packets.matching, (NONE,)
    unreal = [
        Pattern(states=(State.NEW,), replies=(1,)),
        Pattern(states=(State.UNTRACKED,), family=Family.IPV4),
        # Of IPv6 the kernel leaves neighbour discovery untracked, and nothing else.
        Pattern(states=(State.UNTRACKED,), protocols=tuple(number for number in range(256) if number != ICMPV6)),
    ]
    come, go = matching(Pattern(incoming=nowhere)), matching(Pattern(outgoing=nowhere))
    talk_with_itself = Pattern(incoming=(LOOPBACK,))
    possible = packets.possible - packets.union(unreal)
    match hook:
        case Hook.INPUT:
            return (possible & go) - come
        case Hook.OUTPUT:
            return (possible & come) - go
    return possible - come - go - packets.union([talk_with_itself, Pattern(outgoing=(LOOPBACK,))])


def _inside(pattern: Pattern) -> Pattern:
    """Leave the first and last addresses of networks out, which no host has."""
    return replace(pattern, sources=_inner(pattern.sources or ()), destinations=_inner(pattern.destinations or ()))


def _inner(spans: Iterable[Span]) -> tuple[Span, ...]:
    return tuple((low + 1, high - 1) if high - low > 1 else (low, high) for low, high in spans)


def _preferred(packets: Packets, position: Position, hook: Hook) -> tuple[PointSet, ...]:
    """Give what makes an example easy to imagine, the most helpful first."""
    legs = tuple(leg.name for leg in position.legs)
    own = tuple((int(leg.address), int(leg.address)) for leg in position.legs)
    others = without(
        [(low + 1, high - 1) for low, high in spans_of(leg.network for leg in position.legs)], position.own
    )
    ipv4 = Pattern(family=Family.IPV4)
    wishes = (
        Pattern(states=(State.NEW,)),
        ipv4,
        Pattern(incoming=legs),
        Pattern(outgoing=legs),
        Pattern(protocols=(TCP,)),
        Pattern(protocols=(UDP,)),
        replace(ipv4, sources=own if hook is Hook.OUTPUT else others),
        replace(ipv4, destinations=own if hook is Hook.INPUT else others),
        Pattern(ports=((1, 65535),)),
    )
    return tuple(map(packets.matching, wishes))
