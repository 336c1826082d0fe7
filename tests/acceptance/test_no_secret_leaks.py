"""No secret leaves memory except into the vault: run all that uses secrets, then look everywhere, on both ends.

The canaries are what the vault keeps for the sample application: the passphrases of its volume, the password of its
backups, the keys of its users on the object store; the secret-id by which its host logs in; people's tokens and the
root token.  Machines are looked at from outside too: whatever was once written to a disk, deleted files included, is in
the file that is that disk.
"""

import base64
import json
import mmap
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import HOSTS, SAMPLE, LabRunner
from recording import recorded

from hosting_cli.doors.openbao import OpenBao
from hosting_cli.lab import channels, machines, qemu
from hosting_cli.resources import SecretEntry
from inventory.load import load_environment, load_region

pytestmark = pytest.mark.timeout(1800)

APP, GATEWAY = HOSTS
APPLICATION = "imagerie-beaune"
CREDENTIAL = f"/run/credentials/hosting-volume-{APPLICATION}-data.service/hosting-{APPLICATION}"
"""Where systemd holds the host's secret-id for the unit that opens the volume: in memory that is never swapped, for
root alone, as long as the unit is up."""
KEPT_ON_PURPOSE = ("tokens", "unseal.json", "bootstrap_key", "vms", "seaweedfs")
"""Of the lab's folder: people's own tokens, keys of the lab, disks (looked at by themselves), the store's own users."""

LOOK = """
import json, pathlib, sys
forms = [bytes.fromhex(form) for form in json.load(sys.stdin)]
for folder in ("/run", "/tmp", "/dev/shm", "/var/tmp", "/var/log", "/etc", "/root", "/usr/local"):
    for path in pathlib.Path(folder).rglob("*"):
        if path.is_file() and any(form in path.read_bytes() for form in forms):
            print(path)
"""
"""Prints the files of a host, those that live in memory included, in which one of the forms is found."""


def test_no_secret_is_found_on_the_controller_or_on_hosts(provisioned: LabRunner) -> None:
    lab = provisioned
    canaries = secrets_of(lab)
    assert len(canaries) == 10
    with recorded(lab.directory, HOSTS) as since:
        shown = use_every_secret(lab)
    journals = {f"journal of {host}": past(lab, host, "journalctl --output=cat --all").encode() for host in HOSTS}
    assert b"prepare-volume" in lab.processes["processes of dijon-app-1"]
    assert b"deploys" in lab.processes["processes of the controller"]
    assert b"hosting-agent" in since["processes of dijon-app-1"]
    first = {f"{name}, when it was provisioned": content for name, content in lab.processes.items()}
    places = {**shown, **first, **since, **journals, **files_of_controller(lab)}
    assert leaks(places, canaries) == []
    assert [found for found in on_hosts(lab, canaries) if CREDENTIAL not in found] == []
    assert on_disks(lab, canaries) == []


# -- secrets ----------------------------------------------------------------------------------------------------------


def secrets_of(lab: LabRunner) -> dict[str, str]:
    """Give every secret of the application, and two people's tokens, by name."""
    region = load_region(SAMPLE)
    vault = OpenBao(load_environment(lab.environment_file, region).vault, region=region.id)
    found = {}
    for entry in (vault.read().resources or {}).values():
        if isinstance(entry, SecretEntry) and entry.owner == APPLICATION:
            text = vault.reveal_secret(entry).reveal()
            with suppress(ValueError):
                text = json.loads(text)["secret_access_key"]
            found[entry.name] = text
    people = ("operations-engineer", "security-officer")
    found |= {person: lab.token_file(person).read_text().strip() for person in people}
    credential = f"hosting-{APPLICATION}"
    opened = past(lab, APP, f"systemd-creds decrypt --name={credential} /etc/credstore.encrypted/{credential} -")
    root = json.loads((lab.directory / "unseal.json").read_text())["root_token"]
    return {**found, "secret-id": opened.strip(), "root token": root}


def forms(secret: str) -> Iterator[bytes]:
    """Give what a secret may look like: as it is, as JSON, in base64 at each of the three places it may begin."""
    plain = secret.encode()
    yield plain
    yield json.dumps(secret)[1:-1].encode()
    for before in range(3):
        yield base64.b64encode(b"\0" * before + plain)[(0, 2, 3)[before] : -4]


def leaks(places: Mapping[str, bytes], canaries: Mapping[str, str]) -> list[str]:
    return [
        f"{name} in {place}"
        for place, content in places.items()
        for name, secret in canaries.items()
        if any(form in content for form in forms(secret))
    ]


# -- use --------------------------------------------------------------------------------------------------------------


def past(lab: LabRunner, host: str, script: str) -> str:
    return lab.on_machine(host, "sh", "-c", script)


def use_every_secret(lab: LabRunner) -> dict[str, bytes]:
    """Have what provisioning used be used again by hosts, also where something fails; give all that was shown."""
    commands = {name: lab.run(*name.split()) for name in ("verify", "journal show", "key list", "volume list")}
    assert [ran.status for ran in commands.values()] == [0, 0, 0, 0]
    shown = {f"output of {name}": (ran.output + ran.errors).encode() for name, ran in commands.items()}
    mount, volume = "srv-imagerie.mount", f"hosting-volume-{APPLICATION}-data.service"
    # That its device is gone reaches the mount later than the command that closed it: a start before that is canceled.
    past(lab, APP, f"systemctl stop {mount} {volume} && udevadm settle && systemctl start {volume} {mount}")
    failed = past(lab, APP, f"hosting-agent restore {APPLICATION} 00000000 /srv /tmp/nowhere 2>&1 || echo it failed")
    assert "it failed" in failed
    return {**shown, "output of a failed restore": failed.encode()}


# -- places -----------------------------------------------------------------------------------------------------------


def files_of_controller(lab: LabRunner) -> dict[str, bytes]:
    """Read the lab's folder, with the vault's storage, audit log and all other logs, and what lies in shared memory."""
    found = [path for path in lab.directory.iterdir() if path.name not in KEPT_ON_PURPOSE]
    inside = [path for place in found for path in ([place] if place.is_file() else place.rglob("*"))]
    logs = lab.directory.joinpath("vms").rglob("*.log")
    passing = [path for folder in ("/dev/shm", "/run") for path in Path(folder).glob("*")]
    return {str(path): path.read_bytes() for path in (*inside, *logs, *passing) if path.is_file()}


def on_hosts(lab: LabRunner, canaries: Mapping[str, str]) -> list[str]:
    """Look through the files of the hosts; what to look for goes over standard input."""
    wanted = json.dumps([form.hex() for secret in canaries.values() for form in forms(secret)]).encode()
    found = []
    for host in HOSTS:
        place = machines.directory(lab.directory, host)
        ran = channels.run(place, ["python3", "-I", "-S", "-c", LOOK], standard_input=wanted)
        assert (ran.status, ran.errors) == (0, "")
        found += [f"{host}:{line}" for line in ran.output.splitlines()]
    return found


def on_disks(lab: LabRunner, canaries: Mapping[str, str]) -> list[str]:
    """Look through all that was ever written to the machines' disks."""
    found = []
    for host in HOSTS:
        past(lab, host, "sync")
        for name in (qemu.DISK, qemu.DATA):
            disk = machines.directory(lab.directory, host) / name
            blocks = {f"{host} {name} at {offset}": block for offset, block in written(disk)}
            assert blocks or (host, name) == (GATEWAY, qemu.DATA), disk  # which nobody ever wrote to
            found += leaks(blocks, canaries)
    return found


def written(disk: Path) -> Iterable[tuple[int, bytes]]:
    """Yield the parts of a sparse file that hold something."""
    with disk.open("rb") as stream:
        end = stream.seek(0, os.SEEK_END)
        offset = 0
        while offset < end:
            try:
                start = os.lseek(stream.fileno(), offset, os.SEEK_DATA)
            except OSError:
                return
            offset = os.lseek(stream.fileno(), start, os.SEEK_HOLE)
            with mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ) as content:
                yield start, content[start:offset]


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with disk.open("wb") as stream:
        stream.truncate(64 << 20)
        for place, before in ((5 << 20, b""), (20 << 20, b"x"), (40 << 20, b"xy")):
            stream.seek(place)
            stream.write(base64.b64encode(before + b"canary-of-some-length" + b"and more"))
    blocks = {str(offset): block for offset, block in written(disk)}
    assert len(leaks(blocks, {"it": "canary-of-some-length"})) == len(blocks) == 3
