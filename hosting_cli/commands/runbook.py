"""Runbooks: what to do when woken, to be read, and to be run."""

import getpass
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from hosting_cli.errors import InvalidFilesError, RefusedError, StalePlanError, UnreadableError, UsageError
from hosting_cli.result import Block, ExitStatus, Result, Table, Text, text
from hosting_cli.session import Session
from inventory.resource import Json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hosting_cli.journal import Entry
    from hosting_cli.request import Asked
    from hosting_cli.runbooks.carrying import Halt
    from hosting_cli.runbooks.deciding import Wish
    from hosting_cli.runbooks.resolving import RunPlan
    from hosting_cli.runbooks.runbook import Runbook
    from hosting_cli.runbooks.sheet import StepSheet

NameArgument = Annotated[str, typer.Argument(metavar="ID", help="The runbook, or an alert that it answers.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", "-s", metavar="NAME=VALUE", help="A parameter; give it once for each.")
]
ReasonOption = Annotated[
    str | None, typer.Option("--reason", metavar="WORDS", help="Why a step is skipped or tried again; on record.")
]
UNATTESTED = "unattested: "
"""What the journal's word for whoever is at work begins with while no vault can attest it."""


def list_(session: Session) -> Result:
    """List runbooks, what each answers and whether it runs.

    Those without steps are read and worked through by hand.  `hosting runbook show` finds one by its alert, too.
    """
    found = runbooks(session)
    rows = tuple(
        (
            item.sheet.severity.value,
            item.id,
            item.title,
            f"{item.sheet.expected_minutes} min",
            item.sheet.role.value,
            f"{len(item.steps)}{', a second person' if item.needs_approval else ''}" if item.steps else "by hand",
        )
        for item in found
    )
    columns = ("severity", "runbook", "what it is for", "takes", "role", "steps")
    data: dict[str, Json] = {"runbooks": [_as_json(item) for item in found]}
    return Result("runbook list", data, (Table("", columns, rows),))


def show(session: Session, name: NameArgument) -> Result:
    """Show a runbook as it is read, and the steps that it runs."""
    found = find(session, name)
    head = [
        f"{found.title} ({found.id})",
        f"{found.sheet.severity.value}, for {found.sheet.role.value}, about {found.sheet.expected_minutes} minutes"
        + (f"; answers {', '.join(found.sheet.alerts)}" if found.sheet.alerts else ""),
    ]
    head += [f"--set {key}=…  {item.says}" for key, item in found.sheet.parameters.items()]
    blocks: list[Block] = [text(*head)]
    blocks += [text(section.upper(), *body.splitlines()) for section, body in found.sections.items()]
    blocks += [_written_steps(found)] if found.steps else []
    data = {**_as_json(found), "sections": dict(found.sections)}
    return Result("runbook show", data, tuple(blocks))


def run(
    session: Session,
    name: NameArgument,
    given: SetOption = None,
    confirm: Annotated[
        str | None,
        typer.Option("--confirm", metavar="TARGET", help="What it is for once more, to carry the steps out."),
    ] = None,
) -> Result:
    """Show what a runbook would do, and do it when confirmed.

    Without --confirm nothing is done: every step is shown with its commands spelt out.  --confirm repeats the target.
    Each step checks first, acts, and must be verified within its time before the next one begins; what is done
    already is left alone.  A step that needs approval waits for a second person, who approves the whole of what was
    shown by its digest; those before it do not wait.  Then `hosting runbook resume` goes on, by whomever.

    While somebody runs the same on the same target, nobody else does.  Everything is on record, with what looks like
    a secret masked.  Exit status 3 while something waits.
    """
    from hosting_cli.commands.procedures import ask
    from hosting_cli.request import asked, open_request
    from hosting_cli.runbooks.deciding import Wish

    found = find(session, name)
    if not found.steps:
        remedy = f"Read it, and follow it by hand: hosting runbook show {found.id}"
        raise UsageError(f"runbook {found.id}", "has no steps that could be run", remedy)
    planned = _planned(session, found, _given(given or []))
    if confirm is None:
        return _dry(found, planned)
    if confirm != planned.target:
        remedy = "Look at what it would do, without --confirm. Nothing was done."
        raise RefusedError(f"runbook {found.id}", f"is for {planned.target}, and {confirm} was confirmed", remedy)
    session = recorded(session, found)
    request = planned.request(
        environment=session.environment.environment, occasion=session.clock().isoformat(timespec="milliseconds")
    )
    known = open_request(request.procedure, request.subject, asked(session.journal.entries()))
    if known is not None:
        digest = known.request.digest[:12]
        remedy = f"Go on with it: hosting runbook resume {digest}. Or call it off: hosting key withdraw {digest}."
        raise RefusedError(f"runbook {found.id}", f"is open for {planned.target}, run {digest}", remedy)
    return _go_on(session, "runbook run", found, planned, ask(session, request), wish=Wish())


def resume(
    session: Session,
    digest: Annotated[str, typer.Argument(metavar="RUN", help="The run's digest: its first 8 digits or more.")],
    skip: Annotated[
        str | None, typer.Option("--skip", metavar="STEP", help="Leave this step out, where the runbook allows it.")
    ] = None,
    reason: ReasonOption = None,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Go on although a colleague's lease still runs; give --reason.")
    ] = False,
) -> Result:
    """Go on with a run: after a kill, an approval or a failure.

    By whoever began it or by a colleague.  What is done is found done by looking, proofs are made anew.  A step that
    failed is tried again, or skipped where its runbook allows that, only with a --reason.  A runbook whose text has
    changed since is not resumed: what was approved is what runs.
    """
    from hosting_cli.request import asked
    from hosting_cli.request import find as find_request
    from hosting_cli.runbooks.deciding import Wish
    from hosting_cli.runbooks.resolving import RUNBOOK

    if take_over and reason is None:
        raise UsageError("--take-over", "nobody says why", "Give --reason.")
    known = find_request(digest, RUNBOOK, asked(session.journal.entries()))
    if known.ended:
        raise RefusedError(f"run {digest}", "has ended", "See `hosting runbook history`.")
    found, planned = _replanned(session, known)
    session = recorded(session, found)
    return _go_on(session, "runbook resume", found, planned, known, wish=Wish(skip, reason), take_over=take_over)


def history(
    session: Session,
    digest: Annotated[
        str | None, typer.Argument(metavar="RUN", help="The run's digest: its first 8 digits or more.")
    ] = None,
) -> Result:
    """List what was run, or show the transcript of one run."""
    from hosting_cli.request import asked
    from hosting_cli.request import find as find_request
    from hosting_cli.runbooks.resolving import RUNBOOK

    entries = session.journal.entries()
    runs = {key: item for key, item in asked(entries).items() if item.request.procedure == RUNBOOK}
    if digest is not None:
        return _transcript(find_request(digest, RUNBOOK, runs), entries)
    rows = tuple(
        (
            _state(key, entries),
            key[:12],
            item.request.subject.name,
            item.asked_at.isoformat(timespec="seconds") if item.asked_at else "",
            ", ".join(sorted(item.asked_by)),
            ", ".join(sorted(item.approved_by)),
        )
        for key, item in runs.items()
    )
    columns = ("state", "run", "runbook and target", "asked for", "by", "approved by")
    listed: list[Json] = [
        dict(zip(("state", "run", "of", "asked_at", "by", "approved_by"), row, strict=True)) for row in rows
    ]
    shown = Table("", columns, rows) if rows else text("No runbook was run yet.")
    return Result("runbook history", {"runs": listed}, (shown,))


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


def _as_json(found: "Runbook") -> dict[str, Json]:
    sheet: dict[str, Json] = found.sheet.model_dump(mode="json")
    return {**sheet, "title": found.title, "steps": [step.model_dump(mode="json") for step in found.steps]}


# -- what would be done -------------------------------------------------------------------------------------------


def _given(assignments: list[str]) -> Mapping[str, str]:
    wrong = [item for item in assignments if "=" not in item]
    if wrong:
        raise UsageError("--set", f"{', '.join(wrong)} is no NAME=VALUE", "Write --set host=dijon-app-1.")
    names = [item.partition("=")[0] for item in assignments]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError("--set", f"{', '.join(twice)} is given twice", "Give each parameter once.")
    return dict(item.split("=", 1) for item in assignments)


def _planned(session: Session, found: "Runbook", given: Mapping[str, str]) -> "RunPlan":
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


def _replanned(session: Session, known: "Asked") -> "tuple[Runbook, RunPlan]":
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


def _written_steps(found: "Runbook") -> Table:
    """Show the steps as they are written, before anything is known of an occasion."""
    rows = tuple((step.id, step.says, f"{step.timeout_seconds} s", _marks(step)) for step in found.steps)
    return Table("STEPS", ("step", "what it does", "within", ""), rows)


def _marks(step: "StepSheet") -> str:
    marks = {"needs approval": step.needs_approval, "may be skipped": step.may_skip}
    return ", ".join(word for word, holds in marks.items() if holds)


def _steps_table(planned: "RunPlan") -> Table:
    from hosting_cli.runbooks.resolving import shown

    return Table("", ("step", "what it does", "", "command"), shown(planned.steps))


def _dry(found: "Runbook", planned: "RunPlan") -> Result:
    given = "".join(f" --set {name}={value}" for name, value in planned.parameters.items())
    pinned = [
        f"{step.id}: {name.replace('_', ' ')} {one}"
        for step in planned.steps
        for name, value in step.pinned.items()
        for one in (value if isinstance(value, list) else [value])
    ]
    lines = text(
        *pinned,
        "Nothing was done. To do it, repeat what it is for:",
        f"hosting runbook run {found.id}{given} --confirm {planned.target}",
    )
    return Result("runbook run", {"plan": planned.body()}, (_steps_table(planned), lines), ExitStatus.PENDING)


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


def _go_on(
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


# -- what was done ------------------------------------------------------------------------------------------------


def _of_run(entry: "Entry", digest: str) -> bool:
    from hosting_cli.request import from_body

    if entry.kind == "request":
        return from_body(cast("Mapping[str, Any]", entry.data["request"])).digest == digest
    return entry.data.get("procedure") == digest


def _state(digest: str, entries: "Sequence[Entry]") -> str:
    """Say how a run stands, by the last that the journal has of it."""
    last = [entry.kind for entry in entries if _of_run(entry, digest)][-1]
    return {"completed": "done", "withdrawn": "called off", "failed": "failed", "waiting": "waiting"}.get(last, "open")


def _transcript(known: "Asked", entries: "Sequence[Entry]") -> Result:
    from hosting_cli.commands.journal import summary
    from hosting_cli.runbooks.carrying import said

    digest = known.request.digest
    own = [entry for entry in entries if _of_run(entry, digest)]
    rows = tuple(
        (
            entry.kind,
            entry.time,
            entry.who,
            " · ".join(part for part in (_about(entry, summary(entry)), _seen(entry, said)) if part),
        )
        for entry in own
    )
    listed: list[Json] = [
        {"sequence": e.sequence, "time": e.time, "who": e.who, "kind": e.kind, "data": dict(e.data)} for e in own
    ]
    data: dict[str, Json] = {"run": digest, "request": known.request.body(), "entries": listed}
    return Result("runbook history", data, (Table("", ("", "time", "who", "what"), rows),))


def _about(entry: "Entry", summarised: str) -> str:
    """Say what an entry is about, without the digest that all of them share."""
    digest = str(entry.data.get("procedure", ""))[:12]
    return summarised.replace(f"procedure {digest} · ", "").replace(f"procedure {digest}", "") if digest else summarised


def _seen(entry: "Entry", said: Any) -> str:
    observed = entry.data.get("observed")
    return str(said(observed)) if isinstance(observed, dict) else ""
