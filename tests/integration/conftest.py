"""A real OpenBao and a real SeaweedFS, started once by the lab's own modules, and doors to them."""

from collections.abc import Iterator

import pytest
from backups_lab import environment, officer, place, session, writer  # noqa: F401 fixtures
from copies_lab import double, second_store, stores_access  # noqa: F401 fixtures
from engines_lab import CREDENTIALS, SAMPLE, STORE, Engines, secret_entries, vault_resources
from identities_lab import hosted  # noqa: F401 a fixture

from hosting_cli.doors.objects import ObjectStoreDoor
from hosting_cli.doors.openbao import OpenBao
from hosting_cli.lab import processes, tls
from hosting_cli.lab.openbao import OpenBaoServer
from hosting_cli.lab.seaweedfs import PORTS_NEEDED, KeyService, SeaweedServer
from hosting_cli.resources import SecretEntry, SecretPurpose
from inventory import naming
from inventory.load import load_region
from inventory.models import Application, Region, VaultAccess
from inventory.resource import PLATFORM
from vault_policies import render


@pytest.fixture(scope="session")
def region() -> Region:
    return load_region(SAMPLE)


@pytest.fixture(scope="session")
def application(region: Region) -> Application:
    return region.applications[0]


@pytest.fixture(scope="session")
def host(application: Application) -> str:
    return application.tiers[0].hosts[0]


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    directory = tmp_path_factory.mktemp("engines")
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


@pytest.fixture(scope="session")
def root_door(engines: Engines, region: Region) -> OpenBao:
    door = OpenBao(engines.vault_access(engines.token_file("root", engines.vault.root_token())), region=region.id)
    door.bootstrap(render.people())
    return door


@pytest.fixture(scope="session")
def operations_access(engines: Engines, root_door: OpenBao) -> VaultAccess:
    token = root_door.issue_token("operations", (render.OPERATIONS_POLICY,), period_seconds=3600)
    return engines.vault_access(engines.token_file("operations", token))


@pytest.fixture(scope="session")
def vault_door(operations_access: VaultAccess, region: Region) -> OpenBao:
    """Give the door of an operations engineer, with everything in the vault that the sample region needs."""
    door = OpenBao(operations_access, region=region.id)
    for resource in vault_resources(region):
        door.write(resource)
    for entry in secret_entries(region):
        door.make_secret(entry)
    return door


@pytest.fixture(scope="session")
def store_door(engines: Engines, vault_door: OpenBao, region: Region) -> ObjectStoreDoor:
    wrapped, _ = vault_door.wrapped_secret_id(naming.S3_KMS_ROLE, ttl_seconds=60, note={"for": "object store"})
    secret_id = vault_door.unwrapped(wrapped)
    authority = engines.vault.certificates.authority
    engines.store.configure(KeyService(engines.vault.address, authority, naming.S3_KMS_ROLE, secret_id))
    entry = SecretEntry(
        name=CREDENTIALS, owner=PLATFORM, purpose=SecretPurpose.S3_CREDENTIALS, wrapped_by=render.SECRETS_KEY
    )
    vault_door.replace_secret(entry, engines.store.provisioner(), note={})
    engines.store.start(record=lambda process: engines.running.update(store=process))
    return ObjectStoreDoor(
        engines.store_access(),
        lambda: vault_door.provisioner_credentials(CREDENTIALS),
        store=STORE,
        region=region.id,
    )
