"""What the vault tells of keys and secrets: their versions and when each was made, never their values.

Each kind is read for itself: what the token may not see, or the server does not know, is unknown and hides no other.
"""

import base64
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import repeat
from typing import Any

from hosting_cli.doors import vault_pki, vault_reading
from hosting_cli.doors import vault_shapes as shapes
from hosting_cli.doors.vault_client import VaultClient, concurrently
from hosting_cli.doors.vault_reading import ROLES
from hosting_cli.doors.vault_secrets import MADE_AT
from hosting_cli.doors.vault_ssh import SshAuthorities
from hosting_cli.doors.vault_writing import KEYS
from hosting_cli.errors import EngineError, HostingError
from hosting_cli.keys.values import SERVER_NOTE, Key, KeysSeen, KeyVersions, SecretId
from hosting_cli.resources import SIGNING_TYPE, SecretEntry
from inventory import naming
from inventory.key_policy import KeyKind
from inventory.resource import PLATFORM
from vault_policies.mark import Mark

ACCESSOR_DIGITS = 8
"""How much of a secret-id's accessor names it for people."""

COUNTED_USES = 1_000_000_000
"""How many logins a counted secret-id is good for: one each second for thirty years.  The vault counts down."""

_VERSION = re.compile(r"vault:v(\d+):")
_NO_KEY = "encryption key not found"
"""What the vault says of a ciphertext whose key is no more."""

_SECRETS = (
    KeyKind.LUKS_PASSPHRASE,
    KeyKind.LUKS_RECOVERY,
    KeyKind.RESTIC_PASSWORD,
    KeyKind.S3_CREDENTIALS,
)


def read_keys(client: VaultClient, region: str, *, ages_only: bool = False) -> KeysSeen:
    """Read what is known of every key and secret of *region*; raise nothing: what cannot be read is unknown.

    With *ages_only* no ciphertext is looked at, so by which version of its key a secret is wrapped stays unknown.
    """
    sources: tuple[tuple[tuple[KeyKind, ...], Callable[[], Iterable[Key]]], ...] = (
        ((KeyKind.TRANSIT_KEY,), lambda: _transit_keys(client)),
        (_SECRETS, lambda: _secrets(client, region, ages_only=ages_only)),
        ((KeyKind.SECRET_ID,), lambda: _secret_ids(client, region)),
        ((KeyKind.SSH_AUTHORITY,), lambda: _ssh_authorities(client)),
        ((KeyKind.PKI_AUTHORITY,), lambda: _pki_authorities(client)),
    )
    found: list[Key] = []
    unread: dict[KeyKind, str] = {}
    for kinds, read in sources:
        try:
            found += read()
        except HostingError as error:
            unread |= dict.fromkeys(kinds, str(error))
    return KeysSeen(tuple(found), unread)


def versions(client: VaultClient, key: str) -> KeyVersions:
    """Read which versions a transit key has; raise ``EngineError`` when there is no such key."""
    answer = client.get(f"{KEYS}/{key}")
    if answer is None:
        raise EngineError(f"transit-key {key}", "there is no such key", "Run `hosting key list`.")
    return KeyVersions(int(answer["data"]["latest_version"]), int(answer["data"]["min_decryption_version"]))


def signs(client: VaultClient, key: str) -> bool:
    """Tell whether a transit key is one that signs, and encrypts nothing."""
    answer = client.get(f"{KEYS}/{key}")
    return answer is not None and answer["data"]["type"] == SIGNING_TYPE


def rotate(client: VaultClient, key: str) -> None:
    """Give a transit key a new version, by which everything is encrypted from now on; the older ones still decrypt."""
    client.post(f"{KEYS}/{key}/rotate", {})


def retire(client: VaultClient, key: str, *, below: int) -> None:
    """Let versions of a transit key *below* decrypt no more.  Nothing is lost: a lower number brings them back."""
    client.post(f"{KEYS}/{key}/config", {"min_decryption_version": below})


def exists(client: VaultClient, key: str) -> bool:
    """Tell whether there is a transit key of that name, disabled or not."""
    return client.get(f"{KEYS}/{key}") is not None


def destroy(client: VaultClient, key: str) -> None:
    """End a transit key, and with it all that it wraps: there is no way back.  Idempotent."""
    if exists(client, key):
        client.post(f"{KEYS}/{key}/config", {"deletion_allowed": True})
        client.delete(f"{KEYS}/{key}")


def can_unwrap(client: VaultClient, entry: SecretEntry) -> bool:
    """Tell whether the ciphertext of *entry* can still be decrypted by anybody; a token that may not, cannot tell."""
    answer = client.get(f"{naming.KV_MOUNT}/data/{naming.KV_ROOT}/{entry.name}")
    if answer is None:
        return False
    path, body = (
        f"{naming.TRANSIT_MOUNT}/decrypt/{entry.wrapped_by}",
        {"ciphertext": answer["data"]["data"]["ciphertext"]},
    )
    response = client.raw("POST", path, dict(body))
    if response.status_code == 400 and _NO_KEY in response.text:
        return False
    client.checked("POST", path, response)
    return True


def round_trip(client: VaultClient, key: str) -> int:
    """Encrypt random bytes under *key* and decrypt them; give the version that did it, or raise ``EngineError``."""
    plain = base64.b64encode(secrets.token_bytes(32)).decode()
    wrapped = client.post(f"{naming.TRANSIT_MOUNT}/encrypt/{key}", {"plaintext": plain})["data"]["ciphertext"]
    answer = client.post(f"{naming.TRANSIT_MOUNT}/decrypt/{key}", {"ciphertext": wrapped})
    found = _VERSION.match(wrapped)
    if answer["data"]["plaintext"] != plain or found is None:
        raise EngineError(f"transit-key {key}", "what it encrypted came back differently", "Trust it with nothing.")
    return int(found[1])


# -- one function for each source -----------------------------------------------------------------------------------


def _transit_keys(client: VaultClient) -> Iterator[Key]:
    for data in vault_reading.key_descriptions(client):
        latest, times = int(data["latest_version"]), data["keys"]
        made_at = _version_made_at(times[str(latest)])
        yield Key(
            kind=KeyKind.TRANSIT_KEY,
            name=data["name"],
            owner=shapes.transit_key(data).owner,
            made_at=made_at,
            rotated_at=made_at if latest > 1 else None,
            version=latest,
            lowest_version=int(data["min_decryption_version"]),
            disabled=bool(data.get("soft_deleted")),
        )


def _secrets(client: VaultClient, region: str, *, ages_only: bool) -> Iterator[Key]:
    described = vault_reading.walked_metadata(client) if ages_only else vault_reading.metadata(client)
    ours = {
        name: mark
        for name, details in described.items()
        if (mark := Mark.of(details.get("custom_metadata") or {})) is not None
        if mark.region == region and shapes.is_readable(details)
    }
    wrapped = (
        repeat(None, len(ours)) if ages_only else concurrently(lambda name: ciphertext_version(client, name), ours)
    )
    for (name, mark), version in zip(ours.items(), wrapped, strict=True):
        yield _secret(name, mark.owner, described[name], version)


def _secret(name: str, owner: str, details: Mapping[str, Any], wrapped_version: int | None) -> Key:
    notes, versions = details["custom_metadata"], details["versions"]
    stored_at = _moment(versions[str(details["current_version"])]["created_time"])
    made_at = _moment(notes[MADE_AT]) if MADE_AT in notes else stored_at
    first_at = _moment(versions[min(versions, key=int)]["created_time"])
    return Key(
        kind=KeyKind(notes["purpose"]),
        name=name,
        owner=owner,
        made_at=made_at,
        rotated_at=made_at if made_at > first_at else None,
        version=int(details["current_version"]),
        wrapped_by=notes["wrapped-by"],
        wrapped_version=wrapped_version,
    )


def ciphertext_version(client: VaultClient, name: str) -> int | None:
    """Say by which version of its transit key the entry *name* is encrypted; ``None`` when it does not say."""
    answer = client.get(f"{naming.KV_MOUNT}/data/{naming.KV_ROOT}/{name}")
    found = _VERSION.match(str(((answer or {}).get("data", {}).get("data") or {}).get("ciphertext", "")))
    return int(found[1]) if found else None


def _secret_ids(client: VaultClient, region: str) -> Iterator[Key]:
    owners = vault_reading.owners_of_policies(client, region)
    for role in (name for name in client.list(ROLES) if name.startswith(naming.PREFIX)):
        found = tuple(secret_ids(client, role))
        for item in found:
            yield Key(
                kind=KeyKind.SECRET_ID,
                name=f"{role}/{item.accessor[:ACCESSOR_DIGITS]}",
                owner=owners.get(role, PLATFORM),
                made_at=item.made_at,
                beside=_beside(role, item, found),
            )


def _beside(role: str, item: SecretId, found: tuple[SecretId, ...]) -> int:
    """Count the others in its place; object stores share one role, and each server has one of its own."""
    if role != naming.S3_KMS_ROLE:
        return len(found) - 1
    server = item.note.get(SERVER_NOTE)
    return 0 if server is None else sum(other.note.get(SERVER_NOTE) == server for other in found) - 1


def secret_ids(client: VaultClient, role: str) -> Iterator[SecretId]:
    """Yield every secret-id of *role* that somebody could log in with."""
    for accessor in client.list(f"{ROLES}/{role}/secret-id"):
        data = client.post(f"{ROLES}/{role}/secret-id-accessor/lookup", {"secret_id_accessor": accessor}).get("data")
        # One that has ended is listed until the vault tidies up, and told nothing about.
        if data is not None:
            left = data["secret_id_num_uses"]
            uses = COUNTED_USES - left if left else None
            yield SecretId(accessor, _moment(data["creation_time"]), data["metadata"] or {}, uses)


def _ssh_authorities(client: VaultClient) -> Iterator[Key]:
    found = SshAuthorities(client).read()
    for authority in found:
        yield Key(
            kind=KeyKind.SSH_AUTHORITY,
            name=naming.SSH_MOUNT if authority.is_default else f"{naming.SSH_MOUNT}/{authority.name or authority.id}",
            owner=PLATFORM,
            made_at=authority.made_at,
            rotated_at=authority.made_at,
            beside=len(found) - 1,
            unknown="the vault does not tell when it was made, and the journal does not know",
        )


def _pki_authorities(client: VaultClient) -> Iterator[Key]:
    found = tuple(vault_pki.read(client))
    if not found:
        unknown = "there is none yet: apply a plan, or rotate it where its root is offline"
        yield Key(kind=KeyKind.PKI_AUTHORITY, name=naming.PKI_MOUNT, owner=PLATFORM, made_at=None, unknown=unknown)
    for authority in found:
        made_at = authority.x509.not_valid_before_utc
        yield Key(
            kind=KeyKind.PKI_AUTHORITY,
            name=naming.PKI_MOUNT if authority.is_default else f"{naming.PKI_MOUNT}/{authority.name or authority.id}",
            owner=PLATFORM,
            made_at=made_at,
            rotated_at=made_at if len(found) > 1 else None,
            expires_at=authority.x509.not_valid_after_utc,
            beside=0 if authority.is_former else sum(not item.is_former for item in found) - 1,
            former=authority.is_former,
        )


def _version_made_at(told: Any) -> datetime:
    """Read when a version was made: of keys that encrypt the vault tells seconds, of those that sign a description."""
    return _moment(told["creation_time"]) if isinstance(told, dict) else datetime.fromtimestamp(int(told), UTC)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
