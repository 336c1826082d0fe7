"""An object is encrypted under the application's key, and unreadable while that key is disabled."""

import secrets
from dataclasses import dataclass

from hosting_cli.errors import EngineError
from hosting_cli.proofs.proof import Proof, Verdict, skipped
from hosting_cli.session import Session
from inventory import naming
from inventory.models import Application, Bucket
from inventory.resource import Json

ENCRYPTED = "object-encrypted"
UNREADABLE = "object-unreadable-without-key"
PREFIX = "hosting-proof/"
"""Where proofs put their objects; nothing of an application lies there, and nothing stays."""


@dataclass(frozen=True)
class Seen:
    """What became of one object: its encryption, and whether it could be read before, during and after."""

    algorithm: str | None
    key: str | None
    same_bytes: bool
    readable_while_disabled: bool | None = None
    same_bytes_afterwards: bool | None = None

    def to_json(self) -> dict[str, Json]:
        """Give what was seen as evidence."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def prove(session: Session, application: Application, bucket: Bucket, *, disruptive: bool) -> list[Proof]:
    """Put an object, look at its encryption, and if *disruptive* disable the key for the time of one reading."""
    name = naming.bucket(session.region, application.id, bucket.id)
    key = naming.transit_key(application.id, "objects")
    seen = _look(session, bucket.store, name, key if disruptive else None)
    unreadable = (
        judge_unreadable(name, key, seen)
        if disruptive
        else skipped(UNREADABLE, f"bucket {name}", "its objects are unreadable while its key is disabled")
    )
    return [judge_encrypted(name, key, seen), unreadable]


def _look(session: Session, store: str, bucket: str, disabled: str | None) -> Seen:
    """Put, look, read; with *disabled*, read once more while that key is disabled and again afterwards."""
    door, name, body = session.stores[store], PREFIX + secrets.token_hex(8), secrets.token_bytes(4096)
    door.put_object(bucket, name, body)
    try:
        head = door.head_object(bucket, name)
        same = door.get_object(bucket, name) == body
        if disabled is None:
            return Seen(head.algorithm, head.key, same)
        session.vault.set_key_enabled(disabled, enabled=False)
        try:
            readable = _is_readable(session, store, bucket, name)
        finally:
            session.vault.set_key_enabled(disabled, enabled=True)
        return Seen(head.algorithm, head.key, same, readable, door.get_object(bucket, name) == body)
    finally:
        door.delete_object(bucket, name)


def _is_readable(session: Session, store: str, bucket: str, name: str) -> bool:
    try:
        session.stores[store].get_object(bucket, name)
    except EngineError:
        return False
    return True


def judge_encrypted(bucket: str, key: str, seen: Seen) -> Proof:
    """Say whether the object came to lie under *key* without anybody asking for it in the request."""
    subject, observed = f"bucket {bucket}", seen.to_json()
    if not seen.same_bytes:
        return Proof(ENCRYPTED, subject, Verdict.BROKEN, "an object came back with other bytes than were put", observed)
    if (seen.algorithm, seen.key) != ("aws:kms", key):
        found = f"{seen.algorithm or 'nothing'} under {seen.key or 'no key'}"
        return Proof(ENCRYPTED, subject, Verdict.BROKEN, f"an object lies under {found} instead of {key}", observed)
    return Proof(
        ENCRYPTED, subject, Verdict.HELD, f"an object put without headers lies encrypted under {key}", observed
    )


def judge_unreadable(bucket: str, key: str, seen: Seen) -> Proof:
    """Say whether disabling *key* made the object unreadable, and enabling it brought the bytes back."""
    subject, observed = f"bucket {bucket}", seen.to_json()
    if seen.readable_while_disabled:
        sentence = f"an object could still be read while {key} was disabled"
        return Proof(UNREADABLE, subject, Verdict.BROKEN, sentence, observed)
    if not seen.same_bytes_afterwards:
        sentence = f"an object did not come back when {key} was enabled again"
        return Proof(UNREADABLE, subject, Verdict.BROKEN, sentence, observed)
    sentence = f"an object was unreadable while {key} was disabled, and came back with it"
    return Proof(UNREADABLE, subject, Verdict.HELD, sentence, observed)
