"""What a clone gets that no other machine has, and what it leaves alone."""

import base64
import tarfile
from io import BytesIO
from pathlib import Path

from hosting_cli.lab import addresses, identity, image
from hosting_cli.lab.specification import Link, MachineSpec

SPEC = MachineSpec("dijon-gateway-1", 2, links=(Link("application", "10.21.10.1/24"), Link("tunnel", "10.21.20.1/24")))
OWN = identity.Identity(
    machine_id="0" * 31 + "1",
    host_key=b"PRIVATE-CANARY",
    host_key_public="ssh-ed25519 AAAAhost",
    bootstrap_key_public="ssh-ed25519 AAAAbootstrap",
    entropy=b"e" * 64,
)


def test_the_files_of_an_identity() -> None:
    files = identity.files(SPEC, OWN)
    assert files["/etc/hostname"] == (0o644, b"dijon-gateway-1\n")
    assert files["/etc/machine-id"] == (0o444, b"0" * 31 + b"1\n")
    assert files["/etc/ssh/ssh_host_ed25519_key"] == (0o600, b"PRIVATE-CANARY")
    assert files["/root/.ssh/authorized_keys"] == (0o600, b"ssh-ed25519 AAAAbootstrap\n")
    assert b"127.0.1.1 dijon-gateway-1" in files["/etc/hosts"][1]


def test_addresses_are_in_files_that_outlive_a_reboot() -> None:
    files = identity.files(SPEC, OWN)
    first, second = (files[f"/etc/systemd/network/20-link{index}.network"][1].decode() for index in (1, 2))
    assert "Name=eth1\n" in first
    assert "MACAddress=52:54:00:00:02:01\n" in first
    assert "Address=10.21.10.1/24\n" in first
    assert "Name=eth2\n" in second
    assert "Address=10.21.20.1/24\n" in second


def test_the_request_carries_every_file_the_time_and_fresh_entropy() -> None:
    request = identity.request(SPEC, OWN, 1_700_000_000_000_000_000)
    assert request["hostname"] == "dijon-gateway-1"
    assert request["time_ns"] == 1_700_000_000_000_000_000
    assert base64.b64decode(request["entropy"]) == OWN.entropy
    assert set(request["files"]) == set(identity.files(SPEC, OWN))


def test_the_private_key_is_not_printed_with_the_identity() -> None:
    assert "CANARY" not in f"{OWN} {OWN!r}"


def test_machines_differ_in_their_addresses() -> None:
    assert addresses.source_address(1) == "127.0.1.11"
    assert addresses.mac_address(1, 1) != addresses.mac_address(2, 1)
    assert len({addresses.mac_address(1, interface) for interface in range(3)}) == 3


def test_every_machine_is_alone_on_its_user_network() -> None:
    assert addresses.mac_address(1, 0) == addresses.mac_address(2, 0)


def test_the_images_files_belong_to_root_whoever_owns_the_checkout() -> None:
    with tarfile.open(fileobj=BytesIO(image.files_archive())) as archive:
        members = archive.getmembers()
    assert {(member.uid, member.gid, member.mode) for member in members} == {(0, 0, 0o644)}
    assert image.AGENT_PATH in {member.name for member in members}
    assert "etc/ssh/sshd_config.d/lab.conf" in {member.name for member in members}
    assert all(not Path(member.name).is_absolute() for member in members)
