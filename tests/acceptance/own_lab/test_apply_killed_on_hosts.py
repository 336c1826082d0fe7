"""A host of an application, made by an apply that is killed again and again; another, given its data; and their end.

``kill -9`` while hosts are changed: the next run goes on, and no volume, identity or passphrase is lost or doubled.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, SAMPLE, LabRunner, Ran, bring_up, take_down
from put_aside import put_aside

from hosting_cli.doors.openbao import OpenBao
from hosting_cli.lab import laboratory
from inventory import naming
from inventory.load import load_environment, load_region
from vault_policies import render

pytestmark = pytest.mark.timeout(2400)

DELAYS_SECONDS = {
    "host-manifest": (0.0,),
    "host-file": (0.0,),
    "host-login": (1.5,),
    "host-firewall": (4.0,),
    "host-identity": (1.0,),
    "host-storage": (0.0,),
    "host-volume": (0.0, 2.0, 8.0),
    "host-unit": (1.5,),
}
"""How long after a change of its kind began apply is killed: as it begins, or in the middle; a volume takes longest."""

UNREAD = 4
"""The exit status of an apply that did nothing, because something could not be read."""

APPLICATION, TOP = "imagerie-beaune", "/srv/imagerie"
HOSTS = ("dijon-app-1", "dijon-app-2")
DEVICE = f"/dev/hosting/{APPLICATION}-data"
FILE = f"{TOP}/study.dcm"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabRunner]:
    """Give a lab of its own, on which nothing is provisioned yet: one host of the application, and no gateway."""
    folder = tmp_path_factory.mktemp("fresh")
    region = folder / "region"
    shutil.copytree(SAMPLE, region)
    (region / "hosts/dijon-gateway-1.yaml").unlink()
    network = region / "network.yaml"
    before, _, after = network.read_text().partition("tunnels:\n")  # nobody would end them
    network.write_text(before + "segments:\n" + after.partition("segments:\n")[2])
    runner = LabRunner(folder / "lab", region)
    try:
        bring_up(runner)
        yield runner
    finally:
        take_down(runner)


@pytest.fixture(scope="module")
def two(fresh: LabRunner) -> LabRunner:
    """Give the lab with a second host of the application, made as the first one was."""
    one, other = HOSTS
    host = (fresh.region / f"hosts/{one}.yaml").read_text()
    (fresh.region / f"hosts/{other}.yaml").write_text(host.replace(one, other).replace("10.21.10.11", "10.21.10.12"))
    application = fresh.region / f"applications/{APPLICATION}.yaml"
    application.write_text(application.read_text().replace(f"[{one}]", f"[{one}, {other}]"))
    bring_up(fresh)  # what runs is left as it is
    made = fresh.converge()
    assert (made.status, made.problems) == (0, [])
    return fresh


def begun(lab: LabRunner) -> list[str]:
    """Name the kind of each change that was begun, in order."""
    return [entry["data"]["subject"]["kind"] for entry in lab.entries() if entry["kind"] == "intent"]


def due(kinds: list[str], left: dict[str, list[float]]) -> str | None:
    """Choose the kind, of those that have just begun, in which apply is to be killed."""
    return next((kind for kind in kinds if left.get(kind)), None)


def apply_until_killed(lab: LabRunner, digest: str, left: dict[str, list[float]]) -> str | int:
    """Apply, and kill it and all its children in the first kind of change that is *left*; give the kind, or its end."""
    before = len(begun(lab))
    token = str(lab.token_file("operations-engineer"))
    process = lab.start("apply", digest, "--token-file", token, output=answer_of(lab))
    while process.poll() is None:
        kind = due(begun(lab)[before:], left)
        if kind is not None:
            delay, others = left[kind].pop(0), {name: delays for name, delays in left.items() if name != kind}
            kill_after(process, delay, or_once=lambda others=others: due(begun(lab)[before:], others) is not None)
            return kind
        time.sleep(0.02)
    return process.returncode


def answer_of(lab: LabRunner) -> Path:
    """Name the file with what the last apply answered."""
    return lab.directory.with_name("answer.json")


def kill_after(process: "subprocess.Popen[str]", seconds: float, *, or_once: Callable[[], bool]) -> None:
    """Kill it in so many seconds, or once it has gone on to what it has yet to be killed in, which is not to end."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and not or_once():
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_apply_killed_on_hosts_converges(fresh: LabRunner) -> None:
    ran, digest = fresh.plan()
    assert ran.status == 3
    assert fresh.run("approve", digest, person="security-officer").status == 0
    left = {kind: list(delays) for kind, delays in DELAYS_SECONDS.items()}
    ends: list[str | int] = []
    while isinstance(end := apply_until_killed(fresh, digest, left), str) or (end == UNREAD and ends.count(end) < 3):
        ends.append(end)  # a host that has just lost somebody may be slow to answer, which is said and changes nothing
    assert end == 0, (ends, answer_of(fresh).read_text())
    assert {kind for kind in ends if kind != UNREAD} == DELAYS_SECONDS.keys()
    after = fresh.run("plan")
    assert (after.status, after.data["plan"]["changes"], after.data["plan"]["conflicts"]) == (0, [], [])
    assert_one_volume(fresh, HOSTS[0])
    assert_one_of_each_secret(fresh, HOSTS[0])
    assert fresh.run("journal", "verify").status == 0


def assert_one_volume(lab: LabRunner, host: str) -> None:
    """One logical volume, complete and mounted, with two slots; nothing left open or half made."""
    volumes = json.loads(lab.on_machine(host, "lvs", "--reportformat", "json", "-o", "lv_name,lv_tags"))
    found = volumes["report"][0]["lv"]
    assert [volume["lv_name"] for volume in found] == [f"{APPLICATION}-data"]
    assert "hosting-blank" not in found[0]["lv_tags"]
    dump = json.loads(lab.on_machine(host, "cryptsetup", "luksDump", "--dump-json-metadata", DEVICE))
    assert len(dump["keyslots"]) == 2
    mounts = lab.on_machine(host, "findmnt", "--noheadings", "--output", "SOURCE", TOP)
    assert mounts.strip() == f"/dev/mapper/hosting-{APPLICATION}-data"


def assert_one_of_each_secret(lab: LabRunner, host: str) -> None:
    """One secret-id by which a host logs in, and one version of what opens its volume."""
    region = load_region(lab.region)
    vault = OpenBao(load_environment(lab.environment_file, region).vault, region=region.id)
    assert len(vault.secret_id_accessors(naming.host_role(APPLICATION, host))) == 1
    versions = {key.name: key.version for key in vault.keys().keys if "/volumes/" in key.name}
    assert (len(versions), set(versions.values())) == (2, {1}), versions


def test_a_host_gets_what_another_has_backed_up_once_a_second_person_agrees(two: LabRunner) -> None:
    one, other = HOSTS
    two.on_machine(one, "sh", "-c", f"head -c 3000000 /dev/urandom > {FILE}; sync")
    two.on_machine(one, "systemctl", "start", f"hosting-backup-{APPLICATION}.service")
    restore = ("restore", APPLICATION, FILE, "--host", one, "--to", other)
    asked = two.run(*restore)
    assert asked.status == 3, asked.output
    assert two.run("approve", asked.data["procedure"], person="security-officer").status == 0
    restored = two.run(*restore)
    assert restored.status == 0, restored.output
    there = two.on_machine(other, "sh", "-c", f"sha256sum {TOP}/.hosting-restore-*{FILE}")
    assert there.split()[0] == two.on_machine(one, "sha256sum", FILE).split()[0]
    # What was granted for this once is gone: the plan finds neither the user nor anything else that is not asked for.
    assert two.run("plan").status == 0


# -- the end of the application, and of all that could be read of it --------------------------------------------------

EXECUTOR = "destruction-executor"
DESTROY = ("key", "destroy", APPLICATION)
CONFIRMED = (*DESTROY, "--confirm", APPLICATION)

A_DAY_LATER = """
from datetime import timedelta
from hosting_cli import app, session

class Later(session.Session):
    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.clock = lambda: session.now() + timedelta(days=1, minutes=1)

session.Session = Later
app.main()
"""
"""The command line of somebody whose clock is ahead; the vault, the store and the hosts keep theirs."""


def a_day_later(lab: LabRunner, *arguments: str, person: str) -> Ran:
    """Run ``hosting`` as it will be run when the shortest waiting time that a region's files can ask for is over."""
    argv = [sys.executable, "-c", A_DAY_LATER, *arguments, "-o", "json", "--token-file", str(lab.token_file(person))]
    done = subprocess.run(argv, capture_output=True, text=True, env=lab.variables(), check=False, cwd=ROOT)
    sys.stderr.write(done.stderr)
    return Ran(done.returncode, done.stdout, done.stderr)


def without_the_application(lab: LabRunner) -> LabRunner:
    """Give the same lab under files that the application has left, and that ask for a waiting time of one day."""
    region = lab.region.with_name("without")
    shutil.copytree(lab.region, region)
    (region / f"applications/{APPLICATION}.yaml").unlink()
    sheet = region / "region.yaml"
    sheet.write_text(sheet.read_text().replace("key_policy:\n", "key_policy:\n  destruction_days: 1\n"))
    return replace(lab, region=region)


def give_token_to_the_executor(lab: LabRunner) -> None:
    """Issue the token that nobody has in daily work, as docs/keys.md says: with the root's, for the occasion."""
    place = laboratory.Lab(lab.directory, laboratory.place().cache_directory)
    region = load_region(lab.region)
    with laboratory.root_token(place) as file:
        access = load_environment(lab.environment_file, region).vault.model_copy(update={"token_file": file})
        policies = (render.OPERATIONS_POLICY, render.DESTRUCTION_POLICY)
        token = OpenBao(access, region=region.id).issue_token(EXECUTOR, policies, period_seconds=3600)
    laboratory.write_secret(lab.token_file(EXECUTOR), token)


def test_the_end_of_its_keys_leaves_nothing_to_read_of_it_on_hosts_and_stores(two: LabRunner) -> None:
    trials = put_aside(two, APPLICATION)
    assert {name: opens() for name, opens in trials.items()} == dict.fromkeys(trials, True)
    assert len(trials) == 6
    assert "still in the region's files" in refused(two.run(*DESTROY))

    lab = without_the_application(two)
    asked = lab.run(*DESTROY)
    assert asked.status == 3, asked.output
    assert lab.run("approve", asked.data["procedure"], person="security-officer").status == 0
    give_token_to_the_executor(lab)
    assert "its waiting time ends on" in refused(lab.run(*CONFIRMED, person=EXECUTOR))
    unconfirmed = a_day_later(lab, *DESTROY, "--confirm", "imagerie", person=EXECUTOR)
    assert refused(unconfirmed) == "it was not confirmed by the application's id"

    done = a_day_later(lab, *CONFIRMED, person=EXECUTOR)
    assert done.status == 0, done.output
    assert {name: opens() for name, opens in trials.items()} == dict.fromkeys(trials, False)
    for host in HOSTS:
        dump = json.loads(lab.on_machine(host, "cryptsetup", "luksDump", "--dump-json-metadata", DEVICE))
        assert dump["keyslots"] == {}
        assert APPLICATION not in lab.on_machine(host, "ls", "/dev/mapper", "/var/lib/hosting/headers")
    assert_record(done.data["destruction"], by=EXECUTOR)
    assert done.data["destruction"] in [entry["data"] for entry in lab.entries() if entry["kind"] == "destruction"]
    assert lab.run("journal", "verify").status == 0


def refused(ran: Ran) -> str:
    """Give the reasons for which nothing was done."""
    assert ran.status == 1, ran.output
    (problem,) = ran.problems
    return problem["what"]


def assert_record(record: dict[str, Any], *, by: str) -> None:
    """What a certificate of destruction is printed from: who, what, and each proof with what was seen before."""
    assert (record["asked_by"], record["carried_out_by"]) == (["token-operations-engineer"], f"token-{by}")
    assert [it["by"] for it in record["approved"]] == ["token-security-officer"]
    assert (record["waited_days"], record["outstanding"], record["outlives"], len(record["limits"])) == (1, [], [], 1)
    proofs = {(it["of"], it["proof"].split()[0]): it["observed"] for it in record["proofs"]}
    for host in HOSTS:
        volume = f"host-volume {host}:{APPLICATION}/data"
        assert proofs[volume, "stop"]["opened_before"] == {"active": "0", "recovery": "1"}
        tried = {"tried": ["active", "recovery"], "opening": [], "slots": [], "open_as": [], "copies": []}
        assert proofs[volume, "fail"] == tried
    for bucket in ("images", "backup"):
        seen = proofs[f"bucket bfc-{APPLICATION}-{bucket}", "fail"]
        assert (seen["tried"], seen["readable"], len(seen["objects"])) == (True, False, 2)
    copies = f"header-copies {APPLICATION}"
    assert len(proofs[copies, "open"]["opened"]) == len(HOSTS)
    assert (proofs[copies, "fail"]["tried"], proofs[copies, "fail"]["readable"]) == (True, False)
