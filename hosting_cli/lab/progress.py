"""Run a slow command and tell what it is doing, so that nothing is silent for over two seconds."""

import os
import selectors
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hosting_cli.errors import EngineError

Progress = Callable[[str], None]
"""Tell one short line to whoever waits; called from several threads at once."""

SILENCE_SECONDS = 1.5
BREATH_SECONDS = 0.5


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
    """Run *argv* to its end, its output into *log*.

    Raise EngineError, with the last lines, when it fails or cannot be started.
    """
    narrator = Narrator(progress, begin)
    narrator.say(begin)
    with log.open("ab") as transcript, _start(argv, pass_descriptors) as process:
        for block, lines in _blocks(process, narrator):
            transcript.write(block)
            for text in filter(None, map(describe, lines)):
                narrator.say(text)
    if process.returncode != 0:
        ending = " | ".join(log.read_text(errors="replace").splitlines()[-4:])
        raise EngineError(
            argv[0], f"ended with status {process.returncode}: {ending}", f"The whole output is in {log}."
        )


def _start(argv: Sequence[str], pass_descriptors: Sequence[int]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=pass_descriptors,
        )
    except OSError as error:
        raise EngineError(argv[0], f"cannot be started ({error.strerror})", "Install it.") from error


def _blocks(process: subprocess.Popen[bytes], narrator: Narrator) -> Iterator[tuple[bytes, list[str]]]:
    """Yield the output as it comes, with the lines that it completes."""
    assert process.stdout is not None  # noqa: S101 (it was asked for)
    pending = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            narrator.wait()
            if not selector.select(SILENCE_SECONDS):
                continue
            block = os.read(process.stdout.fileno(), 65536)
            if not block:
                return
            *lines, pending = (pending + block).split(b"\n")
            yield block, [line.decode(errors="replace") for line in lines]
