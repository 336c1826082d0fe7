"""Whether the vault is sealed, and its shares, handed over one by one; nothing here needs a token."""

from hosting_cli.doors.vault_client import VaultClient
from hosting_cli.keys.values import SealState
from hosting_cli.secret import Secret


def read(client: VaultClient) -> SealState:
    """Ask whether the vault is sealed; raise ``UnreadableError`` when it does not answer."""
    return _state(client, "GET", "sys/seal-status", None)


def unseal(client: VaultClient, share: Secret) -> SealState:
    """Hand one share over; raise ``EngineError`` when the vault refuses it, which never says what it was."""
    return _state(client, "POST", "sys/unseal", {"key": share.reveal()})


def _state(client: VaultClient, method: str, path: str, body: dict[str, str] | None) -> SealState:
    found = client.checked(method, path, client.raw(method, path, dict(body) if body else None))
    return SealState(bool(found["sealed"]), int(found["t"]), int(found["progress"]))
