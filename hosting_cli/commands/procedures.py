"""What commands that carry out recorded steps have in common: asking, waiting for approval, going on, showing."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from hosting_cli.procedure import Outcome, State, Step, carry_out, is_complete
from hosting_cli.request import Asked, Request, asked
from hosting_cli.result import ExitStatus, Result, Table, status_of, text
from hosting_cli.session import Session
from inventory.resource import Json


def ask(session: Session, request: Request) -> Asked:
    """Record that *request* is asked for."""
    session.journal.append("request", {"request": request.body()})
    return asked(session.journal.entries())[request.digest]


def waiting(command: str, known: Asked) -> Result:
    """Say that a request waits for its second person."""
    digest = known.request.digest
    lines = (f"Asked for: {known.request}", f"Next, by a second person: hosting approve {digest[:12]}")
    more = text(*lines, "Then run the same command again.")
    data: dict[str, Json] = {"procedure": digest, "request": known.request.body()}
    return Result(command, data, (more,), ExitStatus.PENDING)


def go_on(session: Session, command: str, known: Asked, steps: Callable[[], Iterable[Step]], *closing: str) -> Result:
    """Carry out an approved request, from wherever it stands; record it as completed when all of it is done."""
    digest = known.request.digest
    with session.progress.stage(str(known.request)):
        outcomes = carry_out(tuple(steps()), digest=digest, record=session.journal.append, tell=session.progress)
    if is_complete(outcomes):
        session.journal.append("completed", {"procedure": digest})
    return outcome_result(command, digest, outcomes, *closing)


def outcome_result(
    command: str, digest: str, outcomes: Sequence[Outcome], *more: str, data: Mapping[str, Json] | None = None
) -> Result:
    """Turn the outcomes of the procedure *digest* into a result; *more* lines are said when all of it is done."""
    errors = tuple(outcome.error for outcome in outcomes if outcome.error)
    rows = tuple(
        (o.state.value, str(o.step.subject), o.step.sentence, o.error.what if o.error else "") for o in outcomes
    )
    closing = more if is_complete(outcomes) else (_what_next(outcomes),)
    steps: list[Json] = [_as_json(outcome) for outcome in outcomes]
    return Result(
        command,
        {**(data or {}), "procedure": digest, "steps": steps},
        (Table("", ("state", "of", "step", "why"), rows), *([text(*closing)] if closing else [])),
        status_of(errors),
        errors,
    )


def _what_next(outcomes: Sequence[Outcome]) -> str:
    """Say when the same command goes on."""
    waits = any(outcome.state is State.WAITING for outcome in outcomes)
    return f"{'When that has happened,' if waits else 'Mend that, and'} run the same command again: it goes on."


def _as_json(outcome: Outcome) -> Json:
    return {
        "kind": outcome.step.subject.kind,
        "name": outcome.step.subject.name,
        "step": outcome.step.sentence,
        "state": outcome.state.value,
        "observed": dict(outcome.observed) if outcome.observed else None,
        "reason": outcome.error.what if outcome.error else None,
    }
