"""A host is lost and made anew from nothing but the region's files, the vault and the bucket; and how long that takes.

What it leaves is the lab that it found: the application's host, with the same files, on another machine.
"""

import re
import sys
import time

import pytest
from conftest import LabRunner

from hosting_cli.lab import machines

pytestmark = pytest.mark.timeout(1800)

APP, APPLICATION, TOP = "dijon-app-1", "imagerie-beaune", "/srv/imagerie"


@pytest.fixture(scope="module")
def backed_up(provisioned: LabRunner) -> LabRunner:
    """Give the lab with files of somebody's own in the volume, which its backup unit has copied."""
    make = f"mkdir -p {TOP}/studies; head -c 3000000 /dev/urandom > {TOP}/studies/a.dcm"
    own = f"chown -R 1234:1234 {TOP}/studies; chmod 750 {TOP}/studies; sync"
    provisioned.on_machine(APP, "sh", "-c", f"{make}; {own}")
    provisioned.on_machine(APP, "systemctl", "start", f"hosting-backup-{APPLICATION}.service")
    return provisioned


def seen(lab: LabRunner) -> str:
    """Describe every file of the volume: rights, owners, and what it holds."""
    find = f"cd {TOP} && find . -path ./lost+found -prune -o -printf '%p %m %U:%G\\n' | sort; sha256sum studies/*"
    return lab.on_machine(APP, "sh", "-c", find)


def test_it_comes_back_with_the_same_bytes(backed_up: LabRunner) -> None:
    before, began = seen(backed_up), time.monotonic()
    lost = backed_up.run("host", "lost", APP, "--confirm", APP)
    assert lost.status == 0, lost.output
    machines.remove(backed_up.directory, APP)  # disks and all
    assert (
        backed_up.run("lab", "up", "--unwatched").status == 0
    )  # a blank machine of the same name, with another host key
    made = backed_up.converge()
    assert made.status == 0, made.output
    assert "studies" not in backed_up.on_machine(APP, "ls", TOP)
    ran = backed_up.run("restore", APPLICATION, TOP, "--in-place", "--host", APP)
    assert ran.status == 0, ran.output
    assert re.search(r"^ +\d+ %: \d+ of \d+ MiB$", ran.errors, re.MULTILINE), ran.errors
    assert seen(backed_up) == before
    seconds = time.monotonic() - began
    sys.stderr.write(f"  {APP} was lost and made anew in {seconds:.0f} s\n")
    assert backed_up.plan()[0].status == 0
    again = backed_up.run("restore", APPLICATION, TOP, "--in-place", "--host", APP)
    assert again.status == 1
    assert "is not empty: nothing is overwritten" in again.problems[0]["what"]
    backed_up.on_machine(APP, "systemctl", "start", f"hosting-backup-{APPLICATION}.service")
    assert backed_up.run("drill", "run", APPLICATION).status == 0
