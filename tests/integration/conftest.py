"""A real OpenBao and a real SeaweedFS, started once by the lab's own modules, and doors to them."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from backups_lab import environment, officer, place, session, writer  # noqa: F401 fixtures
from copies_lab import double  # noqa: F401 a fixture
from engines_lab import (
    SAMPLE,
    Engines,
    access_of_operations,
    door_of_operations,
    door_of_root,
    door_of_store,
    running_engines,
)
from identities_lab import hosted  # noqa: F401 a fixture
from links_lab import (  # noqa: F401 fixtures
    agent,
    ends,
    furnished,
    gateway,
    joined,
    joined_agent,
    link,
    our_certificate,
    peer,
    vault,
)

from hosting_cli.doors.objects import ObjectStoreDoor
from hosting_cli.doors.openbao import OpenBao
from inventory.environment import VaultAccess
from inventory.load import load_region
from inventory.models import Application, Region

_UNIT = Path(__file__).parents[1] / "unit"
sys.path[:0] = [str(_UNIT), str(_UNIT / "network"), str(_UNIT / "documents")]
"""The sample, what it is to be proven of, and what reports say of it."""


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
    with running_engines(tmp_path_factory.mktemp("engines")) as found:
        yield found


@pytest.fixture(scope="session")
def root_door(engines: Engines, region: Region) -> OpenBao:
    return door_of_root(engines, region)


@pytest.fixture(scope="session")
def operations_access(engines: Engines, root_door: OpenBao) -> VaultAccess:
    return access_of_operations(engines, root_door)


@pytest.fixture(scope="session")
def vault_door(operations_access: VaultAccess, region: Region) -> OpenBao:
    return door_of_operations(operations_access, region)


@pytest.fixture(scope="session")
def store_door(engines: Engines, vault_door: OpenBao, region: Region) -> ObjectStoreDoor:
    return door_of_store(engines, vault_door, region)
