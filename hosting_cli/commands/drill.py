"""Drills: restore for real, beside the live files, and measure against what is promised."""

import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from hosting_cli.backups.opened import case_of
from hosting_cli.commands.backup_options import DueOption, HostOption, OptionalApplicationArgument
from hosting_cli.commands.backup_tables import duration
from hosting_cli.commands.plan import ApplicationOption
from hosting_cli.errors import EngineError, HostingError
from hosting_cli.result import ExitStatus, Result, Table, status_of, text
from hosting_cli.session import Session
from inventory.backups import class_of
from inventory.models import Application, ContinuityClass
from inventory.resource import Json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hosting_cli.backups.history import Drill
    from hosting_cli.backups.places import Place
    from hosting_cli.backups.repository import Repository, Snapshot
    from hosting_cli.backups.trial import Trial
    from hosting_cli.proofs.on_host import Hand

SCRATCH_SECONDS = 1800
TRIAL_SECONDS = 12 * 3600


def run(
    session: Session,
    application: OptionalApplicationArgument = None,
    host: HostOption = None,
    due: DueOption = False,
) -> Result:
    """Restore everything into a scratch volume, try it, and time it.

    Each volume that is backed up, from the last snapshot that can be believed, into one scratch volume beside them,
    under a passphrase that nobody keeps, which ends with the drill; every byte is read back and verified.  What has not
    changed since is compared with the live files, each database is restored on a server of its own, and the
    application's own check, if its file names one, runs on what was restored, without network.  The seconds are held
    against the RTO (DMIA) of the continuity class, the age of the snapshot against its RPO (PDMA).  Recorded, good or
    bad: the guard of `hosting backup prune` asks when the last good one was.  With --due, all repositories are drilled
    whose class asks for it by now, or whose last drill failed: fit for a timer.  Exit status 3 when a drill failed,
    took longer or would have lost more than is promised, 4 when a repository could not be read.
    """
    from hosting_cli.backups.due import asked_or_due, drill_is_due
    from hosting_cli.backups.history import drills

    found, errors = asked_or_due(session, application, host, drill_is_due if due else None)
    count = 0
    for place, repository in found:
        try:
            _drill(session, place, repository)
            count += 1
        except HostingError as error:
            errors.append(error)
    made = drills(session.journal.entries())[-count:] if count else ()
    return _shown("drill run", made, errors, nothing="No drill is due." if due else "No drill was run.")


def list_(session: Session, application: ApplicationOption = None) -> Result:
    """List the drills that were run, and what came of them.

    The oldest first.  Exit status 3 when the last one of some repository failed, took too long or would have lost too
    much.
    """
    from hosting_cli.backups.history import drills

    found = drills(session.journal.entries())
    of_application = tuple(item for item in found if application in {None, item.repository.partition("/")[0]})
    return _shown("drill list", of_application, (), nothing="No drill was ever run.")


@dataclass(frozen=True)
class _Attempt:
    """What came of restoring: how long it took, what was found, and what went wrong if anything did."""

    seconds: float
    trial: "Trial | None"
    reason: str | None


def _drill(session: Session, place: "Place", repository: "Repository") -> None:
    """Drill one repository, and record what came of it."""
    from hosting_cli.backups.choice import snapshot_for
    from hosting_cli.backups.history import DRILL

    chosen = session.application(place.application)
    promise, tops = class_of(session.region, chosen), _copied(chosen, place.host)
    snapshot = snapshot_for(case_of(session, place, repository), tops[0], prefix=None, as_of=None)
    with session.progress.stage(f"{place.name}: restoring {', '.join(tops)} of snapshot {snapshot.short_id}"):
        made = _attempt(session, place, snapshot, tops)
    age = session.clock() - snapshot.stored if snapshot.stored else None
    entry: dict[str, Json] = {
        "repository": place.name,
        "snapshot": snapshot.id,
        "seconds": round(made.seconds, 1),
        "rto_minutes": promise.rto_minutes,
        "age_seconds": round(age.total_seconds()) if age is not None else None,
        "rpo_minutes": promise.rpo_minutes,
        "reason": made.reason,
        "found": made.trial.sentence if made.trial else "",
        "trial": made.trial.as_json() if made.trial else None,
        "sentence": made.reason or _measured(made.seconds, age, promise),
    }
    session.journal.append(DRILL, entry)


def _measured(seconds: float, age: timedelta | None, promise: ContinuityClass) -> str:
    lost = duration(age) if age is not None else "an unknown time"
    return (
        f"back in {seconds:.0f} s, where {promise.rto_minutes * 60} are promised; {lost} would have been lost, "
        f"where {duration(timedelta(minutes=promise.rpo_minutes))} is"
    )


def _copied(application: Application, host: str) -> list[str]:
    """Name the mount points on *host* that are backed up."""
    copied = application.backup.volumes if application.backup else ()
    return [
        volume.mount_point
        for tier in application.tiers
        for volume in tier.volumes
        if host in tier.hosts and volume.id in copied
    ]


def _attempt(session: Session, place: "Place", snapshot: "Snapshot", tops: list[str]) -> _Attempt:
    """Restore *tops*, try what came of it, and clean up, whatever happens."""
    from hosting_cli.proofs.on_host import hand_on

    began = time.monotonic()
    try:
        needed = session.repositories.bytes_below(place, snapshot.id, tops)
        with hand_on(session, place.host) as hand:
            return _tried(hand, place, snapshot, needed)
    except HostingError as error:
        return _Attempt(time.monotonic() - began, None, f"{error.subject}: {error.what}")


def _tried(hand: "Hand", place: "Place", snapshot: "Snapshot", needed_bytes: "Mapping[str, int]") -> _Attempt:
    """Restore the mount points that *needed_bytes* names into a scratch volume, all of them before any is tried."""
    from hosting_cli.backups.restoring import Room, restored

    make = ["hosting-agent", "make-scratch", place.application, str(sum(needed_bytes.values()))]
    end = ["hosting-agent", "end-scratch", place.application]
    try:
        scratch = hand.run(make, timeout_seconds=SCRATCH_SECONDS).strip()
        seconds = 0.0
        for top, needed in needed_bytes.items():
            argv = ["hosting-agent", "restore", place.application, snapshot.id, top, scratch]
            seconds += restored(hand, argv, room=Room(scratch, needed))
        trial = _trial(hand, place.application, scratch)
    except HostingError:
        with suppress(HostingError):  # what failed is told; what it left may be out of reach too
            hand.run(end, timeout_seconds=SCRATCH_SECONDS)
        raise
    hand.run(end, timeout_seconds=SCRATCH_SECONDS)
    return _Attempt(seconds + trial.seconds, trial, trial.reason)


def _trial(hand: "Hand", application: str, scratch: str) -> "Trial":
    from hosting_cli.backups.trial import trial_of

    answer = hand.run(["hosting-agent", "try-restored", application, scratch], timeout_seconds=TRIAL_SECONDS)
    try:
        return trial_of(answer)
    except ValueError as error:
        remedy = "Apply the plan, so that the host has the agent of this version."
        raise EngineError(f"host {hand.host}", f"cannot tell what was restored ({error})", remedy) from error


def _shown(command: str, found: "tuple[Drill, ...]", errors: "Sequence[HostingError]", *, nothing: str) -> Result:
    last = {item.repository: item for item in found}
    columns = ("drill", "repository", "when", "snapshot", "took", "RTO", "lost", "RPO", "found")
    block = Table("", columns, tuple(map(_row, found))) if found else text(nothing)
    data: list[Json] = [
        {
            "repository": item.repository,
            "time": item.time.isoformat(),
            "snapshot": item.snapshot,
            "seconds": item.seconds,
            "rto_minutes": item.rto_minutes,
            "met": item.is_met,
            "age_seconds": item.age_seconds,
            "rpo_minutes": item.rpo_minutes,
            "fresh": item.is_fresh,
            "reason": item.reason,
            "found": item.found,
        }
        for item in found
    ]
    good = all(item.is_met and item.is_fresh for item in last.values())
    status = status_of(errors, ExitStatus.DONE if good else ExitStatus.PENDING)
    return Result(command, {"drills": data}, (block,), status, tuple(errors))


def _row(item: "Drill") -> tuple[str, ...]:
    return (
        "done" if item.is_met and item.is_fresh else "failed",
        item.repository,
        item.time.strftime("%Y-%m-%d %H:%M"),
        item.snapshot[:8],
        f"{item.seconds:.0f} s",
        duration(timedelta(minutes=item.rto_minutes)),
        duration(timedelta(seconds=item.age_seconds)) if item.age_seconds is not None else "",
        duration(timedelta(minutes=item.rpo_minutes)) if item.rpo_minutes is not None else "",
        _in_words(item),
    )


def _in_words(item: "Drill") -> str:
    if item.reason:
        return item.reason
    slow = "" if item.is_met else "slower than is promised; "
    old = "" if item.is_fresh else "more is lost than is promised; "
    return f"{slow}{old}{item.found}".removesuffix("; ")
