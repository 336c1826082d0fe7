"""The end of a volume by the host's agent: in which order, what is tried, and what it never touches."""

import json
from pathlib import Path
from typing import Any

import pytest
from agent_machine import Machine

from deploys.agent import erasure, headers, scratch, volume
from deploys.agent.settings import AgentError

OWN = "hosting-owner=imagerie,hosting-volume=data"
LABEL = "hosting-imagerie-data"
ENDING = ["systemctl disable", "systemctl stop", "cryptsetup erase"]
"""What changes anything, and comes last but for looking at it."""


@pytest.fixture
def made(machine: Machine) -> Machine:
    """Give a host with a volume behind both passphrases, and nothing noted of how it was made."""
    volume.prepare(machine.order())
    machine.tags(OWN)
    machine.log.write_text("")
    return machine


def order(**changes: Any) -> str:
    named = {
        "application": "imagerie",
        "volume": "data",
        "volume_group": "hosting",
        "logical_volume": "imagerie-data",
        "label": LABEL,
        "passphrases": {"active": "canary-active", "recovery": "canary-recovery"},
    }
    return json.dumps({**named, **changes})


def verbs(machine: Machine) -> list[str]:
    return [" ".join(call.split()[:2]) for call in machine.calls()]


def slots(machine: Machine) -> dict[str, str]:
    found: dict[str, str] = json.loads((machine.root / "luks.json").read_text())["slots"]
    return found


def hold_open(machine: Machine, name: str) -> None:
    """Let the kernel have the volume open under *name*."""
    holder = machine.root / "block" / machine.device.name / "holders" / "dm-7"
    holder.mkdir(parents=True)
    described = machine.root / "block" / "dm-7" / "dm"
    described.mkdir(parents=True)
    (described / "name").write_text(f"{name}\n")


def test_every_slot_ends_once_the_units_are_stopped_and_what_opened_it_is_told(made: Machine) -> None:
    found = erasure.erase(order())
    assert (found["slots_before"], found["opened_before"]) == (["0", "1"], {"active": "0", "recovery": "1"})
    assert (found["slots"], found["copies_ended"], slots(made)) == ([], [f"{LABEL}.luks"], {})
    assert [verb for verb in verbs(made) if verb in ENDING] == ENDING
    assert "systemctl stop hosting-volume-imagerie-data.service" in made.calls()
    assert not headers.copy_of(LABEL).exists()


def test_copies_that_killed_runs_left_end_too_and_are_written_over_first(made: Machine, tmp_path: Path) -> None:
    for path in headers.copies_of(LABEL):
        path.write_bytes(b"a header")
    kept = tmp_path / "the same blocks"
    kept.hardlink_to(headers.copy_of(LABEL))
    assert len(erasure.erase(order())["copies_ended"]) == 3
    assert kept.read_bytes() == bytes(8)
    assert [path.exists() for path in headers.copies_of(LABEL)] == [False, False, False]


def test_a_volume_that_somebody_opened_by_another_name_is_let_go_of_first(made: Machine) -> None:
    hold_open(made, "by-hand")
    made.mounted = {"/mnt": "/dev/dm-7", "/": "/dev/vda1"}
    erasure.erase(order())
    assert [call for call in made.calls() if call.startswith(("umount", "cryptsetup close", "cryptsetup erase"))] == [
        "umount /mnt",
        "cryptsetup close by-hand",
        f"cryptsetup erase --batch-mode {made.device}",
    ]


def test_a_volume_that_stays_open_is_not_ended(made: Machine) -> None:
    hold_open(made, "by-hand")
    (made.root / "block" / made.device.name / "holders" / "dm-7" / "still").touch()
    with pytest.raises(AgentError, match=r"cryptsetup close failed|still open as by-hand"):
        erasure.erase(order())
    assert slots(made).keys() == {"0", "1"}


@pytest.mark.parametrize(
    ("tags", "changes", "reason"),
    [
        (OWN, {"volume_group": "system"}, "'system' is not the volume group of ours"),
        ("hosting-owner=imagerie", {}, "is not tagged hosting-volume=data"),
        ("hosting-owner=other,hosting-volume=data", {}, "is not tagged hosting-owner=imagerie"),
        ("", {}, "is not tagged hosting-owner=imagerie, hosting-volume=data"),
        (OWN, {"volume": "other"}, "is not tagged hosting-volume=other"),
        (OWN, {"label": "hosting-imagerie-other"}, f"is labelled '{LABEL}', not 'hosting-imagerie-other'"),
    ],
    ids=["another group", "no volume", "another owner", "no tags", "another volume", "another label"],
)
@pytest.mark.parametrize("does", [erasure.erase, erasure.try_erased], ids=["erase", "try"])
def test_what_is_not_provably_the_volume_is_left_alone(
    made: Machine, tags: str, changes: dict[str, Any], reason: str, does: Any
) -> None:
    made.tags(tags)
    with pytest.raises(AgentError, match=reason):
        does(order(**changes))
    assert not set(ENDING) & set(verbs(made))
    assert (slots(made).keys(), headers.copy_of(LABEL).exists()) == ({"0", "1"}, True)


def test_a_device_without_a_header_is_left_alone(made: Machine) -> None:
    made.device.write_bytes(bytes(8192))
    with pytest.raises(AgentError, match="is labelled None"):
        erasure.erase(order())
    assert not set(ENDING) & set(verbs(made))


def test_killed_at_any_step_the_next_run_ends_it(made: Machine) -> None:
    erasure.erase(order())
    count = len(made.calls())
    for step in range(count):
        volume_again(made)
        (made.root / "die_at").write_text(str(step))
        try:
            erasure.erase(order())
        except AgentError as error:
            assert "canary" not in str(error)
        (made.root / "die_at").unlink()
        made.log.write_text("")
        erasure.erase(order())
        assert (slots(made), headers.copy_of(LABEL).exists()) == ({}, False)


def volume_again(machine: Machine) -> None:
    (machine.root / "luks.json").write_text(json.dumps({"slots": {"0": "canary-active", "1": "canary-recovery"}}))
    headers.copy_of(LABEL).write_bytes(b"a header")
    machine.log.write_text("")


def test_trying_tells_what_still_opens_it_and_what_is_left(made: Machine) -> None:
    hold_open(made, "by-hand")
    before = erasure.try_erased(order())
    assert before == {
        "tried": ["active", "recovery"],
        "opening": ["active", "recovery"],
        "slots": ["0", "1"],
        "open_as": ["by-hand"],
        "copies": [f"{LABEL}.luks"],
    }
    erasure.erase(order())
    after = erasure.try_erased(order())
    assert (after["tried"], after["opening"], after["slots"]) == (["active", "recovery"], [], [])
    assert (after["open_as"], after["copies"]) == ([], [])


def test_what_a_killed_drill_left_open_goes_too(made: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    removed: list[tuple[str, str]] = []
    monkeypatch.setattr(scratch, "remove", lambda group, name: removed.append((group, name)))
    erasure.erase(order())
    assert removed == [("hosting", "imagerie")]


def test_a_passphrase_that_opened_nothing_before_is_told_as_such(made: Machine) -> None:
    found = erasure.erase(order(passphrases={"active": "canary-of-another"}))
    assert found["opened_before"] == {"active": None}
