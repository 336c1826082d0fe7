"""Carry out an approved plan."""

from collections import Counter
from typing import TYPE_CHECKING

from hosting_cli.commands.approve import DigestArgument
from hosting_cli.commands.plan import finding_tables
from hosting_cli.errors import ConflictError, HostingError, StalePlanError, UnreadableError
from hosting_cli.result import Block, ExitStatus, Result, Table, status_of, text
from hosting_cli.session import Session

if TYPE_CHECKING:
    from hosting_cli.apply import Outcome
    from hosting_cli.plan import Plan
    from hosting_cli.survey import Survey


def apply(session: Session, digest: DigestArgument) -> Result:
    """Carry out an approved plan that is still true.

    Every step is recorded before and after it.  Everything is planned again first: if anything moved, nothing is
    done, and nor is it while something cannot be read that could be then.  After an interruption, the same command goes
    on with what is left.  Exit status 0 when everything in the
    plan's scope is as the files want it, 1 when a change failed, 4 when something could not be read, 3 when a
    conflict or what waits for one was left.
    """
    from hosting_cli.approval import find, recorded_plans, refusals, unread
    from hosting_cli.survey import plan_of, survey

    recorded = find(digest, recorded_plans(session.journal.entries()))
    with session.progress.stage("planning again, to see whether the approved plan is still true"):
        found = survey(session)
    scope = recorded.plan.scope if recorded.plan.scope != "region" else None
    now = plan_of(session, found, scope)
    reasons = refusals(recorded, now, files=session.files_digest)
    if reasons:
        raise StalePlanError(f"plan {recorded.plan.digest[:12]}", "; ".join(reasons), "Run `hosting plan` anew.")
    dark = unread(recorded, now)
    outcomes = make(session, found, now, recorded.plan.digest) if not dark else ()
    return outcome_result("apply", now, recorded.plan.digest, outcomes)


def make(session: Session, found: "Survey", now: "Plan", digest: str) -> "tuple[Outcome, ...]":
    """Make the changes of *now*, recorded under the plan *digest*; say so in the journal when all of them are made."""
    from hosting_cli.actors import actors
    from hosting_cli.apply import Step, carry_out

    with session.progress.stage(f"applying {len(now.changes)} changes"):
        outcomes = carry_out(
            now.changes,
            digest=digest,
            actor_of=actors(session, found),
            record=session.journal.append,
            tell=session.progress,
        )
    if all(outcome.step is Step.DONE for outcome in outcomes) and not now.blocked:
        session.journal.append("applied", {"plan": digest})
    return outcomes


def outcome_result(command: str, now: "Plan", digest: str, outcomes: "tuple[Outcome, ...]") -> Result:
    """Turn the outcomes of the changes of *now*, and what it left undone, into a result; *digest* was approved.

    An error for each thing that went wrong or stands in the way.  A lost host fails many changes and is one; what
    waited for something else is none, and is shown with what it waited for.
    """
    from hosting_cli.apply import Step

    failures = [outcome.error for outcome in outcomes if outcome.error and outcome.step is Step.FAILED]
    errors = tuple({(e.subject, e.what): e for e in (*failures, *_obstacles(now))}.values())
    data = {
        "plan": digest,
        "outcomes": [
            {
                "kind": o.change.subject.kind,
                "name": o.change.subject.name,
                "action": o.change.action.value,
                "step": o.step.value,
                "reason": o.error.what if o.error else None,
            }
            for o in outcomes
        ],
        **{
            name: [{"subject": item.subject, "reason": item.reason} for item in found]
            for name, found in (("unknown", now.unknown), ("blocked", now.blocked), ("conflicts", now.conflicts))
        },
    }
    done = sum(outcome.error is None for outcome in outcomes)
    summary = text(f"{done} of {len(outcomes)} changes made, read back and recorded.", *_left(now))
    left = ExitStatus.PENDING if now.blocked else ExitStatus.DONE
    blocks: tuple[Block, ...] = (*_tables(outcomes), *finding_tables(now), summary)
    return Result(command, data, blocks, status_of(errors, left), errors)


def _obstacles(now: "Plan") -> tuple[HostingError, ...]:
    """Give an error for each source that could not be read, and for each conflict."""
    again = "Mend that, and run `hosting plan` anew."
    return (
        *(UnreadableError(item.subject, item.reason.removesuffix("."), again) for item in now.unknown),
        *(ConflictError(item.subject, item.reason.removesuffix("."), again) for item in now.conflicts),
    )


def _left(now: "Plan") -> tuple[str, ...]:
    """Say how much was left undone, if anything."""
    counts = ((now.unknown, "unknown"), (now.blocked, "waiting"), (now.conflicts, "in conflict"))
    said = ", ".join(f"{len(found)} {word}" for found, word in counts if found)
    return (f"Left undone: {said}.",) if said else ()


def _tables(outcomes: "tuple[Outcome, ...]") -> tuple[Table, ...]:
    """Sum up what was made, by source and kind; name each change that was not."""
    made: dict[tuple[str, str], Counter[str]] = {}
    for outcome in outcomes:
        if outcome.error is None:
            made.setdefault((outcome.change.source, outcome.change.action.value), Counter())[
                outcome.change.subject.kind
            ] += 1
    sums = tuple(
        ("done", action, source, ", ".join(f"{count} {kind}" for kind, count in kinds.items()))
        for (source, action), kinds in made.items()
    )
    others = tuple(
        (o.step.value, o.change.action.value, str(o.change.subject), o.error.what) for o in outcomes if o.error
    )
    return tuple(
        Table("", columns, rows)
        for columns, rows in ((("step", "action", "on", "what"), sums), (("step", "action", "what", "why"), others))
        if rows
    )
