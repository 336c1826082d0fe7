"""Processes on record in the folder that they work in: whoever finds the folder can end them, whatever was killed."""

from collections.abc import Callable
from pathlib import Path

from hosting_cli.lab import processes, records
from hosting_cli.lab.processes import Process

RECORD = "process.json"


def recorder(folder: Path) -> Callable[[Process], None]:
    """Give what puts a process on record in *folder*, before its program runs."""
    return lambda process: records.write(folder / RECORD, vars(process))


def find(folder: Path) -> Process | None:
    """Find the process that was put on record in *folder*, running or not."""
    found = records.read(folder / RECORD)
    return None if found is None else Process(**found)


def running(folder: Path) -> Process | None:
    """Find the process that is on record in *folder*, if it still runs."""
    process = find(folder)
    return process if process is not None and processes.is_alive(process) else None


def forget(folder: Path) -> None:
    """Take off the record what has ended."""
    (folder / RECORD).unlink(missing_ok=True)
