"""Who could use the vault now, and whether every request leaves a trace: what only checks look at.

Tokens are told by their accessors, with which nobody can do what the token can.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TypeVar

from hosting_cli.checks.seen import AuditDevice, Part, Token, VaultPosture
from hosting_cli.doors.vault_client import Answer, VaultClient, concurrently
from hosting_cli.errors import HostingError

Value = TypeVar("Value")

ACCESSORS = "auth/token/accessors"


def read_posture(client: VaultClient) -> VaultPosture:
    """Read what can be read; each part that cannot is unknown, with its reason."""
    return VaultPosture(_part(lambda: tuple(_devices(client))), _part(lambda: tuple(_tokens(client))))


def _part(read: Callable[[], Value]) -> Part[Value]:
    try:
        return Part(read())
    except HostingError as error:
        return Part(None, str(error))


def _devices(client: VaultClient) -> Iterator[AuditDevice]:
    found = (client.get("sys/audit") or {}).get("data") or {}
    for path, about in sorted(found.items()):
        raw = str((about.get("options") or {}).get("log_raw", "false")).lower() == "true"
        yield AuditDevice(path, str(about["type"]), raw)


def _tokens(client: VaultClient) -> Iterator[Token]:
    """Yield every token that lives; one that ended while they were listed is none."""
    accessors = client.list(f"{ACCESSORS}/")
    for answer in concurrently(lambda accessor: _looked_up(client, accessor), accessors):
        if answer is not None:
            about = answer["data"]
            ends = about.get("expire_time")
            yield Token(
                name=str(about["display_name"]),
                policies=tuple(sorted({*about.get("policies", ()), *(about.get("identity_policies") or ())})),
                ends=None if ends is None else datetime.fromisoformat(ends),
                renewable=bool(about.get("renewable")),
            )


def _looked_up(client: VaultClient, accessor: str) -> Answer | None:
    path = "auth/token/lookup-accessor"
    response = client.raw("POST", path, {"accessor": accessor})
    if response.status_code in {403, 404} and "invalid accessor" in response.text:
        return None
    return client.checked("POST", path, response)
