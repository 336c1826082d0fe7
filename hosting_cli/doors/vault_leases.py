"""Leases, kept in the vault and changed by check-and-set; they hold names and times, never a secret."""

from datetime import datetime

from hosting_cli.doors.vault_client import VaultClient
from hosting_cli.runbooks.leases import Lease
from inventory import naming

_CAS_LOST = "check-and-set"


def read(client: VaultClient, name: str) -> Lease | None:
    """Read the lease *name*; ``None`` when nobody ever took it."""
    answer = client.get(naming.lease_path(name))
    if answer is None or answer["data"]["data"] is None:
        return None
    kept = answer["data"]["data"]
    version = int(answer["data"]["metadata"]["version"])
    return Lease(kept["holder"], kept["run"], datetime.fromisoformat(kept["until"]), version)


def write(client: VaultClient, name: str, lease: Lease) -> Lease | None:
    """Store *lease* on top of its version, and give it with its new one; ``None`` when somebody was faster."""
    path = naming.lease_path(name)
    response = client.raw("POST", path, {"data": lease.body(), "options": {"cas": lease.version}})
    if response.status_code == 400 and _CAS_LOST in response.text:
        return None
    version = int(client.checked("POST", path, response)["data"]["version"])
    return Lease(lease.holder, lease.run, lease.until, version)
