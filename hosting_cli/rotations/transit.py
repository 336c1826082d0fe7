"""A transit key gets a new version; what it wraps is brought up to it, and everything from before stays readable."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from hosting_cli.desired import resources_of
from hosting_cli.errors import EngineError, RefusedError, UnreadableError
from hosting_cli.procedure import Observed, Step, proof
from hosting_cli.resources import Bucket, SecretEntry, TransitKey
from hosting_cli.rotations import objects
from hosting_cli.session import Session
from hosting_cli.volumes.copies import Copies
from hosting_cli.volumes.places import Held, VolumePlace, places
from inventory import naming
from inventory.models import Application
from inventory.resource import Json, Subject

_KEPT_AS_IT_IS = {
    **dict.fromkeys(("objects", "backups", *naming.PLATFORM_PURPOSES), "{purpose} in buckets need its older versions"),
    naming.SIGNING: "records of evidence are verified by its older versions",
}
"""Who needs the older versions of the key of a purpose, for good."""


def goal(session: Session, key: str, *, retire: bool) -> Mapping[str, Json]:
    """Say to which version *key* is rotated, and whether the older ones shall decrypt no more afterwards.

    Raise ``RefusedError`` where somebody needs the older versions: no object of a bucket is encrypted anew, and no
    record signed anew.
    """
    purpose = key.rpartition("-")[2]
    if retire and purpose in _KEPT_AS_IT_IS:
        remedy = "Leave --retire out: what was made with a version stays with that version."
        raise RefusedError(f"transit-key {key}", _KEPT_AS_IT_IS[purpose].format(purpose=purpose), remedy)
    return {"to_version": session.vault.key_versions(key).latest + 1, "retire_older": retire}


def entries_under(session: Session, key: str) -> tuple[SecretEntry, ...]:
    """Read which secrets *key* wraps; raise ``UnreadableError`` when nobody can tell."""
    reading = session.vault.read()
    if reading.resources is None:
        raise UnreadableError(f"transit-key {key}", f"what it wraps is unknown ({reading.reason})", "Mend that first.")
    found = [item for item in reading.resources.values() if isinstance(item, SecretEntry) and item.wrapped_by == key]
    return tuple(sorted(found, key=lambda entry: entry.name))


@dataclass(frozen=True)
class Rotation:
    """The rotation of one key to one version, under the digest of the procedure that it is."""

    session: Session
    key: str
    application: Application | None
    to_version: int
    retire: bool
    procedure: str

    @property
    def subject(self) -> Subject:
        """Name the key."""
        return Subject(TransitKey.kind, self.key)

    def steps(self) -> Iterator[Step]:
        """Yield the steps; nothing is taken away before everything was proven."""
        vault, entries = self.session.vault, entries_under(self.session, self.key)
        proven = self._proven_by_objects()
        for item in proven:
            yield Step(
                item.subject,
                "put an object before the rotation",
                partial(item.put, "old"),
                partial(self._is_put_or_too_late, item),
            )
        sentence = f"make version {self.to_version}, which is used for everything from now on"
        yield Step(self.subject, sentence, partial(vault.rotate_key, self.key), self._is_rotated)
        for entry in entries:
            yield rewrapping(self.session, entry, self.to_version)
        yield proof(self.subject, "use the new version, both ways", self._try)
        yield proof(self.subject, f"unwrap all that it wraps: {len(entries)} secrets", partial(self._unwrap, entries))
        for item in proven:
            yield proof(item.subject, "read an object from before the rotation and one from after it", item.prove)
        for bucket in self._locked_buckets():
            yield objects.in_locked_bucket(self.session, bucket)
        for item in proven:
            yield Step(item.subject, "remove the objects of the proof", item.remove, item.is_clean)
        if self.retire:
            for place in self._sealed_elsewhere():
                yield from Copies(self.session, place).resealing(self.to_version)
            sentence = f"let versions below {self.to_version} decrypt no more"
            retire = partial(vault.retire_versions, self.key, below=self.to_version)
            yield Step(self.subject, sentence, retire, self._is_retired)
            yield proof(self.subject, "unwrap all that it wraps once more", partial(self._unwrap, entries))

    def _proven_by_objects(self) -> tuple[objects.ProofObjects, ...]:
        if self.application is None or self.key != naming.transit_key(self.application.id, "objects"):
            return ()
        return objects.of_data_buckets(self.session, self.application, self.procedure)

    def _locked_buckets(self) -> list[Bucket]:
        wanted = resources_of(self.session.region, self.session.environment, self.application)
        return [
            item for item in wanted if isinstance(item, Bucket) and item.lock_mode and item.encryption_key == self.key
        ]

    def _sealed_elsewhere(self) -> tuple[VolumePlace, ...]:
        """Name the volumes whose copies of headers the key has sealed."""
        if self.session.region.evidence is None or self.application is None:
            return ()
        known = places(self.session.region, self.session.environment)
        return tuple(place for place in known if place.entry(Held.ACTIVE).wrapped_by == self.key)

    def _is_rotated(self) -> bool:
        return self.session.vault.key_versions(self.key).latest >= self.to_version

    def _is_retired(self) -> bool:
        return self.session.vault.key_versions(self.key).lowest >= self.to_version

    def _is_put_or_too_late(self, item: objects.ProofObjects) -> bool:
        return self._is_rotated() or item.is_there("old")

    def _try(self) -> Observed:
        version = self.session.vault.try_key(self.key)
        if version < self.to_version:
            what = f"it works with version {version} instead of {self.to_version}"
            raise EngineError(str(self.subject), what, "Look whether something holds its encryption back.")
        return {"version": version}

    def _unwrap(self, entries: tuple[SecretEntry, ...]) -> Observed:
        for entry in entries:
            self.session.vault.reveal_secret(entry)
        return {"secrets": [entry.name for entry in entries]}


def rewrapping(session: Session, entry: SecretEntry, version: int) -> Step:
    """Give the step that encrypts *entry* under *version* of its key or a later one, and compares its value."""

    def is_done() -> bool:
        found = session.vault.wrapping_version(entry.name)
        return found is not None and found >= version

    sentence = f"wrap it under version {version} of {entry.wrapped_by}, and compare"
    return Step(entry.subject, sentence, partial(session.vault.rewrap_secret, entry), is_done)


def rewrappings(session: Session, owner: str | None) -> tuple[Step, ...]:
    """Give a step for each secret of *owner* (``None``: of everybody) that is behind the latest version of its key."""
    reading = session.vault.read()
    if reading.resources is None:
        raise UnreadableError("vault", f"what it holds is unknown ({reading.reason})", "Mend that first.")
    entries = [item for item in reading.resources.values() if isinstance(item, SecretEntry)]
    chosen = sorted((item for item in entries if owner in {None, item.owner}), key=lambda entry: entry.name)
    latest = {key: session.vault.key_versions(key).latest for key in {entry.wrapped_by for entry in chosen}}
    steps = [rewrapping(session, entry, latest[entry.wrapped_by]) for entry in chosen]
    return tuple(step for step in steps if step.is_done is not None and not step.is_done())
