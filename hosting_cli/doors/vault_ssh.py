"""The authorities of the vault's SSH engine.  OpenBao keeps several, of which one signs; HashiCorp Vault keeps one."""

from hosting_cli.doors import vault_reading, vault_shapes
from hosting_cli.doors.vault_client import VaultClient
from hosting_cli.errors import EngineError, MissingCapabilityError, RefusedError
from hosting_cli.keys.authorities import FORMER, SshAuthorityKey
from hosting_cli.resources import SshRole
from inventory import naming
from inventory.resource import PLATFORM

_MOUNT = naming.SSH_MOUNT
_TRIAL_ROLE = f"{_MOUNT}/roles/{naming.SSH_TRIAL_ROLE}"


class SshAuthorities:
    """Make, try, prefer and end authorities by which operators log in to hosts.

    Every method raises ``UnreadableError`` when the vault cannot be asked and ``EngineError`` when it refuses.
    """

    def __init__(self, client: VaultClient) -> None:
        self._client = client

    def read(self) -> tuple[SshAuthorityKey, ...]:
        """Read every authority; none where there is not even the engine."""
        found = vault_reading.ssh_authorities(self._client)
        if found is None:
            key = vault_reading.ssh_public_key(self._client)
            return () if key is None else (SshAuthorityKey("default", "", key, is_default=True),)
        return found

    def expect_several(self) -> None:
        """Raise ``MissingCapabilityError`` where the engine can have one authority only."""
        if vault_reading.ssh_authorities(self._client) is None:
            what = "this vault's SSH engine keeps one authority only (HashiCorp Vault; OpenBao keeps several)"
            remedy = "There, hosts cannot be moved from one to another without a moment in which nobody gets in."
            raise MissingCapabilityError(f"ssh-authority {_MOUNT}", what, remedy)

    def make(self, name: str) -> None:
        """Have the engine make an authority called *name*, whose key never leaves it; it signs nothing yet."""
        body = {"generate_signing_key": True, "key_type": "ed25519"}
        self._client.post(f"{_MOUNT}/issuers/import/{name}", body)

    def rename(self, authority: SshAuthorityKey, name: str) -> None:
        """Give *authority* another name.  Idempotent."""
        if authority.name != name:
            self._client.post(f"{_MOUNT}/issuer/{authority.id}", {"issuer_name": name})

    def prefer(self, authority: SshAuthorityKey) -> None:
        """Have *authority* sign from now on.  Idempotent."""
        self._client.post(f"{_MOUNT}/config/issuers", {"default": authority.id})

    def end(self, name: str) -> None:
        """End a former authority, for good.  Idempotent.

        Raise ``RefusedError`` for the one that signs: without it nobody would log in to any host again.
        """
        found = next((item for item in self.read() if item.name == name), None)
        if found is None:
            return
        if found.is_default or not name.startswith(FORMER):
            remedy = "Only an authority that another one has taken the place of is ended."
            raise RefusedError(f"ssh-authority {name}", "operators log in to hosts by it", remedy)
        # By its name, which is all that the rights of operations reach.
        self._client.delete(f"{_MOUNT}/issuer/{name}")

    def sign_by(self, authority: str, public_key: str, *, ttl_seconds: int) -> str:
        """Have the authority with the id *authority* certify *public_key* for operators, whichever signs otherwise."""
        operators = SshRole(
            name=_TRIAL_ROLE, owner=PLATFORM, principals=(naming.SSH_OPERATIONS_ROLE,), ttl_seconds=ttl_seconds
        )
        role = {**vault_shapes.ssh_role_body(operators), "issuer_ref": authority}
        self._client.post(_TRIAL_ROLE, role)
        body = {"public_key": public_key, "cert_type": "user", "ttl": ttl_seconds}
        answer = self._client.post(f"{_MOUNT}/sign/{naming.SSH_TRIAL_ROLE}", body)
        if answer["data"].get("issuer_id") != authority:
            what = "it had another authority sign than it was asked for"
            raise EngineError(self._client.subject, what, "Is somebody else rotating? Run the same command again.")
        return str(answer["data"]["signed_key"]).strip()

    def has_trial_role(self) -> bool:
        """Tell whether the role is there by which ``sign_by`` signs."""
        return self._client.get(_TRIAL_ROLE) is not None

    def drop_trial_role(self) -> None:
        """Remove that role.  Idempotent."""
        self._client.delete(_TRIAL_ROLE)
