"""Processes that outlive the command that started them, found again by pid and start time."""

import os
import secrets
import shutil
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hosting_cli.errors import EngineError

# Held until its pid is on record: a starter that dies before that closes the pipe, and the program never runs.
_HELD = 'cd -- "$1" && shift && read -r go && exec "$@" </dev/null'
_POLL_SECONDS = 0.02
# Below the range that the kernel hands to outgoing connections, so that a chosen port is still free a moment later.
_PORTS = range(20_000, 32_000)
_KEPT_SECONDS = 120
_kept: list[tuple[float, socket.socket]] = []
"""What keeps others from choosing a port before the program that it was chosen for listens on it, and since when."""


@dataclass(frozen=True)
class Process:
    """A running program; ``started`` (clock ticks since boot) tells it from a later one with the same pid."""

    name: str
    pid: int
    started: int


def start(
    name: str,
    argv: Sequence[str | Path],
    *,
    log: Path,
    directory: Path,
    record: Callable[[Process], None] | None = None,
    environment: Mapping[str, str] | None = None,
    descriptors: Sequence[int] = (),
) -> Process:
    """Run *argv* in *directory*, in a session of its own, without a terminal, its output appended to *log* (0600).

    *record* is given the process before the program runs: when it raises, or when this process is killed meanwhile,
    the program never runs.  Unless another is given, the environment is a minimal one, so that no token of the caller
    reaches the program; it inherits *descriptors* and no other.
    Raise ``EngineError`` when there is no such program.
    """
    program = shutil.which(argv[0])
    if program is None:
        raise EngineError(f"process {name}", f"there is no program {argv[0]}", "Install it, or name another one.")
    hold, release = os.pipe()
    try:
        pid = _spawn(
            [program, *map(str, argv[1:])], directory, log, environment or _minimal(), stdin=hold, kept=descriptors
        )
    finally:
        os.close(hold)
    try:
        process = Process(name, pid, _started(pid) or 0)
        if record is not None:
            record(process)
        os.write(release, b"go\n")
    finally:
        os.close(release)
    return process


def _minimal() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(Path.home()), "LANG": "C.UTF-8"}


def _spawn(
    argv: list[str],
    directory: Path,
    log: Path,
    environment: Mapping[str, str],
    *,
    stdin: int,
    kept: Sequence[int],
) -> int:
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return os.posix_spawn(
            "/bin/sh",
            ["/bin/sh", "-c", _HELD, "sh", str(directory), *argv],
            environment,
            # A descriptor that is put in its own place stays open in the program.
            file_actions=[
                (os.POSIX_SPAWN_DUP2, source, target)
                for source, target in ((stdin, 0), (output, 1), (output, 2), *((number, number) for number in kept))
            ],
            setsid=True,
        )
    finally:
        os.close(output)


def is_alive(process: Process) -> bool:
    """Tell whether *process* still runs; a zombie, or another process that got the same pid, does not count."""
    _reap(process.pid)
    return _started(process.pid) == process.started


def exit_status(process: Process) -> int | None:
    """Give the exit status of a child of ours, as ``subprocess`` counts; ``None`` while it runs.  Ask until it ends."""
    pid, status = os.waitpid(process.pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if pid else None


def stop(process: Process, *, grace_seconds: float = 10) -> None:
    """End *process* and whatever it started, politely, then after *grace_seconds* by force.

    Idempotent.  Return only when all of them are gone.
    """
    _signal_all(process, signal.SIGTERM)
    deadline = time.monotonic() + grace_seconds
    while time.monotonic() < deadline:
        if not _members(process):
            return
        time.sleep(_POLL_SECONDS)
    while _members(process):
        _signal_all(process, signal.SIGKILL)
        time.sleep(_POLL_SECONDS)


def free_port() -> int:
    """Choose a TCP port of the loopback interface that nothing listens on."""
    return free_ports(1)[0]


def free_ports(count: int) -> tuple[int, ...]:
    """Choose *count* different free TCP ports of the loopback interface; raise ``EngineError`` when there are none.

    For two minutes, or until this process ends, nobody else is given them.
    """
    while _kept and _kept[0][0] < time.monotonic() - _KEPT_SECONDS:
        _kept.pop(0)[1].close()
    chosen: list[int] = []
    for _ in range(1000):
        port = secrets.choice(_PORTS)
        if _is_free(port) and _keep(port):
            chosen.append(port)
        if len(chosen) == count:
            return tuple(chosen)
    raise EngineError("loopback", f"no {count} free ports between {_PORTS.start} and {_PORTS.stop}", "Stop something.")


def _keep(port: int) -> bool:
    """Keep *port* for ourselves; tell whether nobody else keeps it."""
    kept = socket.socket(socket.AF_UNIX)
    try:
        kept.bind(f"\0hosting lab port {port}")  # a name, no file: it is gone when we are
    except OSError:
        kept.close()
        return False
    _kept.append((time.monotonic(), kept))
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            # The unspecified address, because a listener on any address makes the port taken.
            probe.bind(("", port))
        except OSError:
            return False
    return True


def _members(process: Process) -> list[int]:
    """List the running processes of *process*'s session; nobody when its pid belongs to somebody else by now."""
    _reap(process.pid)
    if _started(process.pid) not in {None, process.started}:
        return []
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid in pids if (fields := _stat(pid)) is not None and int(fields[3]) == process.pid]


def _signal_all(process: Process, number: signal.Signals) -> None:
    for pid in _members(process):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def _started(pid: int) -> int | None:
    fields = _stat(pid)
    return None if fields is None else int(fields[19])


def _stat(pid: int) -> list[str] | None:
    """Read ``/proc/<pid>/stat`` from its third field on (state, ppid, pgrp, session …); ``None`` for a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the program's name in parentheses, which may itself contain anything.
    fields = text[text.rindex(")") + 2 :].split()
    return None if fields[0] in {"Z", "X"} else fields
