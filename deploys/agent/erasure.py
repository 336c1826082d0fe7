"""End every slot of a volume whose keys are being destroyed, and try what once opened it: there is no way back.

The order names the volume three times over: by its volume group and logical volume, whose tags must say whose it is,
and by the label of its header.  Where one of them says otherwise, nothing is stopped, closed or written.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import scratch
from .headers import copies_of
from .locks import alone
from .luks import label_of, opened_slot, slots_of
from .mounts import mounts
from .processes import attempt, run
from .settings import AgentError

DEVICES = Path("/dev")
BLOCKS = Path("/sys/class/block")
VOLUME_GROUP = "hosting"


@dataclass(frozen=True)
class Erasure:
    """A volume that is to end, and what opened it, by the names that the answer calls them by."""

    application: str
    volume: str
    volume_group: str
    logical_volume: str
    label: str
    passphrases: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Erasure({self.label})"

    @property
    def device(self) -> str:
        """The logical volume."""
        return f"{DEVICES}/{self.volume_group}/{self.logical_volume}"


def erase(text: str) -> dict[str, Any]:
    """Stop what uses the volume, close it, end every slot of its header and every copy of that which is kept here.

    What a killed drill left of its data goes too.  Say which slot each passphrase opened before: one that opened none
    proves nothing afterwards.  Idempotent.
    """
    order = Erasure(**json.loads(text))
    with alone(order.label):
        _refuse_another(order)
        slots = slots_of(order.device)
        opened = {name: opened_slot(order.device, it, slots) for name, it in order.passphrases.items()}
        _let_go(order)
        _end_drill(order)
        run(["cryptsetup", "erase", "--batch-mode", order.device])
        if left := slots_of(order.device):
            raise AgentError(f"{order.device} still has slot {', '.join(left)} after its slots were ended")
        copies = _end_copies(order.label)
    return {"slots_before": slots, "opened_before": opened, "slots": [], "copies_ended": copies}


def try_erased(text: str) -> dict[str, Any]:
    """Try every passphrase on what is left of the volume; say which opens it, and what else of it is still here."""
    order = Erasure(**json.loads(text))
    with alone(order.label):
        _refuse_another(order)
        return {
            "tried": sorted(order.passphrases),
            "opening": sorted(name for name, it in order.passphrases.items() if _opens(order.device, it)),
            "slots": slots_of(order.device),
            "open_as": [name for name, _ in _holders(order.device)],
            "copies": [path.name for path in copies_of(order.label) if path.exists()],
        }


def _opens(device: str, passphrase: str) -> bool:
    """Tell whether *passphrase* opens the volume; here, unlike elsewhere, a header without any slot is no surprise."""
    argv = ["cryptsetup", "open", "--test-passphrase", "--type=luks2", "--key-file=-", device]
    return attempt(argv, passphrase).returncode == 0


def _refuse_another(order: Erasure) -> None:
    """Raise ``AgentError`` unless group, logical volume, tags and label all say that this is the volume."""
    if order.volume_group != VOLUME_GROUP:
        raise AgentError(f"{order.volume_group!r} is not the volume group of ours: nothing is done to it")
    name = f"{order.volume_group}/{order.logical_volume}"
    report = json.loads(run(["lvs", "--reportformat=json", "--options=lv_tags", name]))
    tags = set(str(report["report"][0]["lv"][0]["lv_tags"]).split(","))
    if missing := {f"hosting-owner={order.application}", f"hosting-volume={order.volume}"} - tags:
        raise AgentError(f"{name} is not tagged {', '.join(sorted(missing))}: nothing is done to it")
    found = label_of(order.device)
    if found != order.label:
        raise AgentError(f"{order.device} is labelled {found!r}, not {order.label!r}: nothing is done to it")


def _let_go(order: Erasure) -> None:
    """Stop its units, which everything that needs it is bound to; then close whatever still holds the device."""
    # Where their files are removed already these fail, the one or both: what counts is that nothing holds the device.
    for verb in ("disable", "stop"):
        attempt(["systemctl", verb, f"hosting-volume-{order.application}-{order.volume}.service"])
    for name, device in _holders(order.device):
        for point, mounted in mounts().items():
            if os.path.realpath(mounted) == device:
                run(["umount", point])
        run(["cryptsetup", "close", name])
    if held := _holders(order.device):
        raise AgentError(f"{order.device} is still open as {held[0][0]}: nothing was ended")


def _end_drill(order: Erasure) -> None:
    """Remove what a killed drill may have left: its data is readable until the host restarts."""
    with alone(scratch.label_of(order.application)):
        scratch.remove(order.volume_group, order.application)


def _holders(device: str) -> list[tuple[str, str]]:
    """Name what the kernel has opened above a device, by whatever name somebody opened it, and the device it made."""
    holders = BLOCKS / Path(device).resolve().name / "holders"
    if not holders.is_dir():
        return []
    found = sorted(path.name for path in holders.iterdir())
    return [((BLOCKS / name / "dm" / "name").read_text().strip(), f"/dev/{name}") for name in found]


def _end_copies(label: str) -> list[str]:
    """Write over the copies of the header, and remove them: a passphrase of their time would open them."""
    ended = []
    for path in copies_of(label):
        if path.exists():
            with path.open("r+b", buffering=0) as stream:
                stream.write(bytes(path.stat().st_size))
                os.fsync(stream.fileno())
            path.unlink()
            ended.append(path.name)
    return ended
