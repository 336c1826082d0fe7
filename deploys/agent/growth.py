"""Let a volume grow while it is in use: the logical volume, the encryption above it, the file system above that.

Nothing is copied, and each step looks for itself how far it has to go: a run that follows a killed one begins again.
"""

import json
from dataclasses import dataclass

from .locks import alone
from .processes import run
from .volume import MAPPER


@dataclass(frozen=True)
class Growth:
    """A volume that is to become larger, and the passphrase that lets its encryption know."""

    volume_group: str
    logical_volume: str
    size_gib: int
    filesystem: str
    mount_point: str
    label: str
    active: str

    def __repr__(self) -> str:
        return f"Growth({self.label})"


def grow(text: str) -> None:
    """Bring a mounted volume to its size; it never becomes smaller."""
    order = Growth(**json.loads(text))
    with alone(order.label):
        _extend(order)
        run(["cryptsetup", "resize", "--key-file=-", order.label], order.active)
        run([*_FILL[order.filesystem], order.mount_point if order.filesystem == "xfs" else str(MAPPER / order.label)])


_FILL = {"ext4": ["resize2fs"], "xfs": ["xfs_growfs"]}


def _extend(order: Growth) -> None:
    name = f"{order.volume_group}/{order.logical_volume}"
    report = json.loads(run(["lvs", "--reportformat=json", "--units=b", "--nosuffix", "--options=lv_size", name]))
    if int(report["report"][0]["lv"][0]["lv_size"]) < order.size_gib << 30:
        run(["lvextend", f"--size={order.size_gib}g", name])
