"""What the tests of second copies share: a second store, an application that asks for a copy on it, and its host."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from backups_lab import Host
from engines_lab import (
    SAMPLE,
    STORE,
    Engines,
    access_of_operations,
    configure_store,
    door_of_operations,
    door_of_root,
    door_of_store,
    running_engines,
)

from hosting_cli.app import LazyDoors
from hosting_cli.backups.places import Pair, Place, pairs
from hosting_cli.console import Progress
from hosting_cli.desired import of_application
from hosting_cli.doors.objects import ObjectStoreDoor
from hosting_cli.doors.openbao import OpenBao
from hosting_cli.doors.restic import Restic
from hosting_cli.lab import processes
from hosting_cli.lab.seaweedfs import PORTS_NEEDED, SeaweedServer
from hosting_cli.resources import (
    AccessKey,
    Bucket,
    Policy,
    SecretEntry,
    SecretPurpose,
    StoreUser,
    TransitKey,
)
from hosting_cli.secret import Secret
from hosting_cli.session import Session
from inventory.environment import Environment, HostAccess, ObjectStoreAccess
from inventory.load import load_region
from inventory.models import Application, Region
from inventory.resource import PLATFORM
from vault_policies import render

SECOND = "besancon-objects"
SECOND_CREDENTIALS = "platform/object-store-admin-besancon"
APPLICATION = "imagerie-double"
"""The application whose backups are copied."""


def write_region(folder: Path) -> Region:
    """Write the sample with a second store, and a second application, whose backups are copied there."""
    shutil.copytree(SAMPLE, folder)
    sheet = folder / "region.yaml"
    store = f"  - id: {SECOND}\n    site: besancon\n    product: seaweedfs\n"
    sheet.write_text(sheet.read_text().replace("stores:\n", f"stores:\n{store}"))
    text = (folder / "applications/imagerie-beaune.yaml").read_text()
    for old, new in (
        ("id: imagerie-beaune\n", f"id: {APPLICATION}\n"),
        ("/srv/imagerie", "/srv/double"),
        ("backup:\n", f"backup:\n  second_store: {SECOND}\n"),
    ):
        assert old in text
        text = text.replace(old, new)
    (folder / f"applications/{APPLICATION}.yaml").write_text(text)
    return load_region(folder)


@dataclass
class Double:
    """Both stores, the repository on one of them and its copy on the other, and whoever works with them."""

    engines: Engines
    folder: Path
    region: Region
    environment: Environment
    pair: Pair
    stores: dict[str, ObjectStoreDoor]
    root: OpenBao
    operations: OpenBao
    host: Host

    @property
    def application(self) -> Application:
        return next(item for item in self.region.applications if item.id == APPLICATION)

    def session(self, name: str, *policies: str) -> Session:
        """Give a session of somebody who holds *policies*; doors of stores that need an administrator are not its."""
        token = self.root.issue_token(name, policies, period_seconds=3600)
        session = Session(self.folder, None, self.engines.token_file(name, token), LazyDoors(), Progress(quiet=True))
        vars(session).update(environment=self.environment, region=self.region)
        return session

    def restic(self, *, second: bool) -> Restic:
        """Open the repository or its copy with the password of the vault and the credentials of who adds to it."""
        place = self.pair.second if second else self.pair.first
        return _restic(self.environment, self.operations, place)


def _restic(environment: Environment, vault: OpenBao, place: Place) -> Restic:
    access = environment.object_stores[place.store]
    credentials = json.loads(vault.reveal_secret(place.reader).reveal())
    return Restic(
        f"s3:{access.endpoint}/{place.bucket}/{place.host}",
        access,
        password=vault.reveal_secret(place.password),
        key_id=credentials["access_key_id"],
        secret_key=Secret(credentials["secret_access_key"]),
    )


@pytest.fixture(scope="module")
def double(region: Region, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Double]:
    """Make everything that the application's backups and their copy need, on engines that no other test sees."""
    folder = tmp_path_factory.mktemp("double")
    doubled = write_region(folder / "region")
    with running_engines(folder) as engines:
        root = door_of_root(engines, region)
        vault = door_of_operations(access_of_operations(engines, root), region)
        door_of_store(engines, vault, region)
        with _second_store(engines, vault) as accesses:
            environment = _environment(engines, folder, accesses)
            stores = {name: _door(name, access, vault, doubled) for name, access in accesses.items()}
            application = next(item for item in doubled.applications if item.id == APPLICATION)
            _make(doubled, environment, application, vault, stores)
            (pair,) = pairs(doubled, application)
            restic = _restic(environment, vault, pair.first)
            restic._run("init")
            host = Host(restic, tmp_path_factory.mktemp("host"))
            yield Double(engines, folder / "region", doubled, environment, pair, stores, root, vault, host)


@contextmanager
def _second_store(engines: Engines, vault: OpenBao) -> Iterator[dict[str, ObjectStoreAccess]]:
    """Start a second store, which asks the same vault for its data keys; say how both are reached."""
    directory = engines.directory / "seaweedfs-second"
    server = SeaweedServer(directory, engines.vault.certificates, tuple(processes.free_ports(PORTS_NEEDED)))
    configure_store(server, engines, vault, SECOND_CREDENTIALS, SECOND)
    first = engines.store_access()
    second = {"endpoint": server.endpoint, "credentials": SECOND_CREDENTIALS}
    process = server.start()
    try:
        yield {STORE: first, SECOND: first.model_copy(update=second)}
    finally:
        server.stop(process)


def _environment(engines: Engines, folder: Path, accesses: dict[str, ObjectStoreAccess]) -> Environment:
    access = HostAccess(
        address="127.0.0.1",
        host_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==",
        vault_address=engines.vault.address,
        object_stores={name: access.endpoint for name, access in accesses.items()},
        vault_sees=IPv4Network("127.0.1.11/32"),
    )
    return Environment(
        environment="test",
        vault=engines.vault_access(engines.directory / "operations.token"),
        object_stores=accesses,
        administration_sources=(IPv4Network("127.0.0.1/32"),),
        hosts={"dijon-app-1": access, "dijon-gateway-1": access},
        journal=folder / "journal.jsonl",
    )


def _door(name: str, access: ObjectStoreAccess, vault: OpenBao, region: Region) -> ObjectStoreDoor:
    return ObjectStoreDoor(
        access, lambda: vault.provisioner_credentials(access.credentials), store=name, region=region.id
    )


def _make(
    region: Region,
    environment: Environment,
    application: Application,
    vault: OpenBao,
    stores: dict[str, ObjectStoreDoor],
) -> None:
    for name, text in render.platform_policies(region).items():
        vault.write(Policy(name=name, owner=PLATFORM, text=text))
    for resource in of_application(region, environment, application):
        match resource:
            case TransitKey() | Policy():
                vault.write(resource)
            case SecretEntry():
                vault.make_secret(resource)
            case Bucket() | StoreUser():
                stores[resource.store].write(resource)
            case AccessKey():
                made, secret = stores[resource.store].create_access_key(resource.name)
                credentials = json.dumps({"access_key_id": made, "secret_access_key": secret.reveal()})
                entry = SecretEntry(
                    name=resource.secret,
                    owner=resource.owner,
                    purpose=SecretPurpose.S3_CREDENTIALS,
                    wrapped_by=resource.wrapped_by,
                )
                vault.replace_secret(entry, Secret(credentials), note={"access-key-id": made})
            case _:
                pass
