"""A run of a runbook: which steps it has, how they are resolved, and how they are carried out."""

import getpass
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from hosting_cli.errors import InvalidFilesError, RefusedError, StalePlanError, UnreadableError, UsageError
from hosting_cli.result import Block, ExitStatus, Result, Table, Text
from hosting_cli.session import Session

if TYPE_CHECKING:
    from hosting_cli.request import Asked
    from hosting_cli.runbooks.carrying import Halt
    from hosting_cli.runbooks.deciding import Wish
    from hosting_cli.runbooks.resolving import RunPlan
    from hosting_cli.runbooks.runbook import Runbook

UNATTESTED = "unattested: "
"""What the journal's word for whoever is at work begins with while no vault can attest it."""


# -- what there is ------------------------------------------------------------------------------------------------


def runbooks(session: Session) -> "tuple[Runbook, ...]":
    """Read every runbook; raise ``InvalidFilesError`` with all problems at once."""
    from hosting_cli.runbooks.load import FOLDER, load
    from inventory.problems import InventoryError

    try:
        return load(FOLDER, session.actions)
    except InventoryError as error:
        raise InvalidFilesError(error.problems) from error


def find(session: Session, name: str) -> "Runbook":
    """Find a runbook by its id, or by an alert that it answers."""
    from difflib import get_close_matches

    known = runbooks(session)
    found = next((item for item in known if name == item.id or name in item.sheet.alerts), None)
    if found is None:
        close = get_close_matches(name, [item.id for item in known], n=1, cutoff=0.4)
        raise UsageError(
            f"runbook {name}", "there is none", f"Did you mean {close[0]}?" if close else "Run `hosting runbook list`."
        )
    return found


# -- what would be done -------------------------------------------------------------------------------------------


def resolved(session: Session, found: "Runbook", given: Mapping[str, str]) -> "RunPlan":
    """Resolve the steps, pinned to what the engines show now."""
    from hosting_cli.runbooks.action import Act
    from hosting_cli.runbooks.resolving import plan, values_of

    values = values_of(found, given, session.region)
    actions = session.actions
    unpinned = plan(found, values, actions, {})
    pins = {
        step.id: action.pin(session, step.do.values)
        for step in unpinned.steps
        if step.do is not None and isinstance(action := actions[step.do.use], Act) and action.pin is not None
    }
    return plan(found, values, actions, pins)


def resolved_again(session: Session, known: "Asked") -> "tuple[Runbook, RunPlan]":
    """Resolve a run again as it was asked for; raise ``StalePlanError`` when its runbook says something else by now."""
    from hosting_cli.runbooks.resolving import pins_of, plan

    goal = cast("Mapping[str, Any]", known.request.goal)
    found = find(session, str(goal["runbook"]))
    planned = plan(found, goal["parameters"], session.actions, pins_of(goal)) if found.digest == goal["text"] else None
    if planned is None or planned.body() != {name: value for name, value in goal.items() if name != "occasion"}:
        digest = known.request.digest[:12]
        remedy = f"Call it off with `hosting key withdraw {digest}`, and run the runbook as it is now."
        raise StalePlanError(f"run {digest}", f"{found.id} was changed since it was asked for", remedy)
    return found, planned


# -- doing it -----------------------------------------------------------------------------------------------------


def recorded(session: Session, found: "Runbook") -> Session:
    """Give a session whose journal can be written; while the vault is away, entries say that nobody attests who did."""
    if found.sheet.vault == "open":
        return session

    def who() -> str:
        try:
            return session.identity
        except UnreadableError:
            return f"{UNATTESTED}{getpass.getuser()}"

    return session.recorded_by(who)


def carry_out(
    session: Session,
    command: str,
    found: "Runbook",
    planned: "RunPlan",
    known: "Asked",
    *,
    wish: "Wish",
    take_over: bool = False,
) -> Result:
    """Carry out what is next until something stops it, holding the lease; where the vault is away there is none.

    There the steps are such that two people may do them at once: holders of shares are meant to.
    """
    from hosting_cli.runbooks.carrying import Carrier, go_on, masking
    from hosting_cli.runbooks.holding import Hold
    from hosting_cli.runbooks.leases import name_of

    digest, record = known.request.digest, masking(session.journal.append)
    hold = Hold(session, name_of(found.id, planned.target), digest, take_over=take_over)
    carrier = Carrier(session, session.actions, digest, record)
    if take_over:
        record("taken-over", {"procedure": digest, "reason": wish.reason})
    try:
        with session.progress.stage(f"{found.id} {planned.target}"):
            halt = go_on(
                planned.steps,
                wish,
                digest=digest,
                make=carrier.step,
                entries=session.journal.entries,
                record=record,
                tell=session.progress,
                hold=hold.take if found.sheet.vault == "open" else lambda _: None,
            )
        if halt.is_complete:
            record("completed", {"procedure": digest})
    finally:
        hold.release()
    return _result(session, command, planned, digest, halt)


def _result(session: Session, command: str, planned: "RunPlan", digest: str, halt: "Halt") -> Result:
    from hosting_cli.commands.procedures import outcome_result
    from hosting_cli.runbooks.carrying import shown_outcomes
    from hosting_cli.runbooks.deciding import Refuse, Wait, told

    skipped = told(session.journal.entries(), digest).skipped
    shown = outcome_result(command, digest, shown_outcomes(planned.steps, halt, skipped))
    lines = [f"Skipped: {step}, because {reason}" for step, reason in skipped.items()]
    status, errors, again = shown.status, shown.errors, f"hosting runbook resume {digest[:12]}"
    match halt.next:
        case Wait(step):
            lines += [f"Step {step.id} needs a second person: hosting approve {digest[:12]}", f"Then: {again}"]
            status = ExitStatus.PENDING
        case Refuse(what, remedy):
            refused = RefusedError(f"run {digest[:12]}", what, remedy)
            status, errors = ExitStatus.FAILED, (*errors, refused)
        case None:
            lines += [f"When that is mended, or has happened, by whoever is there: {again}"]
        case _:
            lines += [
                f"Done: {planned.runbook} {planned.target}. Its transcript: hosting runbook history {digest[:12]}"
            ]
    tables: tuple[Block, ...] = tuple(block for block in shown.blocks if isinstance(block, Table))
    blocks = (*tables, Text(tuple(lines))) if lines else tables
    return replace(shown, blocks=blocks, status=status, errors=errors)
