"""On real hosts: a passphrase is rotated while its volume is in use, and a header that is destroyed comes back."""

import json

import pytest
from conftest import LabRunner, Ran

pytestmark = pytest.mark.timeout(900)

HOST, DEVICE = "dijon-app-1", "/dev/hosting/imagerie-beaune-data"
VOLUME = f"{HOST}:imagerie-beaune/data"
ACTIVE = f"imagerie-beaune/volumes/{HOST}/data/active"
UNIT, MOUNT = "hosting-volume-imagerie-beaune-data.service", "srv-imagerie.mount"


def slots(lab: LabRunner) -> list[str]:
    dump = json.loads(lab.on_machine(HOST, "cryptsetup", "luksDump", "--dump-json-metadata", DEVICE))
    return sorted(dump["keyslots"])


def asked_and_approved(lab: LabRunner, *command: str) -> None:
    asked = lab.run(*command)
    assert asked.status == 3, asked.output
    assert lab.run("approve", asked.data["procedure"], person="security-officer").status == 0


def standing(ran: Ran) -> str:
    (found,) = ran.data["volumes"]
    return str(found["state"])


def test_a_passphrase_is_rotated_under_a_mounted_volume(provisioned: LabRunner) -> None:
    before = slots(provisioned)
    mounted = provisioned.on_machine(HOST, "findmnt", "--noheadings", "--output", "SOURCE,UUID", "/srv/imagerie")
    asked_and_approved(provisioned, "key", "rotate", ACTIVE)
    rotated = provisioned.run("key", "rotate", ACTIVE)
    assert rotated.status == 0, rotated.output
    assert slots(provisioned) == (["1", "2"] if before == ["0", "1"] else ["0", "1"])
    assert (
        provisioned.on_machine(HOST, "findmnt", "--noheadings", "--output", "SOURCE,UUID", "/srv/imagerie") == mounted
    )
    listed = provisioned.run("volume", "list")
    assert (listed.status, standing(listed)) == (0, "in order")
    close_and_open(provisioned)
    assert provisioned.run("plan").status == 0


def close_and_open(lab: LabRunner) -> None:
    """Let the units themselves do it, as at boot: with what the vault gives, and the header that is on the device."""
    lab.on_machine(HOST, "systemctl", "stop", MOUNT, UNIT)
    lab.on_machine(HOST, "systemctl", "start", UNIT, MOUNT)


def test_a_header_destroyed_under_a_mounted_volume_is_never_formatted_and_comes_back(provisioned: LabRunner) -> None:
    assert provisioned.run("volume", "header", "save", VOLUME).status == 0
    provisioned.on_machine(HOST, "dd", "if=/dev/zero", f"of={DEVICE}", "bs=1M", "count=16", "conv=notrunc,fsync")
    try:
        (conflict,) = provisioned.run("plan").data["plan"]["conflicts"]
        assert "header is lost" in conflict["reason"]
        assert "hosting volume header restore" in conflict["reason"]
        asked_and_approved(provisioned, "volume", "header", "restore", VOLUME)
    finally:
        restored = provisioned.run("volume", "header", "restore", VOLUME, "--confirm", VOLUME)
    assert restored.status == 0, restored.output
    listed = provisioned.run("volume", "list")
    assert (listed.status, standing(listed)) == (0, "in order")
    close_and_open(provisioned)
    assert provisioned.run("plan").status == 0
