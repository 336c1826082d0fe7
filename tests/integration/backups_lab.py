"""What the tests of backups share: the sample's repository on both engines, its host, and people of several rights."""

import json
import shutil
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from engines_lab import SAMPLE, STORE, Engines

from hosting_cli.app import LazyDoors
from hosting_cli.backups.places import Place, places
from hosting_cli.backups.repository import Repository
from hosting_cli.console import Progress
from hosting_cli.desired import of_application
from hosting_cli.doors.objects import ObjectStoreDoor
from hosting_cli.doors.openbao import OpenBao
from hosting_cli.doors.restic import Restic
from hosting_cli.resources import AccessKey, Bucket, Policy, SecretEntry, SecretPurpose, StoreUser
from hosting_cli.secret import Secret
from hosting_cli.session import Session
from inventory import naming
from inventory.environment import Environment, HostAccess
from inventory.models import Application, Region
from vault_policies import render


@pytest.fixture(scope="session")
def environment(engines: Engines, store_door: ObjectStoreDoor, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Give the sample's environment on the two engines; nothing here goes to a host."""
    access = HostAccess(
        address="127.0.0.1",
        host_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==",
        vault_address=engines.vault.address,
        object_stores={STORE: engines.store.endpoint},
        vault_sees=IPv4Network("127.0.1.11/32"),
    )
    return Environment(
        environment="test",
        vault=engines.vault_access(engines.directory / "operations.token"),
        object_stores={STORE: engines.store_access()},
        administration_sources=(IPv4Network("127.0.0.1/32"),),
        hosts={"dijon-app-1": access, "dijon-gateway-1": access},
        journal=tmp_path_factory.mktemp("journal") / "journal.jsonl",
    )


@pytest.fixture(scope="session")
def place(
    region: Region, environment: Environment, application: Application, vault_door: OpenBao, store_door: ObjectStoreDoor
) -> Place:
    """Make what the sample's backups need: the locked bucket, both users with their keys, the policy of pruning."""
    wanted = list(of_application(region, environment, application))
    for resource in wanted:
        if isinstance(resource, Policy):
            vault_door.write(resource)
        if isinstance(resource, Bucket | StoreUser) and not resource.name.endswith("-images"):
            store_door.write(resource)
    for key in wanted:
        if isinstance(key, AccessKey):
            made, secret = store_door.create_access_key(key.name)
            pair = json.dumps({"access_key_id": made, "secret_access_key": secret.reveal()})
            entry = SecretEntry(
                name=key.secret, owner=key.owner, purpose=SecretPurpose.S3_CREDENTIALS, wrapped_by=key.wrapped_by
            )
            vault_door.replace_secret(entry, Secret(pair), note={})
    (found,) = places(region, application)
    return found


class Host:
    """The host as its own agent works there: with the password and the credentials that it may have."""

    def __init__(self, restic: Restic, folder: Path) -> None:
        self.restic = restic
        self.folder = folder
        self.file = folder / "srv" / "study.dcm"
        self.file.parent.mkdir()

    def back_up(self, content: bytes, *options: str) -> None:
        self.file.write_bytes(content)
        self.restic._run("backup", "--host=dijon-app-1", "--tag=hosting", *options, str(self.file.parent))

    def restored(self, snapshot: str) -> bytes:
        """Restore the file of a snapshot, from nothing each time."""
        target = self.folder / "restored" / snapshot
        shutil.rmtree(target, ignore_errors=True)
        self.restic._run("restore", snapshot, f"--target={target}")
        return (target / self.file.relative_to("/")).read_bytes()


@pytest.fixture(scope="session")
def session(engines: Engines, environment: Environment, place: Place, root_door: OpenBao) -> Session:
    """Give a session of somebody who may prune, and nothing else."""
    return as_person(engines, environment, root_door, "pruner", naming.prune_user(place.application))


@pytest.fixture(scope="session")
def officer(engines: Engines, environment: Environment, root_door: OpenBao) -> Session:
    return as_person(engines, environment, root_door, "officer", render.APPROVER_POLICY)


def as_person(engines: Engines, environment: Environment, root_door: OpenBao, name: str, policy: str) -> Session:
    token = root_door.issue_token(name, (policy,), period_seconds=3600)
    file = engines.token_file(name, token)
    session = Session(SAMPLE, None, file, LazyDoors(), Progress(quiet=True))
    vars(session).update(environment=environment)
    return session


@pytest.fixture(scope="session")
def writer(
    session: Session,
    place: Place,
    vault_door: OpenBao,
    environment: Environment,
    tmp_path_factory: pytest.TempPathFactory,
) -> Host:
    pair = json.loads(vault_door.reveal_secret(place.reader).reveal())
    restic = Restic(
        f"s3:{environment.object_stores[place.store].endpoint}/{place.bucket}/{place.host}",
        environment.object_stores[place.store],
        password=vault_door.reveal_secret(place.password),
        key_id=pair["access_key_id"],
        secret_key=Secret(pair["secret_access_key"]),
    )
    assert session.repositories.read(place, as_pruner=True) is None  # no backup yet is not an empty repository
    restic._run("init")
    return Host(restic, tmp_path_factory.mktemp("host"))


def seen(session: Session, place: Place) -> Repository:
    found = session.repositories.read(place, as_pruner=True)
    assert found is not None
    return found


def vault_session(session: Session) -> Session:
    """Give a session of an operations engineer: looking needs the host's credentials and not the pruner's."""
    other = Session(SAMPLE, None, None, LazyDoors(), Progress(quiet=True))
    vars(other).update(environment=session.environment)
    return other
