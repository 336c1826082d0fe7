"""What the second copy of a repository lacks, and in which order it is added so that it is whole all the time.  Pure.

restic never changes an object: but for its ``config``, each is called by the SHA-256 of its content.  So a copy only
ever grows by objects that it lacks, and never by one whose content is not what its name promises.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hosting_cli.backups.reading import SNAPSHOTS
from hosting_cli.backups.repository import Snapshot

CONFIG = "config"

FOLDERS = ("data/", "index/", "keys/", CONFIG, SNAPSHOTS)
"""What is copied, one after the other: whatever something refers to is there before it.  Locks never are."""

LARGEST_BYTES = 160 << 20
"""More than restic ever puts into one object (its packs have 128 MiB at most)."""


@dataclass(frozen=True)
class Listed:
    """An object that a store shows; ``name`` is relative to the repository."""

    name: str
    size_bytes: int


@dataclass(frozen=True)
class Difference:
    """What separates a second copy from the first.

    ``lacking`` is what it has not, a tuple for each of ``FOLDERS``; ``surplus`` what it shows and the first does not;
    ``unlike`` what both show in different sizes, and what is larger than any object of a repository.
    """

    lacking: tuple[tuple[Listed, ...], ...]
    surplus: tuple[str, ...]
    unlike: tuple[str, ...]

    @property
    def lacking_objects(self) -> int:
        """Count what is lacking."""
        return sum(len(folder) for folder in self.lacking)

    @property
    def lacking_bytes(self) -> int:
        """Count the bytes of what is lacking."""
        return sum(item.size_bytes for folder in self.lacking for item in folder)

    @property
    def surplus_snapshots(self) -> tuple[str, ...]:
        """Name the snapshots that only the second copy shows."""
        return tuple(name.removeprefix(SNAPSHOTS) for name in self.surplus if name.startswith(SNAPSHOTS))


def difference(first: Iterable[Listed], second: Iterable[Listed]) -> Difference:
    """Compare what two stores show of one repository."""
    ours = {item.name: item for item in second if item.name.startswith(FOLDERS)}
    theirs = {item.name: item for item in first if item.name.startswith(FOLDERS)}
    lacking = [item for name, item in sorted(theirs.items()) if name not in ours]
    unlike = {name for name, item in ours.items() if name in theirs and theirs[name].size_bytes != item.size_bytes}
    unlike |= {item.name for item in lacking if item.size_bytes > LARGEST_BYTES}
    return Difference(
        tuple(
            tuple(item for item in lacking if item.name.startswith(folder) and item.name not in unlike)
            for folder in FOLDERS
        ),
        tuple(sorted(ours.keys() - theirs.keys())),
        tuple(sorted(unlike)),
    )


# -- how far a copy is behind -----------------------------------------------------------------------------------------

LATE_AFTER = timedelta(hours=26)
"""From when on a snapshot that was not copied is late: a daily run, and two hours for it."""


@dataclass(frozen=True)
class Lag:
    """How a second copy stands: its newest snapshot, as the first store dates it, and what it does not have yet."""

    store: str
    newest: datetime | None
    lacking_snapshots: int
    waiting_since: datetime | None

    def is_late(self, now: datetime) -> bool:
        """Tell whether some snapshot waits for longer than it should."""
        return self.waiting_since is not None and now - self.waiting_since > LATE_AFTER


def lag(store: str, first: Iterable[Snapshot], copied: Collection[str]) -> Lag:
    """Hold the snapshots of the first against the identifiers of those that the copy on *store* has."""
    dated = [(snapshot.stored, snapshot.id in copied) for snapshot in first if snapshot.stored is not None]
    there, lacking = ([when for when, is_copied in dated if is_copied is wanted] for wanted in (True, False))
    return Lag(store, max(there, default=None), len(lacking), min(lacking, default=None))
