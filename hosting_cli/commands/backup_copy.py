"""Second copies of backups, at another site: brought up to date by whoever may add to them and read no password."""

from typing import TYPE_CHECKING, cast

from hosting_cli.backups.places import pairs
from hosting_cli.commands.plan import ApplicationOption
from hosting_cli.errors import HostingError, UsageError
from hosting_cli.procedure import carry_out, is_complete
from hosting_cli.result import ExitStatus, Result, Table, status_of, text
from hosting_cli.session import Session
from inventory.resource import Json

if TYPE_CHECKING:
    from hosting_cli.backups.places import Pair
    from hosting_cli.procedure import Outcome


def copy(session: Session, application: ApplicationOption = None) -> Result:
    """Bring the second copies, at another site, up to date.

    Adds to the copy on the backup's second_store what it lacks, snapshots last, so that it is whole all the time; what
    it has is never changed.  An object whose content is not what its name promises is refused and named: somebody wrote
    over it.  Killed, the same command goes on.  A token with the policy hosting-APPLICATION-copy is all that is needed:
    what is copied stays unreadable to whoever copies it.  Fit for a timer; each run is recorded.
    """
    asked = [pair for item in session.chosen(application) for pair in pairs(session.region, item)]
    if not asked and application is not None:
        what, remedy = "asks for no second copy", "Give its backup a second_store in its file, plan and apply."
        raise UsageError(f"application {application}", what, remedy)
    rows: list[tuple[str, ...]] = []
    errors: list[HostingError] = []
    for pair in asked:
        outcome = _copy(session, pair)
        if outcome.error is not None:
            errors.append(outcome.error)
        rows.append(_row(pair, outcome))
    columns = ("copy", "application", "host", "to", "objects", "bytes")
    copies: list[Json] = [dict(zip(columns, row, strict=True)) for row in rows]
    block = Table("", columns, tuple(rows)) if rows else text("No application asks for a second copy.")
    status = status_of(tuple(errors), ExitStatus.DONE)
    return Result("backup copy", {"copies": copies}, (block,), status, tuple(errors))


def _copy(session: Session, pair: "Pair") -> "Outcome":
    from hosting_cli.backups.copying_steps import copying
    from hosting_cli.backups.history import dates_of_copied
    from hosting_cli.canonical import digest

    with session.progress.stage(f"{pair.second.name}: copying"):
        dated = dates_of_copied(session.journal.entries(), pair.second).keys()
        step = copying(pair, session.copies.way(pair), dated, session.progress)
        procedure = digest({"copy": pair.second.name})
        (outcome,) = carry_out([step], digest=procedure, record=session.journal.append, tell=session.progress)
    return outcome


def _row(pair: "Pair", outcome: "Outcome") -> tuple[str, ...]:
    from hosting_cli.commands.backup_tables import size

    first, seen = pair.first, outcome.observed or {}
    done = is_complete([outcome])
    amounts = (str(seen["objects"]), size(cast("int", seen["bytes"]))) if done else ("", "")
    return ("done" if done else "failed", first.application, first.host, pair.second.store, *amounts)
