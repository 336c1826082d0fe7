"""``kill -9`` of apply at each of its steps on the engines: the next run goes on, and no key or bucket is doubled."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from engines_lab import SAMPLE, bring_up_engines

from hosting_cli.app import LazyDoors
from hosting_cli.console import Progress
from hosting_cli.lab import removal
from hosting_cli.lab.laboratory import Lab
from hosting_cli.resources import SecretEntry, SecretPurpose
from hosting_cli.session import Session
from inventory import naming

ENGINEER, OFFICER = "operations-engineer", "security-officer"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    found = Lab(tmp_path / "lab", tmp_path / "cache")
    try:
        bring_up_engines(found)
        yield found
    finally:
        list(removal.down(found, Progress(quiet=True)))


def command(lab: Lab, *arguments: str, person: str = ENGINEER) -> list[str]:
    where = ["--region", str(SAMPLE), "--environment", str(lab.environment_file)]
    return [
        sys.executable,
        "-m",
        "hosting_cli",
        *arguments,
        *where,
        "--token-file",
        str(lab.token_file(person)),
        "-o",
        "json",
    ]


def run(lab: Lab, *arguments: str, person: str = ENGINEER) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(command(lab, *arguments, person=person), capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def begun(lab: Lab) -> list[str]:
    """Name what the journal says was begun, whole lines only."""
    lines = lab.journal.read_bytes().split(b"\n")[:-1]
    entries: list[Mapping[str, Any]] = [json.loads(line) for line in lines]
    return [json.dumps(entry["data"]["subject"]) for entry in entries if entry["kind"] == "intent"]


def apply_until_killed(lab: Lab, digest: str, seen: set[str], delay_seconds: float) -> int | None:
    """Apply, and kill it a moment after it begins something new; give its exit status if it ends before that."""
    process = subprocess.Popen(
        command(lab, "apply", digest), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    while process.poll() is None:
        if set(begun(lab)) - seen:
            time.sleep(delay_seconds)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return None
        time.sleep(0.002)
    return process.returncode


def test_apply_killed_at_each_step_converges(lab: Lab) -> None:
    status, planned = run(lab, "plan")
    assert status == 4  # the hosts are unknown: there are none
    digest = planned["data"]["plan"]["digest"]
    wanted = {json.dumps(change["subject"]) for change in planned["data"]["plan"]["changes"]}
    assert len(wanted) >= 14
    assert run(lab, "approve", digest, person=OFFICER)[0] == 0
    delays, seen, kills = cycle((0, 0.005, 0.02, 0.05)), set(begun(lab)), 0
    before = set(seen)
    while (status := apply_until_killed(lab, digest, seen, next(delays))) is None:
        seen, kills = set(begun(lab)), kills + 1
        assert kills <= len(wanted)
    assert status == 0
    assert seen - before <= wanted
    assert kills >= len(wanted) // 2
    status, after = run(lab, "plan")
    assert (status, after["data"]["plan"]["changes"]) == (4, [])
    assert after["data"]["plan"]["conflicts"] == after["data"]["plan"]["kept"] == []
    assert_nothing_doubled(lab)
    assert run(lab, "journal", "verify")[0] == 0


def assert_nothing_doubled(lab: Lab) -> None:
    """One version of every secret that was made once, one access key a user, and every key unwraps its secret."""
    session = Session(SAMPLE, lab.environment_file, lab.token_file(ENGINEER), LazyDoors(), Progress(quiet=True))
    reading = session.vault.read()
    assert reading.resources is not None
    entries = [entry for entry in reading.resources.values() if isinstance(entry, SecretEntry)]
    assert {entry.purpose for entry in entries} == set(SecretPurpose)
    for entry in entries:
        assert session.vault.reveal_secret(entry).reveal()
        answer = lab.vault.read(f"{naming.KV_MOUNT}/metadata/{naming.KV_ROOT}/{entry.name}")
        if entry.purpose is not SecretPurpose.S3_CREDENTIALS:
            assert list(answer["data"]["versions"]) == ["1"], entry.name
    for user in ("hosting-imagerie-beaune", "hosting-imagerie-beaune-backup"):
        assert len(session.stores["dijon-objects"].access_key_ids(user)) == 1
