"""Drills: restore for real, beside the live files, and measure against what is promised."""

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from hosting_cli.backups.opened import case_of, readings
from hosting_cli.commands.backup import ApplicationArgument, HostOption
from hosting_cli.commands.plan import ApplicationOption
from hosting_cli.errors import HostingError
from hosting_cli.result import ExitStatus, Result, Table, text
from hosting_cli.session import Session
from inventory.backups import class_of
from inventory.models import Application
from inventory.resource import Json

if TYPE_CHECKING:
    from hosting_cli.backups.history import Drill
    from hosting_cli.backups.places import Place
    from hosting_cli.backups.repository import Snapshot
    from hosting_cli.proofs.on_host import Hand

SCRATCH = ".hosting-restore-drill"


def run(session: Session, application: ApplicationArgument, host: HostOption = None) -> Result:
    """Restore everything beside the live files, and time it.

    Each volume that is backed up, from the last snapshot that can be believed, into a scratch folder on that volume,
    which is encrypted and is removed afterwards; every byte is read back and verified.  The seconds are held against
    the RTO (DMIA) of the continuity class.  Recorded, good or bad: the guard of `hosting backup prune` asks when the
    last good one was.  Exit status 3 when a drill failed or took longer than is promised.
    """
    from hosting_cli.backups.choice import snapshot_for
    from hosting_cli.backups.history import DRILL, drills

    chosen = session.application(application)
    promise = class_of(session.region, chosen)
    count = 0
    for place, repository in readings(session, application, host):
        case = case_of(session, place, repository)
        tops = _copied(chosen, place.host)
        snapshot = snapshot_for(case, tops[0], prefix=None, as_of=None)
        with session.progress.stage(f"{place.name}: restoring {', '.join(tops)} of snapshot {snapshot.short_id}"):
            seconds, reason = _timed(session, place, snapshot, tops)
        entry: dict[str, Json] = {"repository": place.name, "snapshot": snapshot.id, "seconds": round(seconds, 1)}
        outcome = reason or f"restored and verified in {seconds:.0f} s, where {promise.rto_minutes * 60} are promised"
        more: dict[str, Json] = {"rto_minutes": promise.rto_minutes, "reason": reason, "sentence": outcome}
        session.journal.append(DRILL, {**entry, **more})
        count += 1
    return _shown("drill run", drills(session.journal.entries())[-count:])


def list_(session: Session, application: ApplicationOption = None) -> Result:
    """List the drills that were run, and what came of them.

    The oldest first.  Exit status 3 when the last one of some repository failed or took too long.
    """
    from hosting_cli.backups.history import drills

    found = drills(session.journal.entries())
    of_application = tuple(item for item in found if application in {None, item.repository.partition("/")[0]})
    return _shown("drill list", of_application)


def _copied(application: Application, host: str) -> list[str]:
    """Name the mount points on *host* that are backed up."""
    copied = application.backup.volumes if application.backup else ()
    return [
        volume.mount_point
        for tier in application.tiers
        for volume in tier.volumes
        if host in tier.hosts and volume.id in copied
    ]


def _timed(session: Session, place: "Place", snapshot: "Snapshot", tops: list[str]) -> tuple[float, str | None]:
    """Restore *tops*, one after the other, and clean up; give the seconds, and what went wrong if anything did."""
    from hosting_cli.proofs.on_host import hand_on

    began, reason = time.monotonic(), None
    try:
        with hand_on(session, place.host) as hand:
            for top in tops:
                _try(hand, place, snapshot, top)
    except HostingError as error:
        reason = f"{error.subject}: {error.what}"
    return time.monotonic() - began, reason


def _try(hand: "Hand", place: "Place", snapshot: "Snapshot", top: str) -> None:
    from hosting_cli.backups.restoring import removed, restored

    scratch = f"{top}/{SCRATCH}"
    try:
        removed(hand, scratch)  # what a killed drill has left
        argv = ["hosting-agent", "restore", place.application, snapshot.id, top, scratch]
        restored(hand, argv, needed_bytes=snapshot.size_bytes)
        removed(hand, scratch)
    except HostingError:
        with suppress(HostingError):  # what failed is told; what it left may be out of reach too
            removed(hand, scratch)
        raise


def _shown(command: str, found: "tuple[Drill, ...]") -> Result:
    last = {item.repository: item for item in found}
    rows = tuple(
        (
            "done" if item.is_met else "failed",
            item.repository,
            item.time.strftime("%Y-%m-%d %H:%M"),
            item.snapshot[:8],
            f"{item.seconds:.0f} s",
            f"{item.rto_minutes * 60} s",
            item.reason or ("" if item.is_met else "slower than is promised"),
        )
        for item in found
    )
    columns = ("drill", "repository", "when", "snapshot", "took", "promised", "why")
    data: list[Json] = [
        {
            "repository": item.repository,
            "time": item.time.isoformat(),
            "snapshot": item.snapshot,
            "seconds": item.seconds,
            "rto_minutes": item.rto_minutes,
            "met": item.is_met,
            "reason": item.reason,
        }
        for item in found
    ]
    status = ExitStatus.DONE if all(item.is_met for item in last.values()) else ExitStatus.PENDING
    block = Table("", columns, rows) if rows else text("No drill was ever run.")
    return Result(command, {"drills": data}, (block,), status)
