"""The host's agent: what it does with its tools, in which order, and what it refuses; with tools that only pretend."""

import base64
import fcntl
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from deploys.agent import backup, growth, identity, locks, main, mounts, processes, settings, volume
from deploys.agent.settings import AgentError
from deploys.agent.vault import Session, Vault, VaultError

FAKES = Path(__file__).parent / "fakes"
APPLICATION = {
    "application": "imagerie",
    "role": "hosting-imagerie-host",
    "credential": "hosting-imagerie",
    "volumes": {
        "data": {
            "device": "",
            "label": "hosting-imagerie-data",
            "mount_point": "/srv/imagerie",
            "secret": "imagerie/volumes/host/data/active",
        }
    },
    "backup": {
        "repository": "s3:https://store.example/bucket/host",
        "password_secret": "imagerie/backups/host/repository",
        "credentials_secret": "imagerie/object-store/hosting-imagerie-backup",
        "mount_points": [],
        "marker": "",
    },
}
ENGINES = {
    "host": "host",
    "vault": "https://vault.example",
    "object_store": "https://store.example",
    "object_store_region": "fr",
    "certificate_authority": "/ca.pem",
}
SECRETS = {
    "imagerie/volumes/host/data/active": "canary-active",
    "imagerie/backups/host/repository": "canary-password",
    "imagerie/object-store/hosting-imagerie-backup": json.dumps(
        {"access_key_id": "canary-id", "secret_access_key": "canary-key"}
    ),
}


class FakeVault(Vault):
    """A vault that answers from memory, in the words of the real one."""

    creation_path = "auth/approle/role/hosting-imagerie-host/secret-id"

    def __init__(self, engines: settings.Engines) -> None:
        self.revoked: list[str | None] = []

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, token: str | None = None) -> Any:
        match method, path.split("/"):
            case "POST", ["sys", "wrapping", "lookup"]:
                return {"data": {"creation_path": self.creation_path}}
            case "POST", ["sys", "wrapping", "unwrap"]:
                return {"data": {"secret_id": "canary-secret-id", "secret_id_accessor": "accessor"}}
            case "POST", ["auth", "approle", "login"] if body and body["secret_id"] == "canary-secret-id":
                return {"auth": {"client_token": "canary-login"}}
            case "GET", ["kv", "data", "hosting", *entry]:
                metadata = {"custom_metadata": {"wrapped-by": "hosting-imagerie-volumes"}}
                return {"data": {"data": {"ciphertext": "/".join(entry)}, "metadata": metadata}}
            case "POST", ["transit", "decrypt", "hosting-imagerie-volumes"] if body:
                return {"data": {"plaintext": base64.b64encode(SECRETS[body["ciphertext"]].encode()).decode()}}
            case "POST", ["auth", "token", "revoke-self"]:
                self.revoked.append(token)
                return {}
        raise VaultError(f"the vault refused {method} {path} (403)")


class Machine:
    """A directory that stands for the host's, with tools that note how they were called."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.log = root / "log"
        self.log.touch()
        self.devices = root / "dev"
        for directory in ("dev/hosting", "dev/mapper", "bin", "srv"):
            (root / directory).mkdir(parents=True)
        self.device = self.devices / "hosting" / "imagerie-data"
        self.device.write_bytes(bytes(8192))
        for tool in FAKES.iterdir():
            (root / "bin" / tool.name).symlink_to(FAKES / "cryptsetup")
        monkeypatch.setitem(processes.PATH, "PATH", f"{root}/bin:/usr/bin:/bin")
        monkeypatch.setitem(processes.PATH, "FAKE_ROOT", str(root))
        for module, name, value in (
            (settings, "ENGINES", root / "engines.json"),
            (settings, "APPLICATIONS", root / "applications"),
            (identity, "IDENTITIES", root / "identities"),
            (identity, "CREDENTIALS", root / "credentials"),
            (identity, "Vault", FakeVault),
            (locks, "LOCKS", root / "locks"),
            (volume, "DEVICES", self.devices),
            (volume, "MAPPER", self.devices / "mapper"),
            (growth, "MAPPER", self.devices / "mapper"),
            (volume, "HEADERS", root / "headers"),
            (backup, "HEADERS", root / "headers"),
            (backup, "mounts", lambda: self.mounted),
            (mounts, "mounts", lambda: self.mounted),
            (volume, "mounts", lambda: self.mounted),
        ):
            monkeypatch.setattr(module, name, value)
        self.mounted: dict[str, str] = {}
        (root / "applications").mkdir()
        (root / "engines.json").write_text(json.dumps(ENGINES))
        application = json.loads(json.dumps(APPLICATION))
        application["volumes"]["data"]["device"] = str(self.device)
        application["backup"]["mount_points"] = [str(root / "srv" / "imagerie")]
        application["backup"]["marker"] = str(root / "marker.json")
        (root / "applications" / "imagerie.json").write_text(json.dumps(application))
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(root / "given"))
        (root / "given").mkdir()
        (root / "given" / "hosting-imagerie").write_text("canary-secret-id")
        self.tags("hosting-blank,hosting-owner=imagerie")

    def tags(self, tags: str) -> None:
        (self.root / "tags").write_text(tags)

    def order(self, **changes: Any) -> str:
        order = {
            "volume_group": "hosting",
            "logical_volume": "imagerie-data",
            "filesystem": "ext4",
            "mount_point": str(self.root / "srv" / "imagerie"),
            "label": "hosting-imagerie-data",
            "cipher": "aes-xts-plain64",
            "key_bits": 512,
            "pbkdf": "argon2id",
            "memory_kib": 32768,
            "iterations": 4,
            "lanes": 1,
            "active": "canary-active",
            "recovery": "canary-recovery",
        }
        return json.dumps({**order, **changes})

    def calls(self) -> list[str]:
        return self.log.read_text().splitlines()

    def tools(self) -> list[str]:
        return [" ".join(word for word in call.split() if not word.startswith("-"))[:60] for call in self.calls()]


@pytest.fixture(name="machine")
def _machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    yield Machine(tmp_path, monkeypatch)
    assert "canary" not in (tmp_path / "log").read_text()  # no secret in any argument or environment


# -- volumes ----------------------------------------------------------------------------------------------------------


def verbs(machine: Machine) -> list[str]:
    return [" ".join(call.split()[:2]) for call in machine.calls()]


MADE = [
    "chattr -i",
    "chattr +i",
    "lvs --reportformat=json",
    "cryptsetup luksFormat",
    "cryptsetup luksAddKey",
    "cryptsetup luksHeaderBackup",
    "cryptsetup open",  # the copy of the header, with the recovery passphrase
    "cryptsetup open",
    "mkfs.ext4 -q",
    "cryptsetup close",
    "lvchange --deltag=hosting-blank",
]


def test_the_tag_goes_when_everything_else_is_done(machine: Machine) -> None:
    volume.prepare(machine.order())
    assert verbs(machine) == MADE
    assert (machine.root / "headers" / "hosting-imagerie-data.luks").exists()


def test_the_cost_of_a_passphrase_is_given_to_cryptsetup(machine: Machine) -> None:
    volume.prepare(machine.order())
    for call in machine.calls()[3:5]:
        for option in ("pbkdf=argon2id", "pbkdf-memory=32768", "pbkdf-force-iterations=4", "pbkdf-parallel=1"):
            assert f"--{option}" in call


@pytest.mark.parametrize("step", range(3, len(MADE)))
def test_killed_at_any_step_the_next_run_makes_it_again(machine: Machine, step: int) -> None:
    (machine.root / "die_at").write_text(str(step))
    with pytest.raises(AgentError):
        volume.prepare(machine.order())
    (machine.root / "die_at").unlink()
    machine.log.write_text("")
    volume.prepare(machine.order())
    assert [verb for verb in verbs(machine) if verb != "cryptsetup close"] == [
        verb for verb in MADE if verb != "cryptsetup close"
    ]
    assert (machine.root / "tags").read_text() == "hosting-owner=imagerie"


def test_a_used_volume_is_never_formatted(machine: Machine) -> None:
    volume.prepare(machine.order())
    machine.log.write_text("")
    volume.prepare(machine.order())
    assert "cryptsetup luksFormat" not in verbs(machine)
    assert "mkfs.ext4 -q" not in verbs(machine)


def test_a_header_that_is_not_ours_is_left_alone(machine: Machine) -> None:
    volume.prepare(machine.order())
    with pytest.raises(AgentError, match="is labelled 'hosting-imagerie-data', not 'other'"):
        volume.prepare(machine.order(label="other"))


def test_a_volume_that_our_passphrase_does_not_open_is_left_alone(machine: Machine) -> None:
    volume.prepare(machine.order())
    machine.log.write_text("")
    with pytest.raises(AgentError, match="does not open"):
        volume.prepare(machine.order(active="canary-wrong"))
    assert verbs(machine)[-1] == "cryptsetup open"


def test_a_volume_without_header_and_tag_is_left_alone(machine: Machine) -> None:
    machine.tags("")
    with pytest.raises(AgentError, match="is labelled None"):
        volume.prepare(machine.order())
    assert "cryptsetup luksFormat" not in verbs(machine)


def test_a_missing_recovery_passphrase_is_added(machine: Machine) -> None:
    volume.prepare(machine.order())
    state = json.loads((machine.root / "luks.json").read_text())
    del state["slots"]["1"]
    (machine.root / "luks.json").write_text(json.dumps(state))
    volume.prepare(machine.order())
    assert json.loads((machine.root / "luks.json").read_text())["slots"]["1"] == "canary-recovery"


def test_a_volume_in_use_is_not_formatted_whatever_its_tag_says(machine: Machine) -> None:
    (machine.devices / "mapper" / "hosting-imagerie-data").touch()
    machine.mounted = {"/mnt": str(machine.devices / "mapper" / "hosting-imagerie-data")}
    with pytest.raises(AgentError, match="is mounted: it is not formatted"):
        volume.prepare(machine.order())
    assert "cryptsetup luksFormat" not in verbs(machine)


def test_a_run_waits_for_what_a_killed_one_left_running(machine: Machine) -> None:
    (machine.root / "locks").mkdir()
    with (machine.root / "locks" / "hosting-imagerie-data.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        follower = Thread(target=volume.prepare, args=(machine.order(),))
        follower.start()
        time.sleep(0.3)
        assert machine.calls() == []
        machine.tags("")  # what the one before did last
        machine.device.write_bytes(b"LUKS\xba\xbe".ljust(24, b"\0") + b"hosting-imagerie-data".ljust(8168, b"\0"))
        (machine.root / "luks.json").write_text(json.dumps({"slots": {"0": "canary-active", "1": "canary-recovery"}}))
    follower.join()
    assert "cryptsetup luksFormat" not in verbs(machine)


def growing(machine: Machine, filesystem: str = "ext4", **changes: Any) -> list[str]:
    """Ask for 2 GiB where there is 1, and give the commands that this took."""
    machine.log.write_text("")
    order = json.loads(machine.order(filesystem=filesystem))
    names = ("volume_group", "logical_volume", "filesystem", "mount_point", "label", "active")
    growth.grow(json.dumps({**{name: order[name] for name in names}, "size_gib": 2, **changes}))
    return machine.calls()


@pytest.mark.parametrize(("filesystem", "fill"), [("ext4", "resize2fs"), ("xfs", "xfs_growfs")])
def test_a_volume_grows_from_the_bottom_to_the_top(machine: Machine, filesystem: str, fill: str) -> None:
    volume.prepare(machine.order())
    found = growing(machine, filesystem)
    assert [call.split()[0] for call in found] == ["lvs", "lvextend", "cryptsetup", fill]
    assert found[1] == "lvextend --size=2g hosting/imagerie-data"
    assert found[2] == "cryptsetup resize --key-file=- hosting-imagerie-data"
    on = machine.devices / "mapper" / "hosting-imagerie-data" if filesystem == "ext4" else machine.root / "srv/imagerie"
    assert found[3] == f"{fill} {on}"
    assert [call.split()[0] for call in growing(machine, filesystem)] == ["lvs", "cryptsetup", fill]


@pytest.mark.parametrize("step", range(4))
def test_a_volume_whose_growth_was_killed_goes_on_growing(machine: Machine, step: int) -> None:
    volume.prepare(machine.order())
    (machine.root / "die_at").write_text(str(step))
    with pytest.raises(AgentError):
        growing(machine)
    (machine.root / "die_at").unlink()
    assert growing(machine)[-1].startswith("resize2fs")
    assert (machine.root / "lv_size").read_text() == str(2 << 30)


def test_a_wrong_passphrase_lets_nothing_grow_above_the_logical_volume(machine: Machine) -> None:
    volume.prepare(machine.order())
    with pytest.raises(AgentError, match="No key available"):
        growing(machine, active="another")
    assert not any(call.startswith("resize2fs") for call in machine.calls())


def test_files_below_a_mount_point_are_not_hidden(machine: Machine) -> None:
    (machine.root / "srv" / "imagerie").mkdir()
    (machine.root / "srv" / "imagerie" / "file").touch()
    with pytest.raises(AgentError, match="is not empty"):
        volume.prepare(machine.order())
    assert "cryptsetup luksFormat" not in verbs(machine)


def test_the_directory_below_a_mount_point_cannot_be_written_to(machine: Machine) -> None:
    volume.prepare(machine.order())
    assert (machine.root / "srv" / "imagerie").stat().st_mode & 0o777 == 0


def test_a_volume_is_opened_with_the_vaults_passphrase(machine: Machine) -> None:
    volume.prepare(machine.order())
    volume.unlock("imagerie", "data")
    assert (machine.devices / "mapper" / "hosting-imagerie-data").exists()
    machine.log.write_text("")
    volume.unlock("imagerie", "data")
    assert machine.calls() == []


def test_another_volume_in_its_place_is_not_opened(machine: Machine) -> None:
    volume.prepare(machine.order(label="hosting-other-data"))
    with pytest.raises(AgentError, match="it is not this volume"):
        volume.unlock("imagerie", "data")


def test_an_order_does_not_show_its_passphrases(machine: Machine) -> None:
    assert "canary" not in repr(volume.Order(**json.loads(machine.order())))


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


def test_a_login_is_over_when_its_block_is() -> None:
    vault = FakeVault(settings.Engines(**ENGINES))
    with Session(vault, "canary-login") as session:
        assert session.reveal("imagerie/backups/host/repository") == "canary-password"
    assert vault.revoked == ["canary-login"]


# -- backups ----------------------------------------------------------------------------------------------------------


def marker(machine: Machine) -> Any:
    return json.loads((machine.root / "marker.json").read_text())


def mounted(machine: Machine) -> None:
    machine.mounted = {str(machine.root / "srv" / "imagerie"): "/dev/mapper/hosting-imagerie-data"}


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
