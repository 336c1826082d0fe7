"""Carry out a plan: for every step record the intent, do it, read it back, record what became of it.

Killed at any moment, the next run plans again and goes on: every step is either not begun, or safe to begin again.
A step that fails stops what depends on it and nothing else.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from hosting_cli.errors import EngineError, HostingError, UnreadableError
from hosting_cli.plan import Action, Change
from inventory.resource import Json, Reading, Subject


class LeftAloneError(EngineError):
    """A change was not begun because one that it requires had failed."""


class Step(StrEnum):
    """What became of a change."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Outcome:
    """What became of one change, and why if it was not done."""

    change: Change
    step: Step
    error: HostingError | None = None


Record = Callable[[str, Mapping[str, Json]], object]
"""Write one entry into the journal, on disk when this returns."""

Begin = Callable[[Change], None]
"""Record that a change is about to be made."""


class Actor(Protocol):
    """What carries out the changes of some sources: one call for a run of changes that may be made together.

    Where several could go on, the one of the lowest ``rank`` does.
    """

    @property
    def rank(self) -> int:
        """Say when this actor's turn is."""

    def carry_out(self, changes: Sequence[Change], begin: Begin) -> Mapping[Subject, HostingError]:
        """Make *changes* in order, calling *begin* before each; give back those that failed, with their reason."""

    def read(self) -> Sequence[Reading]:
        """Read back what the sources hold now."""


def carry_out(
    changes: Sequence[Change],
    *,
    digest: str,
    actor_of: Callable[[str], Actor],
    record: Record,
    tell: Callable[[str], None],
) -> tuple[Outcome, ...]:
    """Make *changes*, in their order, through the actor of each one's source.

    *digest* names the plan in the journal.  An outcome per change; nothing is raised for a change that fails.
    """
    outcomes: dict[Subject, Outcome] = {}

    def begin(change: Change) -> None:
        tell(f"{change.action} {change.subject}")
        record("intent", {"plan": digest, "subject": name_of(change.subject), "action": change.action.value})

    def note(change: Change, error: HostingError | None, step: Step) -> None:
        outcomes[change.subject] = Outcome(change, step, error)
        entry: dict[str, Json] = {"plan": digest, "subject": name_of(change.subject), "action": change.action.value}
        if error:
            entry["reason"] = f"{error.what}. {error.remedy}"
        record(step.value, entry)

    for actor, batch in batches(changes, actor_of):
        ready = []
        for change in batch:
            missing = _missing(change, outcomes)
            if missing:
                note(change, _waits(change, missing), Step.SKIPPED)
            else:
                ready.append(change)
        failed = actor.carry_out(ready, begin) if ready else {}
        seen = actor.read() if ready else ()
        for change in ready:
            error = failed.get(change.subject) or read_back(change, seen)
            note(change, error, _step(error))
    return tuple(outcomes[change.subject] for change in changes)


def batches(changes: Sequence[Change], actor_of: Callable[[str], Actor]) -> Iterator[tuple[Actor, Sequence[Change]]]:
    """Part *changes* into runs that one actor can make without waiting for another's.

    Of the actors that could go on, the one of the lowest rank does, with all that it can do by then; so there are few
    runs, and few readings, whatever the number of changes.  What is to be deleted goes when all else is made.
    """
    left = list(changes)
    while left:
        pending = [change for change in left if change.action is not Action.DELETE] or left
        in_turn = sorted(
            {id(actor): actor for actor in (actor_of(change.source) for change in pending)}.values(), key=_rank
        )
        actor, run = next(
            filter(lambda found: found[1], ((actor, _ready(pending, actor, actor_of)) for actor in in_turn))
        )
        yield actor, run
        gone = {change.subject for change in run}
        left = [change for change in left if change.subject not in gone]


def _rank(actor: Actor) -> int:
    return actor.rank


def _ready(pending: Sequence[Change], actor: Actor, actor_of: Callable[[str], Actor]) -> list[Change]:
    """Take the changes of *actor* that require nothing pending but each other."""
    waiting = {change.subject for change in pending}
    run: list[Change] = []
    for change in pending:
        if actor_of(change.source) is actor and waiting.isdisjoint(change.requires):
            run.append(change)
            waiting.discard(change.subject)
    return run


def read_back(change: Change, readings: Iterable[Reading]) -> HostingError | None:
    """Say what is wrong when *readings* do not show *change* as made."""
    reading = next((reading for reading in readings if reading.source == change.source), None)
    if reading is None or reading.resources is None:
        reason = (reading and reading.reason) or "nothing was read"
        # Of the source, not of the change: what hides one hides all that were made there.
        return UnreadableError(
            change.source,
            f"what was made there could not be read back ({reason})",
            "Mend that, and apply again.",
        )
    found = reading.resources.get(change.subject)
    state = found.state() if found else None
    if state == change.after:
        return None
    return EngineError(
        str(change.subject),
        f"was made, but reads back as {_difference(state, change.after)}",
        f"Look at {change.source}: something else may manage it too.",
    )


def _difference(state: Mapping[str, Json] | None, wanted: Mapping[str, Json] | None) -> str:
    if state is None:
        return "absent"
    wanted = wanted or {}
    moved = sorted(name for name in state.keys() | wanted.keys() if state.get(name) != wanted.get(name))
    return ", ".join(f"{name} {state.get(name)} instead of {wanted.get(name)}" for name in moved)


def _missing(change: Change, outcomes: Mapping[Subject, Outcome]) -> list[Subject]:
    """Name what *change* requires and was not done."""
    return [
        required for required in change.requires if required in outcomes and outcomes[required].step is not Step.DONE
    ]


def _waits(change: Change, missing: Sequence[Subject]) -> HostingError:
    names = ", ".join(map(str, missing))
    return LeftAloneError(str(change.subject), f"was left alone because {names} failed", "Mend that, and apply again.")


def _step(error: HostingError | None) -> Step:
    if error is None:
        return Step.DONE
    return Step.SKIPPED if isinstance(error, LeftAloneError) else Step.FAILED


def one_by_one(
    changes: Sequence[Change],
    begin: Begin,
    make: Callable[[Change], None],
    *,
    failed: Mapping[Subject, HostingError] | None = None,
) -> dict[Subject, HostingError]:
    """Make *changes* singly, leaving alone what requires one that failed, here or before; give back the failures."""
    earlier, here = failed or {}, dict[Subject, HostingError]()
    for change in changes:
        missing = [required for required in change.requires if required in here or required in earlier]
        if missing:
            here[change.subject] = _waits(change, missing)
            continue
        begin(change)
        try:
            make(change)
        except HostingError as error:
            here[change.subject] = error
    return here


def name_of(subject: Subject) -> dict[str, Json]:
    """Give *subject* as the journal holds it."""
    return {"kind": subject.kind, "name": subject.name}
