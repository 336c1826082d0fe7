"""What commands that carry out recorded steps have in common: how such steps are shown."""

from collections.abc import Mapping, Sequence

from hosting_cli.procedure import Outcome, is_complete
from hosting_cli.result import Result, Table, status_of, text
from inventory.resource import Json


def outcome_result(
    command: str, digest: str, outcomes: Sequence[Outcome], *more: str, data: Mapping[str, Json] | None = None
) -> Result:
    """Turn the outcomes of the procedure *digest* into a result; *more* lines are said when all of it is done."""
    errors = tuple(outcome.error for outcome in outcomes if outcome.error)
    rows = tuple(
        (o.state.value, str(o.step.subject), o.step.sentence, o.error.what if o.error else "") for o in outcomes
    )
    closing = more if is_complete(outcomes) else ("Mend that, and run the same command again: it goes on.",)
    steps: list[Json] = [_as_json(outcome) for outcome in outcomes]
    return Result(
        command,
        {**(data or {}), "procedure": digest, "steps": steps},
        (Table("", ("state", "of", "step", "why"), rows), *([text(*closing)] if closing else [])),
        status_of(errors),
        errors,
    )


def _as_json(outcome: Outcome) -> Json:
    return {
        "kind": outcome.step.subject.kind,
        "name": outcome.step.subject.name,
        "step": outcome.step.sentence,
        "state": outcome.state.value,
        "observed": dict(outcome.observed) if outcome.observed else None,
        "reason": outcome.error.what if outcome.error else None,
    }
