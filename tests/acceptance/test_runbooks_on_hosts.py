"""Runbooks on real hosts: something is broken past everything of ours, and a run mends it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alerting import Figure, Reason, must_have
from conftest import LabRunner, Ran

from hosting_cli.lab import addresses

pytestmark = pytest.mark.timeout(900)

APP, APPLICATION, TOP = "dijon-app-1", "imagerie-beaune", "/srv/imagerie"
VOLUME, MOUNT = f"hosting-volume-{APPLICATION}-data.service", "srv-imagerie.mount"
BACKUP, TIMER = (f"hosting-backup-{APPLICATION}.{suffix}" for suffix in ("service", "timer"))


@pytest.fixture(scope="module")
def guarded(provisioned: LabRunner) -> Iterator[LabRunner]:
    """Give the lab, which is as the files say when all is over."""
    yield provisioned
    drift = provisioned.run("drift")
    assert (drift.status, drift.data["plan"]["changes"]) == (0, [])


def begun(lab: LabRunner, runbook: str, target: str, **given: str) -> Ran:
    parameters = [word for name, value in given.items() for word in ("--set", f"{name}={value}")]
    return lab.run("runbook", "run", runbook, *parameters, "--confirm", target)


def states(ran: Ran) -> list[str]:
    return [step["state"] for step in ran.data["steps"]]


def of_volumes(lab: LabRunner) -> list[Figure]:
    """Ask the host's node exporter for what its agent leaves word of."""
    lines = lab.on_machine(APP, "curl", "--silent", "http://127.0.0.1:9100/metrics").splitlines()
    parted = [line.rpartition(" ") for line in lines if line.startswith("hosting_volume")]
    return [Figure(series, float(value)) for series, _, value in parted]


# -- a volume does not open -------------------------------------------------------------------------------------------

WAY = f"unreachable {addresses.VAULT}/32"
STOPPED_WHILE_IT_WAITED = f"""
systemctl stop {MOUNT} {VOLUME}
ip route add {WAY}
systemctl start --no-block {VOLUME}
until grep --quiet waiting /var/lib/prometheus/node-exporter/hosting-volume.{APPLICATION}.data.prom; do sleep 0.5; done
systemctl stop {VOLUME}
ip route delete {WAY}
"""
WHOLE_AGAIN = f"ip route delete {WAY} 2>/dev/null; systemctl start {VOLUME} {MOUNT}"


def test_a_volume_that_somebody_stopped_while_it_waited_for_the_vault_is_opened(
    guarded: LabRunner, tmp_path: Path
) -> None:
    closed = {"application": APPLICATION, "host": APP, "reason": "vault-unreachable", "volume": "data"}
    mounted = guarded.on_machine(APP, "findmnt", "--noheadings", "--output=SOURCE", TOP)
    try:
        guarded.on_machine(APP, "timeout", "120", "sh", "-e", "-c", STOPPED_WHILE_IT_WAITED)
        must_have("HostingVolumeClosed", of_volumes(guarded), Reason(1, closed), folder=tmp_path)
        ran = begun(
            guarded, "volume-closed", f"{APP}:{APPLICATION}/data", application=APPLICATION, host=APP, volume="data"
        )
        assert (ran.status, states(ran)) == (0, ["done", "done", "done"]), ran.output
        assert guarded.on_machine(APP, "findmnt", "--noheadings", "--output=SOURCE", TOP) == mounted
        must_have("HostingVolumeClosed", of_volumes(guarded), folder=tmp_path)
    finally:
        guarded.on_machine(APP, "sh", "-c", WHOLE_AGAIN)


# -- the data of an application must come back ------------------------------------------------------------------------

QUIET = f"""
systemctl stop {TIMER}
while [ $(systemctl show --property=ActiveState --value {BACKUP}) = activating ]; do sleep 1; done
mkdir -p {TOP}/archive; head -c 300000 /dev/urandom > {TOP}/archive/a.dcm
chown -R 1234:1234 {TOP}/archive; chmod 750 {TOP}/archive; sync
systemctl start {BACKUP}
"""
FIND = f"cd {TOP} && find . -path ./lost+found -prune -o"
SEEN = f"{FIND} -printf '%p %m %U:%G\\n' | sort; {FIND} -type f -exec sha256sum {{}} + | sort"
DELETED = f"find {TOP} -mindepth 1 -maxdepth 1 -not -name lost+found -exec rm -r {{}} +; sync"


def test_the_files_of_an_application_come_back_from_the_snapshot_that_was_named(guarded: LabRunner) -> None:
    guarded.on_machine(APP, "sh", "-e", "-c", QUIET)
    try:
        before = guarded.on_machine(APP, "sh", "-c", SEEN)
        (repository,) = guarded.run("backup", "show", APPLICATION).data["repositories"]
        snapshot = repository["snapshots"][-1]["id"]
        guarded.on_machine(APP, "sh", "-c", DELETED)
        given = {"application": APPLICATION, "host": APP, "mount_point": TOP, "snapshot": snapshot[:12]}
        ran = begun(guarded, "restore-application", f"{APPLICATION}/{APP}:{TOP}", **given)
        assert (ran.status, states(ran)) == (0, ["done", "done", "done"]), ran.output
        assert guarded.on_machine(APP, "sh", "-c", SEEN) == before
        guarded.on_machine(APP, "rm", "-r", f"{TOP}/archive")
    finally:
        guarded.on_machine(APP, "systemctl", "start", TIMER)
