"""A lab without machines, and the command line run on it as people run it: in processes that can be killed."""

import json
import os
import pty
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from engines_lab import SAMPLE, bring_up_engines
from forked import Forked, hosting

from hosting_cli.app import LazyDoors
from hosting_cli.console import Progress
from hosting_cli.lab import faults, removal
from hosting_cli.lab.laboratory import Lab
from hosting_cli.session import Session

ENGINEER, OFFICER, AUDITOR = "operations-engineer", "security-officer", "auditor"


@contextmanager
def without_machines(folder: Path) -> Iterator[Lab]:
    """Give a lab of engines alone, in *folder*."""
    found = Lab(folder / "lab", folder / "cache")
    try:
        bring_up_engines(found)
        yield found
    finally:
        list(removal.down(found, Progress(quiet=True)))


def completed(lab: Lab, *arguments: str, person: str = ENGINEER, environment: Path | None = None) -> tuple[str, ...]:
    """Add to *arguments* whose run it is and on what, and that programs read the answer."""
    where = ("--region", str(SAMPLE), "--environment", str(environment or lab.environment_file))
    return (*arguments, *where, "--token-file", str(lab.token_file(person)), "-o", "json")


def command(lab: Lab, *arguments: str, person: str = ENGINEER, environment: Path | None = None) -> list[str]:
    """Give what a shell would start."""
    return [sys.executable, "-m", "hosting_cli", *completed(lab, *arguments, person=person, environment=environment)]


def run(
    lab: Lab, *arguments: str, person: str = ENGINEER, environment: Path | None = None, typed: str = ""
) -> tuple[int, dict[str, Any]]:
    """Run a command to its end, given what is *typed*; give its exit status and its answer."""
    with TemporaryDirectory() as folder:
        output, errors = Path(folder, "output"), Path(folder, "errors")
        asked = completed(lab, *arguments, person=person, environment=environment)
        status = Forked(hosting, *asked, typed=typed, output=output, errors=errors).wait(timeout_seconds=600)
        assert output.stat().st_size, errors.read_text()
        return status, json.loads(output.read_text())


def at_a_terminal(arguments: list[str], *, typed: str = "") -> tuple[int, str]:
    """Run a command at a terminal of its own, answering what it asks; give its status and what it showed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(arguments[0], arguments)  # noqa: S606 the child that the terminal belongs to
    shown = b""
    answered = asked = 0
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # what a terminal says when nobody is at its other end
            break
        if not part:
            break
        shown += part
        while typed and shown.count(b"nothing to end") > asked:
            line, _, typed = typed.partition("\n")
            os.write(terminal, f"{line}\n".encode())
            asked += 1
        while shown.count(b"press Enter") > answered:
            os.write(terminal, b"\n")
            answered += 1
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


def begun(lab: Lab) -> list[str]:
    """Name what the journal says was begun, whole lines only."""
    lines = lab.journal.read_bytes().split(b"\n")[:-1]
    entries: list[Mapping[str, Any]] = [json.loads(line) for line in lines]
    return [
        json.dumps([entry["data"]["subject"], entry["data"].get("sentence"), entry["data"].get("procedure")])
        for entry in entries
        if entry["kind"] == "intent"
    ]


def run_until(
    lab: Lab,
    arguments: tuple[str, ...],
    seen: set[str],
    act: Callable[[Forked], None],
    *,
    kind: str | None = None,
) -> tuple[int, dict[str, Any]]:
    """Run a command, and *act* on it once, when it begins something new (of *kind*); give how it ended."""
    with TemporaryDirectory() as folder:
        output = Path(folder, "output")
        process = Forked(hosting, *completed(lab, *arguments), output=output)
        while process.poll() is None:
            if any(kind in {None, json.loads(name)[0]["kind"]} for name in set(begun(lab)) - seen):
                act(process)
                break
            time.sleep(0.002)
        status = process.wait(timeout_seconds=300)
        return status, json.loads(output.read_text() or "{}")


def run_until_killed(lab: Lab, arguments: tuple[str, ...], seen: set[str], delay_seconds: float) -> int | None:
    """Run a command, and kill it a moment after it begins something new; give its exit status if it ends before."""

    def kill(process: Forked) -> None:
        time.sleep(delay_seconds)
        process.kill()

    status, said = run_until(lab, arguments, seen, kill)
    if status > 0:
        sys.stderr.write(f"it ended with {status}: {said.get('errors')}\n")
    return None if status == -signal.SIGKILL else status


def break_while_running(lab: Lab, fault: str, *arguments: str, kind: str | None = None) -> tuple[int, dict[str, Any]]:
    """Run a command, hold it as soon as it has begun something (of *kind*), break the lab, and let it go on."""

    def hold(process: Forked) -> None:
        process.send_signal(signal.SIGSTOP)
        faults.inject(lab, fault, "")
        process.send_signal(signal.SIGCONT)

    return run_until(lab, arguments, set(begun(lab)), hold, kind=kind)


def session_of(lab: Lab, person: str = ENGINEER) -> Session:
    """Give a session of *person*, to look at what commands have done, and to run some in this process."""
    return Session(SAMPLE, lab.environment_file, lab.token_file(person), LazyDoors(), Progress(quiet=True))
