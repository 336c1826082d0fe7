"""Proof by objects: what lay under a key before it was rotated is still read, and what is put after it too."""

from dataclasses import dataclass

from hosting_cli.errors import EngineError
from hosting_cli.procedure import Observed, Step, proof
from hosting_cli.proofs.objects import PREFIX
from hosting_cli.resources import Bucket
from hosting_cli.session import Session
from inventory import naming
from inventory.models import Application
from inventory.resource import Subject

OBJECT_BYTES = 4096


@dataclass(frozen=True)
class ProofObjects:
    """The two objects by which one bucket is proven, named after the procedure that puts and removes them."""

    session: Session
    store: str
    bucket: str
    procedure: str

    @property
    def subject(self) -> Subject:
        """Name the bucket."""
        return Subject("bucket", self.bucket)

    @property
    def _body(self) -> bytes:
        return self.procedure.encode().ljust(OBJECT_BYTES, b".")

    def _name(self, age: str) -> str:
        return f"{PREFIX}{self.procedure[:12]}-{age}"

    def is_there(self, age: str) -> bool:
        """Tell whether the ``old`` or the ``new`` object is in the bucket."""
        return self._name(age) in self.session.stores[self.store].object_names(self.bucket, self._name(age))

    def put(self, age: str) -> None:
        """Put the ``old`` or the ``new`` object."""
        self.session.stores[self.store].put_object(self.bucket, self._name(age), self._body)

    def prove(self) -> Observed:
        """Read the old object, put and read a new one; raise ``EngineError`` when one comes back otherwise.

        A run that was killed when it had removed its objects had proven them: then there is no old one any more.
        """
        had_old = self.is_there("old")
        if had_old:
            self._read("old")
        self.put("new")
        self._read("new")
        return {"old_object": "same bytes" if had_old else "removed by an earlier run", "new_object": "same bytes"}

    def _read(self, age: str) -> None:
        if self.session.stores[self.store].get_object(self.bucket, self._name(age)) != self._body:
            what = f"the object from {'before' if age == 'old' else 'after'} the rotation came back with other bytes"
            raise EngineError(str(self.subject), what, "Look at the object store's log before anything is written.")

    def is_clean(self) -> bool:
        """Tell whether neither object is there."""
        return not (self.is_there("old") or self.is_there("new"))

    def remove(self) -> None:
        """Remove both objects."""
        for age in ("old", "new"):
            self.session.stores[self.store].delete_object(self.bucket, self._name(age))


def of_data_buckets(session: Session, application: Application, procedure: str) -> tuple[ProofObjects, ...]:
    """Give the proof of every data bucket of *application*."""
    return tuple(
        ProofObjects(session, bucket.store, naming.bucket(session.region, application.id, bucket.id), procedure)
        for bucket in application.buckets
    )


def in_locked_bucket(session: Session, bucket: Bucket) -> Step:
    """Give the proof of a locked bucket: nothing is put there, where nobody could remove it."""
    door = session.stores[bucket.store]

    def prove() -> Observed:
        names = door.object_names(bucket.name, "", at_most=1)
        if not names:
            return {"old_object": "the bucket holds nothing yet"}
        return {"old_object": names[0], "bytes": len(door.get_object(bucket.name, names[0]))}

    return proof(bucket.subject, "read an object from before the rotation", prove)
