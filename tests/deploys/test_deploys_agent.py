"""The host's agent: the identity that it keeps, and its command line; with tools that only pretend."""

import json
import os
from pathlib import Path

import pytest
from agent_machine import ENGINES, FakeVault, Machine, mounted

from deploys.agent import backup, identity, main, settings, volume
from deploys.agent.settings import AgentError
from deploys.agent.vault import Session, VaultError

# -- identity ---------------------------------------------------------------------------------------------------------


def test_an_identity_is_tried_kept_and_only_then_recorded(machine: Machine) -> None:
    identity.receive("imagerie", "canary-token")
    record = json.loads((machine.root / "identities" / "imagerie.json").read_text())
    assert (record["role"], record["accessor"]) == ("hosting-imagerie-host", "accessor")
    assert Path(record["credential_file"]).read_text() == "encrypted: canary-secret-id"
    assert machine.calls() == [
        f"systemd-creds encrypt --name=hosting-imagerie - {machine.root}/credentials/.hosting-imagerie.new"
    ]


def test_a_token_that_somebody_put_in_its_place_is_refused(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeVault, "creation_path", "sys/wrapping/wrap")
    with pytest.raises(VaultError, match="it may be forged"):
        identity.receive("imagerie", "canary-token")
    assert machine.calls() == []


def test_an_identity_that_cannot_be_kept_is_not_recorded(machine: Machine) -> None:
    (machine.root / "die_at").write_text("0")
    with pytest.raises(AgentError, match="systemd-creds encrypt failed"):
        identity.receive("imagerie", "canary-token")
    assert not (machine.root / "identities" / "imagerie.json").exists()


def test_an_identity_is_proven_with_what_the_units_are_given(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not with what was received last, which may not be what is kept."""
    identity.receive("imagerie", "canary-token")
    assert main.main(["try-identity", "imagerie"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"role": "hosting-imagerie-host", "accessor": "accessor of canary-secret-id"}
    (machine.root / "given" / "hosting-imagerie").write_text("one that the vault refuses")
    assert main.main(["try-identity", "imagerie"]) == 1
    assert "refused POST auth/approle/login" in capsys.readouterr().err


def test_a_login_is_over_when_its_block_is() -> None:
    vault = FakeVault(settings.Engines(**ENGINES))
    with Session(vault, "canary-login") as session:
        assert session.reveal("imagerie/backups/host/repository") == "canary-password"
    assert vault.revoked == ["canary-login"]


# -- the command line -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("argv", [[], ["nothing"], ["unlock"], ["unlock", "a"], ["backup", "a", "b"]])
def test_wrong_usage_says_what_there_is(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(argv) == 2
    assert "hosting-agent unlock APPLICATION VOLUME" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../engines", "", "a/b", "a b"])
def test_names_are_no_paths(machine: Machine, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["backup", name]) == 1
    assert "is not the name of an application" in capsys.readouterr().err


def test_an_application_that_is_not_here_is_an_error(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["unlock", "other", "data"]) == 1
    assert "could not be read" in capsys.readouterr().err


def test_secrets_do_not_touch_the_disk(machine: Machine) -> None:
    volume.prepare(machine.order())
    mounted(machine)
    backup.back_up("imagerie")
    ours = [path for path in machine.root.rglob("*") if path.is_file() and path.name not in PRETENDED]
    assert not [path for path in ours if b"canary" in path.read_bytes()]
    assert os.environ.get("AWS_SECRET_ACCESS_KEY") is None


PRETENDED = {"luks.json", "restic.json", "hosting-imagerie"}
"""What the pretending tools keep, and the credential that systemd would have decrypted in memory."""
