"""Bringing repositories back to what the store held at a moment: shown first, or carried out."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from hosting_cli.errors import UsageError
from hosting_cli.result import ExitStatus, Result, Table, text
from hosting_cli.session import Session
from inventory.resource import Json

if TYPE_CHECKING:
    from hosting_cli.backups.places import Place


def moment_of(words: str, now: datetime) -> datetime:
    """Read a moment of the past with its time zone; raise ``UsageError`` for anything else."""
    try:
        moment = datetime.fromisoformat(words)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or moment > now:
        what = f"{words!r} is no moment of the past with its time zone"
        raise UsageError("--as-of", what, "Write it like 2026-11-22T03:00Z.")
    return moment


def shown_recovery(session: Session, known: Sequence["Place"], moment: datetime) -> Result:
    """Say what a recovery would touch, object by object, and touch nothing."""
    from hosting_cli.backups.recovery_steps import needed

    rows: list[tuple[str, ...]] = []
    for place in known:
        with session.progress.stage(f"{place.name}: reading every version"):
            found = needed(place, session.stores[place.store], moment)
        rows += [("put back", place.host, item.name) for item in found.put_back]
        rows += [("hide", place.host, name) for name in found.hide]
    done: list[Json] = [{"action": row[0], "host": row[1], "object": row[2]} for row in rows]
    summary = text(f"{len(rows)} objects would be touched; nothing was.")
    status = ExitStatus.PENDING if rows else ExitStatus.DONE
    return Result(
        "backup recover", {"objects": done}, (Table("", ("", "host", "object"), tuple(rows)), summary), status
    )


def recovered(session: Session, known: Sequence["Place"], moment: datetime) -> Result:
    """Bring repositories back, recorded; what came later is on record before it is hidden."""
    from hosting_cli.backups.history import RECOVERY
    from hosting_cli.backups.recovery_steps import needed, steps
    from hosting_cli.canonical import digest
    from hosting_cli.commands.procedures import outcome_result
    from hosting_cli.procedure import carry_out

    names: list[Json] = [place.name for place in known]
    procedure = digest({"recover": names, "as_of": moment.isoformat()})
    for place in known:
        with session.progress.stage(f"{place.name}: reading every version"):
            found = needed(place, session.stores[place.store], moment)
        hidden: list[Json] = [*found.hidden_snapshots]
        entry: dict[str, Json] = {"procedure": procedure, "repository": place.name, "as_of": moment.isoformat()}
        session.journal.append(RECOVERY, {**entry, "hidden": hidden, "put_back": len(found.put_back)})
    with session.progress.stage("bringing back"):
        outcomes = carry_out(
            [step for place in known for step in steps(place, session.stores[place.store], moment)],
            digest=procedure,
            record=session.journal.append,
            tell=session.progress,
        )
    closing = "Next: hosting backup check, and a restore that somebody looks at."
    return outcome_result("backup recover", procedure, outcomes, closing)
