"""Show what separates the region's files from what the engines hold."""

from typing import TYPE_CHECKING, Annotated

import typer

from hosting_cli.errors import UsageError
from hosting_cli.result import Block, ExitStatus, Result, Table, text
from hosting_cli.session import Session

if TYPE_CHECKING:
    from hosting_cli.plan import Change, Plan

ApplicationOption = Annotated[
    str | None,
    typer.Option("--application", "-a", metavar="ID", help="Only this application, and what it requires."),
]


def plan(session: Session, application: ApplicationOption = None) -> Result:
    """Show what would change, in order, and record it for approval.

    Nothing is changed.  Exit status 0 when everything is in order, 3 when changes are pending, 4 when something
    could not be read.
    """
    found = make_plan(session, application)
    if found.changes:
        session.journal.append("plan", {"plan": found.document()})
    return shown(found, "plan", *_next_step(found))


def make_plan(session: Session, application: str | None) -> "Plan":
    """Read everything and compare; raise ``UsageError`` for an application that the region does not have."""
    from hosting_cli.survey import plan_of, survey

    known = [item.id for item in session.region.applications]
    if application is not None and application not in known:
        raise UsageError(f"application {application}", "is not in the region", f"Choose one of: {', '.join(known)}.")
    with session.progress.stage("reading the vault, the object stores and the hosts"):
        found = survey(session)
    return plan_of(session, found, application)


def shown(found: "Plan", command: str, *more: str) -> Result:
    """Turn a plan into a result."""
    return Result(
        command, {"plan": found.document()}, (*blocks(found), text(*more)) if more else blocks(found), status(found)
    )


def status(found: "Plan") -> ExitStatus:
    """Say in one status how a plan stands: unknown outweighs pending."""
    if found.unknown or found.blocked:
        return ExitStatus.UNKNOWN
    if found.conflicts:
        return ExitStatus.FAILED
    return ExitStatus.PENDING if found.changes else ExitStatus.DONE


def blocks(found: "Plan") -> tuple[Block, ...]:
    """Lay a plan out for people."""
    rows = tuple((change.action.value, str(change.subject), change.owner, _what(change)) for change in found.changes)
    tables: list[Block] = []
    if rows:
        tables.append(Table("", ("action", "what", "owner", "how"), rows))
    for title, findings in (
        ("unknown", found.unknown),
        ("waiting", found.blocked),
        ("conflict", found.conflicts),
        ("kept", found.kept),
    ):
        if findings:
            tables.append(Table("", (title, "why"), tuple((item.subject, item.reason) for item in findings)))
    count = len(found.changes)
    tables.append(
        text(
            f"{found.region}, {found.environment}, {found.scope}: {count} change{'s' if count != 1 else ''}, "
            f"{found.in_order} in order, {len(found.unknown)} unknown."
        )
    )
    return tuple(tables)


def _what(change: "Change") -> str:
    """Say in a few words what changes: the attributes of an update, the telling ones of something new."""
    if change.before is None or change.after is None:
        return ""
    return ", ".join(
        f"{name}: {_short(change.before.get(name))} → {_short(change.after.get(name))}" for name in change.differing
    )


def _short(value: object) -> str:
    words = "absent" if value is None else str(value)
    return words if len(words) <= 40 else f"{words[:18]}…{words[-18:]}"


def _next_step(found: "Plan") -> tuple[str, ...]:
    if not found.changes:
        return ()
    return (f"Plan {found.digest}", f"Next, by a second person: hosting approve {found.digest[:12]}")
