"""A second volume and a database on a real host: encrypted at rest, backed up, brought back by drills.

The last of all tests on hosts: the application that it leaves has another volume, a database and a check.
"""

import shutil
from dataclasses import replace

import pytest
from conftest import SAMPLE, LabRunner

pytestmark = pytest.mark.timeout(900)

APP, APPLICATION, DATABASE, TOP = "dijon-app-1", "imagerie-beaune", "images", "/srv/imagerie"
INDEX, CHECK = "/srv/imagerie-index", "/usr/local/bin/verify-studies"
EDITS = {
    f"        mount_point: {TOP}\n": f"""        mount_point: {TOP}
      - {{id: index, size_gib: 1, filesystem: xfs, mount_point: {INDEX}}}
""",
    "  volumes: [data]\n": f"""  volumes: [data, index]
  databases: [{{engine: postgresql, name: {DATABASE}, volume: data}}]
  check: {{program: {CHECK}, arguments: [{TOP}, {INDEX}]}}
""",
}
"""What the files ask for beyond the sample, by the line that it takes the place of."""


@pytest.fixture(scope="module")
def served(provisioned: LabRunner, tmp_path_factory: pytest.TempPathFactory) -> LabRunner:
    """Give the lab under files that ask for a second volume, a database and a check, planned, approved and applied."""
    region = tmp_path_factory.mktemp("region") / "region"
    shutil.copytree(SAMPLE, region)
    file = region / f"applications/{APPLICATION}.yaml"
    text = file.read_text()
    for old, new in EDITS.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    file.write_text(text)
    lab = replace(provisioned, region=region)
    made = lab.converge()
    assert (made.status, made.problems) == (0, [])
    assert lab.run("plan").status == 0
    return lab


def asked(lab: LabRunner, query: str) -> str:
    """Put a query to the database as the account that owns the server."""
    argv = ("runuser", "-u", "postgres", "--", "psql", "-X", "-A", "-t", "-c", query, DATABASE)
    return lab.on_machine(APP, *argv).strip()


def install_check(lab: LabRunner, script: str) -> None:
    """Put the application's own check on its host, as whoever delivers the application does."""
    lab.on_machine(APP, "sh", "-c", f"printf '#!/bin/sh\\n%s\\n' \"$1\" > {CHECK}; chmod 755 {CHECK}", "sh", script)


def source(lab: LabRunner, path: str) -> str:
    """Name the device that holds *path*."""
    return lab.on_machine(APP, "findmnt", "-n", "-o", "SOURCE", "-T", path).strip()


def test_each_volume_of_a_tier_is_encrypted_by_itself(served: LabRunner) -> None:
    assert [source(served, top) for top in (TOP, INDEX)] == [
        f"/dev/mapper/hosting-{APPLICATION}-{volume}" for volume in ("data", "index")
    ]
    listed = served.run("volume", "list")  # in order: a copy of its header was opened with its own two passphrases
    assert {found["volume"]: found["state"] for found in listed.data["volumes"]} == {
        f"{APP}:{APPLICATION}/{volume}": "in order" for volume in ("data", "index")
    }


def test_the_server_keeps_its_files_on_the_encrypted_volume_alone(served: LabRunner) -> None:
    assert asked(served, "SHOW data_directory") == f"{TOP}/postgresql"
    assert [line.split()[1] for line in served.on_machine(APP, "pg_lsclusters", "-h").splitlines()] == ["hosting"]
    assert source(served, f"{TOP}/postgresql") == f"/dev/mapper/hosting-{APPLICATION}-data"


def test_a_drill_brings_everything_back_and_is_as_good_as_the_applications_own_check_says(served: LabRunner) -> None:
    """A dump is restored on a server of its own, and the check reads both volumes as they were restored."""
    asked(served, "CREATE TABLE studies AS SELECT generate_series(1, 1000) AS number")
    served.on_machine(APP, "sh", "-c", f"echo first > {TOP}/study; echo study > {INDEX}/list; sync")
    served.on_machine(APP, "systemctl", "start", f"hosting-backup-{APPLICATION}.service")
    assert ".hosting-dumps" not in served.on_machine(APP, "ls", "-A", TOP)

    install_check(served, 'cd "$1" && sha256sum "$(cat "$2/list")" && echo study 2 is lost && exit 7')
    ran = served.run("drill", "run", APPLICATION)
    assert ran.status == 3, ran.output
    (failed,) = ran.data["drills"]
    assert failed["met"] is False
    assert failed["reason"].startswith("the application's own check failed (7): ")
    assert failed["reason"].endswith("study 2 is lost")
    assert served.run("drill", "list").status == 3

    install_check(served, 'cd "$1" && test "$(cat "$(cat "$2/list")")" = first')
    ran = served.run("drill", "run", APPLICATION)
    assert ran.status == 0, ran.output
    (drilled,) = ran.data["drills"]
    assert (drilled["met"], drilled["reason"]) == (True, None)
    assert f"{DATABASE}: 1 table" in drilled["found"]
    assert "the application's own check is content" in drilled["found"]
