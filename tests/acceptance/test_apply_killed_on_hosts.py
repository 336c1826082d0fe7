"""``kill -9`` of apply while it changes hosts: the next run goes on, and no volume or identity is lost or doubled."""

import json
import os
import signal
import time
from collections.abc import Iterator

import pytest
from conftest import LabRunner, bring_up, take_down

pytestmark = pytest.mark.timeout(2400)

DELAYS_SECONDS = (0.0, 0.4, 1.5, 4.0)
"""How long after a step began it is killed, in turn: before, in the middle, near its end."""

DEVICE = "/dev/hosting/imagerie-beaune-data"


@pytest.fixture
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabRunner]:
    """Give a lab of its own, on which nothing is provisioned yet."""
    runner = LabRunner(tmp_path_factory.mktemp("fresh") / "lab")
    bring_up(runner)
    try:
        yield runner
    finally:
        take_down(runner)


def begun(lab: LabRunner) -> set[str]:
    return {json.dumps(entry["data"]["subject"]) for entry in lab.entries() if entry["kind"] == "intent"}


def apply_until_killed(lab: LabRunner, digest: str, seen: set[str], delay_seconds: float) -> int | None:
    """Apply, and kill it and all its children a moment after it begins something new on a host."""
    process = lab.start("apply", digest, "--token-file", str(lab.token_file("operations-engineer")))
    while process.poll() is None:
        if any("host-" in subject for subject in begun(lab) - seen):
            time.sleep(delay_seconds)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return None
        time.sleep(0.05)
    return process.returncode


def test_apply_killed_on_hosts_converges(fresh: LabRunner) -> None:
    ran, digest = fresh.plan()
    assert ran.status == 3
    assert fresh.run("approve", digest, person="security-officer").status == 0
    kills, seen = 0, begun(fresh)
    while (status := apply_until_killed(fresh, digest, seen, DELAYS_SECONDS[kills % len(DELAYS_SECONDS)])) is None:
        kills, seen = kills + 1, begun(fresh)
        assert kills < 60
    assert status == 0, [entry["data"] for entry in fresh.entries() if entry["kind"] in {"failed", "skipped"}]
    kinds = {json.loads(subject)["kind"] for subject in seen}
    assert kinds >= {"host-file", "host-login", "host-firewall", "host-identity", "host-storage", "host-volume"}
    assert kills >= 5
    after = fresh.run("plan")
    assert (after.status, after.data["plan"]["changes"], after.data["plan"]["conflicts"]) == (0, [], [])
    assert_one_of_each(fresh)
    assert fresh.run("journal", "verify").status == 0


def assert_one_of_each(lab: LabRunner) -> None:
    """One logical volume, complete and mounted, with two slots; nothing left open or half made."""
    volumes = json.loads(lab.on_machine("dijon-app-1", "lvs", "--reportformat", "json", "-o", "lv_name,lv_tags"))
    found = volumes["report"][0]["lv"]
    assert [volume["lv_name"] for volume in found] == ["imagerie-beaune-data"]
    assert "hosting-blank" not in found[0]["lv_tags"]
    dump = json.loads(lab.on_machine("dijon-app-1", "cryptsetup", "luksDump", "--dump-json-metadata", DEVICE))
    assert len(dump["keyslots"]) == 2
    mounts = lab.on_machine("dijon-app-1", "findmnt", "--noheadings", "--output", "SOURCE", "/srv/imagerie")
    assert mounts.strip() == "/dev/mapper/hosting-imagerie-beaune-data"
