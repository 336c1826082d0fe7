"""How much of a host's data devices its volumes take: LVM gives room in whole extents, LUKS keeps a header.

LVM leaves the first MiB of a device to itself and gives out extents of 4 MiB; a LUKS2 header takes the first 16 MiB
of what it encrypts.
"""

from collections.abc import Iterable

from inventory.models import DataDevice, Volume

EXTENT_MIB = 4
LVM_METADATA_MIB = 1
LUKS_HEADER_MIB = 16
MIB_PER_GIB = 1024


def extents_of_device(device: DataDevice) -> int:
    """Count the extents that *device* has to give."""
    return (device.size_gib * MIB_PER_GIB - LVM_METADATA_MIB) // EXTENT_MIB


def extents_of_volume(volume: Volume) -> int:
    """Count the extents that *volume* needs for its data and its header."""
    return -(-(volume.size_gib * MIB_PER_GIB + LUKS_HEADER_MIB) // EXTENT_MIB)


def room_mib(devices: Iterable[DataDevice]) -> int:
    """Give the MiB that volumes can have of *devices*."""
    return sum(map(extents_of_device, devices)) * EXTENT_MIB


def need_mib(volumes: Iterable[Volume]) -> int:
    """Give the MiB that *volumes* take."""
    return sum(map(extents_of_volume, volumes)) * EXTENT_MIB
