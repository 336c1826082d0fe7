"""What of ours is in the vault, as resources, in as few requests as the server allows.

Ours is what carries our prefix or our mark: KV entries say so in their custom metadata, policies in their first line,
roles and keys by their names.  Engines are ours by where they are mounted.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from hosting_cli.doors import vault_pki
from hosting_cli.doors import vault_shapes as shapes
from hosting_cli.doors.vault_client import VaultClient, concurrently
from hosting_cli.errors import EngineError
from hosting_cli.keys.authorities import SshAuthorityKey
from hosting_cli.resources import (
    AppRole,
    AuthMethod,
    PkiAuthority,
    PkiRole,
    Policy,
    SecretEntry,
    SecretPurpose,
    SecretsEngine,
    SshAuthority,
    SshRole,
    TransitKey,
    VaultResource,
)
from inventory import naming
from inventory.resource import PLATFORM
from vault_policies.mark import Mark, mark_of

ENGINE_MOUNTS = (naming.TRANSIT_MOUNT, naming.KV_MOUNT, naming.PKI_MOUNT, naming.SSH_MOUNT)
KV_METADATA = f"{naming.KV_MOUNT}/metadata/{naming.KV_ROOT}"
KV_DETAILS = f"{naming.KV_MOUNT}/detailed-metadata/{naming.KV_ROOT}/"
ROLES = f"auth/{naming.APPROLE_MOUNT}/role"
POLICIES = "sys/policies/acl"
POLICY_DETAILS = "sys/policies/detailed/acl"


def read_vault(client: VaultClient, region: str) -> Iterator[VaultResource]:
    """Yield everything of *region* in the vault; raise what the client raises, so that nothing is taken for absent."""
    engines, methods = tuple(_engines(client)), tuple(_methods(client))
    mounted = {engine.name for engine in engines} | {method.name for method in methods}
    owners: dict[str, str] = {}
    yield from (*engines, *methods)
    for policy in _policies(client, region):
        owners[policy.name] = policy.owner
        yield policy
    if naming.TRANSIT_MOUNT in mounted:
        yield from _keys(client)
    if naming.KV_MOUNT in mounted:
        yield from _entries(client, region)
    if naming.SSH_MOUNT in mounted:
        yield from _ssh(client)
    if naming.PKI_MOUNT in mounted:
        yield from _pki(client)
    if naming.APPROLE_MOUNT in mounted:
        yield from _roles(client, owners)


# -- mounts -------------------------------------------------------------------------------------------------------


def _engines(client: VaultClient) -> Iterator[SecretsEngine]:
    mounts = _mounts(client, "sys/mounts")
    for name in ENGINE_MOUNTS:
        if (mount := mounts.get(f"{name}/")) is not None:
            version = (mount.get("options") or {}).get("version")
            yield SecretsEngine(
                name=name, owner=PLATFORM, type=mount["type"], version=int(version) if version is not None else None
            )


def _methods(client: VaultClient) -> Iterator[AuthMethod]:
    mount = _mounts(client, "sys/auth").get(f"{naming.APPROLE_MOUNT}/")
    if mount is not None:
        yield AuthMethod(name=naming.APPROLE_MOUNT, owner=PLATFORM, type=mount["type"])


def _mounts(client: VaultClient, path: str) -> dict[str, Any]:
    answer = client.get(path)
    if answer is None:
        raise EngineError(client.subject, f"it lists nothing under {path}", "Is this a vault?")
    mounts: dict[str, Any] = answer["data"]
    return mounts


# -- policies and roles -------------------------------------------------------------------------------------------


def _policies(client: VaultClient, region: str) -> Iterator[Policy]:
    for name, text in sorted(_policy_texts(client).items()):
        mark = mark_of(text)
        if mark is not None and mark.region == region:
            yield Policy(name=name, owner=mark.owner, text=text)


def owners_of_policies(client: VaultClient, region: str) -> Mapping[str, str]:
    """Say whose each policy of *region* is, hence whose the role of the same name is."""
    return {policy.name: policy.owner for policy in _policies(client, region)}


def _policy_texts(client: VaultClient) -> Mapping[str, str]:
    detailed = client.listed(POLICY_DETAILS)
    if detailed is not None:
        return {name: found["policy"] for name, found in detailed.items() if name.startswith(naming.PREFIX)}
    names = [name for name in client.list(POLICIES) if name.startswith(naming.PREFIX)]
    answers = concurrently(lambda name: client.get(f"{POLICIES}/{name}"), names)
    return {name: answer["data"]["policy"] for name, answer in zip(names, answers, strict=True) if answer}


def _roles(client: VaultClient, owners: Mapping[str, str]) -> Iterator[AppRole]:
    names = [name for name in client.list(ROLES) if name.startswith(naming.PREFIX)]
    for name, found in zip(names, concurrently(lambda name: _role(client, name), names), strict=True):
        if found is not None:
            # A role has nowhere to write its owner; its policy, of the same name, has.
            yield shapes.app_role(name, owners.get(name, PLATFORM), *found)


def _role(client: VaultClient, name: str) -> tuple[dict[str, Any], str] | None:
    role, identifier = client.get(f"{ROLES}/{name}"), client.get(f"{ROLES}/{name}/role-id")
    if role is None or identifier is None:
        return None
    return role["data"], identifier["data"]["role_id"]


# -- transit ------------------------------------------------------------------------------------------------------


def _keys(client: VaultClient) -> Iterator[TransitKey]:
    yield from map(shapes.transit_key, key_descriptions(client))


def key_descriptions(client: VaultClient) -> Iterator[dict[str, Any]]:
    """Yield what the vault says of each key of ours, in its own words."""
    path = f"{naming.TRANSIT_MOUNT}/keys"
    names = [name for name in client.list(path) if name.startswith(naming.PREFIX)]
    for answer in concurrently(lambda name: client.get(f"{path}/{name}"), names):
        if answer is not None:
            yield answer["data"]


# -- kv -----------------------------------------------------------------------------------------------------------


def _entries(client: VaultClient, region: str) -> Iterator[SecretEntry]:
    for name, details in sorted(metadata(client).items()):
        mark = Mark.of(details.get("custom_metadata") or {})
        if mark is not None and mark.region == region and shapes.is_readable(details):
            yield SecretEntry(
                name=name,
                owner=mark.owner,
                purpose=SecretPurpose(details["custom_metadata"]["purpose"]),
                wrapped_by=details["custom_metadata"]["wrapped-by"],
            )


def metadata(client: VaultClient) -> Mapping[str, dict[str, Any]]:
    """Give the metadata of every entry by name: in one request, or level by level where the server is Vault."""
    scanned = client.listed(KV_DETAILS, method="SCAN")
    if scanned is not None:
        return scanned
    return walked_metadata(client)


def walked_metadata(client: VaultClient) -> Mapping[str, dict[str, Any]]:
    """Give the same with no other right than to list and read metadata."""
    names = tuple(_walk(client))
    answers = concurrently(lambda name: client.get(f"{KV_METADATA}/{name}"), names)
    return {name: answer["data"] for name, answer in zip(names, answers, strict=True) if answer is not None}


def _walk(client: VaultClient) -> Iterator[str]:
    folders = [""]
    while folders:
        listings = concurrently(lambda folder: client.list(f"{KV_METADATA}/{folder}"), folders)
        found = [f"{folder}{name}" for folder, names in zip(folders, listings, strict=True) for name in names]
        yield from (name for name in found if not name.endswith("/"))
        folders = [name for name in found if name.endswith("/")]


# -- ssh ----------------------------------------------------------------------------------------------------------


def _ssh(client: VaultClient) -> Iterator[SshAuthority | SshRole]:
    key = ssh_public_key(client)
    if key is not None:
        yield SshAuthority(name=naming.SSH_MOUNT, owner=PLATFORM, algorithm=shapes.algorithm(key))
    path = f"{naming.SSH_MOUNT}/roles"
    names = [name for name in client.list(path) if name.startswith(naming.PREFIX)]
    answers = concurrently(lambda name: client.get(f"{path}/{name}"), names)
    for name, answer in zip(names, answers, strict=True):
        if answer is not None:
            yield shapes.ssh_role(f"{naming.SSH_MOUNT}/{name}", answer["data"])


def _pki(client: VaultClient) -> Iterator[PkiAuthority | PkiRole]:
    mount = naming.PKI_MOUNT
    for authority in vault_pki.read(client):
        if authority.is_default:
            issuers, revocations = (client.get(f"{mount}/config/{name}") or {} for name in ("issuers", "crl"))
            has_list = vault_pki.has_list(client, authority)
            yield shapes.pki_authority(authority.algorithm, issuers["data"], revocations["data"], has_list=has_list)
    names = [name for name in client.list(f"{mount}/roles") if name.startswith(naming.PREFIX)]
    answers = concurrently(lambda name: client.get(f"{mount}/roles/{name}"), names)
    for name, answer in zip(names, answers, strict=True):
        if answer is not None:
            yield shapes.pki_role(f"{mount}/{name}", answer["data"])


def ssh_authorities(client: VaultClient) -> tuple[SshAuthorityKey, ...] | None:
    """Read every authority of the SSH engine; ``None`` where the server knows one only (HashiCorp Vault)."""
    found = client.listed(f"{naming.SSH_MOUNT}/issuers")
    if found is None:
        return None
    return tuple(
        SshAuthorityKey(identifier, about["issuer_name"], str(about["public_key"]).strip(), about["is_default"])
        for identifier, about in found.items()
    )


def ssh_public_key(client: VaultClient) -> str | None:
    """Read the SSH authority's public key; ``None`` when there is no authority, or not even its engine."""
    path = f"{naming.SSH_MOUNT}/config/ca"
    response = client.raw("GET", path)
    if response.status_code in {400, 404}:
        # OpenBao: no default issuer; Vault: keys haven't been configured; either: no handler for the route.
        return None
    answer = client.checked("GET", path, response)
    return str(answer["data"]["public_key"]).strip()
