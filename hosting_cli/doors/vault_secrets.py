"""Secrets: made in memory, wrapped by a transit key, kept in KV as ciphertext only, read back and compared.

The order of the steps is the safety.  Metadata first: an entry that a killed run leaves without a value is not read
as existing, and the next run gives it one.  Then the value, once: check-and-set lets one of several runs win.  Then
reading back, so that nothing is ever encrypted under a secret that was not stored.
"""

import base64
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from hosting_cli.doors import vault_shapes as shapes
from hosting_cli.doors.vault_client import VaultClient
from hosting_cli.errors import EngineError, RefusedError
from hosting_cli.resources import SecretEntry, SecretPurpose
from hosting_cli.secret import Secret
from inventory import naming
from vault_policies.mark import Mark

MADE_AT = "value-made-at"
"""Beside a ciphertext: when the value was made, if wrapping it anew has made a younger version of the entry."""

RANDOM_BYTES = 48
RECOVERY_GROUPS, RECOVERY_GROUP_LENGTH = 8, 5
_CAS_LOST = "check-and-set"


def make(client: VaultClient, entry: SecretEntry, *, region: str) -> None:
    """Make and store the secret of *entry*, unless it has one, which is kept.

    Safe to kill anywhere and to run twice at once: whoever comes first gives the entry its value, for good.
    Raise ``EngineError`` when what is stored afterwards cannot be read back.
    """
    details = _details(client, entry.name)
    if details is None or not details["current_version"]:
        value = generate(entry)
        _mark(client, entry, region, {})
        if _store(client, entry, value, version=0) and reveal(client, entry) != value:
            raise _unlike(entry)
    reveal(client, entry)


def replace(client: VaultClient, entry: SecretEntry, value: Secret, note: Mapping[str, str], *, region: str) -> None:
    """Store *value* as the new version of *entry*, read it back, and only then record *note* beside it.

    Raise ``EngineError`` when somebody else replaced it meanwhile, or when it reads back differently.
    """
    details = _details(client, entry.name)
    _mark(client, entry, region, _notes(details))
    if not _store(client, entry, value, version=details["current_version"] if details else 0):
        raise EngineError(str(entry.subject), "somebody else replaced it at the same moment", "Plan again.")
    if reveal(client, entry) != value:
        raise _unlike(entry)
    _mark(client, entry, region, note)


def rewrap(client: VaultClient, entry: SecretEntry, *, region: str) -> None:
    """Encrypt *entry* anew under the latest version of its transit key; the value, its notes and its age stay.

    The vault does it: the value is seen here only to compare it before and after.  Idempotent.  Raise ``EngineError``
    when somebody else replaced it meanwhile, or when it reads back differently.
    """
    before, details = reveal(client, entry), _details(client, entry.name)
    answer = client.get(f"{naming.KV_MOUNT}/data/{_path(entry.name)}")
    if details is None or answer is None:
        raise EngineError(str(entry.subject), "it has no value", "Make it, then wrap it anew.")
    stored = answer["data"]["metadata"]
    # Before the new version, which would otherwise pass for a new value.
    _mark(client, entry, region, {MADE_AT: stored["created_time"], **_notes(details)})
    ciphertext = {"ciphertext": answer["data"]["data"]["ciphertext"]}
    anew = client.post(f"{naming.TRANSIT_MOUNT}/rewrap/{entry.wrapped_by}", ciphertext)["data"]["ciphertext"]
    if not _put(client, entry, anew, version=stored["version"]):
        raise EngineError(str(entry.subject), "somebody else replaced it at the same moment", "Wrap it anew again.")
    if reveal(client, entry) != before:
        raise _unlike(entry)


def reveal(client: VaultClient, entry: SecretEntry) -> Secret:
    """Read and unwrap the secret of *entry*; raise ``EngineError`` when it has none or cannot be unwrapped."""
    answer = client.get(f"{naming.KV_MOUNT}/data/{_path(entry.name)}")
    if answer is None:
        remedy = "Make it, or undelete its last version if somebody deleted that (`bao kv undelete`)."
        raise EngineError(str(entry.subject), "it has no value", remedy)
    return unwrapped(client, entry.wrapped_by, answer["data"]["data"]["ciphertext"])


def wrapped(client: VaultClient, key: str, value: Secret) -> str:
    """Encrypt *value* under the transit key *key*; the ciphertext may be kept anywhere, and ends with the key."""
    plain = base64.b64encode(value.reveal().encode()).decode()
    return str(client.post(f"{naming.TRANSIT_MOUNT}/encrypt/{key}", {"plaintext": plain})["data"]["ciphertext"])


def unwrapped(client: VaultClient, key: str, ciphertext: str) -> Secret:
    """Decrypt what ``wrapped`` gave."""
    answer = client.post(f"{naming.TRANSIT_MOUNT}/decrypt/{key}", {"ciphertext": ciphertext})
    return Secret(base64.b64decode(answer["data"]["plaintext"]).decode())


def has_value(client: VaultClient, name: str) -> bool:
    """Tell whether the entry *name* has a value that can be read."""
    details = _details(client, name)
    return details is not None and shapes.is_readable(details)


def end(client: VaultClient, entry: SecretEntry) -> None:
    """End an entry with all its versions.  Idempotent.  Raise ``RefusedError`` for what not only a rotation needs."""
    if not entry.name.endswith(naming.NEXT):
        remedy = "Only what a rotation made for itself is ended; the rest goes with its transit key."
        raise RefusedError(str(entry.subject), "it may be needed", remedy)
    client.delete(f"{naming.KV_MOUNT}/metadata/{_path(entry.name)}")


def notes(client: VaultClient, name: str) -> Mapping[str, str]:
    """Give what is recorded beside the ciphertext of the entry *name*; nothing when it has no value."""
    details = _details(client, name)
    return _notes(details) if details is not None and shapes.is_readable(details) else {}


def entry_of(client: VaultClient, name: str) -> SecretEntry:
    """Describe the entry *name* as its own metadata does; raise ``EngineError`` when it is none of ours."""
    found = _notes(_details(client, name))
    mark = Mark.of(found)
    if mark is None:
        remedy = "Store it with `hosting bootstrap`, or name the right path in the environment file."
        raise EngineError(f"secret {name}", "the vault has no such entry with our mark", remedy)
    return SecretEntry(
        name=name, owner=mark.owner, purpose=SecretPurpose(found["purpose"]), wrapped_by=found["wrapped-by"]
    )


# -- steps --------------------------------------------------------------------------------------------------------


def _details(client: VaultClient, name: str) -> dict[str, Any] | None:
    answer = client.get(f"{naming.KV_MOUNT}/metadata/{_path(name)}")
    return None if answer is None else answer["data"]


def _notes(details: Mapping[str, Any] | None) -> dict[str, str]:
    return dict((details or {}).get("custom_metadata") or {})


def _mark(client: VaultClient, entry: SecretEntry, region: str, note: Mapping[str, str]) -> None:
    described = {"purpose": entry.purpose.value, "wrapped-by": entry.wrapped_by}
    metadata = {**note, **Mark(region, entry.owner).attributes(), **described}
    client.post(f"{naming.KV_MOUNT}/metadata/{_path(entry.name)}", {"custom_metadata": metadata})


def _store(client: VaultClient, entry: SecretEntry, value: Secret, *, version: int) -> bool:
    """Wrap and store *value* on top of *version*; ``False`` when another version is there by now."""
    return _put(client, entry, wrapped(client, entry.wrapped_by, value), version=version)


def _put(client: VaultClient, entry: SecretEntry, ciphertext: str, *, version: int) -> bool:
    body = {"data": {"ciphertext": ciphertext}, "options": {"cas": version}}
    path = f"{naming.KV_MOUNT}/data/{_path(entry.name)}"
    response = client.raw("POST", path, body)
    if response.status_code == 400 and _CAS_LOST in response.text:
        return False
    client.checked("POST", path, response)
    return True


def _path(name: str) -> str:
    return f"{naming.KV_ROOT}/{name}"


def _unlike(entry: SecretEntry) -> EngineError:
    remedy = "Nothing depends on it yet. Look at the vault's storage before anything does."
    return EngineError(str(entry.subject), "it reads back differently from what was stored", remedy)


# -- values -------------------------------------------------------------------------------------------------------


def generate(entry: SecretEntry) -> Secret:
    """Make a value fit for *entry*, stored nowhere yet; raise ``RefusedError`` for what other engines make."""
    generator = _GENERATORS.get(entry.purpose)
    if generator is None:
        remedy = "It is stored when the object store has made it."
        raise RefusedError(str(entry.subject), f"{entry.purpose.value} are not made here", remedy)
    return Secret(generator())


def _random() -> str:
    return secrets.token_urlsafe(RANDOM_BYTES)


def _recovery() -> str:
    """Make what a person can type from paper: 200 bits, in groups, without 0 and O, 1 and I."""
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    groups = ("".join(secrets.choice(letters) for _ in range(RECOVERY_GROUP_LENGTH)) for _ in range(RECOVERY_GROUPS))
    return "-".join(groups)


_GENERATORS: Mapping[SecretPurpose, Callable[[], str]] = {
    SecretPurpose.LUKS_PASSPHRASE: _random,
    SecretPurpose.LUKS_RECOVERY: _recovery,
    SecretPurpose.RESTIC_PASSWORD: _random,
}
