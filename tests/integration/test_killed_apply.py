"""``kill -9`` of apply at each of its steps on the engines: the next run goes on, and no key or bucket is doubled."""

import json
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest
from lab_commands import OFFICER, begun, run, run_until_killed, session_of, without_machines

from hosting_cli.lab.laboratory import Lab
from hosting_cli.resources import SecretEntry, SecretPurpose
from inventory import naming


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with without_machines(tmp_path) as found:
        yield found


def test_apply_killed_at_each_step_converges(lab: Lab) -> None:
    status, planned = run(lab, "plan")
    assert status == 4  # the hosts are unknown: there are none
    digest = planned["data"]["plan"]["digest"]
    wanted = {json.dumps([change["subject"], None, None]) for change in planned["data"]["plan"]["changes"]}
    assert len(wanted) >= 14
    assert run(lab, "approve", digest, person=OFFICER)[0] == 0
    delays, seen, kills = cycle((0, 0.005, 0.02, 0.05)), set(begun(lab)), 0
    before = set(seen)
    while (status := run_until_killed(lab, ("apply", digest), seen, next(delays))) is None:
        seen, kills = set(begun(lab)), kills + 1
        assert kills <= len(wanted)
    assert status == 4  # everything that could be made is made; the hosts are as unknown as when it was approved
    assert seen - before <= wanted
    assert kills >= len(wanted) // 2
    status, after = run(lab, "plan")
    assert (status, after["data"]["plan"]["changes"]) == (4, [])
    assert after["data"]["plan"]["conflicts"] == after["data"]["plan"]["kept"] == []
    assert_nothing_doubled(lab)
    assert run(lab, "journal", "verify")[0] == 0


def assert_nothing_doubled(lab: Lab) -> None:
    """One version of every secret that was made once, one access key a user, and every key unwraps its secret."""
    session = session_of(lab)
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
