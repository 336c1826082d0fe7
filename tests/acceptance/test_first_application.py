"""One application, from manifest to proof, on real engines: the issue's main sentence, watched."""

import json
import subprocess
from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest
from conftest import HOSTS, LabRunner

from hosting_cli.network.choosing import UNLISTED

pytestmark = pytest.mark.timeout(2400)

APP, GATEWAY = HOSTS


def test_a_plan_that_was_not_approved_is_not_applied(lab: LabRunner) -> None:
    ran, digest = lab.plan()
    if ran.status == 0:
        pytest.fail("this test must come before the lab is provisioned")
    assert ran.status == 3
    refused = lab.run("apply", digest)
    assert refused.status == 1
    assert refused.problems[0]["what"] == "nobody approved it"


def test_who_asked_for_a_plan_of_production_does_not_approve_it(lab: LabRunner) -> None:
    _, digest = lab.plan()
    refused = lab.run("approve", digest)
    assert refused.status == 1
    assert "a second person must approve it" in refused.problems[0]["what"]


def test_after_apply_nothing_is_left_to_do(provisioned: LabRunner) -> None:
    again = provisioned.run("plan")
    assert again.status == 0
    assert again.data["plan"]["changes"] == []
    assert again.data["plan"]["in_order"] > 80


def test_every_step_is_on_record_before_and_after(provisioned: LabRunner) -> None:
    """Of the plan that provisioned the lab: each change was begun before it was done, and nothing else was."""
    entries = provisioned.entries()
    (plan, *_) = [entry["data"]["plan"] for entry in entries if entry["kind"] == "intent" and is_on_a_host(entry)]
    turns: dict[str, dict[str, int]] = {"intent": {}, "done": {}}
    for turn, entry in enumerate(entries):
        if entry["kind"] in turns and entry["data"].get("plan") == plan:
            turns[entry["kind"]].setdefault(json.dumps(entry["data"]["subject"]), turn)
    assert len(turns["done"]) > 80
    assert turns["intent"].keys() == turns["done"].keys()
    assert [subject for subject, turn in turns["done"].items() if turn < turns["intent"][subject]] == []
    assert provisioned.run("journal", "verify").status == 0


def is_on_a_host(entry: Mapping[str, Any]) -> bool:
    return str(entry["data"].get("subject", {}).get("kind")).startswith("host-")


def test_the_key_of_the_first_contact_opens_nothing_any_more(provisioned: LabRunner) -> None:
    for name in HOSTS:
        place = provisioned.directory / "vms" / name
        port = json.loads((place / "machine.json").read_text())["ssh_port"]
        argv = [
            "ssh", "-F", "none", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=yes",
            "-o", f"UserKnownHostsFile={place / 'known_hosts'}", "-i", str(provisioned.directory / "bootstrap_key"),
            "-p", str(port), "root@127.0.0.1", "true",
        ]  # fmt: skip
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode == 255
        assert "Permission denied (publickey)" in done.stderr


def test_a_shell_opens_by_a_certificate_of_the_vault(provisioned: LabRunner) -> None:
    ran = provisioned.run("lab", "ssh", APP, typed="cat /etc/hostname\nexit 7\n")
    shown, brace, envelope = ran.output.partition("{")
    assert APP in shown.splitlines()
    assert json.loads(brace + envelope)["data"] == {"machine": APP, "status": 7}
    assert ran.status == 1


def test_what_was_promised_holds(provisioned: LabRunner) -> None:
    ran = provisioned.run("verify", "--disruptive")
    proofs = ran.data["proofs"]
    assert [proof for proof in proofs if proof["verdict"] != "held"] == []
    assert {proof["subject"] for proof in proofs if proof["proof"] == "survives-reboot"} == {f"host {h}" for h in HOSTS}
    assert {proof["proof"] for proof in proofs} >= {
        "nothing-to-change",
        "neighbour-refused",
        "stranger-refused",
        "object-encrypted",
        "object-unreadable-without-key",
        "flow-passes",
        "unlisted-flow-dropped",
        "backup-restores",
        "survives-reboot",
    }
    assert ran.status == 0


def test_drift_is_seen_and_named_proven_to_matter_and_mended(provisioned: LabRunner) -> None:
    """A file, a key slot and the firewall are changed by hand; proofs that interrupt are not made unasked."""
    on_host = partial(provisioned.on_machine, APP)
    on_host("sh", "-c", "echo '# by hand' >> /etc/chrony/chrony.conf")
    on_host("cryptsetup", "luksKillSlot", "--batch-mode", "/dev/hosting/imagerie-beaune-data", "1")
    on_host("nft", "insert", "rule", "inet", "hosting", "input", "tcp", "dport", str(UNLISTED[0]), "accept")
    drift = provisioned.run("drift")
    assert drift.status == 3
    moved = {change["subject"]["name"] for change in drift.data["plan"]["changes"]}
    assert moved == {f"{APP}:/etc/chrony/chrony.conf", f"{APP}:imagerie-beaune/data", f"{APP}:firewall"}
    ran = provisioned.run("verify")
    assert ran.status == 3
    by_verdict = defaultdict(set)
    for proof in ran.data["proofs"]:
        by_verdict[proof["verdict"]].add(proof["proof"])
    assert by_verdict["broken"] == {"nothing-to-change", "unlisted-flow-dropped", "header-saved"}
    assert by_verdict["not proven"] == {"object-unreadable-without-key", "survives-reboot"}
    assert by_verdict["unknown"] == set()
    assert provisioned.converge().status == 0
    assert provisioned.run("drift").status == 0
