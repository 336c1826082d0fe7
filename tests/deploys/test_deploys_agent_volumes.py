"""Volumes by the host's agent: what it does in which order, where it may be killed, and what it never formats."""

import fcntl
import json
import time
from threading import Thread
from typing import Any

import pytest
from agent_machine import Machine

from deploys.agent import growth, volume
from deploys.agent.settings import AgentError
from deploys.agent.vault import VaultError
from deploys.slots import HOMES


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


def test_a_rotated_passphrase_is_found_in_whichever_slot_it_is(machine: Machine) -> None:
    volume.prepare(machine.order())
    (machine.root / "luks.json").write_text(json.dumps({"slots": {"2": "canary-active", "3": "canary-recovery"}}))
    machine.log.write_text("")
    volume.prepare(machine.order())
    assert "cryptsetup luksAddKey" not in verbs(machine)


def test_a_recovery_passphrase_goes_into_one_of_its_slots_and_into_no_other(machine: Machine) -> None:
    assert HOMES["recovery"] == volume.RECOVERY_SLOTS
    volume.prepare(machine.order())
    for held, taken in (({"2": "canary-active", "1": "canary"}, "3"), ({"1": "canary", "3": "canary"}, None)):
        (machine.root / "luks.json").write_text(json.dumps({"slots": {"0": "canary-active", **held}}))
        if taken is None:
            with pytest.raises(AgentError, match="hold another: nothing is done"):
                volume.prepare(machine.order())
        else:
            volume.prepare(machine.order())
            assert json.loads((machine.root / "luks.json").read_text())["slots"][taken] == "canary-recovery"


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


def told(machine: Machine) -> list[str]:
    lines = (machine.root / "metrics" / "hosting-volume.imagerie.data.prom").read_text().splitlines()
    return [line.removeprefix("hosting_volume_") for line in lines if not line.startswith("#")]


LABELS = 'application="imagerie",host="host",volume="data"'


def test_the_monitoring_hears_that_a_volume_is_open(machine: Machine) -> None:
    volume.prepare(machine.order())
    volume.unlock("imagerie", "data")
    assert told(machine) == [f"opened{{{LABELS}}} 1"]


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (VaultError("it is sealed", "vault-sealed"), "vault-sealed"),
        (VaultError("it is another's"), "vault-refused"),
        (AgentError("who knows"), "failure"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_monitoring_hears_what_a_volume_waits_for(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, trouble: AgentError, reason: str
) -> None:
    def refuse(name: str) -> None:
        raise trouble

    volume.prepare(machine.order())
    monkeypatch.setattr(volume, "login", refuse)
    with pytest.raises(AgentError, match=str(trouble)):
        volume.unlock("imagerie", "data")
    assert told(machine) == [f"opened{{{LABELS}}} 0", f'waiting{{{LABELS},reason="{reason}"}} 1']


def test_the_monitoring_hears_of_another_volume_in_its_place(machine: Machine) -> None:
    volume.prepare(machine.order(label="hosting-other-data"))
    with pytest.raises(AgentError, match="it is not this volume"):
        volume.unlock("imagerie", "data")
    assert told(machine)[1].endswith('reason="device"} 1')


def test_a_word_that_cannot_be_left_keeps_no_volume_closed(machine: Machine) -> None:
    volume.prepare(machine.order())
    (machine.root / "metrics").write_text("no folder")
    volume.unlock("imagerie", "data")
    assert (machine.devices / "mapper" / "hosting-imagerie-data").exists()


def test_an_order_does_not_show_its_passphrases(machine: Machine) -> None:
    assert "canary" not in repr(volume.Order(**json.loads(machine.order())))
