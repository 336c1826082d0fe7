"""Which devices may be taken: the table of everything that can be found on one."""

import re
from typing import Any

import pytest

from deploys.devices import GIB, Condition, judge, physical_volume_uuid

HOST, PATH = "dijon-app-1", "/dev/disk/by-id/virtio-data"
OURS = physical_volume_uuid(HOST, PATH)
BLANK: dict[str, Any] = {
    "present": True,
    "volume_group": None,
    "member_uuid": None,
    "size_bytes": 2 * GIB,
    "holders": [],
    "partitions": [],
    "mounts": [],
    "signatures": [],
    "edges_zero": True,
}
REFUSED = Condition.REFUSED


@pytest.mark.parametrize(
    ("found", "condition", "reason"),
    [
        pytest.param({}, Condition.BLANK, "", id="nothing at all on it"),
        pytest.param({"volume_group": "hosting"}, Condition.OURS, "", id="ours"),
        pytest.param(
            {"member_uuid": OURS, "signatures": ["LVM2_member"], "edges_zero": False},
            Condition.BLANK,
            "",
            id="ours, killed before the volume group was made",
        ),
        pytest.param({"present": False}, REFUSED, "does not exist", id="missing"),
        pytest.param({"volume_group": "data"}, REFUSED, "belongs to the volume group data", id="foreign LVM"),
        pytest.param(
            {"member_uuid": "foreign", "signatures": ["LVM2_member"], "edges_zero": False},
            REFUSED,
            "carries LVM2_member",
            id="foreign physical volume without a group",
        ),
        pytest.param(
            {"member_uuid": OURS, "signatures": ["LVM2_member", "ext4"], "edges_zero": False},
            REFUSED,
            "carries LVM2_member, ext4",
            id="our mark and something else",
        ),
        pytest.param({"signatures": ["ext4"]}, REFUSED, "carries ext4", id="ext4"),
        pytest.param({"signatures": ["gpt", "PMBR"]}, REFUSED, "carries gpt, PMBR", id="GPT"),
        pytest.param({"signatures": ["crypto_LUKS"]}, REFUSED, "carries crypto_LUKS", id="LUKS"),
        pytest.param({"partitions": ["vdb1"]}, REFUSED, "is parted into vdb1", id="parted"),
        pytest.param({"holders": ["md0"]}, REFUSED, "is held by md0", id="held by RAID"),
        pytest.param({"mounts": ["/mnt"]}, REFUSED, "is mounted on /mnt", id="mounted"),
        pytest.param({"edges_zero": False}, REFUSED, "has data in its first or last MiB", id="unknown data"),
        pytest.param({"size_bytes": GIB}, REFUSED, "has 1 GiB where 2 are declared", id="too small"),
        pytest.param({"size_bytes": 9 * GIB}, REFUSED, "has 9 GiB where 2 are declared", id="another disk"),
        pytest.param({"unreadable": "OSError: [Errno 5]"}, REFUSED, "could not be read", id="unreadable"),
    ],
)
def test_a_device_is_taken_only_if_nothing_is_on_it(found: dict[str, Any], condition: Condition, reason: str) -> None:
    verdict = judge({**BLANK, **found}, host=HOST, path=PATH, size_gib=2, volume_group="hosting")
    assert verdict.condition is condition
    assert verdict.reason.startswith(f"{PATH} {reason}" if reason else "")


def test_a_device_of_another_host_is_not_ours() -> None:
    assert physical_volume_uuid("other", PATH) != OURS
    assert physical_volume_uuid(HOST, "/dev/other") != OURS


def test_the_mark_is_one_that_lvm_accepts() -> None:
    assert re.fullmatch(r"[0-9A-Za-z]{6}(-[0-9A-Za-z]{4}){5}-[0-9A-Za-z]{6}", OURS)
