"""Make the lab's initramfs: busybox, the modules that the root file system needs, and our `init`.

The archive is a cpio in the "newc" format: see the kernel's documentation of early user space, buffer-format.rst.
"""

import lzma
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

# The rest is found by udev, or loaded by the program that needs it.
MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "virtio_console", "virtio_rng", "ext4")


@dataclass(frozen=True)
class Entry:
    """One file or directory of an archive."""

    path: str
    mode: int
    content: bytes = b""


def directory(path: str) -> Entry:
    """Name a directory that everybody may read."""
    return Entry(path, stat.S_IFDIR | 0o755)


def file(path: str, content: bytes, *, mode: int = 0o644) -> Entry:
    """Name a plain file."""
    return Entry(path, stat.S_IFREG | mode, content)


def write_archive(entries: Iterable[Entry]) -> bytes:
    """Put *entries* into one archive, in the order given; the same entries give the same bytes."""
    numbered = enumerate([*entries, Entry("TRAILER!!!", 0)], start=1)
    return b"".join(_record(number, entry) for number, entry in numbered)


def _record(number: int, entry: Entry) -> bytes:
    name = entry.path.encode() + b"\0"
    # inode, mode, owner, group, links, time, size, device ×2, special device ×2, length of the name, checksum
    fields = (number, entry.mode, 0, 0, 1, 0, len(entry.content), 0, 0, 0, 0, len(name), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
    return _padded(head) + _padded(entry.content)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def load_order(dependencies: str, builtin: str, wanted: Iterable[str]) -> tuple[str, ...]:
    """List the files of the *wanted* modules, each after what it needs, from the texts of depmod's two lists.

    What is built into the kernel needs no file.  Raise ``KeyError`` for a module that the kernel does not have.
    """
    needs = _needs_by_file(dependencies)
    file_of = {_module_name(path): path for path in needs}
    inside = {_module_name(path) for path in builtin.split()}
    ordered: dict[str, None] = {}
    for name in wanted:
        if name not in inside:
            path = file_of[name]
            # depmod lists what a module needs with the deepest need last.
            ordered.update(dict.fromkeys((*reversed(needs[path]), path)))
    return tuple(ordered)


def _needs_by_file(dependencies: str) -> Mapping[str, tuple[str, ...]]:
    lines = (line.partition(":") for line in dependencies.splitlines())
    return {path: tuple(needed.split()) for path, _, needed in lines}


def _module_name(path: str) -> str:
    return PurePosixPath(path).name.partition(".ko")[0].replace("-", "_")


def build(boot: Path, init: bytes) -> bytes:
    """Build the initramfs from what the image's build left in *boot*: busybox, modules/ and depmod's lists."""
    order = load_order((boot / "modules.dep").read_text(), (boot / "modules.builtin").read_text(), MODULES)
    modules = [file(f"modules/{_module_name(path)}.ko", _plain(boot / "modules" / path)) for path in order]
    return write_archive(
        [
            *map(directory, ("bin", "dev", "proc", "newroot", "modules")),
            file("bin/busybox", (boot / "busybox").read_bytes(), mode=0o755),
            file("init", init, mode=0o755),
            file("modules/order", "".join(f"{_module_name(path)}\n" for path in order).encode()),
            *modules,
        ]
    )


def _plain(module: Path) -> bytes:
    """Read a module, decompressed: busybox hands it to the kernel as it is."""
    content = module.read_bytes()
    return lzma.decompress(content) if module.suffix == ".xz" else content
