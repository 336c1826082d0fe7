"""Backups and restores by the host's agent: what reaches restic, what is left behind, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from agent_machine import Machine, mounted

from deploys.agent import backup
from deploys.agent.settings import AgentError


def marker(machine: Machine) -> Any:
    return json.loads((machine.root / "marker.json").read_text())


def test_a_backup_makes_the_repository_once_and_leaves_word(machine: Machine) -> None:
    mounted(machine)
    (machine.root / "no_repository").touch()
    backup.back_up("imagerie")
    assert [call.split()[7] for call in machine.calls()] == ["cat", "init", "backup"]
    assert marker(machine)["last_success"]["snapshot"] == "abc"
    machine.log.write_text("")
    backup.back_up("imagerie")
    assert [call.split()[7] for call in machine.calls()] == ["cat", "backup"]


def test_restic_finds_its_secrets_in_memory(machine: Machine) -> None:
    mounted(machine)
    backup.back_up("imagerie")
    seen = json.loads((machine.root / "restic.json").read_text())
    assert seen["password"] == "canary-password"
    assert "aws_secret_access_key = canary-key" in seen["credentials"]
    assert seen["environment"]["AWS_SHARED_CREDENTIALS_FILE"].startswith("/proc/self/fd/")


def test_headers_go_off_the_host_with_the_data(machine: Machine) -> None:
    mounted(machine)
    backup.back_up("imagerie")
    assert machine.calls()[-1].endswith(
        f"{machine.root}/srv/imagerie {machine.root}/headers/hosting-imagerie-data.luks"
    )


def test_an_empty_mount_point_is_no_backup(machine: Machine) -> None:
    with pytest.raises(AgentError, match="an empty directory is no backup"):
        backup.back_up("imagerie")
    assert marker(machine)["last_attempt"]["outcome"] == "failed"
    assert marker(machine)["last_success"] is None


def test_a_failure_keeps_the_word_of_the_last_success(machine: Machine) -> None:
    mounted(machine)
    backup.back_up("imagerie")
    machine.mounted = {}
    with pytest.raises(AgentError):
        backup.back_up("imagerie")
    assert marker(machine)["last_attempt"]["outcome"] == "failed"
    assert marker(machine)["last_success"]["outcome"] == "done"


def test_a_repository_that_cannot_be_opened_is_not_taken_for_a_missing_one(machine: Machine) -> None:
    mounted(machine)
    (machine.root / "wrong_password").touch()
    with pytest.raises(AgentError, match=r"cannot be opened \(12\)"):
        backup.back_up("imagerie")
    assert "init" not in " ".join(machine.calls())


def test_the_lock_of_a_killed_run_is_removed(machine: Machine) -> None:
    mounted(machine)
    (machine.root / "locked").touch()
    backup.back_up("imagerie")
    assert [call.split()[7] for call in machine.calls()] == ["cat", "backup", "unlock", "backup"]


def test_a_restore_takes_what_this_host_backed_up_and_verifies_it(machine: Machine, tmp_path: Path) -> None:
    target = tmp_path / "target"
    backup.restore("imagerie", "latest", "/srv/imagerie/x", str(target))
    assert machine.calls()[-1].endswith(
        f"restore latest --host=host --include=/srv/imagerie/x --target={target} --tag=imagerie --verify"
    )


def test_what_a_snapshot_does_not_hold_is_not_restored_and_leaves_nothing(machine: Machine, tmp_path: Path) -> None:
    (machine.root / "not_in_snapshot").touch()
    target = tmp_path / "target"
    with pytest.raises(AgentError, match="snapshot latest does not hold /srv/imagerie/x"):
        backup.restore("imagerie", "latest", "/srv/imagerie/x", str(target))
    assert not target.exists()


def test_a_restore_overwrites_nothing(machine: Machine, tmp_path: Path) -> None:
    target = tmp_path / "target"
    backup.restore("imagerie", "latest", "/srv/imagerie/x", str(target))
    before = machine.calls()
    with pytest.raises(AgentError, match="nothing is overwritten"):
        backup.restore("imagerie", "latest", "/srv/imagerie/x", str(target))
    assert machine.calls() == before
