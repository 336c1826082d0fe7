"""Open a volume with the vault's passphrase; make one on a logical volume that was never used.

Passphrases come from the vault or over standard input and go to cryptsetup over its own, or as a memory file.
"""

import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from . import record
from .headers import save
from .identity import login
from .locks import alone
from .luks import add_slot, derivation, label_of, opens, slots_of
from .mounts import mounts, reserve_mount_point
from .processes import run
from .settings import AgentError
from .settings import volume as settings_of

BLANK_TAG = "hosting-blank"
DEVICES = Path("/dev")
MAPPER = DEVICES / "mapper"
_DEVICE_TIMEOUT_SECONDS = 30
RECOVERY_SLOTS = ("1", "3")
"""A rotation moves each passphrase between two slots of its own: the active one between 0 and 2."""


@dataclass(frozen=True)
class Order:
    """A volume to be made: what the controller decided, and the two passphrases that the vault already keeps."""

    volume_group: str
    logical_volume: str
    filesystem: str
    mount_point: str
    label: str
    cipher: str
    key_bits: int
    pbkdf: str
    memory_kib: int
    iterations: int
    lanes: int
    active: str
    recovery: str

    def __repr__(self) -> str:
        return f"Order({self.label})"

    @property
    def device(self) -> str:
        """The logical volume."""
        return f"{DEVICES}/{self.volume_group}/{self.logical_volume}"

    @property
    def derivation(self) -> list[str]:
        """The cost of trying a passphrase."""
        return derivation(self.pbkdf, self.memory_kib, self.iterations, self.lanes)


# -- opening --------------------------------------------------------------------------------------------------------


class DeviceError(AgentError):
    """What a volume lies on is not there, or is something else."""

    kind = "device"


def unlock(name: str, volume: str) -> None:
    """Open a volume with the passphrase that the vault keeps for it; one that is open already is left alone.

    Tell the monitoring what came of it: a host that waits for the vault at boot says so, and why.
    """
    try:
        _unlock(name, volume)
    except AgentError as error:
        _tell(name, volume, error.kind)
        raise
    _tell(name, volume, None)


def _tell(name: str, volume: str, waits_for: str | None) -> None:
    with suppress(OSError):  # a file system that is full keeps no volume closed
        record.note_volume(name, volume, waits_for)


def _unlock(name: str, volume: str) -> None:
    known = settings_of(name, volume)
    if (MAPPER / known["label"]).exists():
        return
    _wait_for(Path(known["device"]))
    found = label_of(known["device"])
    if found != known["label"]:
        raise DeviceError(f"{known['device']} is labelled {found!r}, not {known['label']!r}: it is not this volume")
    with login(name) as session:
        passphrase = session.reveal(known["secret"])
    run(["cryptsetup", "open", "--type=luks2", "--key-file=-", known["device"], known["label"]], passphrase)


def _wait_for(device: Path) -> None:
    """Give LVM time to find its devices at boot; then ask for this one by name."""
    deadline = time.monotonic() + _DEVICE_TIMEOUT_SECONDS
    while not device.exists():
        if time.monotonic() > deadline:
            raise DeviceError(f"{device} did not appear")
        with suppress(AgentError):
            run(["lvchange", "--activate=y", str(device).removeprefix("/dev/")])
        time.sleep(0.5)


# -- making ---------------------------------------------------------------------------------------------------------


def prepare(text: str) -> None:
    """Bring a volume from wherever a run was killed to a file system behind two passphrases that both open it.

    A logical volume with the tag ``blank`` is formatted, from the start; the tag goes when all the rest is done.
    Without it nothing is formatted: the header must be ours and open, and lacks at most its second passphrase.
    """
    order = Order(**json.loads(text))
    with alone(order.label):
        reserve_mount_point(Path(order.mount_point))
        if BLANK_TAG in _tags(order):
            _make(order)
            run(["lvchange", f"--deltag={BLANK_TAG}", f"{order.volume_group}/{order.logical_volume}"])
        else:
            _complete(order)


def _tags(order: Order) -> list[str]:
    report = run(["lvs", "--reportformat=json", "--options=lv_tags", f"{order.volume_group}/{order.logical_volume}"])
    tags: str = json.loads(report)["report"][0]["lv"][0]["lv_tags"]
    return tags.split(",")


def _make(order: Order) -> None:
    _close(order)
    run(
        [
            "cryptsetup",
            "luksFormat",
            "--batch-mode",
            "--type=luks2",
            f"--cipher={order.cipher}",
            f"--key-size={order.key_bits}",
            f"--label={order.label}",
            "--key-slot=0",
            *order.derivation,
            "--key-file=-",
            order.device,
        ],
        order.active,
    )
    add_slot(order.device, present=order.active, fresh=order.recovery, slot="1", cost=order.derivation)
    save(order.device, order.label, (order.recovery,))
    run(["cryptsetup", "open", "--type=luks2", "--key-slot=0", "--key-file=-", order.device, order.label], order.active)
    try:
        run([*_MAKE_FILESYSTEM[order.filesystem], str(MAPPER / order.label)])
    finally:
        # The unit opens it again, so that the way through the vault is tried before anything relies on it.
        run(["cryptsetup", "close", order.label])


_MAKE_FILESYSTEM = {"ext4": ["mkfs.ext4", "-q", "-F"], "xfs": ["mkfs.xfs", "-q", "-f"]}


def _close(order: Order) -> None:
    """Let go of what a killed run had opened; refuse if it is in use, whatever its tag says."""
    if not (MAPPER / order.label).exists():
        return
    device = os.path.realpath(MAPPER / order.label)
    if device in {os.path.realpath(mounted) for mounted in mounts().values()}:
        raise AgentError(f"{order.label} is mounted: it is not formatted")
    run(["cryptsetup", "close", order.label])


def _complete(order: Order) -> None:
    found = label_of(order.device)
    if found != order.label:
        raise AgentError(f"{order.device} is labelled {found!r}, not {order.label!r}: nothing is done to it")
    if not opens(order.device, order.active):
        raise AgentError(f"the vault's passphrase does not open {order.device}: nothing is done to it")
    if not opens(order.device, order.recovery):
        _add_recovery(order)
    save(order.device, order.label, (order.recovery,))


def _add_recovery(order: Order) -> None:
    taken = slots_of(order.device)
    free = [slot for slot in RECOVERY_SLOTS if slot not in taken]
    if not free:
        raise AgentError(f"the slots of the recovery passphrase of {order.device} hold another: nothing is done to it")
    add_slot(order.device, present=order.active, fresh=order.recovery, slot=free[0], cost=order.derivation)
