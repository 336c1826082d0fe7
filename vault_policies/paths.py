"""Every path of an application in the vault, to try them with somebody else's token.

What is tried must do no harm if it is, against all promises, allowed: versions that do not exist are destroyed,
conditions that cannot hold are asked for.  Paths where no such form exists are in ``too_dangerous_to_try``: there,
ask the vault what a token may do.
"""

from collections.abc import Iterator

from inventory import naming
from inventory.models import Application, Region
from inventory.resource import Json

Attempt = tuple[str, str, Json]
"""A method, a path, a body."""

_NOWHERE = 1 << 30
"""A version that no entry ever has."""


def vault_paths_of(region: Region, application: Application) -> tuple[Attempt, ...]:
    """Give everything that *application* has in the vault, as requests that a neighbour must be refused."""
    keys = tuple(naming.transit_key(application.id, purpose) for purpose in naming.KEY_PURPOSES)
    return (
        *(attempt for key in keys for attempt in _of_key(key)),
        *(attempt for folder in _folders(application) for attempt in _of_folder(folder)),
        *(attempt for entry in entries_of(application) for attempt in _of_entry(entry)),
        *(attempt for host in _hosts(application) for attempt in _of_role(naming.host_role(application.id, host))),
    )


def too_dangerous_to_try(application: Application) -> tuple[str, ...]:
    """Give the paths on which even one allowed request would destroy something."""
    entries = (f"{naming.KV_MOUNT}/metadata/{naming.KV_ROOT}/{entry}" for entry in entries_of(application))
    keys = (naming.transit_key(application.id, purpose) for purpose in naming.KEY_PURPOSES)
    ends = ("", "/soft-delete", "/trim", "/import", "/import_version")
    return (*entries, *(f"{naming.TRANSIT_MOUNT}/keys/{key}{end}" for key in keys for end in ends))


def entries_of(application: Application) -> tuple[str, ...]:
    """Name every KV entry of *application*."""
    volumes = (
        naming.volume_secret(application.id, host, volume.id, slot)
        for tier in application.tiers
        for host in tier.hosts
        for volume in tier.volumes
        for slot in ("active", "recovery")
    )
    makers = [naming.data_user, naming.backup_user, naming.prune_user]
    if application.backup and application.backup.second_store:
        makers += [naming.copy_reader, naming.copy_user, naming.copy_prune_user]
    users = tuple(name(application.id) for name in makers)
    credentials = (naming.credentials_secret(application.id, user) for user in users)
    repositories = (naming.repository_secret(application.id, host) for host in _hosts(application))
    return (*volumes, *repositories, *credentials)


def _hosts(application: Application) -> tuple[str, ...]:
    return tuple(sorted({host for tier in application.tiers for host in tier.hosts}))


def _folders(application: Application) -> tuple[str, ...]:
    """Give every folder above the entries, from the application's own down."""
    folders = {
        "/".join(parts[:depth])
        for parts in (entry.split("/") for entry in entries_of(application))
        for depth in range(1, len(parts))
    }
    return tuple(sorted(folders))


def _of_key(key: str) -> Iterator[Attempt]:
    mount = naming.TRANSIT_MOUNT
    plain, wrapped = "aG9zdGluZw==", "vault:v1:bm8gc3VjaCBjaXBoZXJ0ZXh0"
    yield "GET", f"{mount}/keys/{key}", None
    yield "POST", f"{mount}/keys/{key}/config", {"deletion_allowed": False}
    yield "POST", f"{mount}/keys/{key}/soft-delete-restore", {}
    yield "POST", f"{mount}/encrypt/{key}", {"plaintext": plain}
    yield "POST", f"{mount}/decrypt/{key}", {"ciphertext": wrapped}
    yield "POST", f"{mount}/rewrap/{key}", {"ciphertext": wrapped}
    yield "POST", f"{mount}/datakey/plaintext/{key}", {}
    yield "POST", f"{mount}/datakey/wrapped/{key}", {}
    yield "POST", f"{mount}/hmac/{key}", {"input": plain}
    yield "GET", f"{mount}/export/encryption-key/{key}", None
    yield "GET", f"{mount}/backup/{key}", None


def _of_folder(folder: str) -> Iterator[Attempt]:
    mount = naming.KV_MOUNT
    yield "LIST", f"{mount}/metadata/{naming.KV_ROOT}/{folder}", None
    yield "SCAN", f"{mount}/metadata/{naming.KV_ROOT}/{folder}", None
    yield "LIST", f"{mount}/detailed-metadata/{naming.KV_ROOT}/{folder}", None


def _of_entry(entry: str) -> Iterator[Attempt]:
    mount, path = naming.KV_MOUNT, f"{naming.KV_ROOT}/{entry}"
    impossible: Json = {"data": {"ciphertext": "a neighbour was here"}, "options": {"cas": _NOWHERE}}
    yield "GET", f"{mount}/data/{path}", None
    yield "POST", f"{mount}/data/{path}", impossible
    yield "GET", f"{mount}/metadata/{path}", None
    yield "GET", f"{mount}/subkeys/{path}", None
    for verb in ("delete", "undelete", "destroy"):
        yield "POST", f"{mount}/{verb}/{path}", {"versions": [_NOWHERE]}


def _of_role(role: str) -> Iterator[Attempt]:
    # Logging in is open to everybody who has a secret-id, so what a neighbour must not get is that.
    path = f"auth/{naming.APPROLE_MOUNT}/role/{role}"
    yield "GET", path, None
    yield "GET", f"{path}/role-id", None
    yield "LIST", f"{path}/secret-id", None
    yield "POST", f"{path}/secret-id", {"num_uses": 1, "ttl": "1s"}
    yield "POST", f"{path}/custom-secret-id", {"secret_id": "", "num_uses": 1, "ttl": "1s"}
    yield "POST", f"{path}/secret-id/lookup", {"secret_id": "none"}
    yield "POST", f"{path}/secret-id-accessor/lookup", {"secret_id_accessor": "none"}
    yield "GET", f"sys/policies/acl/{role}", None
