"""Repositories as a good host fills them, and what a forger adds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from hosting_cli.backups.guard import Case
from hosting_cli.backups.repository import Repository, Snapshot
from inventory.models import Retention

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
HOST, APPLICATION = "dijon-app-1", "imagerie-beaune"
MEBIBYTE = 1 << 20
RETENTION = Retention(daily=7, weekly=4, monthly=3)


def snapshot(stored: datetime, **changes: object) -> Snapshot:
    """Give what an honest backup of ten minutes leaves."""
    plain = Snapshot(
        id=sha256(f"{stored}{sorted(changes.items())}".encode()).hexdigest(),
        claimed=stored - timedelta(minutes=10),
        stored=stored,
        host=HOST,
        paths=("/srv/imagerie",),
        tree="0" * 64,
        size_bytes=100 * MEBIBYTE,
        files=1000,
        added_bytes=2 * MEBIBYTE,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def nightly(days: int, *, until: datetime = NOW) -> tuple[Snapshot, ...]:
    """Give one snapshot a night, the last in the night before *until*."""
    last = until.replace(hour=2, minute=40)
    return tuple(snapshot(last - timedelta(days=number)) for number in reversed(range(days)))


def case(snapshots: tuple[Snapshot, ...], **changes: object) -> Case:
    """Give a repository of *snapshots* to be judged, with a good drill last week."""
    known = {name: changes.pop(name) for name in ("locks", "overwritten", "unreadable", "removed") if name in changes}
    repository = replace(Repository(APPLICATION, HOST, NOW, snapshots), **known)  # type: ignore[arg-type]
    plain = Case(repository, (), RETENTION, NOW, last_drill=NOW - timedelta(days=7))
    return replace(plain, **changes)  # type: ignore[arg-type]
