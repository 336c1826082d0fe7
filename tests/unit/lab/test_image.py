"""The image's inputs, its name, and what is told of a build."""

from pathlib import Path

import pytest

from hosting_cli.lab import image
from hosting_cli.lab.image import Image
from hosting_cli.lab.specification import Link, MachineSpec, Shape
from hosting_cli.lab.template import key


def test_package_names_have_no_comments() -> None:
    assert image.package_names("# why\nsystemd\n\nnftables  # firewall\n") == ("systemd", "nftables")


@pytest.mark.parametrize(
    "name", ["python3", "cryptsetup-bin", "lvm2", "nftables", "restic", "chrony", "openssh-server"]
)
def test_what_deploys_need_is_in_the_image(name: str) -> None:
    assert name in image.package_names((image.GUEST / "packages.txt").read_text())


def test_no_mirror_is_named_and_recommended_packages_stay_away() -> None:
    argv = image.arguments(Path("/f.tar"), Path("/packages"), Path("/out"), "/proc/self/fd/7", is_root=True)
    assert argv[-2:] == ["trixie", "/dev/null"]
    assert "--aptopt=APT::Install-Recommends false" in argv
    assert not any("://" in argument for argument in argv)


@pytest.mark.parametrize(("is_root", "mode"), [(True, "--mode=root"), (False, "--mode=unshare")])
def test_root_is_not_needed(is_root: bool, mode: str) -> None:
    assert mode in image.arguments(Path("/f"), Path("/p"), Path("/o"), "/proc/self/fd/7", is_root=is_root)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Get:12 http://mirror/debian trixie/main amd64 restic amd64 0.18.0-1+b2 [9 MB]", "fetching restic"),
        ("Unpacking systemd (257.9-1~deb13u1) ...", "unpacking systemd"),
        ("Setting up lvm2 (2.03.31-2) ...", "setting up lvm2"),
        ("I: running special hook: sync-out /var/cache/apt/archives /cache", "copying (sync-out)"),
        ("I: running --customize-hook in shell: sh -c 'umount; /sbin/mke2fs -q' exec /tmp", "writing the file system"),
        ("Preparing to unpack .../lvm2.deb ...", None),
    ],
)
def test_what_is_told_of_a_line_of_a_build(line: str, expected: str | None) -> None:
    assert image.describe(line) == expected


def test_a_changed_guest_file_gives_another_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image, "GUEST", tmp_path)
    (tmp_path / "packages.txt").write_text("systemd\n")
    before = image.key()
    assert image.key() == before
    (tmp_path / "packages.txt").write_text("systemd\nrestic\n")
    assert image.key() != before


IMAGE = Image("0123", Path("/cache/images/0123"))
SHAPE = Shape(512, 2, 2)


@pytest.mark.parametrize(
    ("other_image", "shape", "version", "kvm"),
    [
        pytest.param(Image("4567", IMAGE.directory), SHAPE, "QEMU 7.2", False, id="another image"),
        pytest.param(IMAGE, Shape(768, 2, 2), "QEMU 7.2", False, id="more memory"),
        pytest.param(IMAGE, Shape(512, None, 2), "QEMU 7.2", False, id="no data disk"),
        pytest.param(IMAGE, Shape(512, 4, 2), "QEMU 7.2", False, id="a larger data disk"),
        pytest.param(IMAGE, Shape(512, 2, 3), "QEMU 7.2", False, id="one more link"),
        pytest.param(IMAGE, SHAPE, "QEMU 10.0", False, id="another QEMU"),
        pytest.param(IMAGE, SHAPE, "QEMU 7.2", True, id="KVM"),
    ],
)
def test_a_template_fits_one_image_shape_and_qemu(other_image: Image, shape: Shape, version: str, kvm: bool) -> None:
    assert key(other_image, shape, version, kvm=kvm) != key(IMAGE, SHAPE, "QEMU 7.2", kvm=False)


def test_a_template_does_not_depend_on_the_port_it_was_booted_with() -> None:
    assert key(IMAGE, SHAPE, "QEMU 7.2", kvm=False) == key(IMAGE, SHAPE, "QEMU 7.2", kvm=False)


def test_one_template_serves_machines_with_one_link_and_with_two() -> None:
    links = (Link("application", "10.21.10.1/24"), Link("tunnel", "10.21.20.1/24"))
    assert MachineSpec("a", 1, links=links[:1]).shape == MachineSpec("b", 2, links=links).shape
