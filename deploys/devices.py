"""Decide whether a device may be taken: only if nothing at all was found on it.  Pure.

A device with any signature, or one that could not be read, is never formatted (what may never break, 1).
"""

import hashlib
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any

GIB = 1 << 30


class Condition(StrEnum):
    """What a device is to us."""

    OURS = "ours"
    BLANK = "blank"
    REFUSED = "refused"


@dataclass(frozen=True)
class Verdict:
    """The condition of a device, and why it is refused."""

    condition: Condition
    reason: str = ""


def judge(found: Mapping[str, Any], *, host: str, path: str, size_gib: int, volume_group: str) -> Verdict:
    """Judge what a host said of the device *path*, declared to have *size_gib*."""
    if found.get("volume_group") == volume_group:
        return Verdict(Condition.OURS)
    reason = _obstacle(found, size_gib, is_half_made(found, host, path))
    return Verdict(Condition.REFUSED, f"{path} {reason}") if reason else Verdict(Condition.BLANK)


def is_half_made(found: Mapping[str, Any], host: str, path: str) -> bool:
    """Tell whether a run of ours was killed between marking the device and giving it to the volume group."""
    return found.get("member_uuid") == physical_volume_uuid(host, path) and found.get("signatures") == ["LVM2_member"]


def _obstacle(found: Mapping[str, Any], size_gib: int, half_made: bool) -> str | None:
    if not found.get("present"):
        return "does not exist"
    if found.get("volume_group"):
        return f"belongs to the volume group {found['volume_group']}"
    if found.get("unreadable"):
        return f"could not be read ({found['unreadable']})"
    return next(_contents(found, size_gib, half_made), None)


def _contents(found: Mapping[str, Any], size_gib: int, half_made: bool) -> Iterator[str]:
    size = found["size_bytes"] // GIB
    if size != size_gib:
        yield f"has {size} GiB where {size_gib} are declared"
    for attribute, words in (("mounts", "is mounted on"), ("partitions", "is parted into"), ("holders", "is held by")):
        if found[attribute]:
            yield f"{words} {', '.join(found[attribute])}"
    if found["signatures"] and not half_made:
        yield f"carries {', '.join(found['signatures'])}"
    if not found["edges_zero"] and not half_made:
        yield "has data in its first or last MiB"


def physical_volume_uuid(host: str, path: str) -> str:
    """Give the identifier under which we mark a device, so that a half-made one is known as ours."""
    letters = string.digits + string.ascii_letters
    digest = hashlib.sha512(f"hosting:{host}:{path}".encode()).digest()
    text = "".join(letters[byte % len(letters)] for byte in digest[:32])
    cuts = (0, 6, 10, 14, 18, 22, 26, 32)
    return "-".join(text[start:end] for start, end in pairwise(cuts))
