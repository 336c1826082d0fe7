"""Read what only checks look at, and no plan compares: what sshd goes by, the clock, which patches wait.

Nothing is fetched and nothing is changed: which updates wait is worked out from apt's lists as they are.
"""

from __future__ import annotations

import json
import os
import signal
import sys

from deploys.programs.parts.answer import attempt
from deploys.programs.parts.fork import Fork

TYPE_CHECKING = False  # what type checkers take for true; importing `typing` for it would cost a tenth of the run
if TYPE_CHECKING:
    from typing import Any

LISTS = "/var/lib/apt/lists"
SECURITY = "-security"
"""Ends the suite that Debian's security updates come from; it stands behind the version, in brackets."""

COMMANDS = {
    "sshd": ["sshd", "-T"],
    "clock": ["chronyc", "-c", "tracking"],
    "patches": ["apt-get", "--simulate", "--quiet", "-o", "Debug::NoLocking=true", "dist-upgrade"],
}


def main(text: str) -> None:
    """Answer the request in *text*."""
    signal.alarm(json.loads(text)["timeout_seconds"])
    forks = {name: Fork(argv) for name, argv in COMMANDS.items()}
    answer = {name: attempt(read, None, forks) for name, read in POSTURE.items()}
    sys.stdout.write(json.dumps(answer))


def _read_sshd(wanted: Any, forks: dict[str, Any]) -> Any:
    """Give each parameter as sshd would go by it now; of one that comes several times, all values."""
    found: dict[str, str] = {}
    for line in forks["sshd"].text().splitlines():
        name, _, value = line.partition(" ")
        found[name] = f"{found[name]} {value}" if name in found else value
    if not found:
        raise ValueError("sshd -T said nothing")
    return found


def _read_clock(wanted: Any, forks: dict[str, Any]) -> Any:
    fields = forks["clock"].text().strip().split(",")
    return {
        "reference": fields[1] or fields[0],
        "stratum": int(fields[2]),
        "offset_seconds": float(fields[4]),
        "leap": fields[13],
    }


def _read_patches(wanted: Any, forks: dict[str, Any]) -> Any:
    lines = [line.split() for line in forks["patches"].text().splitlines() if line.startswith("Inst ")]
    security = [line[1] for line in lines if any(SECURITY in word for word in line)]
    return {"pending": [line[1] for line in lines], "security": security, "listed_at": _listed_at()}


def _listed_at() -> float | None:
    """Say when lists were last asked for, by the folder in which they arrive: they keep the times of their mirror.

    Where none is of a suite of security updates, nobody could tell that none waits.
    """
    if not any(SECURITY in name and name.endswith("Release") for name in os.listdir(LISTS)):
        return None
    return os.stat(f"{LISTS}/partial").st_mtime


POSTURE = {"sshd": _read_sshd, "clock": _read_clock, "patches": _read_patches}
