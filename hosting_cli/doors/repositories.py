"""The door of backup repositories: restic for what they hold, the object store for what it remembers of them."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from hosting_cli.backups.places import Place
from hosting_cli.backups.reading import SNAPSHOTS, joined
from hosting_cli.backups.repository import Repository, Snapshot
from hosting_cli.doors.restic import Restic
from hosting_cli.doors.store_client import StoreClient
from hosting_cli.doors.store_history import stored_objects
from hosting_cli.errors import EngineError, UnreadableError
from hosting_cli.resources import SecretEntry
from hosting_cli.secret import Secret
from inventory.environment import ObjectStoreAccess

CONFIG = "config"
"""The object that makes a folder a repository."""


@dataclass(frozen=True)
class RepositoryKey:
    """A key of a repository: one password opens it.  ``current`` is the one that opened the repository just now."""

    id: str
    current: bool
    label: str


@dataclass(frozen=True)
class Restored:
    """What a snapshot holds, and how many bytes of one of its files were restored to see that it can be.

    ``restored_bytes`` is ``None`` where no file of it has any.
    """

    files: int
    size_bytes: int
    restored_bytes: int | None


class Repositories:
    """Open repositories with the secrets that *reveal* gives; nothing is sent before the first method is called.

    Readings raise ``UnreadableError``: a repository that cannot be seen is unknown, not empty.
    """

    def __init__(
        self,
        accesses: Mapping[str, ObjectStoreAccess],
        reveal: Callable[[SecretEntry], Secret],
        now: Callable[[], datetime],
    ) -> None:
        self._accesses = accesses
        self._reveal = reveal
        self._now = now

    def read(self, place: Place, *, as_pruner: bool = False, measured: bool = True) -> Repository | None:
        """Read a repository; ``None`` when the store has never held one there: no backup was ever made.

        As pruner everything is read by the user that would prune, so that nobody needs the other's secret.  Whoever
        asks no sizes leaves *measured* out: an older restic has written none, and counting them takes a while.
        """
        user = place.pruner if as_pruner else place.reader
        client, taken_at = StoreClient(self._accesses[place.store], lambda: self._reveal(user)), self._now()
        stored = stored_objects(client, place.bucket, place.prefix)
        if not any(item.name == CONFIG for item in stored):
            if stored:
                what = f"the store holds {len(stored)} objects there, and none of them makes it a repository"
                raise UnreadableError(_subject(place), what, "Look at the bucket: is its beginning missing?")
            return None
        restic = self._restic(place, user)
        told = restic.snapshots()
        snapshots = stored_objects(client, place.bucket, place.prefix, SNAPSHOTS)
        found = joined(place, told, stored, snapshots, taken_at)
        if not measured:
            return found
        return replace(found, snapshots=tuple(_measured(restic, snapshot) for snapshot in found.snapshots))

    def bytes_below(self, place: Place, snapshot: str, paths: Sequence[str]) -> Mapping[str, int]:
        """Count what a restore of each of *paths* would write; 0 for what the snapshot does not hold."""
        return self._restic(place, place.reader).bytes_below(snapshot, paths)

    def check(self, place: Place, part: int, parts: int) -> None:
        """Verify part *part* of *parts* of the data, and the whole structure; raise ``EngineError`` with the damage."""
        self._restic(place, place.reader).check(part, parts)

    def forget(self, place: Place, snapshots: Sequence[str]) -> None:
        """Remove exactly *snapshots*, after the locks of the dead.  The store keeps what it hides until locks end."""
        restic = self._restic(place, place.pruner)
        restic.unlock()
        restic.forget(snapshots)

    def prune(self, place: Place) -> None:
        """Free the room that nothing refers to, and check the structure of what stays."""
        restic = self._restic(place, place.pruner)
        restic.unlock()
        restic.prune()
        restic.check_structure()

    # -- passwords ----------------------------------------------------------------------------------------------------

    def keys(self, place: Place) -> tuple[RepositoryKey, ...]:
        """Read which keys the repository has, opening it with the password that the vault keeps."""
        told = self._restic(place, place.pruner).keys()
        return tuple(RepositoryKey(item["id"], bool(item["current"]), item["hostName"]) for item in told)

    def add_password(self, place: Place, password: Secret, *, label: str) -> None:
        """Let *password* open the repository too, and open it with that; raise when either fails."""
        self._restic(place, place.pruner).add_key(password, label=label)
        self._restic(place, place.pruner, password=password).keys()

    def remove_key(self, place: Place, key_id: str) -> None:
        """Remove a key that is not the one of the vault's password.  The store keeps what it hides until locks end."""
        self._restic(place, place.pruner).remove_key(key_id)

    def restore_into_nothing(self, place: Place, snapshot: str) -> Restored:
        """Open the repository with the vault's password, read the whole tree of *snapshot*, and restore a file of it.

        It is the smallest that has any bytes; they are verified, counted and forgotten.  Raise ``EngineError`` when
        they are not as many as the tree says.
        """
        restic = self._restic(place, place.pruner)
        files, size_bytes, smallest = 0, 0, None
        for file in restic.files(snapshot):
            files, size_bytes = files + 1, size_bytes + file.size_bytes
            if file.size_bytes and (smallest is None or file.size_bytes < smallest.size_bytes):
                smallest = file
        if smallest is None:
            return Restored(files, size_bytes, None)
        restored_bytes = restic.bytes_of(snapshot, smallest.path)
        if restored_bytes != smallest.size_bytes:
            what = f"a file of {smallest.size_bytes} bytes came back with {restored_bytes}"
            raise EngineError(_subject(place), what, "Check it: `hosting backup check`.")
        return Restored(files, size_bytes, restored_bytes)

    def _restic(self, place: Place, user: SecretEntry, *, password: Secret | None = None) -> Restic:
        try:
            pair = json.loads(self._reveal(user).reveal())
            key_id, secret_key = pair["access_key_id"], Secret(pair["secret_access_key"])
        except (ValueError, KeyError, TypeError):
            raise EngineError(str(user.subject), "holds no S3 credentials", "Apply the plan that makes them.") from None
        access = self._accesses[place.store]
        repository = f"s3:{access.endpoint}/{place.bucket}/{place.host}"
        opening = password or self._reveal(place.password)
        return Restic(repository, access, password=opening, key_id=key_id, secret_key=secret_key)


def _measured(restic: Restic, snapshot: Snapshot) -> Snapshot:
    """Count what a snapshot without a summary holds; one whose tree cannot be read stays of unknown size."""
    if snapshot.size_bytes is not None:
        return snapshot
    with suppress(UnreadableError):
        size_bytes, files = restic.size_of(snapshot.id)
        return replace(snapshot, size_bytes=size_bytes, files=files)
    return snapshot


def _subject(place: Place) -> str:
    return f"repository {place.name}"
