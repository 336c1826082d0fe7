"""The archive is one that the kernel's format describes, and modules come after what they need."""

import lzma
import shutil
import subprocess
from pathlib import Path

import pytest

from hosting_cli.lab import initramfs

DEPENDENCIES = """\
kernel/drivers/virtio/virtio.ko.xz:
kernel/drivers/virtio/virtio_ring.ko.xz: kernel/drivers/virtio/virtio.ko.xz
kernel/drivers/block/virtio_blk.ko.xz: kernel/drivers/virtio/virtio_ring.ko.xz kernel/drivers/virtio/virtio.ko.xz
kernel/drivers/net/net-failover.ko:
kernel/drivers/net/virtio_net.ko: kernel/drivers/net/net-failover.ko
"""
BUILTIN = "kernel/fs/ext4/ext4.ko\n"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param(["virtio_blk"], ["virtio", "virtio_ring", "virtio_blk"], id="deepest need first"),
        pytest.param(["virtio_blk", "virtio"], ["virtio", "virtio_ring", "virtio_blk"], id="nothing twice"),
        pytest.param(["ext4"], [], id="built in needs no file"),
        pytest.param(["net_failover"], ["net-failover"], id="dashes and underscores are one"),
    ],
)
def test_load_order(wanted: list[str], expected: list[str]) -> None:
    found = initramfs.load_order(DEPENDENCIES, BUILTIN, wanted)
    assert [Path(path).name.partition(".")[0] for path in found] == expected


def test_a_module_that_the_kernel_does_not_have_is_an_error() -> None:
    with pytest.raises(KeyError):
        initramfs.load_order(DEPENDENCIES, BUILTIN, ["floppy"])


def test_the_archive_is_unpacked_by_cpio(tmp_path: Path) -> None:
    program = shutil.which("cpio")
    assert program is not None, "apt-get install cpio"
    archive = initramfs.write_archive(
        [initramfs.directory("bin"), initramfs.file("bin/sh", b"#!", mode=0o755), initramfs.file("odd", b"12345")]
    )
    subprocess.run([program, "--extract", "--quiet"], input=archive, cwd=tmp_path, check=True)
    assert (tmp_path / "bin/sh").read_bytes() == b"#!"
    assert (tmp_path / "bin/sh").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "odd").read_bytes() == b"12345"


def test_the_initramfs_holds_the_modules_decompressed_and_in_order(tmp_path: Path) -> None:
    names = ("virtio_pci", "virtio_blk", "virtio_net", "virtio_console", "virtio_rng")
    (tmp_path / "modules.dep").write_text("".join(f"kernel/{name}.ko.xz:\n" for name in names))
    (tmp_path / "modules.builtin").write_text(BUILTIN)
    (tmp_path / "modules/kernel").mkdir(parents=True)
    for name in names:
        (tmp_path / f"modules/kernel/{name}.ko.xz").write_bytes(lzma.compress(name.encode() * 3))
    (tmp_path / "busybox").write_bytes(b"\x7fELF")
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    archive = initramfs.build(tmp_path, b"#!/bin/busybox sh\n")
    subprocess.run(["cpio", "--extract", "--quiet"], input=archive, cwd=unpacked, check=True)
    assert (unpacked / "modules/order").read_text().split() == list(names)
    assert (unpacked / "modules/virtio_blk.ko").read_bytes() == b"virtio_blk" * 3
    assert (unpacked / "init").stat().st_mode & 0o111


def test_the_same_entries_give_the_same_bytes() -> None:
    entries = [initramfs.directory("bin"), initramfs.file("bin/x", b"x")]
    assert initramfs.write_archive(entries) == initramfs.write_archive(entries)
