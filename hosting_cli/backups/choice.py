"""Which snapshot is restored, and where to: beside what is there, on storage that is encrypted too.  Pure."""

from datetime import datetime
from pathlib import PurePosixPath

from hosting_cli.backups.guard import Case, doubts
from hosting_cli.backups.repository import Snapshot, in_order
from hosting_cli.errors import UsageError
from inventory.models import Application

_SHOW = "See `hosting backup show`."

IN_PLACE = "/"
"""The target by which files go where they were; the host takes it for an empty volume only."""


def snapshot_for(case: Case, path: str, *, prefix: str | None, as_of: datetime | None) -> Snapshot:
    """Choose the snapshot that *prefix* begins, or the last plausible one that the store had at *as_of*, or has.

    Raise ``UsageError`` when there is none that holds *path*.
    """
    holding = [one for one in in_order(case.repository.snapshots) if any(is_below(path, top) for top in one.paths)]
    if prefix is not None:
        found = [one for one in holding if one.id.startswith(prefix)]
        if len(found) != 1:
            what = f"is the beginning of {len(found) or 'no'} snapshots that hold {path}"
            raise UsageError(f"snapshot {prefix}", what, _SHOW)
        return found[0]
    found = [
        one
        for one in holding
        if not doubts(one, case) and one.stored is not None and (as_of is None or one.stored <= as_of)
    ]
    if not found:
        when = f" that the store had at {as_of.isoformat()}" if as_of else ""
        raise UsageError(f"path {path}", f"no snapshot{when} holds it that can be believed", _SHOW)
    return found[-1]


def is_below(path: str, folder: str) -> bool:
    """Tell whether *path* is *folder* or in it; a path with ``..`` is in nothing."""
    steps = PurePosixPath(path)
    return ".." not in steps.parts and (steps == PurePosixPath(folder) or PurePosixPath(folder) in steps.parents)


def copied_volume(application: Application, host: str, path: str) -> str:
    """Give the mount point of the volume that *path* is on; raise ``UsageError`` if none that is copied holds it."""
    copied = application.backup.volumes if application.backup else ()
    tops = [
        volume.mount_point
        for tier in application.tiers
        for volume in tier.volumes
        if host in tier.hosts and volume.id in copied
    ]
    found = next((top for top in tops if is_below(path, top)), None)
    if found is None:
        what = f"is on no volume of {application.id} on {host} that is backed up"
        raise UsageError(f"path {path}", what, f"Choose something in: {', '.join(tops) or 'nothing'}.")
    return found


def emptied_volume(application: Application, host: str, path: str) -> str:
    """Say where the files of a whole volume go that must be empty: where they were."""
    top = copied_volume(application, host, path)
    if PurePosixPath(top) != PurePosixPath(path):
        what = f"is not a whole volume of {application.id}"
        raise UsageError(f"path {path}", what, f"Give {top}, or leave --in-place out: only what is empty is filled.")
    return IN_PLACE


def target_for(application: Application, host: str, path: str, snapshot: Snapshot, into: str | None) -> str:
    """Say where the restored files go: beside the live ones, below a volume of the application, which is encrypted."""
    top = copied_volume(application, host, path)
    if into is None:
        return f"{top}/.hosting-restore-{snapshot.short_id}"
    tops = _mount_points(application, host)
    if not any(is_below(into, other) and PurePosixPath(into) != PurePosixPath(other) for other in tops):
        what = f"is no folder inside a volume of {application.id} on {host}: health data would lie in clear"
        raise UsageError(f"--into {into}", what, f"Choose a new folder in: {', '.join(tops)}.")
    return into


def volume_with(application: Application, host: str, target: str) -> str:
    """Give the mount point of the volume that *target*, which ``target_for`` has given, is on."""
    return next(top for top in _mount_points(application, host) if is_below(target, top))


def _mount_points(application: Application, host: str) -> list[str]:
    return [volume.mount_point for tier in application.tiers for volume in tier.volumes if host in tier.hosts]
