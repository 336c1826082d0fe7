"""Somebody is root on a host: files, caches and snapshots of its volume, and all that its identity opens are theirs.

They encrypt the files, let the timer copy that, add a snapshot dated so that retention would keep it and let the good
ones go, and try to empty the repository.  Nothing that was copied before is lost.
"""

import json
import time
from datetime import UTC, datetime

import pytest
from conftest import LabRunner

pytestmark = pytest.mark.timeout(1200)

APP, APPLICATION, TOP = "dijon-app-1", "imagerie-beaune", "/srv/imagerie"
FILE = f"{TOP}/examination.dcm"
BACKUP = f"hosting-backup-{APPLICATION}.service"
FORGED = "2031-01-01 00:00:00"

RANSOM = f"""
lvcreate -q -y --snapshot --extents 5%FREE --name kept-for-a-while hosting/{APPLICATION}-data
lvremove -q -y hosting/kept-for-a-while
rm -rf /var/cache/hosting /var/lib/hosting/headers
openssl enc -aes-256-ctr -pass pass:ransom -pbkdf2 -in {FILE} -out {FILE}.locked && mv {FILE}.locked {FILE}
systemctl start {BACKUP}
"""

ATTACK = f"""
import json, sys
sys.path.insert(0, "/usr/local/lib/hosting")
from agent.backup import opened
with opened("{APPLICATION}") as restic:
    forge = ["--host={APP}", "--tag=hosting", "--tag={APPLICATION}", "--time={FORGED}", "{TOP}"]
    print(json.dumps({{
        "forge": restic.attempt("backup", *forge)[0],
        "forget": restic.attempt("forget", "--keep-last=1", "--group-by=host", "--prune")[0],
    }}))
"""


def snapshots(lab: LabRunner) -> tuple[set[str], set[str]]:
    """Name the snapshots that the controller sees, and the rules by which none of them may go."""
    shown = lab.run("backup", "show", APPLICATION)
    (repository,) = shown.data["repositories"]
    return {one["id"] for one in repository["snapshots"]}, {one["rule"] for one in repository["refusals"]}


def test_what_was_copied_before_an_attack_comes_back(provisioned: LabRunner) -> None:
    provisioned.on_machine(APP, "sh", "-c", f"head -c 3000000 /dev/zero > {FILE}; sync")
    provisioned.on_machine(APP, "systemctl", "start", BACKUP)
    healthy = provisioned.on_machine(APP, "sha256sum", FILE)
    good, _ = snapshots(provisioned)
    time.sleep(1)  # the store tells times to the second
    before = datetime.now(UTC).isoformat()
    time.sleep(1)

    provisioned.on_machine(APP, "sh", "-e", "-c", RANSOM)
    tried = json.loads(provisioned.on_machine(APP, "/usr/bin/python3", "-I", "-c", ATTACK))
    assert tried["forge"] == 0  # it may add …
    assert tried["forget"] != 0  # … and never remove
    assert provisioned.on_machine(APP, "sha256sum", FILE) != healthy

    left, refusals = snapshots(provisioned)
    assert good < left
    assert "plausible" in refusals
    pruned = provisioned.run("backup", "prune", APPLICATION)
    assert pruned.status not in {0, 3}, pruned.output

    ran = provisioned.run("restore", APPLICATION, FILE, "--as-of", before)
    assert ran.status == 0, ran.output
    restored = provisioned.on_machine(APP, "sha256sum", f"{ran.data['target']}{FILE}")
    assert restored.split()[0] == healthy.split()[0]
    provisioned.on_machine(APP, "rm", "-rf", ran.data["target"], FILE)

    assert provisioned.run("backup", "recover", APPLICATION, "--as-of", before).status == 0
    after, refusals = snapshots(provisioned)
    assert after == good
    assert "plausible" not in refusals
    assert provisioned.converge().status == 0  # what they removed of ours on the host is made anew
