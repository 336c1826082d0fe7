"""Who makes changes: one actor for the vault, one for each object store, one for all hosts together.

Each turns a change into the calls of its door that make it, in the order that is safe to interrupt.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hosting_cli.apply import Actor, Begin, one_by_one
from hosting_cli.errors import HostingError
from hosting_cli.plan import Action, Change
from hosting_cli.resources import VAULT, AccessKey, SecretEntry, SecretPurpose, VaultResource, object_store
from hosting_cli.secret import Secret
from hosting_cli.session import Session
from hosting_cli.survey import ACCESS_KEY_NOTE, Survey, read_store, read_vault
from inventory.resource import Reading, Resource, Subject


def actors(session: Session, found: Survey) -> Callable[[str], Actor]:
    """Give the actor of each source; sources that are hosts share one, so that all of them converge together."""
    by_source: dict[str, Actor] = {VAULT: VaultActor(session, found)}
    for store in session.stores:
        by_source[object_store(store)] = StoreActor(session, store, found)
    hosts = HostsActor(session, found)
    return lambda source: by_source.get(source, hosts)


def resource_of(change: Change, found: Survey) -> Resource:
    """Find the resource that *change* is about: as it should be, or as it is when it shall go."""
    return found.actual[change.subject] if change.action is Action.DELETE else found.desired[change.subject]


@dataclass(frozen=True)
class VaultActor:
    """Make changes in the vault."""

    session: Session
    found: Survey

    def carry_out(self, changes: Sequence[Change], begin: Begin) -> Mapping[Subject, HostingError]:
        """Make *changes* singly."""
        return one_by_one(changes, begin, self._make)

    def read(self) -> Sequence[Reading]:
        """Read the vault back."""
        return read_vault(self.session)

    def _make(self, change: Change) -> None:
        resource = resource_of(change, self.found)
        assert isinstance(resource, VaultResource)  # noqa: S101 what the vault is the source of
        if change.action in {Action.DELETE, Action.REPLACE}:
            self.session.vault.delete(resource)
        if change.action is Action.DELETE:
            return
        if isinstance(resource, SecretEntry):
            self.session.vault.make_secret(resource)
        else:
            self.session.vault.write(resource)


@dataclass(frozen=True)
class StoreActor:
    """Make changes in one object store."""

    session: Session
    store: str
    found: Survey

    def carry_out(self, changes: Sequence[Change], begin: Begin) -> Mapping[Subject, HostingError]:
        """Make *changes* singly."""
        return one_by_one(changes, begin, self._make)

    def read(self) -> Sequence[Reading]:
        """Read the store back, and its users' keys."""
        return read_store(self.session, self.store, self.found.desired)

    def _make(self, change: Change) -> None:
        resource, door = resource_of(change, self.found), self.session.stores[self.store]
        if isinstance(resource, AccessKey):
            self._renew(resource)
        elif change.action is Action.DELETE:
            door.delete(resource)
        else:
            door.write(resource)

    def _renew(self, key: AccessKey) -> None:
        """Give the user one new key; the order of the steps is the safety.

        Keys that the vault does not record were never in use: what an interrupted run made is dropped first, since a
        store gives a user two keys at most.  The recorded key is dropped last, when the new one was stored, read back
        and compared.
        """
        door = self.session.stores[self.store]
        recorded = self.session.vault.secret_notes(key.secret).get(ACCESS_KEY_NOTE)
        for identifier in door.access_key_ids(key.name):
            if identifier != recorded:
                door.delete_access_key(key.name, identifier)
        made, secret = door.create_access_key(key.name)
        entry = SecretEntry(
            name=key.secret, owner=key.owner, purpose=SecretPurpose.S3_CREDENTIALS, wrapped_by=key.wrapped_by
        )
        credentials = json.dumps({"access_key_id": made, "secret_access_key": secret.reveal()})
        self.session.vault.replace_secret(entry, Secret(credentials), note={ACCESS_KEY_NOTE: made})
        if recorded in door.access_key_ids(key.name):
            door.delete_access_key(key.name, str(recorded))
