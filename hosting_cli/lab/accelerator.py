"""Find out whether the processor's virtualisation can be used: by using it, since it may be there and not work."""

import json
from dataclasses import dataclass
from pathlib import Path

from hosting_cli.lab import cache, processes, qemu, records
from hosting_cli.lab.image import Image
from hosting_cli.lab.progress import Narrator, Progress
from hosting_cli.lab.recorded import recorder

# A second where KVM is worth using; and who waits has better to do than learn that it is not.
_TRY_SECONDS = 8
_DEVICE = Path("/dev/kvm")
_KERNEL_SAID = "LAB-TRIED"
_ERROR = "KVM internal error"
_FOUND = "found.json"


@dataclass(frozen=True)
class Accelerator:
    """How machines are run, and why, in words for `hosting lab status`."""

    kvm: bool
    reason: str


def find(cache_directory: Path, image: Image, version: str, progress: Progress) -> Accelerator:
    """Tell whether *image*'s kernel runs on KVM here; what was found is remembered until this machine boots again."""
    if not _DEVICE.exists():
        return Accelerator(False, f"emulation: there is no {_DEVICE}")
    boot = Path("/proc/sys/kernel/random/boot_id").read_text()
    name = cache.key({"boot": boot, "image": image.key, "qemu": version})
    place = cache_directory / "accelerators" / name
    cache.obtain(place, lambda unfinished: _try_kvm(unfinished, image, progress), progress)
    return Accelerator(**json.loads((place / _FOUND).read_text()))


def _try_kvm(directory: Path, image: Image, progress: Progress) -> None:
    """Boot the kernel up to its first process, which says so on the console; write down what came of it."""
    console, log = directory / "console", directory / "log"
    narrator = Narrator(progress, "trying KVM")
    process = processes.start(
        "trial of KVM", trial(image, console), log=log, directory=directory, record=recorder(directory)
    )
    try:
        # After such an error QEMU stays where it is.
        while processes.is_alive(process) and narrator.elapsed() < _TRY_SECONDS and _ERROR not in _text(log):
            narrator.pause(0.1)
    finally:
        processes.stop(process, grace_seconds=0)
    records.write(directory / _FOUND, vars(judge(_text(console), _text(log))))


def judge(console: str, log: str) -> Accelerator:
    """Judge a trial by what was heard of it."""
    if _KERNEL_SAID in console:
        return Accelerator(True, "KVM: tried, and works")
    lines = log.strip().splitlines()
    said = [line for line in lines if _ERROR in line] or lines[-1:] or [f"no kernel came up in {_TRY_SECONDS} s"]
    return Accelerator(False, f"emulation: KVM was tried and failed ({said[0]})")


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def trial(image: Image, log: Path) -> list[str]:
    """Compose the arguments of the trial."""
    return [
        qemu.PROGRAM,
        *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        *("-machine", "q35", "-accel", "kvm", "-cpu", "host", "-m", "256"),
        *("-kernel", str(image.kernel), "-initrd", str(image.initramfs)),
        *("-append", "console=ttyS0 panic=-1 lab.try", "-serial", f"file:{qemu.escaped(str(log))}"),
    ]
