"""Read repositories through their door, beside what the files promise and the journal remembers."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from hosting_cli.backups.guard import Case, Limits
from hosting_cli.backups.history import checks, last_drill, removed_by_us
from hosting_cli.backups.places import Place, places
from hosting_cli.backups.pruning import Proposal, propose
from hosting_cli.backups.repository import Repository
from hosting_cli.backups.standing import Standing
from hosting_cli.errors import HostingError, UnreadableError, UsageError
from hosting_cli.session import Session
from inventory.backups import class_of, rhythm_of
from inventory.models import Application, BackupRhythm
from inventory.schedules import most_a_day


def places_of(session: Session, application: Application) -> tuple[Place, ...]:
    """Say where the backups of *application* lie."""
    return places(session.region, application)


def readings(
    session: Session, application: str, host: str | None, *, as_pruner: bool = False
) -> list[tuple[Place, Repository]]:
    """Read the repositories of *application*; raise when one cannot be read, or none was ever made."""
    found = []
    known = places_of(session, session.application(application))
    if host is not None and host not in {place.host for place in known}:
        raise UsageError(f"host {host}", f"backs nothing of {application} up", "See `hosting backup list`.")
    for place in known:
        if host in {None, place.host}:
            with session.progress.stage(f"{place.name}: reading the repository"):
                repository = session.repositories.read(place, as_pruner=as_pruner)
            if repository is None:
                remedy = "Look at its timer on the host: no backup was ever made."
                raise UnreadableError(f"repository {place.name}", "does not exist", remedy)
            found.append((place, repository))
    if not found:
        raise UsageError(f"application {application}", "asks for no backups", "Give it a backup policy in its file.")
    return found


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
    return Standing(place, promise, session.clock(), repository, error, last_check, drill)
