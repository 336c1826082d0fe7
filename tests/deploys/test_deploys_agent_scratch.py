"""The scratch volume of a drill: how large, what is refused, and that nothing but scratch is ever removed."""

import json
from pathlib import Path

import pytest
from agent_machine import Machine

from deploys import names
from deploys.agent import scratch
from deploys.agent.databases import SERVER_BYTES
from deploys.agent.settings import AgentError

MIB = 1 << 20


class Tools:
    """What lvm and cryptsetup would do, noted; a volume group with room and with volumes by their tags."""

    def __init__(self, free_bytes: int = 4096 * MIB, **tags: str) -> None:
        self.free_bytes = free_bytes
        self.tags = {name.replace("_", "-"): value for name, value in tags.items()}
        self.calls: list[list[str]] = []
        self.given: list[str] = []

    def run(self, argv: list[str], text: str = "") -> str:
        self.calls.append(argv)
        self.given.append(text)
        if argv[0] == "vgs":
            return json.dumps({"report": [{"vg": [{"vg_free": str(self.free_bytes)}]}]})
        if argv[0] == "lvs":
            rows = [{"lv_name": name, "lv_tags": tags} for name, tags in self.tags.items()]
            return json.dumps({"report": [{"lv": rows}]})
        return ""

    def verbs(self) -> list[str]:
        return [" ".join(word for word in argv[:2] if not word.startswith("-")) for argv in self.calls]


@pytest.fixture
def place(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let scratch volumes be mounted below the machine's own folder."""
    monkeypatch.setattr(scratch, "MOUNTED", machine.root / "drill")
    monkeypatch.setattr(scratch, "MAPPER", machine.devices / "mapper")
    monkeypatch.setattr(scratch, "mounts", lambda: machine.mounted)
    return machine.root / "drill" / "imagerie"


def using(monkeypatch: pytest.MonkeyPatch, tools: Tools) -> Tools:
    monkeypatch.setattr(scratch, "run", tools.run)
    return tools


def test_it_is_made_encrypted_under_a_passphrase_of_its_own_and_mounted(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = using(monkeypatch, Tools(imagerie_data="hosting-owner=imagerie"))
    assert scratch.make("imagerie", str(10 * MIB)) == str(place)
    assert tools.verbs() == [
        *("lvs", "vgs", "lvcreate", "cryptsetup luksFormat", "cryptsetup open"),
        *("mkfs.ext4", "mount"),
    ]
    create = tools.calls[2]
    assert {f"--addtag={names.SCRATCH_TAG}", "--name=hosting-imagerie-drill", "hosting"} <= set(create)
    passphrases = {text for text in tools.given if text}
    assert len(passphrases) == 1
    assert len(passphrases.pop()) > 80
    using(monkeypatch, again := Tools())
    scratch.make("imagerie", "1")
    assert {text for text in again.given if text}.isdisjoint(tools.given)


def test_what_a_killed_drill_left_goes_first(machine: Machine, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = using(monkeypatch, Tools(hosting_imagerie_drill=scratch.TAG))
    machine.mounted = {str(place): "/dev/mapper/hosting-imagerie-drill"}
    (machine.devices / "mapper" / "hosting-imagerie-drill").touch()
    scratch.end("imagerie")
    assert tools.verbs() == ["umount " + str(place), "cryptsetup close", "lvs", "lvremove"]
    assert tools.calls[-1][-1] == "hosting/hosting-imagerie-drill"


def test_a_volume_of_its_name_that_is_not_scratch_is_left_alone(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = using(monkeypatch, Tools(hosting_imagerie_drill="hosting-owner=imagerie"))
    for work in (lambda: scratch.end("imagerie"), lambda: scratch.make("imagerie", "1")):
        with pytest.raises(AgentError, match="not removed"):
            work()
    assert {verb.split()[0] for verb in tools.verbs()} == {"lvs"}


def test_a_volume_group_without_room_gets_none(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = using(monkeypatch, Tools(free_bytes=100 * MIB))
    with pytest.raises(AgentError, match="hosting has 100 MiB that no volume uses, and a drill needs 1224"):
        scratch.make("imagerie", str(1024 * MIB))
    assert "lvcreate" not in tools.verbs()


@pytest.mark.parametrize(
    ("needed", "databases", "least"),
    [(0, 0, 64 * MIB), (100 * MIB, 0, 160 * MIB), (100 * MIB, 2, 300 * MIB + 2 * SERVER_BYTES)],
    ids=["nothing", "files", "files, and two databases brought back from their dumps"],
)
def test_it_is_large_enough(needed: int, databases: int, least: int) -> None:
    size = scratch.size_bytes(needed, databases)
    assert least <= size <= 1.2 * least + 128 * MIB
    assert size % (4 * MIB) == 0


def test_the_controller_knows_scratch_by_the_same_tag() -> None:
    assert scratch.TAG == names.SCRATCH_TAG
