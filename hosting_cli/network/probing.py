"""Send probes from the hosts of a region, and say what became of each: arrived, refused, or nobody can tell."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from hosting_cli.errors import UnreadableError
from hosting_cli.network.packets import Family
from hosting_cli.network.probes import Probe
from hosting_cli.network.proving import Standing
from hosting_cli.network.rules import Hook
from inventory.resource import Json

PROGRAM = "probe_network"

Meet: TypeAlias = Callable[[str, Mapping[str, Json]], Mapping[str, Any]]
"""Have hosts carry out requests of a program of several steps together: what ``HostsDoor.meet`` does."""


class Outcome(StrEnum):
    """What became of a packet.  Silence alone is never a refusal."""

    ARRIVED = "arrived"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Trial:
    """A probe that was sent, and what became of it."""

    probe: Probe
    outcome: Outcome
    at: str = ""
    """The host whose rules stopped it; or why nobody can tell."""

    @property
    def standing(self) -> Standing:
        """Hold it against the files."""
        if self.outcome is Outcome.UNKNOWN:
            return Standing.UNKNOWN
        return Standing.PROVEN if self.probe.passes == (self.outcome is Outcome.ARRIVED) else Standing.DIFFERENT

    def to_json(self) -> dict[str, Json]:
        """Give it for programs."""
        probe = self.probe
        return {
            "row": probe.flow.comment,
            "kind": probe.kind.value,
            "packet": str(probe.packet),
            "sender": probe.sender.host,
            "stands_in": probe.stands_in,
            "by": probe.by.value,
            "receiver": probe.receiver,
            "through": [hop.host for hop in probe.hops if hop.hook is Hook.FORWARD],
            "must": "arrive" if probe.passes else "be refused",
            "outcome": self.outcome.value,
            "at": self.at,
            "standing": self.standing.value,
        }


def run(meet: Meet, probes: Sequence[Probe], nonce: int) -> tuple[Trial, ...]:
    """Send *probes*, all hosts at once, and judge what each host saw; *nonce* tells them from those of other runs."""
    sends: dict[str, list[Probe]] = defaultdict(list)
    for probe in probes:
        sends[probe.sender.host].append(probe)
    taking_part = dict.fromkeys([*sends, *(hop.host for probe in probes for hop in probe.hops)])
    requests: dict[str, Json] = {
        host: {"nonce": nonce, "sends": [dict(probe.send()) for probe in sends[host]]} for host in taking_part
    }
    answers = meet(PROGRAM, requests) if requests else {}
    seen = {host: _seen(host, answers[host]) for host in requests}
    positions = {id(probe): number for of_host in sends.values() for number, probe in enumerate(of_host)}
    return tuple(_judged(probe, positions[id(probe)], seen) for probe in probes)


@dataclass(frozen=True)
class _Seen:
    """What one host saw: on the wire in front of its rules, and behind them; and what it could not send or hear."""

    wire: frozenset[tuple[str, int]]
    heard: frozenset[tuple[str, int]]
    deaf: frozenset[str]
    refused: frozenset[int]
    unsent: Mapping[int, str]


def _seen(host: str, answer: Any) -> _Seen | UnreadableError:
    if isinstance(answer, UnreadableError):
        return answer
    try:
        return _Seen(
            _marks(answer["wire"]),
            _marks(answer["heard"]),
            frozenset(answer["deaf"]),
            frozenset(answer["refused"]),
            {int(number): str(why) for number, why in answer["unsent"].items()},
        )
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        what = f"the probing program answered what is not understood ({type(error).__name__}: {error})"
        return UnreadableError(f"host {host}", what, "Something prints into every login; remove it.")


def _marks(found: Iterable[Any]) -> frozenset[tuple[str, int]]:
    return frozenset((str(destination), int(number)) for destination, number in found)


def _judged(probe: Probe, number: int, seen: Mapping[str, _Seen | UnreadableError]) -> Trial:
    """Say what became of a probe: a refusal needs a receiver that hears, and rules that it was seen in front of."""
    receiver, sender = seen[probe.receiver], seen[probe.sender.host]
    if isinstance(receiver, _Seen) and probe.mark in receiver.heard:
        return Trial(probe, Outcome.ARRIVED)
    if why := _cannot_tell(probe, number, sender, receiver):
        return Trial(probe, Outcome.UNKNOWN, why)
    if isinstance(sender, _Seen) and number in sender.refused:
        return Trial(probe, Outcome.REFUSED, probe.sender.host)
    came_to = [hop.host for hop in probe.hops if hop.hook is not Hook.OUTPUT and _was_seen(probe, seen[hop.host])]
    if came_to:
        return Trial(probe, Outcome.REFUSED, came_to[-1])
    return Trial(probe, Outcome.UNKNOWN, f"it left {probe.sender.host}, and nobody on its way saw it")


def _cannot_tell(
    probe: Probe, number: int, sender: _Seen | UnreadableError, receiver: _Seen | UnreadableError
) -> str | None:
    """Say why silence shows nothing, if it does not."""
    for end in (sender, receiver):
        if isinstance(end, UnreadableError):
            return f"{end.subject}: {end.what}"
        if number in end.unsent and end is sender:
            return f"{probe.sender.host} could not send it: {end.unsent[number]}"
    ear = probe.packet.protocol if probe.packet.family is Family.IPV4 else "ipv6"
    if isinstance(receiver, _Seen) and ear in receiver.deaf:
        return f"{probe.receiver} did not hear even a packet of its own"
    return None


def _was_seen(probe: Probe, host: _Seen | UnreadableError) -> bool:
    return isinstance(host, _Seen) and probe.mark in host.wire
