"""What the integration tests share: the two engines, what the sample region needs of them, and a death on request."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
from dying import Killed

from hosting_cli import store_policies
from hosting_cli.app import LazyDoors
from hosting_cli.commands.lab import set_engines_up
from hosting_cli.console import Progress
from hosting_cli.desired_links import links
from hosting_cli.doors.objects import ObjectStoreDoor
from hosting_cli.doors.openbao import OpenBao
from hosting_cli.doors.vault_client import VaultClient
from hosting_cli.lab import keys, laboratory, processes, tls
from hosting_cli.lab.laboratory import Lab
from hosting_cli.lab.machines import RunningMachine
from hosting_cli.lab.openbao import OpenBaoServer
from hosting_cli.lab.processes import Process
from hosting_cli.lab.seaweedfs import PORTS_NEEDED, KeyService, SeaweedServer
from hosting_cli.resources import (
    SIGNING_TYPE,
    AppRole,
    AuthMethod,
    Bucket,
    Policy,
    SecretEntry,
    SecretPurpose,
    SecretsEngine,
    SshAuthority,
    SshRole,
    StoreUser,
    TransitKey,
    VaultResource,
)
from hosting_cli.secret import Secret
from hosting_cli.session import Session
from inventory import naming
from inventory.environment import ObjectStoreAccess, VaultAccess
from inventory.load import load_region
from inventory.models import Region
from inventory.resource import PLATFORM, Json
from vault_policies import render

SAMPLE = Path(__file__).parents[2] / "inventory" / "regions" / "bourgogne-franche-comte"
STORE = "dijon-objects"
CREDENTIALS = "platform/object-store-admin"
HOST_ADDRESS = "127.0.1.11"
"""Where the vault sees the sample's host; the loopback network has room for every host of a test."""


@dataclass
class Engines:
    """Both engines of one session; a test that stops one starts it again."""

    directory: Path
    vault: OpenBaoServer
    store: SeaweedServer
    running: dict[str, Process] = field(default_factory=dict)

    def token_file(self, name: str, token: Secret) -> Path:
        path = self.directory / f"{name}.token"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(token.reveal())
        return path

    def as_root(self, method: str, path: str, body: dict[str, Json] | None = None) -> dict[str, Any]:
        """Do in the vault what somebody with all rights might do behind our back."""
        return self.vault._request(method, path, body, token=self.vault.root_token())

    def vault_access(self, token_file: Path) -> VaultAccess:
        authority = self.vault.certificates.authority
        return VaultAccess(address=self.vault.address, certificate_authority=authority, token_file=token_file)

    def store_access(self) -> ObjectStoreAccess:
        return ObjectStoreAccess(
            endpoint=self.store.endpoint,
            region="lab",
            certificate_authority=self.store.certificates.authority,
            credentials=CREDENTIALS,
            vault_sees=IPv4Network("127.0.0.1/32"),
        )


@contextmanager
def running_engines(directory: Path) -> Iterator[Engines]:
    """Start the vault, unsealed; whoever starts the store says so in ``running``; stop both in the end."""
    certificates = tls.certificates(directory / "tls")
    port, cluster_port, *store_ports = processes.free_ports(2 + PORTS_NEEDED)
    vault = OpenBaoServer(directory / "openbao", directory / "unseal.json", certificates, port, cluster_port)
    found = Engines(directory, vault, SeaweedServer(directory / "seaweedfs", certificates, tuple(store_ports)))
    try:
        found.running["vault"] = vault.start(record=lambda process: found.running.update(vault=process))
        vault.open(found.running["vault"])
        yield found
    finally:
        if "store" in found.running:
            found.store.stop(found.running["store"])
        if "vault" in found.running:
            processes.stop(found.running["vault"])


def door_of_root(engines: Engines, region: Region) -> OpenBao:
    """Give the vault's door with the root token, the rights of people in place."""
    door = OpenBao(engines.vault_access(engines.token_file("root", engines.vault.root_token())), region=region.id)
    door.bootstrap(render.people())
    return door


def access_of_operations(engines: Engines, root: OpenBao) -> VaultAccess:
    """Say how an operations engineer reaches the vault."""
    token = root.issue_token("operations", (render.OPERATIONS_POLICY,), period_seconds=3600)
    return engines.vault_access(engines.token_file("operations", token))


def door_of_operations(access: VaultAccess, region: Region) -> OpenBao:
    """Give the door of an operations engineer, with everything in the vault that the sample region needs."""
    door = OpenBao(access, region=region.id)
    for resource in vault_resources(region):
        door.write(resource)
    for entry in secret_entries(region):
        door.make_secret(entry)
    return door


def door_of_store(engines: Engines, vault: OpenBao, region: Region) -> ObjectStoreDoor:
    """Start the store, which asks the vault for its data keys, and give its door."""
    configure_store(engines.store, engines, vault, CREDENTIALS, "object store")
    engines.store.start(record=lambda process: engines.running.update(store=process))
    return ObjectStoreDoor(
        engines.store_access(), lambda: vault.provisioner_credentials(CREDENTIALS), store=STORE, region=region.id
    )


def configure_store(server: SeaweedServer, engines: Engines, vault: OpenBao, credentials: str, note: str) -> None:
    """Give *server* a secret-id of its own, and its provisioner's credentials to the vault."""
    wrapped, _ = vault.wrapped_secret_id(naming.S3_KMS_ROLE, ttl_seconds=60, note={"for": note})
    secret_id = vault.unwrapped(wrapped)
    authority = engines.vault.certificates.authority
    server.configure(KeyService(engines.vault.address, authority, naming.S3_KMS_ROLE, secret_id))
    entry = SecretEntry(
        name=credentials, owner=PLATFORM, purpose=SecretPurpose.S3_CREDENTIALS, wrapped_by=render.SECRETS_KEY
    )
    vault.replace_secret(entry, server.provisioner(), note={})


def bring_up_engines(lab: Lab) -> None:
    """Bring *lab* up without machines: nothing answers where its environment says that the hosts are."""
    laboratory.begin(lab, SAMPLE)
    laboratory.start_vault(lab)
    keys.obtain_bootstrap_key(lab.directory)
    laboratory.write_environment(
        lab,
        load_region(SAMPLE),
        tuple(
            RunningMachine(
                name,
                *processes.free_ports(2),
                keys.generate().public,
                keys.bootstrap_key_path(lab.directory),
                f"127.0.1.{number}/32",
                lab.directory,
            )
            for number, name in enumerate(("dijon-app-1", "dijon-gateway-1"), start=11)
        ),
    )
    set_engines_up(Session(SAMPLE, None, None, LazyDoors(), Progress(quiet=True)), lab)


# -- what the sample region needs, as a table ---------------------------------------------------------------------


def vault_resources(region: Region) -> tuple[VaultResource, ...]:
    """Give everything but the secrets, in an order that can be written."""
    (application,) = region.applications
    name = application.tiers[0].hosts[0]
    role = naming.host_role(application.id, name)
    of_platform = (render.SECRETS_KEY, render.PROBE_KEY, *render.keys_of_platform_buckets(region))
    keys = [(PLATFORM, key) for key in of_platform]
    keys += [(application.id, naming.transit_key(application.id, p)) for p in ("objects", "volumes", "backups")]
    return (
        SecretsEngine(name=naming.TRANSIT_MOUNT, owner=PLATFORM, type="transit"),
        SecretsEngine(name=naming.KV_MOUNT, owner=PLATFORM, type="kv", version=2),
        SecretsEngine(name=naming.PKI_MOUNT, owner=PLATFORM, type="pki"),
        SecretsEngine(name=naming.SSH_MOUNT, owner=PLATFORM, type="ssh"),
        *links(region),
        AuthMethod(name=naming.APPROLE_MOUNT, owner=PLATFORM, type="approle"),
        SshAuthority(name=naming.SSH_MOUNT, owner=PLATFORM),
        SshRole(
            name=f"{naming.SSH_MOUNT}/{naming.SSH_OPERATIONS_ROLE}",
            owner=PLATFORM,
            principals=(naming.SSH_OPERATIONS_ROLE,),
            ttl_seconds=1800,
        ),
        *(Policy(name=name, owner=PLATFORM, text=text) for name, text in render.platform_policies(region).items()),
        Policy(name=role, owner=application.id, text=render.application_host(region, application, name)),
        _role(naming.S3_KMS_ROLE, PLATFORM, "127.0.0.1/32", 3600),
        _role(role, application.id, f"{HOST_ADDRESS}/32", 600),
        *(TransitKey(name=key, owner=owner) for owner, key in keys),
        TransitKey(name=render.SIGNING_KEY, owner=PLATFORM, type=SIGNING_TYPE),
        TransitKey(name=render.READING_KEY, owner=PLATFORM),
    )


def _role(name: str, owner: str, address: str, seconds: int) -> AppRole:
    return AppRole(
        name=name,
        owner=owner,
        policies=(name,),
        bound_cidrs=(address,),
        token_ttl_seconds=seconds,
        token_max_ttl_seconds=seconds,
    )


def secret_entries(region: Region) -> tuple[SecretEntry, ...]:
    """Give the secrets of the sample application's volume and of its repository."""
    (application,) = region.applications
    host = application.tiers[0].hosts[0]
    volumes, backups = (naming.transit_key(application.id, purpose) for purpose in ("volumes", "backups"))
    rows = (
        (naming.volume_secret(application.id, host, "data", "active"), SecretPurpose.LUKS_PASSPHRASE, volumes),
        (naming.volume_secret(application.id, host, "data", "recovery"), SecretPurpose.LUKS_RECOVERY, volumes),
        (naming.repository_secret(application.id, host), SecretPurpose.RESTIC_PASSWORD, backups),
    )
    return tuple(
        SecretEntry(name=name, owner=application.id, purpose=purpose, wrapped_by=key) for name, purpose, key in rows
    )


def data_bucket(name: str, *, owner: str = "imagerie-beaune", noncurrent_days: int | None = 30) -> Bucket:
    return Bucket(
        name=name,
        owner=owner,
        store=STORE,
        encryption_key="hosting-imagerie-beaune-objects",
        versioning=True,
        policy=store_policies.tls_only(name),
        noncurrent_days=noncurrent_days,
    )


def backup_bucket(name: str) -> Bucket:
    return Bucket(
        name=name,
        owner="imagerie-beaune",
        store=STORE,
        encryption_key="hosting-imagerie-beaune-backups",
        versioning=True,
        policy=store_policies.tls_only(name),
        lock_mode="compliance",
        lock_days=1,
    )


def log_bucket(name: str) -> Bucket:
    key = naming.transit_key(PLATFORM, naming.LOGS)
    return replace(backup_bucket(name), owner=PLATFORM, encryption_key=key, expire_days=1)


def data_user(name: str, *buckets: str) -> StoreUser:
    return StoreUser(name=name, owner="imagerie-beaune", store=STORE, policy=store_policies.data_user(buckets))


# -- a death on request -------------------------------------------------------------------------------------------


def limit(patched: pytest.MonkeyPatch, requests: int) -> None:
    """Let *requests* requests to the vault through, and die before the next one is sent."""
    left, raw = [requests], VaultClient.raw

    def counted(self: VaultClient, *arguments: object, **options: object) -> object:
        if not left[0]:
            raise Killed
        left[0] -= 1
        return raw(self, *arguments, **options)  # type: ignore[arg-type]

    patched.setattr(VaultClient, "raw", counted)
