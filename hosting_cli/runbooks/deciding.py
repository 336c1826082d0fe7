"""What a run does next: values in, one decision out.  Pure.

A run goes through the steps in their order.  In each run every step is taken anew, for its verification reads whether
it is done: what the engines show decides that, never the journal.  The journal decides what only people can: which step
was skipped, which one failed and may be tried again only with a reason, and who has approved.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from hosting_cli.journal import Entry
from hosting_cli.runbooks.resolving import ResolvedStep

STEP = "runbook-step"
"""The kind of the subjects of steps in the journal."""


@dataclass(frozen=True)
class Told:
    """What the journal tells of a run: skipped steps with their reasons, and the step that failed last."""

    skipped: Mapping[str, str] = field(default_factory=dict)
    failed: str | None = None


@dataclass(frozen=True)
class Wish:
    """What whoever goes on asks for: to skip one step, or to try the failed one again; both for a reason."""

    skip: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Take:
    """Take this step; ``again`` says why, where it failed before."""

    step: ResolvedStep
    again: str | None = None


@dataclass(frozen=True)
class Skip:
    """Leave this step out, for that reason."""

    step: ResolvedStep
    reason: str


@dataclass(frozen=True)
class Wait:
    """Do nothing before somebody else has approved: this step needs it."""

    step: ResolvedStep


@dataclass(frozen=True)
class Refuse:
    """Do nothing of what was asked for."""

    what: str
    remedy: str


@dataclass(frozen=True)
class Complete:
    """Every step is done or skipped."""


Next: TypeAlias = Take | Skip | Wait | Refuse | Complete


def told(entries: Iterable[Entry], digest: str) -> Told:
    """Read from a journal what it tells of the run *digest*."""
    found = Told()
    for entry in entries:
        subject = entry.data.get("subject")
        if entry.data.get("procedure") != digest or not isinstance(subject, dict) or subject.get("kind") != STEP:
            continue
        step = str(subject["name"])
        if entry.kind == "skipped":
            found = replace(_settled(found, step), skipped={**found.skipped, step: str(entry.data["reason"])})
        elif entry.kind == "failed":
            found = replace(found, failed=step)
        elif entry.kind in {"done", "found-done"}:
            found = _settled(found, step)
    return found


def _settled(found: Told, step: str) -> Told:
    return replace(found, failed=None) if found.failed == step else found


def decide(steps: Sequence[ResolvedStep], settled: frozenset[str], told: Told, *, approved: bool, wish: Wish) -> Next:
    """Say what is next, when *settled* are the steps that this run has seen done."""
    if wish.skip is not None and wish.skip not in {step.id for step in steps}:
        return Refuse(f"there is no step {wish.skip}", f"Name one of: {', '.join(step.id for step in steps)}.")
    step = next((one for one in steps if one.id not in settled and one.id not in told.skipped), None)
    if step is None:
        return Complete()
    if wish.skip == step.id:
        return _skip(step, wish)
    if told.failed == step.id and wish.reason is None:
        what = f"step {step.id} failed"
        skip = f", or leave it out with --skip {step.id} --reason" if step.may_skip else ""
        return Refuse(what, f"Say with --reason why it will go well now{skip}.")
    if step.needs_approval and not approved:
        return Wait(step)
    return Take(step, wish.reason if told.failed == step.id else None)


def _skip(step: ResolvedStep, wish: Wish) -> Next:
    if not step.may_skip:
        return Refuse(f"step {step.id} may not be skipped", "What follows rests on it: mend what is in its way.")
    if wish.reason is None:
        return Refuse(f"nobody says why step {step.id} is skipped", "Give --reason.")
    return Skip(step, wish.reason)
