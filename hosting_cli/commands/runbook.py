"""Runbooks: what to do when woken, to be read, and to be run."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from hosting_cli.commands.runbook_runs import carry_out, find, recorded, resolved, resolved_again, runbooks
from hosting_cli.commands.runbook_transcripts import state, transcript
from hosting_cli.errors import RefusedError, UsageError
from hosting_cli.result import Block, ExitStatus, Result, Table, text
from hosting_cli.session import Session
from inventory.resource import Json

if TYPE_CHECKING:
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
    planned = resolved(session, found, _given(given or []))
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
    return carry_out(session, "runbook run", found, planned, ask(session, request), wish=Wish())


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
    found, planned = resolved_again(session, known)
    session = recorded(session, found)
    return carry_out(session, "runbook resume", found, planned, known, wish=Wish(skip, reason), take_over=take_over)


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
        return transcript(find_request(digest, RUNBOOK, runs), entries)
    rows = tuple(
        (
            state(key, entries),
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


# -- what is shown ------------------------------------------------------------------------------------------------


def _as_json(found: "Runbook") -> dict[str, Json]:
    sheet: dict[str, Json] = found.sheet.model_dump(mode="json")
    return {**sheet, "title": found.title, "steps": [step.model_dump(mode="json") for step in found.steps]}


def _given(assignments: list[str]) -> Mapping[str, str]:
    wrong = [item for item in assignments if "=" not in item]
    if wrong:
        raise UsageError("--set", f"{', '.join(wrong)} is no NAME=VALUE", "Write --set host=dijon-app-1.")
    names = [item.partition("=")[0] for item in assignments]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError("--set", f"{', '.join(twice)} is given twice", "Give each parameter once.")
    return dict(item.split("=", 1) for item in assignments)


def _written_steps(found: "Runbook") -> Table:
    """Show the steps as they are written, before anything is known of an occasion."""
    rows = tuple((step.id, step.says, f"{step.timeout_seconds} s", _marks(step)) for step in found.steps)
    return Table("STEPS", ("step", "what it does", "within", ""), rows)


def _marks(step: "StepSheet") -> str:
    marks = {"needs approval": step.needs_approval, "may be skipped": step.may_skip}
    return ", ".join(word for word, holds in marks.items() if holds)


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


def _steps_table(planned: "RunPlan") -> Table:
    from hosting_cli.runbooks.resolving import shown

    return Table("", ("step", "what it does", "", "command"), shown(planned.steps))
