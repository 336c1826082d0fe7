"""The one place that prints: results on standard output, progress and errors on standard error.

Colours only on a terminal, and never when ``NO_COLOR`` is set.
"""

import json
import os
import shutil
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from hosting_cli.errors import HostingError
from hosting_cli.result import Block, Result, Table, Text

HEARTBEAT_SECONDS = 1.8
"""How long a stage may be silent before it says that it still goes on."""

COLOURS = {
    "create": "32",
    "update": "33",
    "replace": "35",
    "delete": "31",
    "held": "32",
    "broken": "31",
    "unknown": "35",
    "not proven": "33",
    "running": "32",
    "stopped": "31",
    "error": "31;1",
    "title": "1",
}


class Painter:
    """Wrap words in the colour of their meaning, or leave them as they are."""

    def __init__(self, colours: bool) -> None:
        self._colours = colours

    def __call__(self, meaning: str, words: str) -> str:
        """Paint *words* as *meaning* asks; an unknown meaning has no colour."""
        code = COLOURS.get(meaning) if self._colours else None
        return f"\x1b[{code}m{words}\x1b[0m" if code else words


def show(result: Result, output: str, *, stream: TextIO | None = None) -> None:
    """Print *result* as ``people`` or as ``json``."""
    stream = stream or sys.stdout
    if output == "json":
        stream.write(json.dumps(result.envelope(), ensure_ascii=False, indent=2) + "\n")
        return
    for number, block in enumerate(result.blocks):
        if number:
            stream.write("\n")
        stream.write(render(block, width=_width(), colours=has_colours(stream)))
    stream.flush()
    for error in result.errors:
        show_error(error)


def show_error(error: HostingError, *, stream: TextIO | None = None) -> None:
    """Print one error: what happened, then what to do."""
    stream = stream or sys.stderr
    paint = Painter(has_colours(stream))
    stream.write(f"{paint('error', 'error')}: {error.subject}: {error.what}.\n")
    for line in textwrap.wrap(error.remedy, width=_width() - 7):
        stream.write(f"       {line}\n")


def render(block: Block, *, width: int, colours: bool) -> str:
    """Give a block as text, at most *width* columns wide where its words allow."""
    paint = Painter(colours)
    if isinstance(block, Text):
        return "".join(f"{line}\n" for line in block.lines)
    return _render_table(block, width, paint)


def _render_table(table: Table, width: int, paint: Painter) -> str:
    """Lay out a table: every column as wide as its longest cell, the last one wrapped to what is left."""
    columns = [list(column) for column in zip(table.columns, *table.rows, strict=True)]
    widths = [max(map(len, column)) for column in columns]
    left = max(24, width - sum(widths[:-1]) - 2 * (len(widths) - 1))
    widths[-1] = min(widths[-1], left)
    lines = [paint("title", table.title)] if table.title else []
    lines.append(paint("title", _line(table.columns, widths)))
    for row in table.rows:
        *heads, last = row
        first, *more = textwrap.wrap(last, widths[-1], break_long_words=False) or [""]
        line = _line((*heads, first), widths)
        lines.append(paint(row[0], row[0]) + line[len(row[0]) :])
        lines += [_line((*("" for _ in heads), rest), widths) for rest in more]
    return "".join(f"{line}\n" for line in lines)


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def has_colours(stream: TextIO) -> bool:
    """Tell whether *stream* is a terminal whose owner did not refuse colours."""
    return stream.isatty() and "NO_COLOR" not in os.environ


def _width() -> int:
    return shutil.get_terminal_size((110, 24)).columns


class Progress:
    """Tell on standard error what goes on, so that nothing is silent for over two seconds.

    Call it with a line; or open a ``stage``, which ends with the time it took and beats while nothing is said.
    """

    def __init__(self, *, stream: TextIO | None = None, quiet: bool = False) -> None:
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self._lock = threading.Lock()
        self._last_said = time.monotonic()
        self.stages: list[tuple[str, float]] = []

    def __call__(self, line: str) -> None:
        """Say *line*; safe from several threads."""
        with self._lock:
            self._last_said = time.monotonic()
            if not self._quiet:
                self._stream.write(f"  {line}\n")
                self._stream.flush()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Announce *name*, beat while it lasts, and say at its end how long it took."""
        self(name)
        started = time.monotonic()
        ended = threading.Event()
        heart = threading.Thread(target=self._beat, args=(name, started, ended), daemon=True)
        heart.start()
        try:
            yield
        finally:
            ended.set()
            heart.join()
            seconds = time.monotonic() - started
            self.stages.append((name, seconds))
        self(f"{name}: done in {seconds:.1f} s")

    def _beat(self, name: str, started: float, ended: threading.Event) -> None:
        while not ended.wait(0.2):
            now = time.monotonic()
            if now - self._last_said >= HEARTBEAT_SECONDS:
                self(f"{name} … {now - started:.0f} s")
