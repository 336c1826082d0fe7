"""Read a machine's serial console: where it says that it has booted and answers SSH."""

import re
from pathlib import Path

from hosting_cli.errors import UnreadableError
from hosting_cli.lab import processes, qemu
from hosting_cli.lab.progress import Narrator

_READY = re.compile(rb"LAB-READY ([0-9a-f-]{36})")


def position(directory: Path) -> int:
    """Tell how much the console has said, to wait later for what it says after."""
    console = directory / qemu.CONSOLE
    return console.stat().st_size if console.exists() else 0


def wait_until_ready(
    directory: Path, process: processes.Process, *, since: int, narrator: Narrator, timeout_seconds: float
) -> str:
    """Wait until the machine says, after the position *since*, that it answers SSH; return its boot_id.

    Raise UnreadableError when it ends or says nothing in time.
    """
    while True:
        # Asked before the reading, so that the last words of a process that ends now are still heard.
        alive = processes.is_alive(process)
        if found := _READY.search(_read(directory, since)):
            return found.group(1).decode()
        if not alive or narrator.elapsed() > timeout_seconds:
            raise UnreadableError(
                f"machine {directory.name}", f"did not boot: {_last_words(directory)}", "Start it anew."
            )
        narrator.pause(0.1)


def _read(directory: Path, since: int) -> bytes:
    console = directory / qemu.CONSOLE
    if not console.exists():
        return b""
    with console.open("rb") as stream:
        stream.seek(since)
        return stream.read()


def _last_words(directory: Path) -> str:
    logs = (directory / "qemu.log", directory / qemu.CONSOLE)
    lines = [line for log in logs if log.exists() for line in log.read_text(errors="replace").splitlines()[-3:]]
    return " | ".join(lines) or "without a word"
