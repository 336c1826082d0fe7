"""The machines of a lab: started as clones of a template, restarted, killed and removed, by whichever process asks.

    vms/<name>/machine.json    what it is, its ports, its host key, its process
    vms/<name>/disk.qcow2      its root disk, over the template's; data.raw is its data disk
    vms/<name>/known_hosts     for ssh
    bootstrap_key              the private key of the first contact, the same for the machines of one lab

A machine is on record before QEMU runs, and marked as *identified* once it has its own names and keys on its disk; one
that was left in between is made anew.
"""

import secrets
import shutil
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from hosting_cli.errors import EngineError, UnreadableError, UsageError
from hosting_cli.lab import (
    addresses,
    channels,
    console,
    identity,
    keys,
    network,
    processes,
    qemu,
    records,
)
from hosting_cli.lab import (
    template as templates,
)
from hosting_cli.lab.image import Image
from hosting_cli.lab.processes import Process
from hosting_cli.lab.progress import Narrator, Progress
from hosting_cli.lab.specification import MachineSpec
from hosting_cli.lab.template import Template

MOST_AT_ONCE = 3
"""Machines that start at the same time: more on two cores makes each of them wait for the others."""

_SOCKET_SECONDS = 60
_IDENTITY_SECONDS = 300
_BOOT_SECONDS = 600
_SSH_SECONDS = 120


class State(Enum):
    """What can be told of a machine without asking it."""

    RUNNING = "running"
    STOPPED = "stopped"
    UNFINISHED = "unfinished"
    ABSENT = "absent"


@dataclass(frozen=True)
class RunningMachine:
    """How to reach a machine and its node exporter, and as whom the controller's services see it."""

    name: str
    ssh_port: int
    metrics_port: int
    host_key: str
    bootstrap_key: Path
    vault_sees: str
    directory: Path


@dataclass(frozen=True)
class Record:
    """What is kept of a machine beside its disks."""

    spec: MachineSpec
    ssh_port: int
    metrics_port: int
    host_key: str
    kernel: Path
    initramfs: Path
    kvm: bool
    identified: bool = False
    process: Process | None = None


_RECORD = TypeAdapter(Record)


def directory(lab: Path, name: str) -> Path:
    """Name the directory of a machine."""
    return lab / "vms" / name


def read(lab: Path, name: str) -> Record | None:
    """Read what is on record of a machine; ``None`` when there is none of that name.

    Raise ``EngineError`` for a record that another version of us has written.
    """
    content = _recorded(lab, name)
    try:
        return None if content is None else _RECORD.validate_python(content)
    except ValidationError:
        remedy = "Run `hosting lab down`, which can, and bring it up anew."
        raise EngineError(
            f"machine {name}", "another version of hosting made it, and its record is no longer read", remedy
        ) from None


def _recorded(lab: Path, name: str) -> dict[str, Any] | None:
    return records.read(directory(lab, name) / "machine.json")


def names(lab: Path) -> tuple[str, ...]:
    """List the machines of *lab*, unfinished ones included."""
    return tuple(sorted(path.name for path in (lab / "vms").glob("*")))


def status(lab: Path, name: str) -> State:
    """Tell whether a machine runs."""
    record = read(lab, name)
    if record is None:
        return State.UNFINISHED if directory(lab, name).exists() else State.ABSENT
    if not record.identified:
        return State.UNFINISHED
    return State.RUNNING if _is_alive(record) else State.STOPPED


def reached(lab: Path, name: str) -> RunningMachine:
    """Say how to reach a machine; raise UsageError when the lab has none of that name."""
    return _reached(lab, expect(lab, name))


def start_all(
    specs: Sequence[MachineSpec],
    lab: Path,
    image: Image,
    template_of: Callable[[MachineSpec], Template],
    progress: Progress,
) -> tuple[RunningMachine, ...]:
    """Start machines, a few at a time, and return them in the order of *specs*."""
    with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
        started = [pool.submit(start, spec, lab, image, template_of(spec), progress) for spec in specs]
        return tuple(future.result() for future in started)


def start(spec: MachineSpec, lab: Path, image: Image, template: Template, progress: Progress) -> RunningMachine:
    """Make sure that the machine runs and answers SSH: left as it is, booted again, or cloned from *template*.

    The switches of its networks must be up.  Raise UsageError when a machine of that name has another specification.
    """
    state = status(lab, spec.name)
    if state in {State.RUNNING, State.STOPPED} and expect(lab, spec.name).spec != spec:
        raise UsageError(f"machine {spec.name}", "is there already, made otherwise", "Run `hosting lab down` first.")
    if state is State.RUNNING:
        return reached(lab, spec.name)
    if state is State.STOPPED:
        return restart(lab, spec.name, progress)
    remove(lab, spec.name)
    return _clone(spec, lab, image, template, progress)


def _clone(spec: MachineSpec, lab: Path, image: Image, template: Template, progress: Progress) -> RunningMachine:
    place = directory(lab, spec.name)
    place.mkdir(parents=True)
    narrator = Narrator(progress, f"{spec.name}: cloning")
    narrator.say(narrator.text)
    bootstrap = keys.obtain_bootstrap_key(lab)
    host_key = keys.generate()
    templates.create_overlay(template.disk, "qcow2", place / qemu.DISK)
    if spec.data_disk_gib is not None:
        templates.create_data_disk(place / qemu.DATA, spec.data_disk_gib)
    ssh_port, metrics_port = processes.free_ports(2)
    record = Record(spec, ssh_port, metrics_port, host_key.public, image.kernel, image.initramfs, template.kvm)
    record = _launch(lab, record, template)
    _wait_for_sockets(place, record)
    templates.restore(place, template.state)
    narrator.say(f"{spec.name}: giving it its identity")
    _identify(place, spec, host_key, bootstrap.public)
    record = replace(record, identified=True)
    write(lab, record)
    _wait_for_ssh(record)
    narrator.say(f"{spec.name}: answers SSH on port {record.ssh_port}")
    return _reached(lab, record)


def _identify(place: Path, spec: MachineSpec, host_key: keys.KeyPair, bootstrap_public: str) -> None:
    own = identity.Identity(
        machine_id=secrets.token_hex(16),
        host_key=host_key.private,
        host_key_public=host_key.public,
        bootstrap_key_public=bootstrap_public,
        entropy=secrets.token_bytes(64),
    )
    answer = channels.ask(place, identity.request(spec, own, time.time_ns()), _IDENTITY_SECONDS)
    if answer["status"] != 0:
        errors = [
            channels.decoded(result["errors"]) for result in (answer, *answer.get("results", ())) if "errors" in result
        ]
        raise EngineError(f"machine {spec.name}", f"did not take its identity: {' '.join(errors)}", "Start it anew.")


def _wait_for_ssh(record: Record) -> None:
    """Wait until the SSH server, which starts anew with its own host key, answers; it is asked seldom."""
    deadline = time.monotonic() + _SSH_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", record.ssh_port), timeout=10) as connection:
            if connection.recv(4) == b"SSH-":
                return
        time.sleep(0.5)
    raise EngineError(f"machine {record.spec.name}", "does not answer SSH", "See its console.log; start it anew.")


def restart(lab: Path, name: str, progress: Progress) -> RunningMachine:
    """Boot a machine from its disks, killing it first if it runs: what its disks hold stays, boot_id changes."""
    record = expect(lab, name)
    if not record.identified:
        raise UsageError(f"machine {name}", "was never started to its end", "Run `hosting lab up`.")
    kill(lab, name)
    since = console.position(directory(lab, name))
    record = _launch(lab, record, None)
    assert record.process is not None  # noqa: S101 (just launched)
    narrator = Narrator(progress, f"{name}: booting")
    console.wait_until_ready(
        directory(lab, name), record.process, since=since, narrator=narrator, timeout_seconds=_BOOT_SECONDS
    )
    return _reached(lab, record)


def reboot(lab: Path, name: str, progress: Progress) -> str:
    """Have a running machine reboot itself, wait until it answers SSH again, and return its new boot_id."""
    since = console.position(directory(lab, name))
    channels.start(directory(lab, name), ["systemctl", "reboot"])
    return wait_for_boot(lab, name, since, progress)


def wait_for_boot(lab: Path, name: str, since: int, progress: Progress) -> str:
    """Wait until a machine that reboots by itself answers SSH again; return its new boot_id.

    *since* is what `console.position` said before the reboot was asked for.  Polling SSH instead would slow the boot.
    """
    record = expect(lab, name)
    if record.process is None:
        raise UnreadableError(f"machine {name}", "does not run", "Run `hosting lab up`.")
    narrator = Narrator(progress, f"{name}: rebooting")
    return console.wait_until_ready(
        directory(lab, name), record.process, since=since, narrator=narrator, timeout_seconds=_BOOT_SECONDS
    )


def kill(lab: Path, name: str) -> None:
    """Take the power away: what the machine had not flushed to its disks is lost.  Idempotent."""
    # Its process is all that is needed, and what every version of us has written alike.
    running = (_recorded(lab, name) or {}).get("process")
    if running is not None:
        processes.stop(Process(**running), grace_seconds=1)
    network.forget(lab, name)


def remove(lab: Path, name: str) -> None:
    """Kill a machine and remove its disks and everything else of it.  Idempotent."""
    kill(lab, name)
    while directory(lab, name).exists():
        with suppress(FileNotFoundError):  # somebody else is removing it too
            shutil.rmtree(directory(lab, name))


def _launch(lab: Path, record: Record, template: Template | None) -> Record:
    """Start QEMU, from *template* or, without one, from the disks; put it on record before it runs."""
    place = directory(lab, record.spec.name)
    for name in (qemu.QMP, qemu.AGENT):
        (place / name).unlink(missing_ok=True)
    launch = qemu.Launch(
        title=f"{network.title(lab)}-{record.spec.name}",
        ordinal=record.spec.ordinal,
        shape=record.spec.shape,
        boot=qemu.Boot(record.kernel, record.initramfs),
        kvm=record.kvm,
        ssh_port=record.ssh_port,
        metrics_port=record.metrics_port,
        ports=network.ports(record.spec),
        forwards=record.spec.forwards,
        memory=None if template is None else template.memory,
        clone=template is not None,
    )
    launched: list[Record] = []

    network.plug(lab, record.spec)

    def write_down(process: Process) -> None:
        launched.append(replace(record, process=process))
        write(lab, launched[0])

    processes.start(
        f"machine {record.spec.name}",
        qemu.arguments(launch),
        log=place / "qemu.log",
        directory=place,
        record=write_down,
    )
    return launched[0]


def _wait_for_sockets(place: Path, record: Record) -> None:
    deadline = time.monotonic() + _SOCKET_SECONDS
    while True:
        try:
            channels.control(place)
        except UnreadableError as error:
            if not _is_alive(record) or time.monotonic() > deadline:
                log = (place / "qemu.log").read_text(errors="replace").strip()
                raise EngineError(
                    f"machine {place.name}", f"QEMU did not start: {log}", "Mend that, try again."
                ) from error
            time.sleep(0.02)
        else:
            return


def write(lab: Path, record: Record) -> None:
    """Put a machine on record, and its host key where ssh finds it."""
    place = directory(lab, record.spec.name)
    records.write(place / "machine.json", _RECORD.dump_python(record, mode="json"))
    (place / "known_hosts").write_text(f"[127.0.0.1]:{record.ssh_port} {record.host_key}\n")


def expect(lab: Path, name: str) -> Record:
    """Read what is on record of a machine; raise UsageError when the lab has none of that name."""
    record = read(lab, name)
    if record is None:
        known = ", ".join(names(lab)) or "none"
        raise UsageError(f"machine {name}", "is not in this lab", f"There are: {known}.")
    return record


def _is_alive(record: Record) -> bool:
    return record.process is not None and processes.is_alive(record.process)


def _reached(lab: Path, record: Record) -> RunningMachine:
    return RunningMachine(
        name=record.spec.name,
        ssh_port=record.ssh_port,
        metrics_port=record.metrics_port,
        host_key=record.host_key,
        bootstrap_key=keys.bootstrap_key_path(lab.resolve()),
        vault_sees=f"{addresses.source_address(record.spec.ordinal)}/32",
        directory=directory(lab.resolve(), record.spec.name),
    )
