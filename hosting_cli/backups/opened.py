"""Read repositories through their door, beside what the files promise and the journal remembers."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from hosting_cli.backups.copying import Lag, lag
from hosting_cli.backups.guard import Case, Limits
from hosting_cli.backups.history import checks, dates_of_copied, last_drill, removed_by_us
from hosting_cli.backups.places import Pair, Place, all_places, pairs, places
from hosting_cli.backups.pruning import Proposal, propose
from hosting_cli.backups.repository import Repository, in_order
from hosting_cli.backups.standing import Standing
from hosting_cli.errors import HostingError, UnreadableError, UsageError
from hosting_cli.session import Session
from inventory.backups import class_of, rhythm_of
from inventory.models import Application, BackupRhythm
from inventory.schedules import most_a_day


def places_of(session: Session, application: Application) -> tuple[Place, ...]:
    """Say where the backups of *application* lie."""
    return places(session.region, application)


def places_on(session: Session, application: Application, store: str | None) -> tuple[Place, ...]:
    """Say where the backups of *application* lie on *store*, or first; raise ``UsageError`` where it has none."""
    if store is None:
        return places_of(session, application)
    known = all_places(session.region, application)
    found = tuple(place for place in known if place.store == store)
    if not found:
        what, stores = f"holds no backups of {application.id}", ", ".join(sorted({place.store for place in known}))
        raise UsageError(f"--store {store}", what, f"Choose one of: {stores or 'none'}.")
    return found


def pair_of(session: Session, place: Place) -> Pair | None:
    """Find the second copy of the repository at *place*; ``None`` where nobody asks for one."""
    known = pairs(session.region, session.application(place.application))
    return next((pair for pair in known if pair.first == place), None)


def readings(
    session: Session,
    application: str,
    host: str | None,
    *,
    as_pruner: bool = False,
    store: str | None = None,
    measured: bool = True,
) -> list[tuple[Place, Repository]]:
    """Read the repositories of *application*; raise when one cannot be read, or none was ever made.

    Those on the second store are told the times of the first, which the journal has from when they were copied.
    """
    found = []
    known = places_on(session, session.application(application), store)
    if host is not None and host not in {place.host for place in known}:
        raise UsageError(f"host {host}", f"backs nothing of {application} up", "See `hosting backup list`.")
    for place in known:
        if host in {None, place.host}:
            with session.progress.stage(f"{place.name}: reading the repository"):
                repository = session.repositories.read(place, as_pruner=as_pruner, measured=measured)
            if repository is None:
                remedy = "Look at its timer on the host: no backup was ever made."
                raise UnreadableError(f"repository {place.name}", "does not exist", remedy)
            found.append((place, _as_first_dated(session, place, repository)))
    if not found:
        raise UsageError(f"application {application}", "asks for no backups", "Give it a backup policy in its file.")
    return found


def _as_first_dated(session: Session, place: Place, repository: Repository) -> Repository:
    if not place.is_second:
        return repository
    dates = dates_of_copied(session.journal.entries(), place)
    snapshots = (replace(one, stored=dates.get(one.id, one.stored)) for one in repository.snapshots)
    return replace(repository, snapshots=in_order(snapshots))


def case_of(session: Session, place: Place, repository: Repository) -> Case:
    """Put together what is judged about one repository."""
    application, entries = session.application(place.application), session.journal.entries()
    if application.backup is None:
        raise UsageError(f"application {application.id}", "asks for no backups", "Give it a backup policy.")
    rhythm = rhythm_of(session.region, application)
    return Case(
        repository=repository,
        decisions=(),
        retention=rhythm.retention,
        now=session.clock(),
        last_drill=last_drill(entries, place, _mount_points(application)),
        removed_by_us=removed_by_us(entries, place),
        limits=_limits(rhythm),
    )


def _limits(rhythm: BackupRhythm) -> Limits:
    """Say what is normal where backups and drills have this rhythm: some backups are made by hand."""
    most = max(Limits.most_a_day, round(most_a_day(rhythm.schedule) * Limits.busiest_day_multiple / 2))
    return Limits(drill_every=timedelta(days=rhythm.drill_days), most_a_day=most)


def _mount_points(application: Application) -> tuple[str, ...]:
    return tuple(volume.mount_point for tier in application.tiers for volume in tier.volumes)


def proposed(cases: Sequence[Case], set_aside: Iterable[str], accepted: Iterable[str]) -> list[Proposal]:
    """Have *cases* decided, with what somebody said about single snapshots, named by their beginnings.

    Raise ``UsageError`` for one that no repository has, or that the guard has nothing against.
    """
    for prefix in {*set_aside, *accepted}:
        if not any(_has(case, prefix) for case in cases):
            what = "is the beginning of no snapshot"
            raise UsageError(f"snapshot {prefix}", what, "Take the identifiers that `hosting backup show` prints.")
    return [
        propose(
            replace(
                case,
                set_aside=frozenset(prefix for prefix in set_aside if _has(case, prefix)),
                accepted=frozenset(prefix for prefix in accepted if _has(case, prefix)),
            )
        )
        for case in cases
    ]


def _has(case: Case, prefix: str) -> bool:
    return any(snapshot.id.startswith(prefix) for snapshot in case.repository.snapshots)


def standing_of(session: Session, application: Application, place: Place) -> Standing:
    """Hold one repository against its promise; one that cannot be read is unknown, with its error."""
    repository, error = None, None
    with session.progress.stage(f"{place.name}: reading the repository"):
        try:
            repository = session.repositories.read(place)
        except HostingError as unread:
            error = unread
    entries = session.journal.entries()
    promise = class_of(session.region, application)
    of_place = checks(entries, place)
    drill = last_drill(entries, place, _mount_points(application))
    last_check = of_place[-1] if of_place else None
    second, behind, unseen = _second_of(session, place, repository)
    return Standing(place, promise, session.clock(), repository, error, last_check, drill, second, behind, unseen)


def _second_of(
    session: Session, place: Place, repository: Repository | None
) -> tuple[str | None, Lag | None, HostingError | None]:
    """Name the store of the second copy, and say how the copy stands, or why nobody can tell."""
    pair = pair_of(session, place)
    if pair is None:
        return None, None, None
    try:
        copied = session.copies.snapshots(pair.second)
    except HostingError as unread:
        return pair.second.store, None, unread
    # Where the first cannot be read, nobody can say what the copy lacks.
    return pair.second.store, lag(pair.second.store, repository.snapshots, copied) if repository else None, None
