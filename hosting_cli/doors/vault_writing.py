"""Writing resources into the vault: each function creates or updates one, and changes nothing that is right already."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from hosting_cli.doors import vault_pki
from hosting_cli.doors import vault_shapes as shapes
from hosting_cli.doors.vault_client import VaultClient
from hosting_cli.doors.vault_reading import POLICIES, ROLES, ssh_public_key
from hosting_cli.errors import EngineError, MissingCapabilityError, RefusedError
from hosting_cli.keys import authorities
from hosting_cli.resources import (
    AppRole,
    AuthMethod,
    PkiAuthority,
    PkiRole,
    Policy,
    SecretsEngine,
    SshAuthority,
    SshRole,
    TransitKey,
    VaultResource,
)
from inventory import naming

KEYS = f"{naming.TRANSIT_MOUNT}/keys"
_DESCRIPTION = "Managed by hosting."


def write(client: VaultClient, resource: VaultResource) -> None:
    """Create or update *resource*; raise ``RefusedError`` for a kind that is not simply written (secrets are made)."""
    writer = _WRITERS.get(type(resource))
    if writer is None:
        raise RefusedError(str(resource.subject), "it is not written like this", "Secrets are made, never written.")
    writer(client, resource)


def delete(client: VaultClient, resource: VaultResource) -> None:
    """Delete *resource*; raise ``RefusedError`` when data depends on it.  Idempotent."""
    path = _deletion_path(resource)
    if resource.data_bearing or path is None:
        remedy = "Destroying data is a workflow of its own, with a second person and a waiting time."
        raise RefusedError(str(resource.subject), "it bears data, or the keys to data, and is not deleted here", remedy)
    client.delete(path)


def set_key_enabled(client: VaultClient, key: str, *, enabled: bool) -> None:
    """Make a transit key usable or, until then, unusable: nothing is lost, and nothing it wraps can be read meanwhile.

    OpenBao does this by soft deletion.  HashiCorp Vault has nothing like it: raise ``MissingCapabilityError``.
    """
    path = f"{KEYS}/{key}/soft-delete"
    method, path = ("POST", f"{path}-restore") if enabled else ("DELETE", path)
    if client.get(f"{KEYS}/{key}") is None:
        raise EngineError(f"transit-key {key}", "there is no such key", "Apply the plan that creates it.")
    response = client.raw(method, path, {} if enabled else None)
    if response.status_code == 404 and "unsupported" in response.text:
        what = "the vault cannot make a key unusable for a while (HashiCorp Vault cannot, OpenBao 2.4 and later can)"
        raise MissingCapabilityError(f"transit-key {key}", what, "Prove it on OpenBao, or leave this proof out.")
    client.checked(method, path, response)


# -- one function for each kind -----------------------------------------------------------------------------------


def _engine(client: VaultClient, engine: SecretsEngine) -> None:
    options = {} if engine.version is None else {"options": {"version": str(engine.version)}}
    _mount(client, f"sys/mounts/{engine.name}", "sys/mounts", engine, options)


def _method(client: VaultClient, method: AuthMethod) -> None:
    _mount(client, f"sys/auth/{method.name}", "sys/auth", method, {})


def _mount(
    client: VaultClient, path: str, table: str, wanted: SecretsEngine | AuthMethod, options: Mapping[str, Any]
) -> None:
    found = (client.get(table) or {}).get("data", {}).get(f"{wanted.name}/")
    if found is None:
        client.post(path, {"type": wanted.type, "description": _DESCRIPTION, **options})
    elif found["type"] != wanted.type:
        remedy = "Give the hosting a vault, or a namespace, of its own."
        raise EngineError(str(wanted.subject), f"another engine is mounted there: {found['type']}", remedy)


def _authority(client: VaultClient, authority: SshAuthority) -> None:
    # Asked twice, OpenBao makes a second authority and prefers it: every host would refuse its operators.
    if ssh_public_key(client) is None:
        body = {"generate_signing_key": True, "key_type": authority.algorithm}
        client.post(f"{authority.name}/config/ca", body)


def _ssh_role(client: VaultClient, role: SshRole) -> None:
    mount, _, name = role.name.partition("/")
    client.post(f"{mount}/roles/{name}", shapes.ssh_role_body(role))


def _link_authority(client: VaultClient, wanted: PkiAuthority) -> None:
    """Make the authority where there is none, and settle how the engine's authorities revoke and follow each other."""
    client.post(f"sys/mounts/{wanted.name}/tune", {"max_lease_ttl": f"{wanted.validity_days * 24}h"})
    if not any(vault_pki.read(client)):
        if not wanted.signs_itself:
            remedy = (
                "Run `hosting key rotate pki`: it makes the request for the root to sign, and takes what it signed."
            )
            raise RefusedError(str(wanted.subject), "it waits for the offline root", remedy)
        left = (name for name in vault_pki.keys(client).values() if authorities.is_of(name, "first"))
        name = next(left, authorities.present_name(authorities.next_name("first", datetime.now(UTC))))
        vault_pki.make(client, wanted, name)
    default = next((item for item in vault_pki.read(client) if item.is_default), None)
    settings = {**shapes.PKI_ISSUERS, **({"default": default.id} if default else {})}
    client.post(f"{wanted.name}/config/issuers", settings)
    client.post(f"{wanted.name}/config/crl", dict(shapes.PKI_REVOCATIONS))
    if default and not vault_pki.has_list(client, default):
        vault_pki.publish(client)


def _link_role(client: VaultClient, role: PkiRole) -> None:
    mount, _, name = role.name.partition("/")
    client.post(f"{mount}/roles/{name}", shapes.pki_role_body(role))


def _policy(client: VaultClient, policy: Policy) -> None:
    client.post(f"{POLICIES}/{policy.name}", {"policy": policy.text})


def _key(client: VaultClient, key: TransitKey) -> None:
    # Idempotent: an existing key is left as it is, with a warning.
    client.post(f"{KEYS}/{key.name}", shapes.transit_key_body(key))
    found = shapes.transit_key((client.get(f"{KEYS}/{key.name}") or {})["data"])
    if found.deletion_allowed != key.deletion_allowed:
        client.post(f"{KEYS}/{key.name}/config", {"deletion_allowed": key.deletion_allowed})
    if any(deviation.startswith("soft_deleted") for deviation in found.deviations):
        set_key_enabled(client, key.name, enabled=True)
    if (found.type, found.exportable) != (key.type, key.exportable):
        what = f"it is {found.type}, exportable: {found.exportable}, which a vault never takes back"
        remedy = "Somebody else made it. Move what it wraps to another key; this one must not be trusted."
        raise EngineError(str(key.subject), what, remedy)


def _role(client: VaultClient, role: AppRole) -> None:
    path = f"{ROLES}/{role.name}"
    client.post(path, shapes.app_role_body(role))
    if ((client.get(f"{path}/role-id") or {})["data"])["role_id"] != role.name:
        client.post(f"{path}/role-id", {"role_id": role.name})


_WRITERS: Mapping[type[VaultResource], Callable[[VaultClient, Any], None]] = {
    SecretsEngine: _engine,
    AuthMethod: _method,
    SshAuthority: _authority,
    SshRole: _ssh_role,
    PkiAuthority: _link_authority,
    PkiRole: _link_role,
    Policy: _policy,
    TransitKey: _key,
    AppRole: _role,
}


def _deletion_path(resource: VaultResource) -> str | None:
    match resource:
        case Policy():
            return f"{POLICIES}/{resource.name}"
        case AppRole():
            return f"{ROLES}/{resource.name}"
        case SshRole() | PkiRole():
            mount, _, name = resource.name.partition("/")
            return f"{mount}/roles/{name}"
    return None
