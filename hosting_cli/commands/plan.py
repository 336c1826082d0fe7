"""Show what separates the region's files from what the engines hold."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from hosting_cli.result import Block, ExitStatus, Result, Table, text
from hosting_cli.session import Session
from inventory.resource import Json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hosting_cli.isolation import Isolation
    from hosting_cli.plan import Change, Finding, Plan
    from hosting_cli.survey import Survey

ApplicationOption = Annotated[
    str | None,
    typer.Option("--application", "-a", metavar="ID", help="Only this application, and what it requires."),
]


def plan(session: Session, application: ApplicationOption = None) -> Result:
    """Show what would change, in order, and record it for approval.

    Nothing is changed.  Exit status 0 when everything is in order, 3 when changes are pending, 4 when something
    could not be read.
    """
    found, isolated = make_plan(session, application)
    if found.changes:
        session.journal.append("plan", {"plan": found.document(), "files": session.files_digest})
    return shown(found, "plan", *_next_step(found), isolated=isolated)


def make_plan(session: Session, application: str | None) -> "tuple[Plan, tuple[Isolation, ...]]":
    """Read everything and compare; give what is isolated beside the plan, which takes no account of it.

    Raise ``UsageError`` for an application that the region does not have.
    """
    from hosting_cli.isolation import isolations
    from hosting_cli.survey import plan_of

    seen = examine(session, application)
    return plan_of(session, seen, application), isolations(session.region, seen.actual.values())


def examine(session: Session, application: str | None) -> "Survey":
    """Read everything; raise ``UsageError`` for an application that the region does not have."""
    from hosting_cli.survey import survey

    session.chosen(application)
    with session.progress.stage("reading the vault, the object stores and the hosts"):
        return survey(session)


def shown(found: "Plan", command: str, *more: str, isolated: "Sequence[Isolation]" = ()) -> Result:
    """Turn a plan, and what is isolated meanwhile, into a result."""
    cut_off = Table("", ("isolated", "where"), tuple((item.segment, item.where) for item in isolated))
    laid_out = (*blocks(found), *([cut_off] if isolated else []), *([text(*more)] if more else []))
    data: dict[str, Json] = {"plan": found.document(), "isolated": [item.to_json() for item in isolated]}
    return Result(command, data, laid_out, status(found))


def status(found: "Plan") -> ExitStatus:
    """Say in one status how a plan stands: unknown outweighs pending; a conflict is pending for a person.

    What is blocked waits for one or the other, which says which it is.
    """
    if found.unknown:
        return ExitStatus.UNKNOWN
    return ExitStatus.PENDING if found.changes or found.conflicts else ExitStatus.DONE


CONTENTS = {"sha256", "text", "rules", "configuration", "policy"}
"""Attributes that stand for a content: what matters is that it changes, not from which digest to which."""


def blocks(found: "Plan") -> tuple[Block, ...]:
    """Lay a plan out for people: a table for each vault, store and host, in the order of the first change of each."""
    tables: list[Block] = []
    by_source: dict[str, list[Change]] = {}
    for change in found.changes:
        by_source.setdefault(change.source, []).append(change)
    for source, changes in by_source.items():
        rows = tuple(
            (change.action.value, change.subject.kind, _short_name(change), _what(change)) for change in changes
        )
        tables.append(Table(f"{source}: {_count(len(changes), 'change')}", ("action", "kind", "name", "how"), rows))
    tables += finding_tables(found)
    if found.kept:
        tables.append(_finding_table("kept", found.kept))
    tables.append(
        text(
            f"{found.region}, {found.environment}, {found.scope}: {_count(len(found.changes), 'change')}, "
            f"{found.in_order} in order, {len(found.unknown)} unknown."
        )
    )
    return tuple(tables)


def finding_tables(found: "Plan") -> tuple[Table, ...]:
    """Lay out what keeps a plan from being all there is to do: what is unknown, what waits, what is in conflict."""
    named = (("unknown", found.unknown), ("waiting", found.blocked), ("conflict", found.conflicts))
    return tuple(_finding_table(title, findings) for title, findings in named if findings)


def _finding_table(title: str, findings: "Sequence[Finding]") -> Table:
    return Table("", (title, "why"), tuple((item.subject, item.reason) for item in findings))


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _short_name(change: "Change") -> str:
    """Leave out of a name what the title of its table says already."""
    return change.subject.name.removeprefix(f"{change.source.removeprefix('host ')}:")


def _what(change: "Change") -> str:
    """Say in a few words what changes in something that is there already."""
    if change.before is None or change.after is None:
        return ""
    moved = [name for name in change.differing if name not in CONTENTS]
    words = ["another content"] if len(moved) < len(change.differing) else []
    words += [f"{name}: {_short(change.before.get(name))} → {_short(change.after.get(name))}" for name in moved]
    return ", ".join(words)


def _short(value: object) -> str:
    words = "absent" if value is None else _listed(value) if isinstance(value, list) else str(value)
    return words if len(words) <= 40 else f"{words[:18]}…{words[-18:]}"


def _listed(values: list[object]) -> str:
    return ", ".join(map(str, values)) or "none"


def _next_step(found: "Plan") -> tuple[str, ...]:
    if not found.changes:
        return ()
    return (f"Plan {found.digest}", f"Next, by a second person: hosting approve {found.digest[:12]}")
