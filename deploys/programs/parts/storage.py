"""Devices and what is on them, and volumes of ours down to the mounted file system."""

from __future__ import annotations

import contextlib
import json
import os

from deploys.programs.parts.files import content_of
from deploys.programs.parts.filesystems import read_filesystem
from deploys.programs.parts.fork import Fork
from deploys.programs.parts.luks import header_or_damage, saved_checksum

TYPE_CHECKING = False  # what type checkers take for true; importing `typing` for it would cost a tenth of the run
if TYPE_CHECKING:
    from typing import Any

MIB = 1 << 20


def read_storage(wanted: Any, forks: dict[str, Fork]) -> Any:
    """Describe the devices that are asked for, and every volume in our volume group."""
    rows = _lvm_rows(forks["lvm"])
    members = {os.path.realpath(row["pv_name"]): row for row in rows}
    mounts = _read_mounts()
    # A row for each part of a volume on a device, and one for what is free.
    ours = {row["lv_name"]: row for row in rows if row["lv_name"] and row["vg_name"] == wanted["volume_group"]}
    return {
        "groups": sorted({found["vg_name"] for found in members.values()} - {""}),
        "devices": {path: _read_device(path, members, mounts) for path in wanted["devices"]},
        "volumes": {name: _read_volume(row, mounts, wanted["headers"]) for name, row in ours.items()},
    }


def _lvm_rows(fork: Fork) -> list[dict[str, str]]:
    if fork.pid is None:
        return []
    rows: list[dict[str, str]] = json.loads(fork.text())["report"][0]["pv"]
    return rows


def _read_mounts() -> dict[str, list[list[str]]]:
    """Give the mount points of each device, and their file systems."""
    mounts: dict[str, list[list[str]]] = {}
    for line in content_of("/proc/self/mountinfo").decode().splitlines():
        before, after = line.split(" - ", 1)
        kind, device = after.split(" ")[:2]
        point = before.split(" ")[4].encode().decode("unicode_escape")
        mounts.setdefault(os.path.realpath(device), []).append([point, kind])
    return mounts


def _read_device(path: str, members: dict[str, Any], mounts: dict[str, Any]) -> dict[str, Any]:
    """Say what is on a device: everything that forbids taking it."""
    real = os.path.realpath(path)
    if not os.path.exists(real):
        return {"present": False}
    member = members.get(real, {})
    if member.get("vg_name"):
        return {"present": True, "volume_group": member["vg_name"]}
    found: dict[str, Any] = {"present": True, "volume_group": None, "member_uuid": member.get("pv_uuid")}
    try:
        sysfs = "/sys/class/block/" + os.path.basename(real)
        found["size_bytes"] = 512 * int(content_of(sysfs + "/size"))
        found["holders"] = os.listdir(sysfs + "/holders")
        found["partitions"] = [name for name in os.listdir(sysfs) if os.path.exists(f"{sysfs}/{name}/partition")]
        found["mounts"] = [point for point, kind in mounts.get(real, ())]
        found["signatures"] = _signatures(real)
        found["edges_zero"] = _edges_are_zero(real, found["size_bytes"])
    except (OSError, ValueError, LookupError) as error:
        found["unreadable"] = f"{type(error).__name__}: {error}"
    return found


def _signatures(device: str) -> list[str]:
    """List every signature that libblkid knows, however many there are."""
    text = Fork(["wipefs", "--no-act", "--json", device]).text()
    return [entry["type"] for entry in json.loads(text)["signatures"]] if text.strip() else []


def _edges_are_zero(device: str, size: int) -> bool:
    with open(device, "rb", buffering=0) as stream:
        first = stream.read(MIB)
        stream.seek(max(0, size - MIB))
        last = stream.read(MIB)
    return not any(first) and not any(last)


def _read_volume(found: dict[str, str], mounts: dict[str, Any], headers: str) -> dict[str, Any]:
    """Describe a logical volume of ours down to the mounted file system."""
    device = f"/dev/{found['vg_name']}/{found['lv_name']}"
    volume = {
        "size_bytes": int(found["lv_size"]),
        "tags": [tag for tag in found["lv_tags"].split(",") if tag],
        "mounts": mounts.get(os.path.realpath(device), []),
    }
    try:
        header, damage = header_or_damage(device)
        volume["luks"] = header
        if damage:
            volume["damage"] = damage
        elif header is None:
            volume["signatures"] = _signatures(device)
        else:
            header["saved_checksum"] = saved_checksum(f"{headers}/{header['label']}.luks")
            volume.update(_read_opened(header, mounts))
    except (OSError, ValueError, LookupError) as error:
        volume["unreadable"] = f"{type(error).__name__}: {error}"
    return volume


def _read_opened(header: dict[str, Any], mounts: dict[str, Any]) -> dict[str, Any]:
    """Find the opened device of a header, its file system and where it is mounted."""
    prefix = f"CRYPT-LUKS2-{header['uuid'].replace('-', '')}-"
    for name in os.listdir("/sys/class/block"):
        with contextlib.suppress(FileNotFoundError):
            if name.startswith("dm-") and content_of(f"/sys/class/block/{name}/dm/uuid").decode().startswith(prefix):
                mapper = content_of(f"/sys/class/block/{name}/dm/name").decode().strip()
                mounted = mounts.get(os.path.realpath(f"/dev/{name}"), [])
                return {"mapper": mapper, **read_filesystem(f"/dev/{name}", mounted), "mounts": mounted}
    return {"mapper": None, "filesystem": None, "filesystem_bytes": None}
