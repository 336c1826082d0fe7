"""Copies of LUKS headers: made and tried, given away, tried when they come back, and written back over a lost one.

A header holds the volume's key behind its passphrases, and the data is lost with it; alone it opens nothing.
"""

import base64
import json
import struct
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .locks import alone
from .luks import label_of, opens
from .processes import run
from .settings import HEADERS, AgentError, volume

LARGEST_BYTES = 64 << 20
"""Headers that cryptsetup makes have 16 MiB."""


def copy_of(label: str) -> Path:
    """Name the file that keeps the copy; backups take it off the host."""
    return HEADERS / f"{label}.luks"


def copies_of(label: str) -> tuple[Path, ...]:
    """Name every file that may hold a copy: the one that is kept, and what a killed run may have left of others."""
    kept = copy_of(label)
    return (kept, kept.with_suffix(".new"), kept.with_suffix(".returned"))


def save(device: str, label: str, passphrases: Iterable[str]) -> None:
    """Copy the header, and try *passphrases* on the copy before it takes the place of the one before."""
    HEADERS.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = copy_of(label).with_suffix(".new")
    fresh.unlink(missing_ok=True)  # cryptsetup does not overwrite
    run(["cryptsetup", "luksHeaderBackup", f"--header-backup-file={fresh}", device])
    if not all(opens(device, passphrase, header=fresh) for passphrase in passphrases):
        raise AgentError(f"the copy of the header of {device} does not open with a passphrase that opens the volume")
    fresh.replace(copy_of(label))


def fetch(name: str, volume_id: str) -> dict[str, Any]:
    """Give the copy of a volume's header away: what it is of, and its bytes; whatever became of the header itself."""
    label = str(volume(name, volume_id)["label"])
    with alone(label):
        try:
            content = copy_of(label).read_bytes()
        except FileNotFoundError:
            raise AgentError(f"there is no copy of the header of {label} on this host") from None
    return {**_description(content), "image": base64.b64encode(zlib.compress(_thinned(content))).decode()}


def _description(content: bytes) -> dict[str, str]:
    """Say whose header it is; the layout is that of the LUKS2 on-disk format specification, section 2.1."""
    if content[:6] != b"LUKS\xba\xbe" or struct.unpack(">H", content[6:8]) != (2,):
        raise AgentError("the copy is no LUKS2 header")
    label, uuid = (content[start:end].partition(b"\0")[0].decode() for start, end in ((24, 72), (168, 208)))
    return {"label": label, "uuid": uuid, "checksum": content[448:480].hex()}


def _thinned(content: bytes) -> bytes:
    """Blank what no slot uses: cryptsetup fills it with random bytes, which would be kept for nothing."""
    (size,) = struct.unpack(">Q", content[8:16])
    slots = json.loads(content[4096:size].partition(b"\0")[0])["keyslots"].values()
    areas = [(0, 2 * size), *((int(slot["area"]["offset"]), int(slot["area"]["size"])) for slot in slots)]
    kept = bytearray(len(content))
    for start, length in areas:
        kept[start : start + length] = content[start : start + length]
    return bytes(kept)


# -- what comes back --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Returned:
    """A copy that comes back, of the volume with *uuid*, and the passphrases that must open it."""

    application: str
    volume: str
    uuid: str
    image: str
    passphrases: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Returned({self.application}/{self.volume})"


def test(text: str) -> dict[str, Any]:
    """Try every passphrase on a copy that comes back; say what it is of."""
    order = Returned(**json.loads(text))
    known = volume(order.application, order.volume)
    with alone(known["label"]), _written(order, known["label"]) as file:
        return {"opens": all(opens(known["device"], it, header=file) for it in order.passphrases), **_seen(file)}


def restore(text: str) -> dict[str, Any]:
    """Write a copy back over a header that is lost, and try it; a header that still opens is left alone.

    Raise ``AgentError``, and write nothing, when the copy is of another volume or does not open, and when another
    volume's header is on the device.
    """
    order = Returned(**json.loads(text))
    known = volume(order.application, order.volume)
    device, label = str(known["device"]), str(known["label"])
    with alone(label), _written(order, label) as file:
        _refuse_what_needs_no_mending(device, label, order.passphrases)
        if not all(opens(device, passphrase, header=file) for passphrase in order.passphrases):
            raise AgentError("the copy does not open with what the vault keeps: nothing was written")
        run(["cryptsetup", "luksHeaderRestore", "--batch-mode", f"--header-backup-file={file}", device])
        if not all(opens(device, passphrase) for passphrase in order.passphrases):
            raise AgentError(f"{device} does not open although its header was written back")
        save(device, label, order.passphrases)
        return _seen(file)


def _refuse_what_needs_no_mending(device: str, label: str, passphrases: Iterable[str]) -> None:
    found = label_of(device)
    if found not in {None, label}:
        raise AgentError(f"{device} is labelled {found!r}, not {label!r}: nothing was written")
    opening = False
    with suppress(AgentError):  # what cannot even be tried is lost
        opening = all(opens(device, passphrase) for passphrase in passphrases)
    if opening:
        raise AgentError(f"the header of {device} opens with what the vault keeps: there is nothing to mend")


@contextmanager
def _written(order: Returned, label: str) -> Iterator[Path]:
    """Write a copy to a file for cryptsetup, if it is of exactly this volume; it bears no secret in clear."""
    content = zlib.decompressobj().decompress(base64.b64decode(order.image), LARGEST_BYTES)
    found = _description(content)
    if (found["label"], found["uuid"]) != (label, order.uuid):
        raise AgentError(f"the copy is of {found['label']} ({found['uuid']}), not of {label} ({order.uuid})")
    HEADERS.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = copy_of(label).with_suffix(".returned")
    file.write_bytes(content)
    try:
        yield file
    finally:
        file.unlink()


def _seen(file: Path) -> dict[str, str]:
    return _description(file.read_bytes())
