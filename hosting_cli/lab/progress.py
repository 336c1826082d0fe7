"""Run a slow command and tell what it is doing, so that nothing is silent for over two seconds."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from hosting_cli.errors import EngineError
from hosting_cli.lab import processes, recorded
from hosting_cli.lab.processes import Process

Progress = Callable[[str], None]
"""Tell one short line to whoever waits; called from several threads at once."""

SILENCE_SECONDS = 1.5
BREATH_SECONDS = 0.5
POLL_SECONDS = 0.05
TIDY_SECONDS = 180
"""How long a slow command may take to tidy up behind itself: what it mounted, what it filled."""


@dataclass
class Narrator:
    """Keep whoever waits informed: tell what is new at once, and what still goes on after a while."""

    progress: Progress
    text: str
    started: float = field(default_factory=time.monotonic)
    told: float = 0.0

    def say(self, text: str) -> None:
        """Change what is going on, and tell it unless something was told just now."""
        self.text = text
        if time.monotonic() - self.told > BREATH_SECONDS:
            self._tell(text)

    def elapsed(self) -> float:
        """Return the seconds since the beginning."""
        return time.monotonic() - self.started

    def wait(self) -> None:
        """Tell that it still goes on, if the silence has grown long."""
        if time.monotonic() - self.told >= SILENCE_SECONDS:
            self._tell(f"{self.text} ({self.elapsed():.0f} s)")

    def pause(self, seconds: float) -> None:
        """Sleep a little, in a loop that waits for something."""
        self.wait()
        time.sleep(seconds)

    def _tell(self, text: str) -> None:
        self.progress(text)
        self.told = time.monotonic()


def run(
    argv: Sequence[str],
    *,
    log: Path,
    progress: Progress,
    begin: str,
    describe: Callable[[str], str | None] = lambda line: None,
    pass_descriptors: Sequence[int] = (),
) -> None:
    """Run *argv* to its end, its output into *log*, itself on record beside that for as long as it runs.

    Raise EngineError, with the last lines, when it fails or cannot be started.  Whatever ends this ends it too.
    """
    narrator = Narrator(progress, begin)
    narrator.say(begin)
    log.touch(0o600)
    with log.open("rb") as transcript:
        transcript.seek(0, os.SEEK_END)
        process = processes.start(
            Path(argv[0]).name,
            argv,
            log=log,
            directory=Path.cwd(),
            record=recorded.recorder(log.parent),
            environment=os.environ,
            descriptors=pass_descriptors,
        )
        try:
            status = _follow(process, transcript, narrator, describe)
        finally:
            processes.stop(process, grace_seconds=TIDY_SECONDS)
            recorded.forget(log.parent)
    if status != 0:
        ending = " | ".join(log.read_text(errors="replace").splitlines()[-4:])
        raise EngineError(argv[0], f"ended with status {status}: {ending}", f"The whole output is in {log}.")


def _follow(process: Process, transcript: BinaryIO, narrator: Narrator, describe: Callable[[str], str | None]) -> int:
    """Tell what *transcript* grows by until *process* ends; give its exit status."""
    pending, status = b"", None
    while status is None:
        # Asked before the reading, so that the last words of a process that ends now are still heard.
        status = processes.exit_status(process)
        *lines, pending = (pending + transcript.read()).split(b"\n")
        for text in filter(None, (describe(line.decode(errors="replace")) for line in lines)):
            narrator.say(text)
        narrator.pause(POLL_SECONDS)
    return status
