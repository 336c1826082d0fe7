"""The steps of a destruction: a control, the end of each key, and the proof that nothing of it can be read."""

from collections.abc import Iterator, Sequence
from functools import partial

from hosting_cli.destruction import Loss
from hosting_cli.errors import EngineError, RefusedError
from hosting_cli.procedure import Observed, Step, proof
from hosting_cli.resources import Bucket, SecretEntry, TransitKey
from hosting_cli.session import Session
from inventory.resource import Subject


def steps(session: Session, found: Loss, keys: Sequence[str]) -> Iterator[Step]:
    """Give the steps that end *keys*, of which a killed run may have ended some; *found* is what lies under them."""
    for bucket in found.buckets:
        sentence = "read an object while its key is there, so that not reading it later says something"
        yield proof(bucket.subject, sentence, partial(_control, session, bucket, keys))
    for key in keys:
        yield Step(
            Subject(TransitKey.kind, key),
            "destroy it, for good",
            partial(session.vault.destroy_key, key),
            partial(_is_gone, session, key),
        )
    for entry in found.entries:
        yield proof(entry.subject, "fail to unwrap it", partial(_unwrappable, session, entry))
    for bucket in found.buckets:
        yield proof(bucket.subject, "fail to read an object", partial(_unreadable, session, bucket))


def _is_gone(session: Session, key: str) -> bool:
    return not session.vault.has_key(key)


def _first_object(session: Session, bucket: Bucket) -> str | None:
    return next(iter(session.stores[bucket.store].object_names(bucket.name, "", at_most=1)), None)


def _control(session: Session, bucket: Bucket, keys: Sequence[str]) -> Observed:
    name = _first_object(session, bucket)
    if name is None:
        return {"object": None, "control": "the bucket holds no object"}
    if bucket.encryption_key is None or bucket.encryption_key not in keys:
        remedy = "Ending the application's keys does not end this bucket: delete its objects, then ask again."
        raise RefusedError(str(bucket.subject), "its objects lie under no key of the application", remedy)
    if not session.vault.has_key(bucket.encryption_key):
        return {"object": name, "control": "its key was ended by an earlier run, which had read it before"}
    return {"object": name, "control": f"{len(session.stores[bucket.store].get_object(bucket.name, name))} bytes read"}


def _unwrappable(session: Session, entry: SecretEntry) -> Observed:
    if session.vault.can_unwrap(entry):
        what = f"it can still be unwrapped, by {entry.wrapped_by}"
        raise EngineError(str(entry.subject), what, "Somebody made that key again, or brought it back: find out who.")
    return {"wrapped_by": entry.wrapped_by, "readable": False}


def _unreadable(session: Session, bucket: Bucket) -> Observed:
    name = _first_object(session, bucket)
    if name is None:
        return {"object": None, "readable": False}
    try:
        session.stores[bucket.store].get_object(bucket.name, name)
    except EngineError as refusal:
        return {"object": name, "readable": False, "refusal": refusal.what}
    what = f"the object {name} can still be read although {bucket.encryption_key} is gone"
    raise EngineError(
        str(bucket.subject), what, "The store may keep data keys in memory: restart it, and run this again."
    )
