"""S3 credentials: a second access key is made, tried, stored, read back and tried again before the first one goes."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from hosting_cli import access_keys
from hosting_cli.desired import resources_of
from hosting_cli.errors import RefusedError
from hosting_cli.procedure import Observed, Step, proof
from hosting_cli.resources import AccessKey, Bucket, StoreUser
from hosting_cli.secret import Secret
from hosting_cli.session import Session
from hosting_cli.survey import ACCESS_KEY_NOTE
from inventory.models import Application
from inventory.resource import Json, Subject


def wanted(session: Session, application: Application | None, name: str) -> tuple[AccessKey, tuple[str, ...]]:
    """Find whose key the vault's entry *name* holds, and which buckets that user reaches."""
    resources = {item.subject: item for item in resources_of(session.region, session.environment, application)}
    for key in resources.values():
        if isinstance(key, AccessKey) and key.secret == name:
            (user,) = (resources[subject] for subject in key.requires if subject.kind == StoreUser.kind)
            return key, tuple(subject.name for subject in user.requires if subject.kind == Bucket.kind)
    remedy = "Only the users that the region's files ask for are rotated."
    raise RefusedError(f"s3-credentials {name}", "no file of the region asks for them", remedy)


def goal(session: Session, name: str) -> Mapping[str, Json]:
    """Say which access key is to be replaced; raise ``RefusedError`` when there is none in use."""
    recorded = session.vault.secret_notes(name).get(ACCESS_KEY_NOTE)
    if recorded is None:
        raise RefusedError(
            f"s3-credentials {name}", "the vault records no access key", "Run `hosting plan`, and apply."
        )
    return {"replaces": recorded}


@dataclass(frozen=True)
class Rotation:
    """The replacement of one access key."""

    session: Session
    key: AccessKey
    buckets: tuple[str, ...]
    replaces: str

    @property
    def subject(self) -> Subject:
        """Name the user's key."""
        return self.key.subject

    def steps(self) -> Iterator[Step]:
        """Yield the steps."""
        yield Step(self.subject, "make a second key, try it, store it, read it back", self._make, self._is_made)
        yield proof(self.subject, "list a bucket with what the vault now holds", self.try_stored)
        sentence = f"delete {self.replaces}, which nothing uses any more"
        door = self.session.stores[self.key.store]
        yield Step(
            self.subject, sentence, partial(door.delete_access_key, self.key.name, self.replaces), self._is_alone
        )

    def _listed(self) -> tuple[str, ...]:
        return self.session.stores[self.key.store].access_key_ids(self.key.name)

    def _is_made(self) -> bool:
        recorded = access_keys.recorded(self.session, self.key)
        return recorded != self.replaces and recorded in self._listed()

    def _is_alone(self) -> bool:
        return self._listed() == (access_keys.recorded(self.session, self.key),)

    def _make(self) -> None:
        access_keys.add(self.session, self.key, try_it=self._try)

    def try_stored(self) -> Observed:
        """List each bucket with what the vault holds; raise ``HostingError`` where that is refused."""
        stored = json.loads(self.session.vault.reveal_secret(access_keys.entry_of(self.key)).reveal())
        self._try(stored["access_key_id"], Secret(stored["secret_access_key"]))
        return {"access_key": stored["access_key_id"], "buckets": list(self.buckets)}

    def _try(self, key_id: str, secret: Secret) -> None:
        for bucket in self.buckets:
            self.session.stores[self.key.store].try_access_key(bucket, key_id, secret)
