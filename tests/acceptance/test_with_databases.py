"""An application's database on a real host: encrypted at rest, dumped into each backup, brought back by a drill.

The last of all tests on hosts: the application that it leaves has a database.
"""

import shutil
from dataclasses import replace

import pytest
from conftest import SAMPLE, LabRunner

pytestmark = pytest.mark.timeout(900)

APP, APPLICATION, DATABASE, TOP = "dijon-app-1", "imagerie-beaune", "images", "/srv/imagerie"
WITHOUT = "  volumes: [data]\n"
WITH = f"{WITHOUT}  databases:\n    - {{engine: postgresql, name: {DATABASE}, volume: data}}\n"


@pytest.fixture(scope="module")
def served(provisioned: LabRunner, tmp_path_factory: pytest.TempPathFactory) -> LabRunner:
    """Give the lab under files that ask for a database, planned, approved and applied."""
    region = tmp_path_factory.mktemp("region") / "region"
    shutil.copytree(SAMPLE, region)
    file = region / f"applications/{APPLICATION}.yaml"
    assert file.read_text().count(WITHOUT) == 1
    file.write_text(file.read_text().replace(WITHOUT, WITH))
    lab = replace(provisioned, region=region)
    made = lab.converge()
    assert (made.status, made.problems) == (0, [])
    assert lab.run("plan").status == 0
    return lab


def asked(lab: LabRunner, query: str) -> str:
    """Put a query to the database as the account that owns the server."""
    argv = ("runuser", "-u", "postgres", "--", "psql", "-X", "-A", "-t", "-c", query, DATABASE)
    return lab.on_machine(APP, *argv).strip()


def test_the_server_keeps_its_files_on_the_encrypted_volume_alone(served: LabRunner) -> None:
    assert asked(served, "SHOW data_directory") == f"{TOP}/postgresql"
    assert [line.split()[1] for line in served.on_machine(APP, "pg_lsclusters", "-h").splitlines()] == ["hosting"]
    assert served.on_machine(APP, "findmnt", "-n", "-o", "SOURCE", "-T", f"{TOP}/postgresql").strip() == (
        f"/dev/mapper/hosting-{APPLICATION}-data"
    )


def test_a_backup_holds_a_dump_that_a_drill_brings_back_on_a_server_of_its_own(served: LabRunner) -> None:
    asked(served, "CREATE TABLE studies AS SELECT generate_series(1, 1000) AS number")
    served.on_machine(APP, "systemctl", "start", f"hosting-backup-{APPLICATION}.service")
    assert ".hosting-dumps" not in served.on_machine(APP, "ls", "-A", TOP)
    ran = served.run("drill", "run", APPLICATION)
    assert ran.status == 0, ran.output
    (drilled,) = ran.data["drills"]
    assert (drilled["met"], drilled["reason"]) == (True, None)
    assert f"{DATABASE}: 1 table" in drilled["found"]
