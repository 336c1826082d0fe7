"""Objects of each bucket, read before the keys end and again afterwards: the very same versions, or none is proven.

A probe is put into every bucket, so that there is something to read; and one object that lies there already, hidden
ones included, is read beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hosting_cli.errors import EngineError, RefusedError
from hosting_cli.procedure import Observed
from hosting_cli.resources import Bucket
from hosting_cli.session import Session
from inventory.resource import Json

if TYPE_CHECKING:
    from hosting_cli.doors.objects import ObjectStoreDoor, ObjectVersion

PROBE = "hosting-proof/destruction-"
"""What the name of a probe begins with; the digest of the procedure follows, so that a later run finds it again."""

PROBE_BODY = b"Put by the destruction of this application's keys, so that there is something to read.\n"


@dataclass
class BucketTrial:
    """One bucket and the objects that are tried in it, from before its key ends until afterwards."""

    session: Session
    bucket: Bucket
    keys: Sequence[str]
    procedure: str
    chosen: "tuple[ObjectVersion, ...]" = field(default=())

    @property
    def was_tried(self) -> bool:
        """Tell whether there was anything to read."""
        return bool(self.chosen)

    def control(self) -> Observed:
        """Put the probe, choose an object beside it, and read both; raise ``RefusedError`` if no key covers them."""
        if self.bucket.encryption_key is None or self.bucket.encryption_key not in self.keys:
            return self._uncovered()
        has_key = self.session.vault.has_key(self.bucket.encryption_key)
        if has_key and not self._versions(self._probe):
            self._door.put_object(self.bucket.name, self._probe, PROBE_BODY)
        self.chosen = (*self._versions(self._probe)[:1], *self._others()[:1])
        if not has_key:
            return {"objects": self._named(), "control": "its key was ended by an earlier run"}
        read: list[Json] = [len(self._read(item)) for item in self.chosen]
        return {"objects": self._named(), "control": "read", "bytes": read}

    def trial(self) -> Observed:
        """Fail to read the objects that were chosen; raise ``EngineError`` when one is read, or is gone."""
        refusals: list[Json] = []
        for item in self.chosen:
            if item not in self._versions(item.name):
                what = f"the object {item.name} is not there any more: failing to read it proves nothing"
                raise EngineError(str(self.bucket.subject), what, "Find out who removed it, then run this again.")
            try:
                self._read(item)
            except EngineError as refusal:
                refusals.append(refusal.what)
            else:
                what = f"the object {item.name} can still be read although {self.bucket.encryption_key} is gone"
                remedy = "The store may keep data keys in memory: restart it, and run this again."
                raise EngineError(str(self.bucket.subject), what, remedy)
        if not self.chosen:
            return {"objects": [], "tried": False, "reason": "nothing in it could be tried"}
        return {"objects": self._named(), "tried": True, "readable": False, "refusals": refusals}

    # -- the store ----------------------------------------------------------------------------------------------------

    @property
    def _probe(self) -> str:
        return f"{PROBE}{self.procedure[:12]}"

    @property
    def _door(self) -> "ObjectStoreDoor":
        return self.session.stores[self.bucket.store]

    def _uncovered(self) -> Observed:
        if self._door.versions(self.bucket.name, at_most=1):
            remedy = "Ending the application's keys does not end this bucket: delete its objects, then ask again."
            raise RefusedError(str(self.bucket.subject), "its objects lie under no key of the application", remedy)
        return {"objects": [], "control": "it holds no object, and lies under no key of the application"}

    def _versions(self, name: str) -> "tuple[ObjectVersion, ...]":
        return tuple(item for item in self._door.versions(self.bucket.name, name) if item.name == name)

    def _others(self) -> "tuple[ObjectVersion, ...]":
        """Find what lies there already, visible or hidden; what is empty can be read without any key."""
        found = self._door.versions(self.bucket.name, at_most=_LOOKED_AT)
        return tuple(item for item in found if item.size_bytes and not item.name.startswith(PROBE))

    def _read(self, item: "ObjectVersion") -> bytes:
        return self._door.get_version(self.bucket.name, item.name, item.version)

    def _named(self) -> list[Json]:
        return [{"name": item.name, "version": item.version} for item in self.chosen]


_LOOKED_AT = 100
