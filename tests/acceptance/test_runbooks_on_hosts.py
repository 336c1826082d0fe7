"""Runbooks on real hosts: something is broken past everything of ours, and a run mends it.

Whether an alert has a reason is worked out by Prometheus itself: the alert's expression, on the figures as they are.
"""

import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT, LabRunner, Ran

from hosting_cli.lab import addresses

pytestmark = pytest.mark.timeout(900)

APP, APPLICATION, TOP = "dijon-app-1", "imagerie-beaune", "/srv/imagerie"
VOLUME, MOUNT = f"hosting-volume-{APPLICATION}-data.service", "srv-imagerie.mount"
BACKUP, TIMER = (f"hosting-backup-{APPLICATION}.{suffix}" for suffix in ("service", "timer"))


@pytest.fixture(scope="module", name="lab")
def _lab(provisioned: LabRunner) -> Iterator[LabRunner]:
    """Give the lab, which is as the files say when all is over."""
    yield provisioned
    drift = provisioned.run("drift")
    assert (drift.status, drift.data["plan"]["changes"]) == (0, [])


def begun(lab: LabRunner, runbook: str, target: str, **given: str) -> Ran:
    parameters = [word for name, value in given.items() for word in ("--set", f"{name}={value}")]
    return lab.run("runbook", "run", runbook, *parameters, "--confirm", target)


def states(ran: Ran) -> list[str]:
    return [step["state"] for step in ran.data["steps"]]


# -- what an alert is worked out from ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figure:
    """One figure, as Prometheus would have it from whom it asks."""

    series: str
    value: float


def by_controller(lab: LabRunner, part: str) -> list[Figure]:
    """Have the controller read the figures of a part."""
    samples = lab.run("metrics", "show", "--only", part).data["samples"]
    return [Figure(f"{item['name']}{labelled(item['labels'])}", item["value"]) for item in samples]


def by_host(lab: LabRunner, prefix: str) -> list[Figure]:
    """Ask a host's node exporter for the figures whose names begin with *prefix*."""
    lines = lab.on_machine(APP, "curl", "--silent", "http://127.0.0.1:9100/metrics").splitlines()
    parted = [line.rpartition(" ") for line in lines if line.startswith(prefix)]
    return [Figure(series, float(value)) for series, _, value in parted]


def labelled(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f"{name}={json.dumps(value)}" for name, value in sorted(labels.items())) + "}"


def expression(alert: str) -> str:
    groups = [
        group
        for path in sorted((ROOT / "monitoring/rules").glob("*.yaml"))
        for group in yaml.safe_load(path.read_text())["groups"]
    ]
    (found,) = [rule["expr"] for group in groups for rule in group["rules"] if rule.get("alert") == alert]
    return str(found)


def gives(folder: Path, alert: str, figures: Iterable[Figure], *expected: Mapping[str, Any]) -> None:
    """Have Prometheus work the alert's expression out over *figures*, and hold what comes of it against *expected*."""
    about = {"expr": expression(alert), "eval_time": "5m", "exp_samples": list(expected)}
    series = [{"series": figure.series, "values": f"{figure.value}x10"} for figure in figures]
    test = {"interval": "1m", "input_series": series, "promql_expr_test": [about]}
    file = folder / "figures.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [], "tests": [test]}))
    done = subprocess.run(["promtool", "test", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


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


def test_a_volume_that_somebody_stopped_while_it_waited_for_the_vault_is_opened(lab: LabRunner, tmp_path: Path) -> None:
    closed = {"application": APPLICATION, "host": APP, "reason": "vault-unreachable", "volume": "data"}
    mounted = lab.on_machine(APP, "findmnt", "--noheadings", "--output=SOURCE", TOP)
    try:
        lab.on_machine(APP, "timeout", "120", "sh", "-e", "-c", STOPPED_WHILE_IT_WAITED)
        figures = by_host(lab, "hosting_volume")
        gives(tmp_path, "HostingVolumeClosed", figures, {"labels": labelled(closed), "value": 1})
        ran = begun(lab, "volume-closed", f"{APP}:{APPLICATION}/data", application=APPLICATION, host=APP, volume="data")
        assert (ran.status, states(ran)) == (0, ["done", "done", "done"]), ran.output
        assert lab.on_machine(APP, "findmnt", "--noheadings", "--output=SOURCE", TOP) == mounted
        gives(tmp_path, "HostingVolumeClosed", by_host(lab, "hosting_volume"))
    finally:
        lab.on_machine(APP, "sh", "-c", WHOLE_AGAIN)


# -- a firewall is not as the files say -------------------------------------------------------------------------------

SOMEBODYS = ("tcp", "dport", "445", "accept")


def is_open(lab: LabRunner) -> bool:
    """Tell whether the kernel holds the rule that nobody knows of."""
    return " ".join(SOMEBODYS) in lab.on_machine(APP, "nft", "list", "chain", "inet", "hosting", "input")


def test_a_rule_that_somebody_added_ends_once_a_second_person_agrees(lab: LabRunner, tmp_path: Path) -> None:
    lab.on_machine(APP, "nft", "insert", "rule", "inet", "hosting", "input", *SOMEBODYS)
    try:
        drifted = {"labels": labelled({"host": APP}), "value": 0}
        gives(tmp_path, "HostingFirewallDrift", by_controller(lab, "firewalls"), drifted)
        asked = begun(lab, "firewall-drift", APP, host=APP)
        assert (asked.status, states(asked)) == (3, ["not begun"]), asked.output
        run = asked.data["procedure"]
        assert is_open(lab)
        assert lab.run("approve", run, person="security-officer").status == 0
        done = lab.run("runbook", "resume", run)
        assert (done.status, states(done)) == (0, ["done"]), done.output
        gives(tmp_path, "HostingFirewallDrift", by_controller(lab, "firewalls"))
        (request,) = [entry for entry in lab.entries() if entry["kind"] == "request" and "port 445" in str(entry)]
        assert "too much" in str(request)  # what was ended stays on record
    finally:
        if is_open(lab):
            lab.on_machine(APP, "nft", "--file", "/etc/nftables.conf")


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


def test_the_files_of_an_application_come_back_from_the_snapshot_that_was_named(lab: LabRunner) -> None:
    lab.on_machine(APP, "sh", "-e", "-c", QUIET)
    try:
        before = lab.on_machine(APP, "sh", "-c", SEEN)
        (repository,) = lab.run("backup", "show", APPLICATION).data["repositories"]
        snapshot = repository["snapshots"][-1]["id"]
        lab.on_machine(APP, "sh", "-c", DELETED)
        given = {"application": APPLICATION, "host": APP, "mount_point": TOP, "snapshot": snapshot[:12]}
        ran = begun(lab, "restore-application", f"{APPLICATION}/{APP}:{TOP}", **given)
        assert (ran.status, states(ran)) == (0, ["done", "done", "done"]), ran.output
        assert lab.on_machine(APP, "sh", "-c", SEEN) == before
        lab.on_machine(APP, "rm", "-r", f"{TOP}/archive")
    finally:
        lab.on_machine(APP, "systemctl", "start", TIMER)
