"""Show and verify the journal."""

from collections.abc import Mapping
from typing import Annotated, Any, cast

import typer

from hosting_cli import request
from hosting_cli.journal import Entry, breaks, parse
from hosting_cli.result import ExitStatus, Result, Table, text
from hosting_cli.session import Session


def show(
    session: Session,
    last: Annotated[
        int, typer.Option("--last", min=1, metavar="COUNT", help="How many entries, counted from the end.")
    ] = 40,
) -> Result:
    """Show what was planned, approved, done and proven, oldest first."""
    entries = session.journal.entries()[-last:]
    rows = tuple((entry.kind, str(entry.sequence), entry.time, entry.who, summary(entry)) for entry in entries)
    return Result(
        "journal show",
        {
            "entries": [
                {"sequence": e.sequence, "time": e.time, "who": e.who, "kind": e.kind, "data": dict(e.data)}
                for e in entries
            ]
        },
        (
            Table("", ("kind", "number", "time", "who", "what"), rows)
            if rows
            else text("The journal holds nothing yet."),
        ),
    )


def verify(
    session: Session,
    head: Annotated[
        str | None, typer.Option("--head", metavar="DIGEST", help="The digest of the last entry, as noted elsewhere.")
    ] = None,
) -> Result:
    """Check that no entry was changed, removed, added or reordered.

    Entries cut off the end leave a chain that holds: note the head that this prints somewhere else, and give it back
    with --head to see that as well.
    """
    lines = session.journal.lines()
    found = tuple(breaks(lines, head=head))
    if found:
        rows = tuple(("broken", f"{session.journal.path}:{item.line}", item.reason) for item in found)
        data = {"breaks": [{"line": item.line, "reason": item.reason} for item in found]}
        return Result("journal verify", data, (Table("", ("", "where", "why"), rows),), ExitStatus.PENDING)
    last = parse(lines[-1]).digest if lines else None
    return Result(
        "journal verify",
        {"entries": len(lines), "head": last},
        (text(f"{len(lines)} entries, each following from the one before.", f"head {last}"),),
    )


def summary(entry: Entry) -> str:
    """Say in one line what *entry* is about."""
    data = entry.data
    if entry.kind == "request":
        asked = request.from_body(cast("Mapping[str, Any]", data["request"]))
        return f"procedure {asked.digest[:12]} · {asked}"
    subject = data.get("subject")
    words = [f"{subject['kind']} {subject['name']}" if isinstance(subject, dict) else str(subject or "")]
    plan = data.get("plan")
    words.append(f"plan {str(plan['digest'] if isinstance(plan, dict) else plan)[:12]}" if plan else "")
    words += [f"{name} {str(data[name])[:12]}" for name in ("procedure", "prune", "record") if name in data]
    said = ("repository", "application", "action", "verdict", "reason", "sentence")
    words += [str(data[name]) for name in said if data.get(name) is not None]
    return " · ".join(filter(None, words))
