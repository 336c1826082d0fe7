"""How fast our backups and restores are beside bare restic: the same data, the same store, one after the other.

Ours log in to the vault, have it unwrap what opens the repository, back up, and restore with verification; bare restic
is given its password and credentials, and verifies too.
"""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from hosting_cli.backups.places import places
from hosting_cli.desired import of_application, platform
from hosting_cli.doors.objects import ObjectStoreDoor
from hosting_cli.doors.openbao import OpenBao
from hosting_cli.doors.restic import Restic
from hosting_cli.lab import processes, tls
from hosting_cli.lab.openbao import OpenBaoServer
from hosting_cli.lab.progress import Progress
from hosting_cli.lab.seaweedfs import PORTS_NEEDED, KeyService, SeaweedServer
from hosting_cli.resources import AccessKey, Bucket, SecretEntry, SecretPurpose, StoreUser, VaultResource
from hosting_cli.secret import Secret
from inventory import naming
from inventory.environment import Environment, HostAccess, ObjectStoreAccess, VaultAccess
from inventory.load import load_region
from inventory.models import Application, Region
from tests.bench.measure import BenchmarkError, Chapter, Figure, Series, ratio
from tests.bench.processes import CHECKOUT, Run, checked, measured
from vault_policies import render

MIB, FILES, ROUNDS = 64, 16, 3
SAMPLE = CHECKOUT / "inventory/regions/bourgogne-franche-comte"
HOST, STORE = "dijon-app-1", "dijon-objects"
RUN_SECONDS = 600


@dataclass(frozen=True)
class Place:
    """What both candidates work with: a folder that stands for the host, and where their repositories lie."""

    folder: Path
    application: Application
    endpoint: str
    bucket: str
    authority: Path
    credentials: Path

    @property
    def data(self) -> Path:
        """Where the volume would be mounted."""
        return self.folder / "data"


def measure(progress: Progress) -> Chapter:
    """Start both engines, measure, and stop them."""
    figures: dict[str, list[Figure]] = {}
    with tempfile.TemporaryDirectory(prefix="hosting-bench-") as name, _engines(Path(name), progress) as place:
        checked(_bare(place, "init"))
        for number in range(ROUNDS):
            progress(f"backing up and restoring {MIB} MiB, round {number + 1} of {ROUNDS}")
            _write(place.data)
            # Who comes first finds the data read from the disk for him by nobody: it alternates.
            for candidate in (_ours, _plain) if number % 2 else (_plain, _ours):
                for work, figure in candidate(place):
                    figures.setdefault(work, []).append(figure)
    series = {work: Series(work, tuple(found)) for work, found in sorted(figures.items())}
    notes = tuple(
        f"{work}: {ratio(series[f'{work}, ours'], series[f'{work}, bare restic']):.2f} × the time of bare restic,"
        f" {MIB / series[f'{work}, ours'].wall[1]:.0f} MiB/s against {MIB / series[f'{work}, bare restic'].wall[1]:.0f}"
        for work in ("backup", "restore")
    )
    title = f"Backing up and restoring {MIB} MiB that nobody could compress, through the object store's encryption"
    return Chapter(title, tuple(series.values()), (), notes)


def _write(folder: Path) -> None:
    """Write new data, of which no repository has anything."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number}.dcm").write_bytes(os.urandom((MIB << 20) // FILES))


def _ours(place: Place) -> Iterator[tuple[str, Figure]]:
    environment = {**_PATH, "CREDENTIALS_DIRECTORY": str(place.folder), "CACHE_DIRECTORY": str(place.folder / "cache")}
    agent = [sys.executable, "-m", "tests.bench.backup_on_host", str(place.folder)]

    def run(*command: str) -> Figure:
        done = checked(measured([*agent, *command], environment=environment, timeout_seconds=RUN_SECONDS))
        return Figure(done.wall_seconds, done.user_seconds, done.system_seconds)

    yield "backup, ours", run("backup", place.application.id)
    target = place.folder / "restored"
    yield "restore, ours", run("restore", place.application.id, "latest", str(place.data), str(target))
    _same(place.data, target)


def _plain(place: Place) -> Iterator[tuple[str, Figure]]:
    target = place.folder / "restored"
    for work, arguments in (
        ("backup", ["backup", str(place.data)]),
        ("restore", ["restore", "latest", f"--target={target}", "--verify"]),
    ):
        done = checked(_bare(place, *arguments))
        yield f"{work}, bare restic", Figure(done.wall_seconds, done.user_seconds, done.system_seconds)
    _same(place.data, target)


def _bare(place: Place, *arguments: str) -> Run:
    argv = [
        "restic",
        f"--repo=s3:{place.endpoint}/{place.bucket}/bare",
        f"--password-file={place.folder / 'password'}",
        f"--cacert={place.authority}",
        f"--cache-dir={place.folder / 'cache-of-bare'}",
        "--quiet",
        *arguments,
    ]
    environment = {**_PATH, "AWS_SHARED_CREDENTIALS_FILE": str(place.credentials), "AWS_DEFAULT_REGION": "bench"}
    return measured(argv, environment=environment, timeout_seconds=RUN_SECONDS)


_PATH = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}


def _same(data: Path, target: Path) -> None:
    """Raise where what was restored is not what was backed up; and make room."""
    for path in data.iterdir():
        if (target / path.relative_to("/")).read_bytes() != path.read_bytes():
            raise BenchmarkError(f"{path.name} came back otherwise")
    shutil.rmtree(target)


# -- engines ----------------------------------------------------------------------------------------------------------


@contextmanager
def _engines(folder: Path, progress: Progress) -> Iterator[Place]:
    """Start a vault and a store with what the sample's backups need of both."""
    progress("starting a vault and an object store")
    certificates = tls.certificates(folder / "tls")
    port, cluster_port, *store_ports = processes.free_ports(2 + PORTS_NEEDED)
    vault = OpenBaoServer(folder / "openbao", folder / "unseal.json", certificates, port, cluster_port)
    store = SeaweedServer(folder / "seaweedfs", certificates, tuple(store_ports))
    region = load_region(SAMPLE)
    with ExitStack() as running:
        process = vault.start()
        running.callback(processes.stop, process)
        vault.open(process)
        (folder / "root.token").touch(mode=0o600)
        (folder / "root.token").write_text(vault.root_token().reveal())
        access = VaultAccess(
            address=vault.address, certificate_authority=certificates.authority, token_file=folder / "root.token"
        )
        door = OpenBao(access, region=region.id)
        door.bootstrap(render.people())
        environment = _environment(access, store.endpoint, folder)
        for resource in platform(region, environment):
            if isinstance(resource, VaultResource) and not isinstance(resource, SecretEntry):
                door.write(resource)
        wrapped, _ = door.wrapped_secret_id(naming.S3_KMS_ROLE, ttl_seconds=60, note={"for": "bench"})
        keys = KeyService(vault.address, certificates.authority, naming.S3_KMS_ROLE, door.unwrapped(wrapped))
        store.configure(keys)
        running.callback(store.stop, store.start())
        stores = ObjectStoreDoor(environment.object_stores[STORE], store.provisioner, store=STORE, region=region.id)
        _make(region, environment, door, stores)
        yield _place(folder, region, environment, door, store.provisioner())


def _environment(access: VaultAccess, endpoint: str, folder: Path) -> Environment:
    here = IPv4Network("127.0.0.1/32")
    host = HostAccess(
        address="127.0.0.1",
        host_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==",
        vault_address=access.address,
        object_stores={STORE: endpoint},
        vault_sees=here,
    )
    store = ObjectStoreAccess(
        endpoint=endpoint,
        region="bench",
        certificate_authority=access.certificate_authority,
        credentials="platform/object-store-admin",
        vault_sees=here,
    )
    return Environment(
        environment="bench",
        vault=access,
        object_stores={STORE: store},
        administration_sources=(here,),
        hosts={HOST: host, "dijon-gateway-1": host},
        journal=folder / "journal.jsonl",
    )


def _make(region: Region, environment: Environment, vault: OpenBao, store: ObjectStoreDoor) -> None:
    for resource in of_application(region, environment, region.applications[0]):
        match resource:
            case SecretEntry():
                vault.make_secret(resource)
            case VaultResource():
                vault.write(resource)
            case Bucket() | StoreUser():
                store.write(resource)
            case AccessKey():
                made, secret = store.create_access_key(resource.name)
                pair = json.dumps({"access_key_id": made, "secret_access_key": secret.reveal()})
                entry = SecretEntry(
                    name=resource.secret,
                    owner=resource.owner,
                    purpose=SecretPurpose.S3_CREDENTIALS,
                    wrapped_by=resource.wrapped_by,
                )
                vault.replace_secret(entry, Secret(pair), note={})
            case _:
                raise AssertionError(resource)


def _place(folder: Path, region: Region, environment: Environment, vault: OpenBao, provisioner: Secret) -> Place:
    """Write the files that a host would have, and those that bare restic is given."""
    application, access = region.applications[0], environment.object_stores[STORE]
    role, bucket = naming.host_role(application.id, HOST), naming.backup_bucket(region, application.id)
    wrapped, _ = vault.wrapped_secret_id(role, ttl_seconds=60, note={"host": HOST})
    (folder / "credential").write_text(vault.unwrapped(wrapped).reveal())
    engines = {
        "host": HOST,
        "vault": environment.vault.address,
        "certificate_authority": str(access.certificate_authority),
    }
    known: dict[str, Any] = {
        "application": application.id,
        "role": role,
        "credential": "credential",
        "volumes": {"data": {"label": "bench", "mount_point": str(folder / "data")}},
        "backup": {
            "repository": f"s3:{access.endpoint}/{bucket}/{HOST}",
            "object_store_region": access.region,
            "password_secret": naming.repository_secret(application.id, HOST),
            "credentials_secret": naming.credentials_secret(application.id, naming.backup_user(application.id)),
            "mount_points": [str(folder / "data")],
            "marker": str(folder / "marker.json"),
            "databases": [],
        },
    }
    pair = json.loads(provisioner.reveal())
    lines = (f"aws_access_key_id = {pair['access_key_id']}", f"aws_secret_access_key = {pair['secret_access_key']}")
    credentials = "\n".join(("[default]", *lines, ""))
    for name, text in (
        ("engines.json", json.dumps(engines)),
        (f"applications/{application.id}.json", json.dumps(known)),
        ("headers/bench.luks", "a header"),
        ("password", "a password of the benchmark"),
        ("credentials", credentials),
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    # By hand, since restic before 0.17 does not tell a repository that is not there from one that cannot be opened.
    opening = vault.reveal_secret(next(iter(places(region, application))).password)
    secret_key = Secret(pair["secret_access_key"])
    repository = str(known["backup"]["repository"])
    Restic(repository, access, password=opening, key_id=pair["access_key_id"], secret_key=secret_key)._run("init")
    return Place(
        folder, application, str(access.endpoint), bucket, access.certificate_authority, folder / "credentials"
    )
