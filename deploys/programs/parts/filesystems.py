"""What file system a device has, and how large it is: by its superblock."""

from __future__ import annotations

import os
import struct

TYPE_CHECKING = False  # what type checkers take for true; importing `typing` for it would cost a tenth of the run
if TYPE_CHECKING:
    from typing import Any


def read_filesystem(device: str, mounts: list[list[str]]) -> dict[str, Any]:
    """Name the file system of a device and say how large it is.

    By its superblock; but XFS keeps that of a mounted file system to itself for a while, and is asked.
    """
    with open(device, "rb") as stream:
        start = stream.read(2048)
    if start[:4] == b"XFSB":
        block_bytes, blocks = _xfs_geometry(mounts[0][0]) if mounts else struct.unpack(">IQ", start[4:16])
        return {"filesystem": "xfs", "filesystem_bytes": block_bytes * blocks}
    if start[0x438:0x43A] == b"\x53\xef":
        (low,), (shift,), (high,) = (struct.unpack("<I", start[at : at + 4]) for at in (0x404, 0x418, 0x550))
        return {"filesystem": "ext4", "filesystem_bytes": (high << 32 | low) * (1024 << shift)}
    return {"filesystem": None, "filesystem_bytes": None}


def _xfs_geometry(point: str) -> tuple[int, int]:
    """Ask XFS for the size of its blocks and for their number: XFS_IOC_FSGEOMETRY_V1 of the kernel's xfs_fs.h."""
    import fcntl

    descriptor = os.open(point, os.O_RDONLY)
    try:
        answer = fcntl.ioctl(descriptor, 0x80705864, bytes(112))
    finally:
        os.close(descriptor)
    return struct.unpack_from("=I", answer, 0)[0], struct.unpack_from("=Q", answer, 32)[0]
