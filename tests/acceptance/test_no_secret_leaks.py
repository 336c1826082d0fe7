"""No secret leaves memory except into the vault: run all that uses secrets, then look everywhere, on both ends.

The canaries are what the vault keeps for the sample application: the passphrases of its volume, the password of its
backups, the keys of its users on the object store; and people's tokens.  Machines are looked at from outside too:
whatever was once written to a disk, deleted files included, is in the file that is that disk.
"""

import base64
import json
import mmap
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from conftest import SAMPLE, LabRunner

from hosting_cli.doors.openbao import OpenBao
from hosting_cli.lab import channels, machines, qemu
from hosting_cli.resources import SecretEntry
from inventory.load import load_environment, load_region

pytestmark = pytest.mark.timeout(1800)

APP, GATEWAY = HOSTS = ("dijon-app-1", "dijon-gateway-1")
APPLICATION = "imagerie-beaune"
DEVICE = f"/dev/hosting/{APPLICATION}-data"
KEPT_ON_PURPOSE = ("tokens", "unseal.json", "bootstrap_key", "vms", "seaweedfs")
"""Of the lab's folder: people's own tokens, keys of the lab, disks (looked at by themselves), the store's own users."""

RECORDER = """
import glob, os, pathlib, time
seen = set()
while not os.path.exists("/run/recorder-stop"):
    for path in glob.glob("/proc/[0-9]*/cmdline") + glob.glob("/proc/[0-9]*/environ"):
        try:
            seen.add(pathlib.Path(path).read_bytes())
        except OSError:
            pass
    time.sleep(0.1)
pathlib.Path("/run/recorder-seen").write_bytes(b"\\n".join(seen))
"""
"""Keeps the arguments and the environment of every process of a host until it is told to stop."""

STOP_RECORDER = """
touch /run/recorder-stop
until cat /run/recorder-seen 2>/dev/null; do sleep 1; done
rm /run/recorder-stop /run/recorder-seen
"""

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
    assert len(canaries) == 8
    with recorded(lab) as processes:
        shown = use_every_secret(lab)
    journals = {f"journal of {host}": past(lab, host, "journalctl --output=cat --all").encode() for host in HOSTS}
    assert b"hosting-agent" in processes["processes of dijon-app-1"]
    assert b"deploys" in processes["processes of the controller"]
    places = {**shown, **processes, **journals, **files_of_controller(lab)}
    assert leaks(places, canaries) == []
    assert on_hosts(lab, canaries) == []
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
    return {**found, **{person: lab.token_file(person).read_text().strip() for person in people}}


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
    """Have each secret used on its way to hosts and on them, also where something fails; give all that was shown."""
    shown = {}
    past(lab, APP, f"cryptsetup luksKillSlot --batch-mode {DEVICE} 1")
    _, digest = lab.plan()
    commands = {
        "approve": lab.run("approve", digest, person="security-officer"),
        "apply": lab.run("apply", digest),
        "verify": lab.run("verify"),
        "journal show": lab.run("journal", "show"),
    }
    assert [ran.status for ran in commands.values()] == [0, 0, 0, 0]
    shown = {f"output of {name}": (ran.output + ran.errors).encode() for name, ran in commands.items()}
    mount, volume = "srv-imagerie.mount", f"hosting-volume-{APPLICATION}-data.service"
    past(lab, APP, f"systemctl stop {mount} {volume} && systemctl start {volume} {mount}")
    failed = past(lab, APP, f"hosting-agent restore {APPLICATION} 00000000 /srv /tmp/nowhere 2>&1 || echo it failed")
    assert "it failed" in failed
    assert lab.run("drift").status == 0
    return {**shown, "output of a failed restore": failed.encode()}


@contextmanager
def recorded(lab: LabRunner) -> Iterator[dict[str, bytes]]:
    """Record the processes of the controller and of the hosts while the block lasts; filled in when it ends."""
    seen: dict[str, bytes] = {}
    ended, here = threading.Event(), set[bytes]()
    watcher = threading.Thread(target=watch, args=(ended, here))
    for host in HOSTS:
        channels.start(machines.directory(lab.directory, host), ["python3", "-I", "-S", "-c", RECORDER])
    watcher.start()
    try:
        yield seen
    finally:
        ended.set()
        watcher.join()
        seen["processes of the controller"] = b"\n".join(here)
        for host in HOSTS:
            text = past(
                lab, host, "touch /run/recorder-stop; until cat /run/recorder-seen 2>/dev/null; do sleep 1; done"
            )
            seen[f"processes of {host}"] = text.encode()
            past(lab, host, "rm /run/recorder-stop /run/recorder-seen")


def watch(ended: threading.Event, seen: set[bytes]) -> None:
    while not ended.wait(0.05):
        for path in (*Path("/proc").glob("[0-9]*/cmdline"), *Path("/proc").glob("[0-9]*/environ")):
            with suppress(OSError):
                seen.add(path.read_bytes())


# -- places -----------------------------------------------------------------------------------------------------------


def files_of_controller(lab: LabRunner) -> dict[str, bytes]:
    """Read the lab's folder: the journal, logs, the vault's storage and audit log, and what else lies there."""
    found = [path for path in lab.directory.iterdir() if path.name not in KEPT_ON_PURPOSE]
    inside = [path for place in found for path in ([place] if place.is_file() else place.rglob("*"))]
    return {str(path): path.read_bytes() for path in inside if path.is_file()}


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
