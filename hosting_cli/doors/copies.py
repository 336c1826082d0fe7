"""The door of second copies: objects of a repository, from one store to another, by a user of its own at each."""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from hosting_cli.backups.copying import CONFIG, FOLDERS, Listed
from hosting_cli.backups.places import Pair, Place
from hosting_cli.backups.reading import SNAPSHOTS
from hosting_cli.backups.recovery import promised_digest
from hosting_cli.doors.exports import Export, FolderWay
from hosting_cli.doors.restic import version
from hosting_cli.doors.store_client import StoreClient, code_of
from hosting_cli.doors.store_history import stored_objects
from hosting_cli.errors import EngineError
from hosting_cli.resources import SecretEntry
from hosting_cli.secret import Secret
from inventory.environment import ObjectStoreAccess

_ABSENT = frozenset({"NoSuchKey", "404"})


class Copies:
    """Make ways between stores with the credentials that *reveal* gives; nothing is sent before a way is used."""

    def __init__(self, accesses: Mapping[str, ObjectStoreAccess], reveal: Callable[[SecretEntry], Secret]) -> None:
        self._accesses = accesses
        self._reveal = reveal

    def way(self, pair: Pair, *, as_pruner: bool = False) -> "CopyWay":
        """Give the way from a repository to its copy: by the users that only add, or by those that also hide."""
        reader, adder = (pair.first.pruner, pair.second.pruner) if as_pruner else (pair.reader, pair.second.reader)
        return CopyWay(pair, self._client(pair.first, reader), self._client(pair.second, adder))

    def snapshots(self, place: Place) -> frozenset[str]:
        """Name the snapshots that the store shows at *place*; no password is needed for that."""
        listed = _listed(self._client(place, place.reader), place, SNAPSHOTS)
        return frozenset(item.name.removeprefix(SNAPSHOTS) for item in listed)

    def to_folder(self, place: Place, folder: Path, snapshots: Collection[str]) -> tuple[Export, FolderWay]:
        """Give the export in *folder*, and the way to it from *place*, of *snapshots* only."""
        export, client = Export(folder), self._client(place, place.reader)
        listed, get = partial(_all_listed, client, place), partial(_get, client, place)
        return export, FolderWay(export, listed, get, snapshots)

    def restic_version(self) -> str:
        """Say which restic is here."""
        return version()

    def is_begun(self, place: Place) -> bool:
        """Tell whether there is a repository at *place* yet."""
        return bool(_listed(self._client(place, place.pruner), place, CONFIG))

    def _client(self, place: Place, user: SecretEntry) -> StoreClient:
        return StoreClient(self._accesses[place.store], lambda: self._reveal(user))


class CopyWay:
    """The way from one repository to its second copy.

    Listing raises ``UnreadableError``, everything else ``EngineError`` where a store refuses.
    """

    def __init__(self, pair: Pair, first: StoreClient, second: StoreClient) -> None:
        self._pair = pair
        self._first = first
        self._second = second

    def first(self, folders: Sequence[str] = FOLDERS) -> tuple[Listed, ...]:
        """List the first: snapshots before the indexes and packs that they refer to, which so are listed too."""
        return _all_listed(self._first, self._pair.first, folders)

    def second(self, folders: Sequence[str] = FOLDERS) -> tuple[Listed, ...]:
        """List the second."""
        return _all_listed(self._second, self._pair.second, folders)

    def dates(self) -> Mapping[str, datetime]:
        """Say when the first took each snapshot that it shows; whoever sends one again does not make it younger."""
        place = self._pair.first
        stored = stored_objects(self._first, place.bucket, place.prefix, SNAPSHOTS)
        return {item.name.removeprefix(SNAPSHOTS): item.first_stored for item in stored if item.is_visible}

    def is_same_repository(self) -> bool:
        """Compare what makes each a repository; a second that is none yet is no other."""
        if not _listed(self._second, self._pair.second, CONFIG):
            return True
        return _get(self._first, self._pair.first, CONFIG) == _get(self._second, self._pair.second, CONFIG)

    def carry(self, name: str) -> str | None:
        """Add an object to the second copy; say why not, if its content has not the digest that its name promises."""
        body = _get(self._first, self._pair.first, name)
        if promised_digest(name) not in {None, hashlib.sha256(body).hexdigest()}:
            return "its content has not the digest that its name promises"
        place = self._pair.second
        with self._second.changing():
            self._second.s3.put_object(Bucket=place.bucket, Key=place.prefix + name, Body=body)
        return None

    def hide(self, name: str) -> None:
        """Hide an object of the second copy; every version stays.  Idempotent."""
        place = self._pair.second
        with self._second.changing():
            self._second.s3.delete_object(Bucket=place.bucket, Key=place.prefix + name)


def _all_listed(client: StoreClient, place: Place, folders: Sequence[str]) -> tuple[Listed, ...]:
    return tuple(item for folder in reversed(folders) for item in _listed(client, place, folder))


def _listed(client: StoreClient, place: Place, folder: str) -> tuple[Listed, ...]:
    with client.reading():
        return tuple(_entries(client, place, folder))


def _entries(client: StoreClient, place: Place, folder: str) -> Iterator[Listed]:
    pages = client.s3.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=place.prefix + folder)
    for page in pages:
        for item in page.get("Contents", ()):
            yield Listed(item["Key"].removeprefix(place.prefix), item["Size"])


def _get(client: StoreClient, place: Place, name: str) -> bytes:
    from botocore.exceptions import ClientError

    with client.changing():
        try:
            return client.s3.get_object(Bucket=place.bucket, Key=place.prefix + name)["Body"].read()
        except ClientError as error:
            if code_of(error) not in _ABSENT:
                raise
    subject = f"object {place.bucket}/{place.prefix}{name}"
    raise EngineError(subject, "was removed meanwhile, by a prune perhaps", "Run the same command again.")
