"""Carry out recorded steps: what no plan may do, a person asks for, and must be safe to kill anywhere.

A procedure is a list of steps, in the order that is safe to interrupt.  Each says by reading whether it is done; so a
procedure that was killed goes on when it is begun again, by what the engines show and never by what the journal says.
The journal gets the intent before each step and the outcome after reading it back, as it does of a plan's changes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hosting_cli.apply import Record, name_of
from hosting_cli.errors import EngineError, HostingError, WaitingError
from inventory.resource import Json, Subject

Observed = Mapping[str, Json]
"""What a step saw, as evidence: figures, digests, versions; never a secret."""


class State(StrEnum):
    """What became of a step."""

    DONE = "done"
    IN_ORDER = "in order"
    WAITING = "waiting"
    FAILED = "failed"
    NOT_BEGUN = "not begun"


@dataclass(frozen=True)
class Step:
    """One step: what it is about, a sentence that says what it does, how that is read and how it is done.

    ``do`` is safe to begin again after a kill at any moment, and raises ``HostingError`` when it fails.  ``is_done``
    reads; it raises what doors raise when it cannot see, for unknown is not the same as not done.  ``None`` makes a
    proof of the step: it leaves nothing that could be read, so every run proves anew.
    """

    subject: Subject
    sentence: str
    do: Callable[[], Observed | None]
    is_done: Callable[[], bool] | None


def proof(subject: Subject, sentence: str, prove: Callable[[], Observed | None]) -> Step:
    """Make a step that proves something before what follows may be done; *prove* raises when it does not hold."""
    return Step(subject, sentence, prove, None)


@dataclass(frozen=True)
class Outcome:
    """What became of one step, what it saw, and why if it failed."""

    step: Step
    state: State
    observed: Observed | None = None
    error: HostingError | None = None


def carry_out(
    steps: Sequence[Step], *, digest: str, record: Record, tell: Callable[[str], None]
) -> tuple[Outcome, ...]:
    """Take *steps* in order, leaving out what is done, and stop at the first that fails.

    *digest* names the procedure in the journal.  An outcome per step; nothing is raised for a step that fails.
    """
    outcomes: list[Outcome] = []
    for step in steps:
        outcome = _take(step, digest, record, tell)
        outcomes.append(outcome)
        if outcome.error is not None:
            break
    return (*outcomes, *(Outcome(step, State.NOT_BEGUN) for step in steps[len(outcomes) :]))


def is_complete(outcomes: Sequence[Outcome]) -> bool:
    """Tell whether every step is done, now or before."""
    return all(outcome.state in {State.DONE, State.IN_ORDER} for outcome in outcomes)


def _take(step: Step, digest: str, record: Record, tell: Callable[[str], None]) -> Outcome:
    about: dict[str, Json] = {"procedure": digest, "subject": name_of(step.subject), "sentence": step.sentence}
    try:
        if step.is_done is not None and step.is_done():
            # On record each time it is found: a run that was killed may have done it and not have said so.
            record("found-done", about)
            return Outcome(step, State.IN_ORDER)
        tell(f"{step.subject}: {step.sentence}")
        record("intent", about)
        observed = step.do()
        _read_back(step)
    except WaitingError as error:
        record("waiting", {**about, "reason": error.what})
        return Outcome(step, State.WAITING, error=error)
    except HostingError as error:
        record("failed", {**about, "reason": f"{error.what}. {error.remedy}"})
        return Outcome(step, State.FAILED, error=error)
    record("done", {**about, "observed": dict(observed)} if observed else about)
    return Outcome(step, State.DONE, observed)


def _read_back(step: Step) -> None:
    if step.is_done is not None and not step.is_done():
        what = f"was carried out ({step.sentence}), but does not read back as done"
        raise EngineError(str(step.subject), what, "Look at what else manages it, then run the same command again.")
