"""One reading in a process of its own: whatever hangs in it ends with it, and what it held in memory is gone.

The process is `hosting metrics show --output json`, so it reads the files, the token and the authority anew each time:
nothing that changed meanwhile is missed, and no connection is held between two readings.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from hosting_cli.errors import UnreadableError
from hosting_cli.exporter.parts import Part
from hosting_cli.exporter.shelf import Told
from hosting_cli.figures import HELP, Sample

ROOT = Path(__file__).parents[2]
"""Where this very code is found again, whatever else is installed."""

_LOOK_SECONDS = 0.2


def command(part: Part, options: Sequence[str]) -> list[str]:
    """Compose the call that reads *part*; *options* say on what, with paths from the root."""
    return [sys.executable, "-m", "hosting_cli", "metrics", "show", "--only", part, "--output", "json", *options]


def read(part: Part, argv: Sequence[str], at_most_seconds: float, *, ended: threading.Event) -> Told:
    """Run *argv*, which prints an envelope, and give what it told.

    Raise ``UnreadableError`` when it gave no figures, took too long, or when *ended* was set meanwhile: then it is
    killed, with everything that it started.
    """
    began = time.monotonic()
    # A group of its own, to be ended whole; the same session, by which whoever ends the exporter finds it.
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        process_group=0,
    )
    try:
        output, said = _communicated(process, began + at_most_seconds, ended)
    finally:
        _end(process)
    if output is None:
        why = (
            "was ended with the exporter" if ended.is_set() else f"took more than {at_most_seconds:g} s, and was ended"
        )
        raise UnreadableError(f"figures of {part}", why, "Run `hosting metrics show` by hand, and see what waits.")
    return _told(part, output, said, time.monotonic() - began)


def _communicated(
    process: "subprocess.Popen[str]", deadline: float, ended: threading.Event
) -> tuple[str | None, str | None]:
    """Give what the process said once it ends; nothing when it does not in time."""
    while time.monotonic() < deadline and not ended.is_set():
        try:
            return process.communicate(timeout=_LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    return None, None


def _end(process: "subprocess.Popen[str]") -> None:
    """Kill what is left of the process's group, and wait for its end."""
    with suppress(ProcessLookupError):  # nobody is left
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def _told(part: Part, output: str, said: str | None, seconds: float) -> Told:
    subject, remedy = f"figures of {part}", "Run `hosting metrics show` by hand, and see what it says."
    try:
        envelope: dict[str, Any] = json.loads(output)
    except ValueError:
        last = (said or "").strip().splitlines()[-1:] or ["it said nothing"]
        raise UnreadableError(subject, f"the reading broke ({last[0]})", remedy) from None
    errors = [f"{error['subject']}: {error['what']}" for error in envelope["errors"]]
    if "samples" not in envelope["data"]:
        raise UnreadableError(subject, "; ".join(errors), remedy)
    samples = tuple(Sample(**item) for item in envelope["data"]["samples"] if item["name"] in HELP)
    return Told(samples, len(errors), seconds)
