"""A LUKS2 header, read without any tool."""

from __future__ import annotations

import json
import struct

from deploys.programs.parts.files import sha256_of

TYPE_CHECKING = False  # what type checkers take for true; importing `typing` for it would cost a tenth of the run
if TYPE_CHECKING:
    from typing import Any

KDF = ("type", "memory", "time", "cpus")

_LARGEST_HEADER_BYTES = 4 << 20


def header_or_damage(device: str) -> tuple[dict[str, Any] | None, str | None]:
    """Part a header that is there and damaged, which a copy mends, from a device that could not be read."""
    try:
        return luks_header(device), None
    except ValueError as error:
        return None, str(error)


def luks_header(device: str) -> dict[str, Any] | None:
    """Give what a LUKS2 header says, ``None`` if there is none; raise ``ValueError`` for one that is damaged.

    The layout is that of the LUKS2 on-disk format specification, section 2.1.
    """
    with open(device, "rb") as stream:
        binary = bytearray(stream.read(4096))
        if binary[:6] != b"LUKS\xba\xbe":
            return None
        version, size = struct.unpack(">HQ", binary[6:16])
        if version != 2 or size > _LARGEST_HEADER_BYTES:
            raise ValueError(f"a LUKS header of version {version}, {size} bytes long")
        area = stream.read(size - 4096)
    checksum, binary[448:512] = bytes(binary[448:480]), bytes(64)
    if sha256_of(bytes(binary) + area) != checksum.hex():
        raise ValueError("the LUKS header does not match its checksum")
    described = json.loads(area.partition(b"\0")[0])
    return {
        "checksum": checksum.hex(),
        "label": binary[24:72].partition(b"\0")[0].decode(),
        "uuid": binary[168:208].partition(b"\0")[0].decode(),
        "ciphers": sorted({segment["encryption"] for segment in described["segments"].values()}),
        "flags": sorted(described["config"].get("flags", [])),
        "slots": {
            name: {"key_bits": 8 * slot["key_size"], **{key: slot["kdf"].get(key) for key in KDF}}
            for name, slot in described["keyslots"].items()
        },
    }


def saved_checksum(path: str) -> str | None:
    """Give the checksum of the copy of a header; a damaged copy has none, like one that is not there."""
    try:
        header = luks_header(path)
    except (FileNotFoundError, ValueError):
        return None
    return header["checksum"] if header else None
