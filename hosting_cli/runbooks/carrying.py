"""Carry a run out: ask what is next, do it through recorded steps, and stop where the decision says so.

What is done and how it is recorded is the business of ``procedure``, as for every other thing that no plan does; a step
of a runbook becomes one of its steps.  Nothing here decides.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from hosting_cli.apply import name_of
from hosting_cli.errors import EngineError, HostingError, UnreadableError
from hosting_cli.journal import Entry
from hosting_cli.procedure import Observed, Outcome, State, Step, carry_out, proof
from hosting_cli.request import asked
from hosting_cli.runbooks.action import Act, Catalogue, Look, Occasion, Record, Seen
from hosting_cli.runbooks.deciding import STEP, Complete, Next, Skip, Take, Wish, decide, told
from hosting_cli.runbooks.resolving import Resolved, ResolvedStep
from hosting_cli.session import Session
from inventory.problems import without_secrets
from inventory.resource import Json, Subject

LOOK_SECONDS = 1.0
"""How long to wait between two looks at whether a step has come to its end."""


@dataclass(frozen=True)
class Halt:
    """Where a run has come to an end: what became of the steps that it took, and why it goes no further."""

    outcomes: tuple[Outcome, ...]
    next: Next | None
    """``None`` where a step failed, or waits for somebody outside."""

    @property
    def is_complete(self) -> bool:
        """Tell whether every step is done or skipped."""
        return isinstance(self.next, Complete)


def go_on(
    steps: Sequence[ResolvedStep],
    wish: Wish,
    *,
    digest: str,
    make: Callable[[ResolvedStep], Step],
    entries: Callable[[], Iterable[Entry]],
    record: Record,
    tell: Callable[[str], None],
    hold: Callable[[int], None],
) -> Halt:
    """Go on with the run *digest* from wherever it stands; *hold* takes its lease for so many seconds.

    Nothing is raised for a step that fails; what *hold* and the journal raise is not caught.
    """
    outcomes: list[Outcome] = []
    settled: set[str] = set()
    while True:
        known = tuple(entries())
        approved = asked(known)[digest].is_approved
        match decide(steps, frozenset(settled), told(known, digest), approved=approved, wish=wish):
            case Take(step, again):
                hold(step.timeout_seconds)
                if again is not None:
                    record("retried", {**_about(step, digest), "reason": again})
                (outcome,) = carry_out((make(step),), digest=digest, record=record, tell=tell)
                outcomes.append(outcome)
                if outcome.error is not None:
                    return Halt(tuple(outcomes), None)
                settled.add(step.id)
            case Skip(step, reason):
                record("skipped", {**_about(step, digest), "reason": reason})
            case other:
                return Halt(tuple(outcomes), other)


def _about(step: ResolvedStep, digest: str) -> dict[str, Json]:
    return {"procedure": digest, "subject": name_of(Subject(STEP, step.id)), "sentence": step.says}


def not_begun(step: ResolvedStep) -> Outcome:
    """Give the outcome of a step that a run did not come to."""
    return Outcome(proof(Subject(STEP, step.id), step.says, lambda: None), State.NOT_BEGUN)


@dataclass(frozen=True)
class Pace:
    """How time passes while a step is waited for."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Carrier:
    """Makes recorded steps of resolved ones, by the actions that they name."""

    session: Session
    actions: Catalogue
    digest: str
    record: Record
    pace: Pace = Pace()

    def step(self, resolved: ResolvedStep) -> Step:
        """Give *resolved* as a step that can be carried out."""
        subject = Subject(STEP, resolved.id)
        if resolved.prove is not None:
            return proof(subject, resolved.says, partial(self._prove, resolved, resolved.prove))
        return Step(subject, resolved.says, partial(self._do, resolved), partial(self._is_done, resolved))

    def _look(self, step: ResolvedStep, call: Resolved) -> Seen:
        action = self.actions[call.use]
        if not isinstance(action, Look):
            raise EngineError(f"step {step.id}", f"{call.use} does not only read", "Correct the runbook.")
        return action.look(self.session, call.values, step.pinned)

    def _must_hold(self, step: ResolvedStep, call: Resolved, when: str) -> Seen:
        seen = self._look(step, call)
        if not seen.holds:
            what = f"{when}, {call.use} does not hold: {said(seen.observed)}"
            raise EngineError(f"step {step.id}", what, "See what its runbook says, then resume.")
        return seen

    def _before(self, step: ResolvedStep) -> None:
        for call in step.before:
            self._must_hold(step, call, "before it may begin")

    def _prove(self, step: ResolvedStep, call: Resolved) -> Observed:
        self._before(step)
        return {"commands": list(call.commands), **self._must_hold(step, call, "it is not so").observed}

    def _is_done(self, step: ResolvedStep) -> bool:
        return step.verify is not None and self._look(step, step.verify).holds

    def _do(self, step: ResolvedStep) -> Observed:
        self._before(step)
        call = step.do
        action = self.actions[call.use] if call is not None else None
        if call is None or not isinstance(action, Act):
            raise EngineError(f"step {step.id}", "names nothing that does something", "Correct the runbook.")
        ends = self.pace.monotonic() + step.timeout_seconds
        occasion = Occasion(self.digest, step.pinned, step.timeout_seconds, self.record, self.session.progress)
        observed = action.act(self.session, call.values, occasion)
        self._wait(step, ends)
        return {"commands": list(call.commands), **observed}

    def _wait(self, step: ResolvedStep, ends: float) -> None:
        """Return when the verification holds; raise when it does not before the step's time is over."""
        while not self._holds_yet(step, last=self.pace.monotonic() >= ends):
            if self.pace.monotonic() >= ends:
                what = f"was carried out and is not verified after {step.timeout_seconds} s"
                raise EngineError(f"step {step.id}", what, "See what its runbook says, then resume.")
            self.pace.sleep(LOOK_SECONDS)

    def _holds_yet(self, step: ResolvedStep, *, last: bool) -> bool:
        try:
            return self._is_done(step)
        except UnreadableError:
            if last:
                raise
            return False


def said(observed: Mapping[str, Json]) -> str:
    """Say what was observed in one line."""
    return (
        ", ".join(f"{name.replace('_', ' ')} {_listed(value)}" for name, value in observed.items())
        or "nothing was seen"
    )


def _listed(value: Json) -> str:
    return "; ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)


# -- the transcript ---------------------------------------------------------------------------------------------------


def masking(record: Record) -> Record:
    """Record with everything masked that has the shape of a secret, or of a patient's number."""

    def masked_record(kind: str, data: Mapping[str, Json]) -> object:
        return record(kind, {name: masked(value) for name, value in data.items()})

    return masked_record


def masked(value: Json) -> Json:
    """Mask what must stand in no journal, however deep."""
    match value:
        case str():
            return without_secrets(value)
        case list():
            return [masked(item) for item in value]
        case dict():
            return {name: masked(item) for name, item in value.items()}
    return value


def masked_error(error: HostingError) -> HostingError:
    """Give *error* as it may be shown."""
    error.what = without_secrets(error.what)
    return error


def shown_outcomes(steps: Sequence[ResolvedStep], halt: Halt, skipped: Iterable[str]) -> tuple[Outcome, ...]:
    """Give an outcome for every step that was not skipped, in their order."""
    taken = {outcome.step.subject.name: outcome for outcome in halt.outcomes}
    left = [step for step in steps if step.id not in set(skipped)]
    found = [taken.get(step.id) or not_begun(step) for step in left]
    return tuple(replace(one, error=masked_error(one.error)) if one.error else one for one in found)
