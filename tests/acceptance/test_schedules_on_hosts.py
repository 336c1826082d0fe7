"""What runs by itself on a real host: timers, the check of the repository, figures, and the sandbox of a check."""

import json

import pytest
from conftest import LabRunner

pytestmark = pytest.mark.timeout(900)

APP, APPLICATION, TOP = "dijon-app-1", "imagerie-beaune", "/srv/imagerie"
CHECK = f"hosting-check-{APPLICATION}"
SCRATCH = f"/run/hosting/drill/{APPLICATION}"
RESTORED = f"{SCRATCH}{TOP}"

SANDBOXED = """
import json, subprocess, sys
sys.path.insert(0, "/usr/local/lib/hosting")
from agent.trial import sandboxed
script, seconds, top, restored = sys.argv[1:]
check = {"program": "/bin/sh", "arguments": ["-c", script], "timeout_seconds": int(seconds)}
done = subprocess.run(sandboxed(check, {top: restored}), capture_output=True, text=True)
print(json.dumps([done.returncode, done.stdout]))
"""


def sandboxed(lab: LabRunner, script: str, *, seconds: int = 60) -> tuple[int, str]:
    """Run a check of one line as a drill would; give its status and what it says."""
    argv = ("/usr/bin/python3", "-I", "-c", SANDBOXED, script, str(seconds), TOP, RESTORED)
    status, said = json.loads(lab.on_machine(APP, *argv))
    return status, said.strip()


def test_a_check_by_the_host_finds_its_repository_whole_and_the_monitoring_hears_of_it(provisioned: LabRunner) -> None:
    timer = provisioned.on_machine(APP, "systemctl", "is-enabled", f"{CHECK}.timer")
    assert timer.strip() == "enabled"
    provisioned.on_machine(APP, "systemctl", "start", f"hosting-backup-{APPLICATION}.service")
    provisioned.on_machine(APP, "hosting-agent", "check", APPLICATION)
    provisioned.on_machine(APP, "systemctl", "start", f"{CHECK}.service")  # not due again so soon
    known = json.loads(provisioned.on_machine(APP, "cat", f"/var/lib/hosting/backup/{APPLICATION}.json"))
    assert (known["last_good_check"]["part"], known["last_good_check"]["parts"]) == (1, 28)
    shown = provisioned.on_machine(APP, "curl", "--silent", "http://127.0.0.1:9100/metrics").splitlines()
    labels = f'{{application="{APPLICATION}",host="{APP}"}}'
    assert f"hosting_backup_last_attempt_success{labels} 1" in shown
    assert f"hosting_backup_check_last_attempt_success{labels} 1" in shown


def test_a_check_of_restored_files_sees_them_and_reaches_nothing_else(provisioned: LabRunner) -> None:
    provisioned.on_machine(
        APP, "sh", "-c", f"mkdir -p {RESTORED} && echo copy > {RESTORED}/x && chmod 600 {RESTORED}/x"
    )
    try:
        assert sandboxed(provisioned, f"cat {TOP}/x") == (0, "copy")
        assert sandboxed(provisioned, f"ls -A {TOP}") == (0, "x")  # nothing live
        assert sandboxed(provisioned, f"echo y > {TOP}/x")[0] != 0
        assert sandboxed(provisioned, "cat /etc/shadow")[1] == ""  # an empty file stands in its place
        assert sandboxed(provisioned, "ls /etc/hosting/applications")[0] != 0
        assert sandboxed(provisioned, "id -u")[1] != "0"
        assert sandboxed(provisioned, "grep -c : /proc/net/dev") == (0, "1")  # the loopback, and it is down
        assert sandboxed(provisioned, "python3 -c 'import socket; socket.socket(socket.AF_UNIX)'")[0] != 0
        assert sandboxed(provisioned, "sleep 60", seconds=2)[0] != 0
        assert sandboxed(provisioned, "exit 7") == (7, "")
    finally:
        provisioned.on_machine(APP, "rm", "-rf", SCRATCH)
