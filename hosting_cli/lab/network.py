"""The segments of a lab: one switch process each, one socket per link.

network/<segment>/switch.json    the process
network/<segment>/switch.sock    the switch
network/<segment>/<machine>.sock a link, made by the machine's QEMU
"""

import hashlib
import shutil
import sys
import time
from pathlib import Path

from hosting_cli.errors import EngineError, UsageError
from hosting_cli.lab import processes, qemu, records, switch
from hosting_cli.lab.specification import MachineSpec

_START_SECONDS = 60


def title(lab: Path) -> str:
    """Mark a lab's processes, so that people can tell in a list of processes whose they are."""
    return f"hosting-lab-{hashlib.sha256(str(lab.resolve()).encode()).hexdigest()[:12]}"


def _segment(lab: Path, segment: str) -> Path:
    return lab / "network" / segment


def start(lab: Path, segment: str) -> None:
    """Start the switch of *segment*; idempotent.  Raise EngineError when it does not come up."""
    directory = _segment(lab, segment)
    directory.mkdir(parents=True, exist_ok=True)
    if is_up(lab, segment):
        return
    (directory / switch.SOCKET).unlink(missing_ok=True)
    process = processes.start(
        f"switch {segment}",
        [sys.executable, "-m", "hosting_cli.lab.switch", f"{title(lab)}-{segment}"],
        log=directory / "switch.log",
        directory=directory,
        record=lambda process: records.write(directory / "switch.json", vars(process)),
    )
    deadline = time.monotonic() + _START_SECONDS
    while not (directory / switch.SOCKET).exists():
        if not processes.is_alive(process) or time.monotonic() > deadline:
            log = (directory / "switch.log").read_text(errors="replace").strip()
            raise EngineError(
                f"segment {segment}", f"its switch did not start: {log}", "Look for what uses its directory."
            )
        time.sleep(0.02)


def is_up(lab: Path, segment: str) -> bool:
    """Tell whether the switch of *segment* runs."""
    record = records.read(_segment(lab, segment) / "switch.json")
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
    segments = [f"../../network/{link.segment}" for link in spec.links]
    return tuple(qemu.Port(f"{place}/{spec.name}.sock", f"{place}/{switch.SOCKET}") for place in segments)


def forget(lab: Path, machine: str) -> None:
    """Remove what a machine that no longer runs left in the segments."""
    for socket in (lab / "network").glob(f"*/{machine}.sock*"):
        socket.unlink(missing_ok=True)


def block(lab: Path, segment: str, machine: str, *, blocked: bool) -> None:
    """Cut the link of *machine* on *segment* inside the switch, or mend it; the machine itself notices nothing."""
    socket = _segment(lab, segment) / f"{machine}.sock"
    if not socket.exists():
        raise UsageError(f"segment {segment}", f"{machine} has no link there", "See `hosting lab status`.")
    mark = socket.with_name(socket.name + switch.BLOCKED)
    if blocked:
        mark.touch()
    else:
        mark.unlink(missing_ok=True)
