"""Signatures by keys of the transit engine: the private half never leaves the vault, the public one is everybody's."""

import base64
import secrets
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from hosting_cli.doors.vault_client import VaultClient
from hosting_cli.doors.vault_writing import KEYS
from hosting_cli.errors import EngineError
from hosting_cli.keys.values import PublicKey, Signature
from inventory import naming


def sign(client: VaultClient, key: str, message: bytes) -> Signature:
    """Have the vault sign *message* by the latest version of *key*."""
    answer = client.post(f"{naming.TRANSIT_MOUNT}/sign/{key}", {"input": base64.b64encode(message).decode()})
    _, version, value = str(answer["data"]["signature"]).split(":")
    number = int(version.removeprefix("v"))
    (public,) = (item for item in public_keys(client, key) if item.version == number)
    return Signature(key, public.value, value)


def public_keys(client: VaultClient, key: str) -> tuple[PublicKey, ...]:
    """Read the public half of every version of *key*, the oldest first; raise ``EngineError`` when there is none."""
    answer = client.get(f"{KEYS}/{key}")
    if answer is None:
        raise EngineError(f"transit-key {key}", "there is no such key", "Apply the plan that creates it.")
    return tuple(sorted(_public_keys(answer["data"]["keys"]), key=lambda item: item.version))


def try_signing(client: VaultClient, key: str) -> int:
    """Have random bytes signed and verified by the vault; give the version that did it, or raise ``EngineError``."""
    plain = base64.b64encode(secrets.token_bytes(32)).decode()
    signature = str(client.post(f"{naming.TRANSIT_MOUNT}/sign/{key}", {"input": plain})["data"]["signature"])
    body = {"input": plain, "signature": signature}
    if not client.post(f"{naming.TRANSIT_MOUNT}/verify/{key}", body)["data"]["valid"]:
        raise EngineError(f"transit-key {key}", "what it signed does not verify", "Trust it with nothing.")
    return int(signature.split(":")[1].removeprefix("v"))


def _public_keys(versions: dict[str, Any]) -> Iterator[PublicKey]:
    for version, found in versions.items():
        yield PublicKey(int(version), datetime.fromisoformat(found["creation_time"]), found["public_key"])
