"""The door of the vault: OpenBao 2.4 and later, or HashiCorp Vault 1.15 and later."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from hosting_cli.checks.seen import VaultPosture
from hosting_cli.doors import (
    vault_keys,
    vault_leases,
    vault_reading,
    vault_seal,
    vault_secrets,
    vault_signing,
    vault_writing,
)
from hosting_cli.doors.vault_client import VaultClient
from hosting_cli.doors.vault_pki import PkiAuthorities
from hosting_cli.doors.vault_posture import read_posture
from hosting_cli.doors.vault_ssh import SshAuthorities
from hosting_cli.errors import HostingError, MissingCapabilityError
from hosting_cli.keys.authorities import trusted
from hosting_cli.keys.values import KeysSeen, KeyVersions, PublicKey, SealState, SecretId, Signature
from hosting_cli.resources import VAULT, SecretEntry, VaultResource
from hosting_cli.runbooks.leases import Lease
from hosting_cli.secret import Secret
from inventory import naming
from inventory.environment import VaultAccess
from inventory.resource import Json, Reading, Resource, Subject

PROOFS_ROLE = "hosting-proofs"
"""The token role that child tokens for proofs are made with; ``bootstrap`` writes it."""

_HIGHEST_PROOF_SECONDS = 600


class OpenBao:
    """What the hosting asks of its vault; nothing is sent before the first method is called.

    Every method raises ``UnreadableError`` when the vault cannot be asked (sealed, unreachable, not trusted, token
    expired) and ``EngineError`` when it refuses, unless its own text says otherwise.
    """

    def __init__(self, access: VaultAccess, *, region: str, token_file: Path | None = None) -> None:
        self._client = VaultClient(access, token_file)
        self._region = region

    def identity(self) -> str:
        """Say whose the token is, as the vault knows them (``ldap-alice``, ``token-operations``)."""
        return str(self._token()["display_name"])

    def policies(self) -> frozenset[str]:
        """Name the policies that the token holds, those of whoever it belongs to included."""
        token = self._token()
        return frozenset(token["policies"]) | frozenset(token.get("identity_policies") or ())

    def _token(self) -> Mapping[str, Any]:
        answer = self._client.get("auth/token/lookup-self") or {}
        found: Mapping[str, Any] = answer["data"]
        return found

    # -- resources ----------------------------------------------------------------------------------------------------

    def read(self) -> Reading:
        """Read everything of the region; raise nothing: what could not be read is unknown, with its reason."""
        taken_at = datetime.now(UTC)
        try:
            found: dict[Subject, Resource] = {
                resource.subject: resource for resource in vault_reading.read_vault(self._client, self._region)
            }
        except HostingError as error:
            return Reading(VAULT, taken_at, None, str(error))
        return Reading(VAULT, taken_at, found)

    def posture(self) -> VaultPosture:
        """Read who could use the vault, and whether it is audited; raise nothing: what cannot be read is unknown."""
        return read_posture(self._client)

    def write(self, resource: VaultResource) -> None:
        """Create or update *resource*.  Idempotent.  Secrets are not written but made: ``RefusedError``."""
        vault_writing.write(self._client, resource)

    def delete(self, resource: VaultResource) -> None:
        """Delete *resource*; raise ``RefusedError`` for whatever bears data or the keys to data.  Idempotent."""
        vault_writing.delete(self._client, resource)

    def set_key_enabled(self, key: str, enabled: bool) -> None:
        """Make the transit key *key* unusable, or usable again; raise ``MissingCapabilityError`` on HashiCorp Vault."""
        vault_writing.set_key_enabled(self._client, key, enabled=enabled)

    # -- keys --------------------------------------------------------------------------------------------------------

    def keys(self, *, ages_only: bool = False) -> KeysSeen:
        """Read what is known of every key and secret of the region; raise nothing: what cannot be read is unknown.

        With *ages_only* no more is asked than the policy of metrics allows: no ciphertext is looked at.
        """
        return vault_keys.read_keys(self._client, self._region, ages_only=ages_only)

    def key_versions(self, key: str) -> KeyVersions:
        """Read which versions the transit key *key* has."""
        return vault_keys.versions(self._client, key)

    def rotate_key(self, key: str) -> None:
        """Give the transit key *key* a new version; what the older ones encrypted can still be read."""
        vault_keys.rotate(self._client, key)

    def retire_versions(self, key: str, *, below: int) -> None:
        """Let versions of the transit key *key* below that number decrypt no more; a lower number brings them back."""
        vault_keys.retire(self._client, key, below=below)

    def try_key(self, key: str) -> int:
        """Encrypt and decrypt under the transit key *key*, or sign and verify; give the version that did it."""
        is_signing = vault_keys.signs(self._client, key)
        return vault_signing.try_signing(self._client, key) if is_signing else vault_keys.round_trip(self._client, key)

    def sign(self, key: str, message: bytes) -> Signature:
        """Have *message* signed by the latest version of the transit key *key*."""
        return vault_signing.sign(self._client, key, message)

    def public_keys(self, key: str) -> tuple[PublicKey, ...]:
        """Read the public half of every version of the transit key *key*, the oldest first."""
        return vault_signing.public_keys(self._client, key)

    def wrapping_version(self, name: str) -> int | None:
        """Say by which version of its transit key the entry *name* is encrypted; ``None`` when it does not say."""
        return vault_keys.ciphertext_version(self._client, name)

    def has_key(self, key: str) -> bool:
        """Tell whether there is a transit key *key*, disabled or not."""
        return vault_keys.exists(self._client, key)

    def destroy_key(self, key: str) -> None:
        """End the transit key *key*, and with it all that it wraps: there is no way back.  Idempotent."""
        vault_keys.destroy(self._client, key)

    def can_unwrap(self, entry: SecretEntry) -> bool:
        """Tell whether the secret of *entry* can still be decrypted; raise ``EngineError`` where nobody can tell."""
        return vault_keys.can_unwrap(self._client, entry)

    # -- secrets ------------------------------------------------------------------------------------------------------

    def make_secret(self, entry: SecretEntry) -> None:
        """Make and store the secret of *entry* if it has none; an existing value is never overwritten."""
        vault_secrets.make(self._client, entry, region=self._region)

    def new_value(self, entry: SecretEntry) -> Secret:
        """Make a value fit for *entry* in memory; it is stored nowhere yet."""
        return vault_secrets.generate(entry)

    def reveal_secret(self, entry: SecretEntry) -> Secret:
        """Read and unwrap the secret of *entry*."""
        return vault_secrets.reveal(self._client, entry)

    def replace_secret(self, entry: SecretEntry, value: Secret, *, note: Mapping[str, str]) -> None:
        """Store *value*, read it back, then record *note* beside it; an older version stays in the vault's history."""
        vault_secrets.replace(self._client, entry, value, note, region=self._region)

    def rewrap_secret(self, entry: SecretEntry) -> None:
        """Encrypt *entry* anew under the latest version of its key; its value, its notes and its age stay."""
        vault_secrets.rewrap(self._client, entry, region=self._region)

    def has_secret(self, name: str) -> bool:
        """Tell whether the entry *name* has a value."""
        return vault_secrets.has_value(self._client, name)

    def end_secret(self, entry: SecretEntry) -> None:
        """End an entry that kept a passphrase during its rotation; any other is ``RefusedError``.  Idempotent."""
        vault_secrets.end(self._client, entry)

    def wrap(self, key: str, value: Secret) -> str:
        """Encrypt *value* under the transit key *key*, for what is kept elsewhere; the ciphertext ends with the key."""
        return vault_secrets.wrapped(self._client, key, value)

    def unwrap(self, key: str, ciphertext: str) -> Secret:
        """Decrypt what ``wrap`` gave; raise ``EngineError`` when the key is disabled, or is no more."""
        return vault_secrets.unwrapped(self._client, key, ciphertext)

    def secret_notes(self, name: str) -> Mapping[str, str]:
        """Give what is recorded beside the entry *name*; nothing when it has no value."""
        return vault_secrets.notes(self._client, name)

    def provisioner_credentials(self, name: str) -> Secret:
        """Give the object store's provisioner credentials, kept at *name* (JSON text)."""
        return vault_secrets.reveal(self._client, vault_secrets.entry_of(self._client, name))

    # -- ssh ----------------------------------------------------------------------------------------------------------

    @cached_property
    def ssh(self) -> SshAuthorities:
        """Give the authorities of the SSH engine."""
        return SshAuthorities(self._client)

    @cached_property
    def pki(self) -> PkiAuthorities:
        """Give the authorities of certificates for links."""
        return PkiAuthorities(self._client)

    def trusted_ssh_keys(self) -> tuple[str, ...]:
        """Give the public keys of the authorities whose certificates must open hosts; none while there is none."""
        return trusted(self.ssh.read())

    def sign_ssh_key(self, public_key: str, *, role: str, ttl_seconds: int) -> str:
        """Have *public_key* certified under *role*; give the certificate's line."""
        body = {"public_key": public_key, "cert_type": "user", "ttl": ttl_seconds}
        answer = self._client.post(f"{naming.SSH_MOUNT}/sign/{role}", body)
        return str(answer["data"]["signed_key"]).strip()

    # -- identities of hosts ------------------------------------------------------------------------------------------

    def wrapped_secret_id(
        self, role: str, *, ttl_seconds: int, note: Mapping[str, str], counted: bool = False
    ) -> tuple[Secret, str]:
        """Make a secret-id of *role*; give a token that unwraps it once, and the accessor *of the secret-id*.

        A secret-id whose token was never unwrapped is of use to nobody; destroy it by its accessor.  How often one
        that is *counted* was used is read by ``secret_ids``.
        """
        body = {"metadata": json.dumps(dict(note)), **({"num_uses": vault_keys.COUNTED_USES} if counted else {})}
        answer = self._client.post(f"{vault_reading.ROLES}/{role}/secret-id", body, wrap_seconds=ttl_seconds)
        wrapping = answer["wrap_info"]
        if not wrapping.get("wrapped_accessor"):
            what = "the vault does not tell the accessor of a wrapped secret-id"
            raise MissingCapabilityError(self._client.subject, what, "Use OpenBao 2.4 or later.")
        return Secret(wrapping["token"]), str(wrapping["wrapped_accessor"])

    def wrapped(self, values: Mapping[str, str], *, ttl_seconds: int) -> Secret:
        """Have the vault hold *values*, secrets among them; give the token that takes them out, once, in that time."""
        answer = self._client.post("sys/wrapping/wrap", dict(values), wrap_seconds=ttl_seconds)
        return Secret(answer["wrap_info"]["token"])

    def unwrapped(self, wrapped: Secret) -> Secret:
        """Unwrap a secret-id, which works once; raise ``EngineError`` when somebody was faster or it is too late."""
        path = "sys/wrapping/unwrap"
        answer = self._client.checked("POST", path, self._client.raw("POST", path, {}, token=wrapped))
        return Secret(answer["data"]["secret_id"])

    def secret_id_accessors(self, role: str) -> tuple[str, ...]:
        """List the accessors of the secret-ids of *role*; none when there is no such role."""
        path = f"{vault_reading.ROLES}/{role}/secret-id"
        response = self._client.raw("LIST", path)
        if response.status_code == 404 or (response.status_code == 400 and "does not exist" in response.text):
            return ()
        return tuple(self._client.checked("LIST", path, response)["data"]["keys"])

    def secret_ids(self, role: str) -> tuple[SecretId, ...]:
        """Read what is known of each secret-id of *role*; one that has ended is none."""
        return tuple(vault_keys.secret_ids(self._client, role))

    def destroy_secret_id(self, role: str, accessor: str) -> None:
        """Destroy the secret-id that *accessor* names.  Idempotent."""
        if accessor in self.secret_id_accessors(role):
            path = f"{vault_reading.ROLES}/{role}/secret-id-accessor/destroy"
            self._client.post(path, {"secret_id_accessor": accessor})

    # -- proofs -------------------------------------------------------------------------------------------------------

    def token_for(self, policies: tuple[str, ...], *, ttl_seconds: int) -> Secret:
        """Make a token with *policies* and nothing else, to try what they allow; revoke it afterwards."""
        body = {"policies": list(policies), "ttl": f"{ttl_seconds}s", "no_default_policy": True, "renewable": False}
        answer = self._client.post(f"auth/token/create/{PROOFS_ROLE}", body)
        return Secret(answer["auth"]["client_token"])

    def attempt(self, token: Secret, method: str, path: str, body: Json) -> int:
        """Give the HTTP status that *token* gets for *method* on *path*."""
        return self._client.raw(method, path, body, token=token).status_code

    def capabilities_of(self, token: Secret, paths: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
        """Say what *token* may do on each path, without doing it: for what is too dangerous to attempt."""
        answer = self._client.post("sys/capabilities", {"token": token.reveal(), "paths": list(paths)})
        return {path: tuple(answer["data"][path]) for path in paths}

    def revoke(self, token: Secret) -> None:
        """Revoke *token* and whatever it made.  Idempotent."""
        self._client.post("auth/token/revoke", {"token": token.reveal()})

    # -- on call ------------------------------------------------------------------------------------------------------

    def seal_state(self) -> SealState:
        """Ask whether the vault is sealed, in nobody's name; raise ``UnreadableError`` only when it does not answer."""
        return vault_seal.read(self._client)

    def unseal(self, share: Secret) -> SealState:
        """Hand one share of the unseal key over, and say how far that is."""
        return vault_seal.unseal(self._client, share)

    def lease(self, name: str) -> Lease | None:
        """Read who holds the lease *name*, or held it last."""
        return vault_leases.read(self._client, name)

    def take_lease(self, name: str, lease: Lease) -> Lease | None:
        """Store *lease* on top of its version; ``None`` when somebody was faster."""
        return vault_leases.write(self._client, name, lease)

    # -- first steps --------------------------------------------------------------------------------------------------

    def bootstrap(self, policies: Mapping[str, str]) -> None:
        """Write, with a root token, what nobody may write later: the rights of people, and those of proofs' tokens.

        *policies* are those of ``vault_policies.render.people``.  Idempotent.
        """
        for name, text in policies.items():
            self._client.post(f"{vault_reading.POLICIES}/{name}", {"policy": text})
        self._client.post(
            f"auth/token/roles/{PROOFS_ROLE}",
            {
                "allowed_policies_glob": [f"{naming.PREFIX}*"],
                "token_no_default_policy": True,
                "token_explicit_max_ttl": _HIGHEST_PROOF_SECONDS,
                "token_type": "service",
                "renewable": False,
            },
        )

    def issue_token(self, name: str, policies: tuple[str, ...], *, period_seconds: int) -> Secret:
        """Issue, with a root token, a token whose identity is ``token-NAME`` and that lives while it is renewed."""
        body = {"policies": list(policies), "display_name": name, "period": f"{period_seconds}s", "no_parent": True}
        answer = self._client.post("auth/token/create", body)
        return Secret(answer["auth"]["client_token"])
