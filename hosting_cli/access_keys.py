"""Give an object store's user a new access key; the order of the steps is the safety."""

import json
from collections.abc import Callable

from hosting_cli.errors import HostingError
from hosting_cli.resources import AccessKey, SecretEntry, SecretPurpose
from hosting_cli.secret import Secret
from hosting_cli.session import Session
from hosting_cli.survey import ACCESS_KEY_NOTE

Try = Callable[[str, Secret], None]
"""Use an access key; raise ``HostingError`` when it does not work."""


def entry_of(key: AccessKey) -> SecretEntry:
    """Give the vault's entry that holds the secret half of *key*."""
    return SecretEntry(
        name=key.secret, owner=key.owner, purpose=SecretPurpose.S3_CREDENTIALS, wrapped_by=key.wrapped_by
    )


def recorded(session: Session, key: AccessKey) -> str | None:
    """Say which access key the vault records as the one in use."""
    return session.vault.secret_notes(key.secret).get(ACCESS_KEY_NOTE)


def stored(session: Session, key: AccessKey) -> str | None:
    """Say of which access key the vault holds the secret half: a newer one than it records, after some kills."""
    if not session.vault.has_secret(key.secret):
        return None
    try:
        return str(json.loads(session.vault.reveal_secret(entry_of(key)).reveal())["access_key_id"])
    except (ValueError, KeyError, TypeError):  # whatever it is, no host logs in with it
        return None


def add(session: Session, key: AccessKey, *, try_it: Try | None = None) -> str | None:
    """Make a new access key, try it, store it, read it back and record it; the one recorded before stays, and is given.

    Keys that the vault neither records nor holds were never in use: what an interrupted run made is dropped first,
    since a store gives a user two keys at most.  One that the vault holds and does not record yet is what hosts use:
    it is recorded.  A new key that does not work is dropped at once, and nothing is stored.
    """
    door, before, held = session.stores[key.store], recorded(session, key), stored(session, key)
    if held is not None and held != before and held in door.access_key_ids(key.name):
        session.vault.replace_secret(entry_of(key), session.vault.reveal_secret(entry_of(key)), note=_note(held))
        return before
    for identifier in door.access_key_ids(key.name):
        if identifier != before:
            door.delete_access_key(key.name, identifier)
    made, secret = door.create_access_key(key.name)
    if try_it is not None:
        try:
            try_it(made, secret)
        except HostingError:
            door.delete_access_key(key.name, made)
            raise
    credentials = json.dumps({"access_key_id": made, "secret_access_key": secret.reveal()})
    session.vault.replace_secret(entry_of(key), Secret(credentials), note=_note(made))
    return before


def _note(identifier: str) -> dict[str, str]:
    return {ACCESS_KEY_NOTE: identifier}


def renew(session: Session, key: AccessKey) -> None:
    """Give the user one new key; the recorded one is dropped last, when the new one was stored and read back."""
    door, before = session.stores[key.store], add(session, key)
    if before in door.access_key_ids(key.name):
        door.delete_access_key(key.name, str(before))
