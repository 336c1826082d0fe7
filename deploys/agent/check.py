"""See whether the repository of an application is whole: its structure, and one part of its data after the other."""

import time
from typing import Any

from . import record
from .backup import opened
from .settings import AgentError, application

DAY_SECONDS = 24 * 3600
EARLY_SECONDS = DAY_SECONDS // 2
"""The timer strikes once a day at about the same time: a check is not put off by a day for a few minutes."""


def check_if_due(name: str) -> dict[str, Any] | None:
    """Check, unless the repository was found whole lately enough for the application's continuity class."""
    every_days = application(name)["backup"]["check_days"]
    good = record.read(name).get("last_good_check")
    if good and time.time() - good["time"] < every_days * DAY_SECONDS - EARLY_SECONDS:
        return None
    return check(name)


def check(name: str) -> dict[str, Any]:
    """Check the structure and read the next part of the data; leave word of how it went, good or bad.

    It takes no lock, so that backups go on meanwhile.  Raise ``AgentError`` with what restic says is wrong.
    """
    parts = application(name)["backup"]["check_parts"]
    good = record.read(name).get("last_good_check")
    part = good["part"] % parts + 1 if good and good["parts"] == parts else 1
    began = time.monotonic()
    said: dict[str, Any] = {"part": part, "parts": parts}
    try:
        with opened(name) as restic:
            restic.run("check", f"--read-data-subset={part}/{parts}", "--no-lock")
    except AgentError as error:
        record.note(name, "check", {"outcome": "failed", "time": int(time.time()), **said, "reason": str(error)})
        raise
    outcome = {"outcome": "done", "time": int(time.time()), **said, "seconds": round(time.monotonic() - began, 1)}
    record.note(name, "check", outcome)
    return outcome
