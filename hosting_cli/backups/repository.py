"""A repository as it was read: what its host says of each snapshot, beside what the object store says of the same."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

SHORT_ID = 8
"""How many digits of an identifier people are shown, as restic does."""


@dataclass(frozen=True)
class Snapshot:
    """One snapshot.

    ``claimed`` is when the host says that it began; whoever holds the repository's password can write anything there.
    ``stored`` is when the store took its object for the first time, which no host can choose; ``None`` if the store
    has no such object.  Sizes and counts are ``None`` where nobody could tell.
    """

    id: str
    claimed: datetime
    stored: datetime | None
    host: str
    paths: tuple[str, ...]
    tree: str
    size_bytes: int | None = None
    files: int | None = None
    added_bytes: int | None = None

    @property
    def short_id(self) -> str:
        """Give the identifier as people are shown it."""
        return self.id[:SHORT_ID]


@dataclass(frozen=True)
class Lock:
    """A lock in a repository: somebody works in it, or died there.  ``stored`` is the store's time of its object."""

    id: str
    stored: datetime


@dataclass(frozen=True)
class Repository:
    """The backups of one application on one host, all of them seen at ``taken_at``.

    ``overwritten`` names objects whose content was replaced, which restic never does; ``unreadable`` the snapshots that
    the store has and restic cannot open; ``removed`` those whose object was deleted (the store still holds the version
    below).  ``size_bytes`` is what is visible of it in the store.
    """

    application: str
    host: str
    taken_at: datetime
    snapshots: tuple[Snapshot, ...]
    locks: tuple[Lock, ...] = ()
    overwritten: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    removed: frozenset[str] = frozenset()
    size_bytes: int = 0


def order(snapshot: Snapshot) -> tuple[bool, datetime, datetime, str]:
    """Give what snapshots are sorted by: the store's own time, which many stores tell to the second only.

    Those that the store does not know come last.
    """
    return snapshot.stored is None, snapshot.stored or snapshot.claimed, snapshot.claimed, snapshot.id


def in_order(snapshots: Iterable[Snapshot]) -> tuple[Snapshot, ...]:
    """Sort snapshots, the oldest first."""
    return tuple(sorted(snapshots, key=order))


def newest(snapshots: Iterable[Snapshot]) -> Snapshot | None:
    """Give the snapshot that the store took last; ``None`` when it knows of none."""
    known = [snapshot for snapshot in in_order(snapshots) if snapshot.stored is not None]
    return known[-1] if known else None
