"""The command line in processes that can be killed, forked from one that has loaded what takes a run longest."""

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from multiprocessing import forkserver, get_context
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

LOADED = ["forked", "hosting_cli.app", "hosting_cli.actors", "hosting_cli.commands.key", "boto3", "hvac", "asyncssh"]
"""What nearly every run loads; a command loads the rest of it by itself."""

NOWHERE = Path(os.devnull)


@cache
def _context() -> ForkServerContext:
    """Start the process that the others are forked from; it finds modules where we do."""
    context = get_context("forkserver")
    context.set_forkserver_preload(LOADED)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        forkserver.ensure_running()
    return context


class Forked:
    """A function that runs in a process group of its own; what it says goes to files."""

    def __init__(
        self,
        function: Callable[..., None],
        *arguments: object,
        environment: Mapping[str, str] | None = None,
        typed: str = "",
        output: Path = NOWHERE,
        errors: Path = NOWHERE,
    ) -> None:
        found = dict(os.environ if environment is None else environment)
        around = _Around(found, typed, output, errors)
        self._process = _context().Process(target=_run, args=(function, arguments, around))
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Give its exit status, or the number of the signal that ended it below zero, once it has ended."""
        return self._process.exitcode

    def wait(self, timeout_seconds: float) -> int:
        self._process.join(timeout_seconds)
        status = self.poll()
        assert status is not None, "it has not ended"
        return status

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it and all that it has started, unless it has ended meanwhile."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


def hosting(*arguments: str) -> None:
    """Become what the shell would have started."""
    sys.argv = ["hosting", *arguments]
    from hosting_cli.__main__ import main

    main()


@dataclass(frozen=True)
class _Around:
    """What a process finds around it: its environment, what is typed, and the files for what it says."""

    environment: Mapping[str, str]
    typed: str
    output: Path
    errors: Path


def _keep_niceness() -> None:
    """Where the kernel shares processors out by sessions, have ours stand back as far as whoever began it."""
    with suppress(OSError):  # not every kernel knows that courtesy, and some refuse it when it is asked too often
        Path("/proc/self/autogroup").write_text(str(os.nice(0)))


def _run(function: Callable[..., None], arguments: Sequence[object], around: _Around) -> None:
    os.setsid()
    _keep_niceness()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(around.environment)
    reading, writing = os.pipe()
    os.write(writing, around.typed.encode())  # little enough to wait there
    os.close(writing)
    os.dup2(reading, 0)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 whoever forked us gave us one that says nothing
    for path, descriptor in ((around.output, 1), (around.errors, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), descriptor)
    function(*arguments)
