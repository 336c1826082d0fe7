"""The door of the platform's evidence: what is added there is locked, and nobody changes it before its lock ends."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from hosting_cli.doors.store_buckets import NO_LOCK
from hosting_cli.doors.store_client import StoreClient, code_of, unless
from hosting_cli.errors import EngineError
from hosting_cli.secret import Secret
from inventory.environment import ObjectStoreAccess

_TAKEN = "PreconditionFailed"


@dataclass(frozen=True, order=True)
class Kept:
    """One object of the evidence: its name, its first version, when the store took that, and how long it is."""

    name: str
    version: str
    stored: datetime
    size_bytes: int


class EvidenceDoor:
    """Add to the evidence and read it back, as a user that can do nothing else; the first word stays.

    Whoever has this user's credentials can put an object on top of another, but remove none: every method here goes
    by the *first* version that the store took, which no later one changes.
    Every method raises ``UnreadableError`` when the store does not answer, and ``EngineError`` when it refuses.
    """

    def __init__(self, access: ObjectStoreAccess, credentials: Callable[[], Secret], bucket: str) -> None:
        self._client = StoreClient(access, credentials)
        self._bucket = bucket

    def add(self, name: str, body: bytes) -> Kept:
        """Add *body* under *name*, read it back and compare.  Idempotent.

        Raise ``EngineError`` when something else is kept under that name, or when what was put is not locked.
        """
        kept = self.claim(name, body)
        if kept is None:
            what = "something else is kept under that name, or it came back with other bytes"
            raise EngineError(self._subject(name), what, "Choose another name; nothing that is kept is ever replaced.")
        return kept

    def claim(self, name: str, body: bytes) -> Kept | None:
        """Add *body* under *name* and read it back; ``None`` when something else is kept there: somebody was faster.

        Whether a store honours the condition or not, the first word stays, and is what everybody reads.  Idempotent.
        Raise ``EngineError`` when what was put is not locked.
        """
        from botocore.exceptions import ClientError

        with self._client.changing():
            try:
                self._client.s3.put_object(Bucket=self._bucket, Key=name, Body=body, IfNoneMatch="*")
            except ClientError as error:
                if code_of(error) != _TAKEN:
                    raise
        (kept,) = (item for item in self.kept(name) if item.name == name)
        if self.get(kept) != body:
            return None
        self._must_be_locked(kept)
        return kept

    def kept(self, prefix: str = "") -> tuple[Kept, ...]:
        """List what is kept below *prefix*, by name; raise ``UnreadableError`` when the store does not tell."""
        with self._client.reading():
            pages = self._client.s3.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=prefix)
            found = [
                Kept(item["Key"], item["VersionId"], item["LastModified"].astimezone(UTC), item["Size"])
                for page in pages
                for item in page.get("Versions", ())
            ]
        # Stores list the newest version of an object first, and tell times to the second.
        return tuple(sorted({item.name: item for item in found}.values()))

    def get(self, kept: Kept) -> bytes:
        """Read what was kept first under a name."""
        with self._client.changing():
            answer = self._client.s3.get_object(Bucket=self._bucket, Key=kept.name, VersionId=kept.version)
            return answer["Body"].read()

    def locked_until(self, kept: Kept) -> datetime | None:
        """Ask until when nobody removes it; ``None`` when the store says that it is not locked."""
        with self._client.changing():
            answer = unless(partial(self._ask_retention, kept), *NO_LOCK)
        until: datetime | None = (answer or {}).get("Retention", {}).get("RetainUntilDate")
        return until and until.astimezone(UTC)

    def covered(self, prefix: str = "") -> tuple[str, ...]:
        """Name what something was put on top of, or that was hidden: what was kept first is still there, below."""
        with self._client.reading():
            pages = self._client.s3.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=prefix)
            names = [
                item["Key"] for page in pages for item in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
            ]
        return tuple(sorted(name for name, count in Counter(names).items() if count > 1))

    def _must_be_locked(self, kept: Kept) -> None:
        """Raise ``EngineError`` unless the store says until when the object is locked: several drop what they took."""
        until = self.locked_until(kept)
        if until is None or until <= datetime.now(UTC):
            remedy = "Look at the bucket's default retention: `hosting drift` names what was changed."
            raise EngineError(self._subject(kept.name), "the store took it and did not lock it", remedy)

    def _ask_retention(self, kept: Kept) -> Any:
        return self._client.s3.get_object_retention(Bucket=self._bucket, Key=kept.name, VersionId=kept.version)

    def _subject(self, name: str) -> str:
        return f"evidence {self._bucket}/{name}"
