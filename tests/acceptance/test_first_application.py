"""One application, from manifest to proof, on real engines: the issue's main sentence, watched."""

import json
import subprocess

import pytest
from conftest import LabRunner

pytestmark = pytest.mark.timeout(2400)


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
    entries = provisioned.entries()
    intents = [json.dumps(entry["data"]["subject"]) for entry in entries if entry["kind"] == "intent"]
    done = [json.dumps(entry["data"]["subject"]) for entry in entries if entry["kind"] == "done"]
    assert set(intents) <= set(done)
    assert provisioned.run("journal", "verify").status == 0


def test_the_key_of_the_first_contact_opens_nothing_any_more(provisioned: LabRunner) -> None:
    for name in ("dijon-app-1", "dijon-gateway-1"):
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
    ran = provisioned.run("lab", "ssh", "dijon-app-1", typed="cat /etc/hostname\nexit 7\n")
    shown, brace, envelope = ran.output.partition("{")
    assert "dijon-app-1" in shown.splitlines()
    assert json.loads(brace + envelope)["data"] == {"machine": "dijon-app-1", "status": 7}
    assert ran.status == 1


def test_what_was_promised_holds(provisioned: LabRunner) -> None:
    ran = provisioned.run("verify", "--disruptive")
    verdicts = {proof["proof"]: (proof["verdict"], proof["sentence"]) for proof in ran.data["proofs"]}
    assert {name: verdict for name, (verdict, _) in verdicts.items()} == dict.fromkeys(verdicts, "held"), verdicts
    assert verdicts.keys() >= {
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


def test_proofs_that_interrupt_are_not_made_unasked(provisioned: LabRunner) -> None:
    ran = provisioned.run("verify")
    skipped = {proof["proof"] for proof in ran.data["proofs"] if proof["verdict"] == "not proven"}
    assert skipped == {"object-unreadable-without-key", "survives-reboot"}
    assert ran.status == 0


def test_drift_is_seen_and_named_and_mended(provisioned: LabRunner) -> None:
    provisioned.on_machine("dijon-app-1", "sh", "-c", "echo '# by hand' >> /etc/chrony/chrony.conf")
    drift = provisioned.run("drift")
    assert drift.status == 3
    moved = [change["subject"]["name"] for change in drift.data["plan"]["changes"]]
    assert moved == ["dijon-app-1:/etc/chrony/chrony.conf"]
    assert provisioned.converge().status == 0
    assert provisioned.run("drift").status == 0
