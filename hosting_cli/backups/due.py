"""Which repositories are due for a check or a drill, by the rhythm of their application's continuity class."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from hosting_cli.backups.history import checks, drills
from hosting_cli.backups.opened import readings
from hosting_cli.backups.places import Place, all_places
from hosting_cli.backups.repository import Repository
from hosting_cli.errors import HostingError, UsageError
from hosting_cli.journal import Entry
from hosting_cli.session import Session
from inventory.backups import rhythm_of
from inventory.models import BackupRhythm

Attempt = tuple[datetime, bool]
"""When something was tried, and whether it was good."""

Due = Callable[[Iterable[Entry], Place, BackupRhythm, datetime], bool]


def is_due(attempts: Iterable[Attempt], every_days: int, now: datetime) -> bool:
    """Tell whether it is time again: it was never tried, was not good last time, or is too long ago.  Pure."""
    last = max(attempts, default=None)
    return last is None or not last[1] or now - last[0] >= timedelta(days=every_days)


def check_is_due(entries: Iterable[Entry], place: Place, rhythm: BackupRhythm, now: datetime) -> bool:
    """Tell whether a repository is to be checked from here again.  Pure."""
    known = [(check.time, check.damage is None) for check in checks(entries, place)]
    return is_due(known, rhythm.check_days, now)


def drill_is_due(entries: Iterable[Entry], place: Place, rhythm: BackupRhythm, now: datetime) -> bool:
    """Tell whether a repository is to be restored for real again: hosts restore from the first copy alone.  Pure."""
    if place.is_second:
        return False
    known = [(drill.time, drill.is_met) for drill in drills(entries) if drill.repository == place.name]
    return is_due(known, rhythm.drill_days, now)


def asked_or_due(
    session: Session, application: str | None, host: str | None, due: Due | None, *, store: str | None = None
) -> tuple[list[tuple[Place, Repository]], list[HostingError]]:
    """Read the repositories of *application*, or of all those that are *due*.

    Of those that are due each is read for itself: one that cannot be read is an error beside the others.  Otherwise
    raise what ``readings`` raises, and ``UsageError`` when nobody says which.
    """
    if due is None:
        if application is None:
            raise UsageError("application", "none was named", "Name one, or give --due for all that are due.")
        return readings(session, application, host, store=store), []
    found: list[tuple[Place, Repository]] = []
    errors: list[HostingError] = []
    for place in _due_places(session, application, due):
        if host not in {None, place.host} or store not in {None, place.store}:
            continue
        try:
            on = place.store if place.is_second else None
            found += readings(session, place.application, place.host, store=on)
        except HostingError as error:
            errors.append(error)
    return found, errors


def _due_places(session: Session, application: str | None, due: Due) -> list[Place]:
    entries, now = session.journal.entries(), session.clock()
    return [
        place
        for chosen in session.chosen(application)
        for place in all_places(session.region, chosen)
        if due(entries, place, rhythm_of(session.region, chosen), now)
    ]
