"""Bring a repository back to what the store held at a moment: what has to be put back, and what came after.  Pure.

Whoever has a host's credentials can write over objects, although what was there stays below, locked.  So can they add
a key of their own, or snapshots and indexes that are none.  Nothing is destroyed on the way back either: versions are
put on top, and what came later is hidden.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from hosting_cli.backups.reading import LOCKS, SNAPSHOTS
from hosting_cli.backups.stored import StoredObject

NAMED_BY_CONTENT = ("data/", "index/", SNAPSHOTS, "keys/")
"""Folders of a repository whose objects are called by the SHA-256 of what they hold."""

READ_WHOLE = ("index/", SNAPSHOTS, "keys/", LOCKS)
"""Folders that restic reads whole: an object too many there stops or deceives it.  Packs that nothing names do not."""


@dataclass(frozen=True)
class PutBack:
    """A version to be put on top again; ``sha256`` is what its content must have, where its name says so."""

    name: str
    version: str
    sha256: str | None


@dataclass(frozen=True)
class Recovery:
    """What separates a repository from what it was."""

    put_back: tuple[PutBack, ...]
    hide: tuple[str, ...]

    @property
    def hidden_snapshots(self) -> tuple[str, ...]:
        """Name the snapshots that came after the moment."""
        return tuple(name.removeprefix(SNAPSHOTS) for name in self.hide if name.startswith(SNAPSHOTS))


def promised_digest(name: str) -> str | None:
    """Give the SHA-256 that the name of an object promises; ``None`` where names promise nothing."""
    return name.rpartition("/")[2] if name.startswith(NAMED_BY_CONTENT) else None


def recovery(objects: Iterable[StoredObject], moment: datetime) -> Recovery:
    """Say what to do so that the repository is what it was at *moment*; no lock is put back, since nobody holds it."""
    known = tuple(objects)
    return Recovery(
        tuple(found for item in known if (found := _put_back(item, moment))),
        tuple(item.name for item in known if _came_later(item, moment)),
    )


def _came_later(item: StoredObject, moment: datetime) -> bool:
    then, is_lock = item.at(moment), item.name.startswith(LOCKS)
    is_another = then is None or (is_lock and then.content != item.versions[-1].content)
    # A pack that a prune had removed and somebody wrote anew is no pack, though nothing names it.
    matters = item.name.startswith(READ_WHOLE) or item.first_stored <= moment
    return matters and item.is_visible and is_another


def _put_back(item: StoredObject, moment: datetime) -> PutBack | None:
    then = item.at(moment)
    if then is None or then.content == item.versions[-1].content or item.name.startswith(LOCKS):
        return None
    return PutBack(item.name, then.id, promised_digest(item.name))
