"""What an object store remembers of objects: when it first took each, and whether its content was ever replaced."""

from collections.abc import Iterable, Iterator
from datetime import UTC
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from hosting_cli.backups.reading import StoredObject
from hosting_cli.doors.store_client import StoreClient

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def stored_objects(client: StoreClient, bucket: str, prefix: str, folder: str = "") -> tuple[StoredObject, ...]:
    """List every object of *folder* below *prefix* that the store holds any version of, deleted ones too.

    Names are relative to *prefix*.  Raise ``UnreadableError`` when the store does not tell.
    """
    with client.reading():
        entries = sorted(_entries(client.s3, bucket, prefix + folder), key=itemgetter("Key"))
        found = groupby(entries, key=itemgetter("Key"))
        return tuple(_object(name.removeprefix(prefix), list(versions)) for name, versions in found)


def _entries(s3: "S3Client", bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        yield from (dict(version) for version in page.get("Versions", ()))
        yield from ({**marker, "is_marker": True} for marker in page.get("DeleteMarkers", ()))


def _object(name: str, entries: Iterable[dict[str, Any]]) -> StoredObject:
    versions = [entry for entry in entries if "is_marker" not in entry]
    current = [version for version in versions if version["IsLatest"]]
    first = min((entry["LastModified"] for entry in versions or entries), default=None)
    if first is None:
        raise ValueError(f"{name} was listed without a version")
    return StoredObject(
        name=name,
        first_stored=first.astimezone(UTC),
        size_bytes=current[0]["Size"] if current else 0,
        is_visible=bool(current),
        # The tag of an object names its content; the same content sent twice is what a repeated request leaves.
        contents=len({(version["ETag"], version["Size"]) for version in versions}),
    )
