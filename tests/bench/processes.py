"""Run a program to its end and measure it."""

import resource
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.measure import BenchmarkError

CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Run:
    """A process that ended: what it cost, its children included, and what it said."""

    status: int
    wall_seconds: float
    user_seconds: float
    system_seconds: float
    stdout: str
    stderr: str


def measured(
    argv: Sequence[str], *, stdin: str = "", environment: dict[str, str] | None = None, timeout_seconds: float = 120
) -> Run:
    """Run *argv* in the checkout; nothing else of ours may end meanwhile, since its cost would be counted too.

    Raise ``BenchmarkError`` if it does not end in time.
    """
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    try:
        done = subprocess.run(
            argv,
            input=stdin,
            text=True,
            capture_output=True,
            cwd=CHECKOUT,
            env=environment,
            timeout=timeout_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BenchmarkError(f"{' '.join(argv[-4:])} did not end within {timeout_seconds:.0f} s") from error
    ended, after = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    return Run(
        done.returncode,
        ended - begun,
        after.ru_utime - before.ru_utime,
        after.ru_stime - before.ru_stime,
        done.stdout,
        done.stderr,
    )


def checked(run: Run) -> Run:
    """Give *run* back; raise ``BenchmarkError`` if it failed."""
    if run.status != 0:
        raise BenchmarkError(f"a candidate ended with status {run.status}: {(run.stdout + run.stderr)[-2000:]}")
    return run
