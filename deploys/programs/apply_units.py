"""Enable, start, restart and reload units in as few calls of systemctl as that takes: each is dear on a slow host.

    {"pending": directory, "reload": bool, "enable": [unit …], "verbs": {"start" | "restart" | "reload": [unit …]}}

Answers ``{unit: reason}`` for those that are not active afterwards, and fails if there are any.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys


def main(text: str) -> None:
    """Carry the request in *text* out."""
    request = json.loads(text)
    complaints = ""
    if request["enable"]:
        complaints += _systemctl("enable", "--no-reload", "--quiet", *request["enable"])[1]
    if request["enable"] or request["reload"]:
        # systemd remembers whether a unit is enabled until it is told to look again.
        complaints += _systemctl("daemon-reload")[1]
    running = [unit for units in request["verbs"].values() for unit in units]
    for verb, units in request["verbs"].items():
        complaints += _systemctl(verb, *units)[1]
    failed = _failed(request["enable"], running, complaints.strip())
    for unit in running:
        if unit not in failed:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{request['pending']}/{unit}")
    sys.stdout.write(json.dumps(failed))
    sys.exit(1 if failed else 0)


def _failed(enabled: list[str], running: list[str], complaints: str) -> dict[str, str]:
    """Name the units that are not enabled or do not run, with why as far as systemd says."""
    units = list(dict.fromkeys([*enabled, *running]))
    if not units:
        return {}
    status, output = _systemctl("show", "--property=ActiveState,Result,UnitFileState", "--", *units)
    blocks = output.strip("\n").split("\n\n")
    if status != 0 or len(blocks) != len(units):
        return dict.fromkeys(units, f"systemctl show failed: {output.strip()}")
    failed = {}
    for unit, block in zip(units, blocks, strict=True):
        found = dict(line.partition("=")[::2] for line in block.splitlines())
        if found["UnitFileState"] == "disabled" or (unit in running and found["ActiveState"] != "active"):
            words = f"is {found['ActiveState']} ({found['Result']}) and {found['UnitFileState']}"
            failed[unit] = f"{unit} {words}. {complaints}"
    return failed


def _systemctl(*arguments: str) -> tuple[int, str]:
    done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr
