"""What an object store remembers of objects: every version of each, and bringing one of them back on top."""

import hashlib
from collections.abc import Iterator
from datetime import UTC
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from hosting_cli.backups.stored import StoredObject, Version
from hosting_cli.doors.store_client import StoreClient
from hosting_cli.errors import EngineError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def stored_objects(client: StoreClient, bucket: str, prefix: str, folder: str = "") -> tuple[StoredObject, ...]:
    """List every object of *folder* below *prefix* that the store holds any version of, deleted ones too.

    Names are relative to *prefix*.  Raise ``UnreadableError`` when the store does not tell.
    """
    with client.reading():
        entries = sorted(_entries(client.s3, bucket, prefix + folder), key=itemgetter("Key"))
        found = groupby(entries, key=itemgetter("Key"))
        return tuple(StoredObject(name.removeprefix(prefix), _history(list(of_name))) for name, of_name in found)


def _entries(s3: "S3Client", bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
    """Yield versions and deletions as the store lists them: those of one object from the newest on."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        yield from ({**marker, "ETag": None, "Size": 0} for marker in page.get("DeleteMarkers", ()))
        yield from (dict(version) for version in page.get("Versions", ()))


def _history(entries: list[dict[str, Any]]) -> tuple[Version, ...]:
    """Put the entries of one object in order; stores tell times to the second, so their own order counts too."""
    oldest_first = list(reversed(entries))
    oldest_first.sort(key=lambda entry: (entry["IsLatest"], entry["LastModified"]))
    return tuple(
        Version(
            id=entry["VersionId"],
            stored=entry["LastModified"].astimezone(UTC),
            # The tag of an object names its content; the same content sent twice is what a repeated request leaves.
            content=f"{entry['ETag']} {entry['Size']}" if entry["ETag"] else None,
            size_bytes=entry["Size"],
        )
        for entry in oldest_first
    )


def put_back(client: StoreClient, bucket: str, name: str, version: str, *, sha256: str | None) -> None:
    """Put the content of an older *version* on top again; nothing is removed.  Idempotent but for one more version.

    Raise ``EngineError``, and put nothing, when the content is not the one of digest *sha256*.
    """
    with client.changing():
        body = client.s3.get_object(Bucket=bucket, Key=name, VersionId=version)["Body"].read()
        if sha256 is not None and hashlib.sha256(body).hexdigest() != sha256:
            what = f"its version {version} does not have the digest that its name promises"
            raise EngineError(f"object {bucket}/{name}", what, "Choose an earlier moment.")
        client.s3.put_object(Bucket=bucket, Key=name, Body=body)


def hide(client: StoreClient, bucket: str, name: str) -> None:
    """Delete an object as the store understands it: it is hidden, and every version stays.  Idempotent."""
    with client.changing():
        client.s3.delete_object(Bucket=bucket, Key=name)
