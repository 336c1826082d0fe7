"""Backups and restores by the host's agent: what reaches restic, what is left behind, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from agent_machine import Machine, mounted

from deploys.agent import backup, restore
from deploys.agent.settings import AgentError
from hosting_cli.backups.restoring import telling


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
    restore.restore("imagerie", "latest", "/srv/imagerie/x", str(target))
    assert machine.calls()[-1].endswith(
        f"restore latest --host=host --include=/srv/imagerie/x --target={target} --tag=imagerie --verify"
    )


def test_what_a_snapshot_does_not_hold_is_not_restored_and_leaves_nothing(machine: Machine, tmp_path: Path) -> None:
    (machine.root / "not_in_snapshot").touch()
    target = tmp_path / "target"
    with pytest.raises(AgentError, match="snapshot latest does not hold /srv/imagerie/x"):
        restore.restore("imagerie", "latest", "/srv/imagerie/x", str(target))
    assert not target.exists()


def test_a_restore_overwrites_nothing(machine: Machine, tmp_path: Path) -> None:
    target = tmp_path / "target"
    restore.restore("imagerie", "latest", "/srv/imagerie/x", str(target))
    before = machine.calls()
    with pytest.raises(AgentError, match="nothing is overwritten"):
        restore.restore("imagerie", "latest", "/srv/imagerie/x", str(target))
    assert machine.calls() == before


# -- into an empty volume ---------------------------------------------------------------------------------------------


@pytest.fixture
def empty(machine: Machine) -> Path:
    """Give the mounted, empty volume of a host that was made anew."""
    mounted(machine)
    top = machine.root / "srv" / "imagerie"
    (top / "lost+found").mkdir(parents=True)
    application = json.loads((machine.root / "applications" / "imagerie.json").read_text())
    application["volumes"]["data"]["mount_point"] = str(top)
    (machine.root / "applications" / "imagerie.json").write_text(json.dumps(application))
    return top


def fill(top: Path, snapshot: str = "abc") -> None:
    restore.restore("imagerie", snapshot, str(top), restore.IN_PLACE)


def word(top: Path) -> Path:
    return top / backup.RESTORING


def test_an_empty_volume_is_filled_where_it_is(machine: Machine, empty: Path) -> None:
    fill(empty)
    assert f"--include={empty} --target=/ " in machine.calls()[-1]
    assert (empty / "restored").exists()
    assert not word(empty).exists()


def test_the_files_of_a_new_database_server_are_in_nobodys_way(machine: Machine, empty: Path) -> None:
    (empty / "postgresql").mkdir()
    known = machine.root / "applications" / "imagerie.json"
    application = json.loads(known.read_text())
    application["backup"]["databases"] = [{"data_directory": str(empty / "postgresql")}]
    known.write_text(json.dumps(application))
    fill(empty)
    assert (empty / "restored").exists()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda machine, top: (top / "live").touch(), "is not empty: nothing is overwritten"),
        (lambda machine, top: word(top).write_text("another"), "is not empty"),
        (lambda machine, top: setattr(machine, "mounted", {}), "is not mounted"),
    ],
    ids=["live files", "another restore was begun", "not mounted"],
)
def test_a_volume_that_is_not_empty_or_not_there_is_left_alone(
    machine: Machine, empty: Path, spoil: Callable[[Machine, Path], object], why: str
) -> None:
    spoil(machine, empty)
    with pytest.raises(AgentError, match=why):
        fill(empty)
    assert machine.calls() == []


def test_a_folder_is_no_volume(machine: Machine, empty: Path) -> None:
    with pytest.raises(AgentError, match="only whole volumes are filled"):
        fill(empty / "lost+found")


def test_a_restore_that_was_killed_is_gone_on_with(machine: Machine, empty: Path) -> None:
    (machine.root / "die_at").write_text("0")
    with pytest.raises(AgentError):
        fill(empty)
    assert word(empty).read_text() == "abc"
    (empty / "half").touch()
    (machine.root / "die_at").unlink()
    fill(empty)
    assert not word(empty).exists()


def test_a_half_filled_volume_is_not_backed_up(machine: Machine, empty: Path) -> None:
    word(empty).write_text("abc")
    with pytest.raises(AgentError, match="a half-filled volume is no backup"):
        backup.back_up("imagerie")
    assert machine.calls() == []


def test_what_a_snapshot_does_not_hold_leaves_the_volume_marked(machine: Machine, empty: Path) -> None:
    (machine.root / "not_in_snapshot").touch()
    with pytest.raises(AgentError, match="holds nothing in"):
        fill(empty)
    assert word(empty).exists()


def test_how_far_it_is_comes_while_it_goes_on(empty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What restic 0.18, that of Debian 13, said of a restore is what an operator is told of it."""
    fill(empty)
    told: list[str] = []
    for line in capsys.readouterr().out.splitlines():
        telling(told.append)(line)
    assert told == ["30 %: 11 of 38 MiB", "71 %: 27 of 38 MiB", "100 %: 38 of 38 MiB"]


# -- from a repository that was granted -------------------------------------------------------------------------------

GRANT = {
    "repository": "s3:https://elsewhere.example/bucket/other-host",
    "object_store_region": "besancon",
    "certificate_authority": "-----BEGIN CERTIFICATE-----",
    "password": "canary-granted",
    "access_key_id": "canary-granted-id",
    "secret_access_key": "canary-granted-key",
}


def test_a_granted_repository_is_read_and_nothing_else(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restore, "Vault", lambda _engines: SimpleNamespace(unwrap=lambda _token, _path: GRANT))
    restore.restore_granted("imagerie", "abc", "/srv/imagerie/x", str(tmp_path / "target"), "canary-token")
    (call,) = machine.calls()
    assert "--repo=s3:https://elsewhere.example/bucket/other-host" in call
    assert call.endswith("--verify --no-lock")
    assert "--no-cache" in call
    seen = json.loads((machine.root / "restic.json").read_text())
    assert seen["password"] == "canary-granted"
    assert seen["environment"]["AWS_DEFAULT_REGION"] == "besancon"
    assert "canary" not in repr(backup.Access(**GRANT))


def test_a_token_that_was_made_for_something_else_is_no_grant(machine: Machine, tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="comes from auth/approle/role/hosting-imagerie-host/secret-id, not from"):
        restore.restore_granted("imagerie", "abc", "/srv/imagerie/x", str(tmp_path / "target"), "canary-token")
    assert machine.calls() == []
