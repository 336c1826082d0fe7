"""The networks of a lab: a switch process each, a socket for each link.

network/<network>/switch.json          the process
network/<network>/switch.sock          the switch
network/<network>/<machine>.eth1.sock  a link, made by the machine's QEMU

A site has one network, which tells its VLANs apart; a segment without a VLAN is a network of its own.
"""

import hashlib
import shutil
import sys
import time
from pathlib import Path

from hosting_cli.errors import EngineError, UsageError
from hosting_cli.lab import processes, qemu, records, switch
from hosting_cli.lab.specification import Link, MachineSpec

_START_SECONDS = 60


def title(lab: Path) -> str:
    """Mark a lab's processes, so that people can tell in a list of processes whose they are."""
    return f"hosting-lab-{hashlib.sha256(str(lab.resolve()).encode()).hexdigest()[:12]}"


def _place(lab: Path, network: str) -> Path:
    return lab / "network" / network


def start(lab: Path, network: str) -> None:
    """Start the switch of *network*; idempotent.  Raise EngineError when it does not come up."""
    directory = _place(lab, network)
    directory.mkdir(parents=True, exist_ok=True)
    if is_up(lab, network):
        return
    (directory / switch.SOCKET).unlink(missing_ok=True)
    process = processes.start(
        f"switch {network}",
        [sys.executable, "-m", "hosting_cli.lab.switch", f"{title(lab)}-{network}"],
        log=directory / "switch.log",
        directory=directory,
        record=lambda process: records.write(directory / "switch.json", vars(process)),
    )
    deadline = time.monotonic() + _START_SECONDS
    while not (directory / switch.SOCKET).exists():
        if not processes.is_alive(process) or time.monotonic() > deadline:
            log = (directory / "switch.log").read_text(errors="replace").strip()
            raise EngineError(
                f"network {network}", f"its switch did not start: {log}", "Look for what uses its directory."
            )
        time.sleep(0.02)


def is_up(lab: Path, network: str) -> bool:
    """Tell whether the switch of *network* runs."""
    record = records.read(_place(lab, network) / "switch.json")
    return record is not None and processes.is_alive(processes.Process(**record))


def stop_all(lab: Path) -> None:
    """Stop every switch of *lab* and remove its sockets; idempotent."""
    for directory in sorted((lab / "network").glob("*")):
        record = records.read(directory / "switch.json")
        if record is not None:
            processes.stop(processes.Process(**record))
    if (lab / "network").exists():
        shutil.rmtree(lab / "network")


def ports(spec: MachineSpec) -> tuple[qemu.Port, ...]:
    """Name the sockets of a machine's links, relative to the machine's own directory."""
    places = [(f"../../network/{link.network}", _socket(spec, index)) for index, link in _numbered(spec)]
    return tuple(qemu.Port(f"{place}/{socket}", f"{place}/{switch.SOCKET}") for place, socket in places)


def plug(lab: Path, spec: MachineSpec) -> None:
    """Tell the switches which VLANs the links of a machine are in, before it sends anything."""
    for index, link in _numbered(spec):
        directory = _place(lab, link.network)
        directory.mkdir(parents=True, exist_ok=True)
        for mark in switch.marks(_socket(spec, index), link.untagged, link.tagged):
            (directory / mark).touch()


def forget(lab: Path, machine: str) -> None:
    """Remove what a machine that no longer runs left in the networks."""
    for socket in (lab / "network").glob(f"*/{machine}.*"):
        socket.unlink(missing_ok=True)


def block(lab: Path, network: str, machine: str, *, blocked: bool) -> None:
    """Cut the links of *machine* on *network* inside the switch, or mend them; the machine itself notices nothing."""
    sockets = list(_place(lab, network).glob(f"{machine}.*.sock"))
    if not sockets:
        raise UsageError(f"network {network}", f"{machine} has no link there", "See `hosting lab status`.")
    for socket in sockets:
        mark = socket.with_name(socket.name + switch.BLOCKED)
        if blocked:
            mark.touch()
        else:
            mark.unlink(missing_ok=True)


def _numbered(spec: MachineSpec) -> enumerate[Link]:
    return enumerate(spec.links, start=1)


def _socket(spec: MachineSpec, index: int) -> str:
    return f"{spec.name}.eth{index}.sock"
