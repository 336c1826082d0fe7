"""What cryptsetup is asked: passphrases go to it over standard input or as memory files, never as arguments."""

import json
from collections.abc import Iterable
from pathlib import Path

from .processes import attempt, memory_file, run
from .settings import AgentError, volume

_MAGIC = b"LUKS\xba\xbe"
_WRONG_PASSPHRASE = 2
"""The exit status by which cryptsetup tells a passphrase that opens nothing from anything else that went wrong."""


def label_of(device: str) -> str | None:
    """Read the label of a LUKS2 header; ``None`` where there is no such header."""
    with Path(device).open("rb") as stream:
        start = stream.read(4096)
    return start[24:72].partition(b"\0")[0].decode(errors="replace") if start.startswith(_MAGIC) else None


def ours(name: str, volume_id: str) -> tuple[str, str]:
    """Give the device and the label of a volume of *name*; raise ``AgentError`` where another one is on the device."""
    known = volume(name, volume_id)
    device, label = str(known["device"]), str(known["label"])
    found = label_of(device)
    if found != label:
        raise AgentError(f"{device} is labelled {found!r}, not {label!r}: nothing is done to it")
    return device, label


def slots_of(device: str) -> list[str]:
    """Name the slots that hold a passphrase, by their numbers."""
    described = json.loads(run(["cryptsetup", "luksDump", "--dump-json-metadata", device]))
    return sorted(described["keyslots"], key=int)


def opens(device: str, passphrase: str, *, slot: str | None = None, header: Path | None = None) -> bool:
    """Tell whether *passphrase* opens a slot (``None``: any), of the device's own header or of a copy.

    Raise ``AgentError`` when that cannot be told: a header that is damaged is no wrong passphrase.
    """
    argv = ["cryptsetup", "open", "--test-passphrase", "--type=luks2", "--key-file=-"]
    argv += [f"--key-slot={slot}"] if slot is not None else []
    argv += [f"--header={header}"] if header is not None else []
    done = attempt([*argv, device], passphrase)
    if done.returncode not in {0, _WRONG_PASSPHRASE}:
        raise AgentError(f"{header or device} cannot be tried ({done.returncode}): {done.stderr.strip()}")
    return done.returncode == 0


def opened_slot(device: str, passphrase: str, slots: Iterable[str]) -> str | None:
    """Name the one of *slots* that *passphrase* opens; each that it does not open costs a derivation."""
    return next((slot for slot in slots if opens(device, passphrase, slot=slot)), None)


def derivation(pbkdf: str, memory_kib: int, iterations: int, lanes: int) -> list[str]:
    """Give the cost of trying a passphrase explicitly: cryptsetup would measure the machine instead."""
    return [
        f"--pbkdf={pbkdf}",
        f"--pbkdf-memory={memory_kib}",
        f"--pbkdf-force-iterations={iterations}",
        f"--pbkdf-parallel={lanes}",
    ]


def add_slot(device: str, *, present: str, fresh: str, slot: str, cost: list[str]) -> None:
    """Let *fresh* open the empty *slot* too, by the passphrase that is *present*."""
    with memory_file(fresh) as descriptor:
        argv = ["cryptsetup", "luksAddKey", "--batch-mode", f"--new-key-slot={slot}", *cost, "--key-file=-"]
        run([*argv, device, f"/proc/self/fd/{descriptor}"], present, descriptors=(descriptor,))


def end_slot(device: str, slot: str, *, kept: str) -> None:
    """Wipe *slot*; the caller has proven that *kept* opens another, for cryptsetup would wipe the last one too."""
    run(["cryptsetup", "luksKillSlot", "--batch-mode", "--key-file=-", device, slot], kept)
