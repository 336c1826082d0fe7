"""Backups on a real host: its own restic writes, the controller reads, a file comes back, a drill is timed."""

from collections.abc import Iterator
from typing import Any

import pytest
from conftest import LabRunner

pytestmark = pytest.mark.timeout(1800)

APP, APPLICATION, TOP = "dijon-app-1", "imagerie-beaune", "/srv/imagerie"
FILE = f"{TOP}/study.dcm"
SERVICE, TIMER = (f"hosting-backup-{APPLICATION}.{suffix}" for suffix in ("service", "timer"))


@pytest.fixture(scope="module")
def backed_up(provisioned: LabRunner) -> Iterator[LabRunner]:
    """Give the lab with a file that its backup unit has copied, and no backup but those that tests start."""
    provisioned.on_machine(APP, "systemctl", "stop", TIMER)
    waiting = f"while [ $(systemctl show --property=ActiveState --value {SERVICE}) = activating ]; do sleep 1; done"
    provisioned.on_machine(APP, "sh", "-c", waiting)
    provisioned.on_machine(APP, "sh", "-c", f"head -c 3000000 /dev/urandom > {FILE}")
    provisioned.on_machine(APP, "systemctl", "start", SERVICE)
    yield provisioned
    provisioned.on_machine(APP, "systemctl", "start", TIMER)


def digest(lab: LabRunner, path: str) -> str:
    return lab.on_machine(APP, "sha256sum", path).split()[0]


def repository(lab: LabRunner) -> dict[str, Any]:
    ran = lab.run("backup", "show", APPLICATION)
    assert ran.status == 0, ran.output
    (found,) = ran.data["repositories"]
    return dict(found)


def test_what_the_host_copied_is_seen_from_the_controller(backed_up: LabRunner) -> None:
    ran = backed_up.run("backup", "list")
    (standing,) = ran.data["backups"]
    assert (ran.status, standing["rpo"]) == (0, "met")
    assert standing["snapshots"] >= 1
    newest = repository(backed_up)["snapshots"][-1]
    assert newest["size_bytes"] >= 3_000_000


def test_the_host_has_let_go_of_its_locks(backed_up: LabRunner) -> None:
    assert "lock" not in {refusal["rule"] for refusal in repository(backed_up)["refusals"]}


def test_a_file_comes_back_with_the_same_bytes_beside_the_live_one(backed_up: LabRunner) -> None:
    before = digest(backed_up, FILE)
    ran = backed_up.run("restore", APPLICATION, FILE)
    assert ran.status == 0, ran.output
    target = ran.data["target"]
    try:
        assert digest(backed_up, f"{target}{FILE}") == before
        again = backed_up.run("restore", APPLICATION, FILE)
        assert again.status == 1
        assert "nothing is overwritten" in again.problems[0]["what"]
    finally:
        backed_up.on_machine(APP, "rm", "-rf", target)


def test_what_no_snapshot_holds_is_not_taken_for_restored(backed_up: LabRunner) -> None:
    ran = backed_up.run("restore", APPLICATION, f"{TOP}/never-was")
    assert ran.status == 1
    assert "does not hold" in ran.problems[0]["what"]


def test_a_drill_restores_everything_in_time_and_leaves_nothing(backed_up: LabRunner) -> None:
    ran = backed_up.run("drill", "run", APPLICATION)
    assert ran.status == 0, ran.output
    (found,) = ran.data["drills"]
    assert (found["met"], found["fresh"], found["reason"]) == (True, True, None)
    assert "files are as they are live" in found["found"]
    assert ".hosting-restore" not in backed_up.on_machine(APP, "ls", "-A", TOP)
    assert backed_up.run("drill", "list").status == 0


def test_the_repository_is_whole_and_may_be_pruned(backed_up: LabRunner) -> None:
    assert backed_up.run("backup", "check", APPLICATION, "--parts", "1").status == 0
    planned = backed_up.run("backup", "prune", APPLICATION)
    for _ in range(2):  # the last one of each hour is kept, so one more may begin an hour of its own
        if planned.status == 0:
            backed_up.on_machine(APP, "systemctl", "start", SERVICE)
            planned = backed_up.run("backup", "prune", APPLICATION)
    assert planned.status == 3, planned.output
    asked = planned.data["procedure"]
    assert backed_up.run("approve", asked, person="security-officer").status == 0
    assert backed_up.run("backup", "prune", APPLICATION, "--digest", asked).status == 0
    assert backed_up.run("backup", "prune", APPLICATION).status == 0
