"""The one place that prints: results on standard output, progress and errors on standard error.

Colours only on a terminal, and never when ``NO_COLOR`` is set.
"""

import json
import os
import re
import shutil
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from getpass import getpass
from itertools import zip_longest
from pathlib import Path
from typing import TextIO

from hosting_cli.errors import HostingError, RefusedError, UsageError
from hosting_cli.result import Block, Result, Table, Text

HEARTBEAT_SECONDS = 1.8
"""How long a stage may be silent before it says that it still goes on."""

LOOK_SECONDS = 0.2
"""How often it is looked whether a stage is silent."""

NARROWEST = 10
"""How many columns a column of a table keeps, however little room there is."""

GAP = "  "
"""What stands between two columns of a table, and before the second line of a cell."""

INDENT = "       "
"""What the lines of an error begin with that follow its first: as wide as ``error: ``."""

TERMINAL = Path("/dev/tty")
"""The terminal that people sit at, wherever standard output leads."""

WIPE = b"\x1b[H\x1b[2J\x1b[3J"

COLOURS = {
    "create": "32",
    "update": "33",
    "replace": "35",
    "delete": "31",
    "held": "32",
    "broken": "31",
    "unknown": "35",
    "not proven": "33",
    "in order": "32",
    "due": "33",
    "critical": "31;1",
    "warning": "33",
    "about to": "33",
    "late": "31",
    "sealed": "31;1",
    "away": "31;1",
    "answers": "32",
    "overdue": "31",
    "disabled": "35",
    "stale": "33",
    "stray slot": "31",
    "lost": "31",
    "too much": "31",
    "too little": "33",
    "misplaced": "31",
    "conforming": "32",
    "conforme": "32",
    "non-conforming": "31",
    "non conforme": "31",
    "waived": "33",
    "dérogation": "33",
    "no evidence": "35",
    "preuve absente": "35",
    "evidence expired": "35",
    "preuve périmée": "35",
    "met": "32",
    "unmet": "31",
    "running": "32",
    "stopped": "31",
    "done": "32",
    "failed": "31",
    "skipped": "33",
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


def watch(look: Callable[[], Result], every_seconds: float) -> Result:
    """Show what *look* gives, again and again, on a screen that is wiped before; when interrupted, give the last.

    As many lines as the terminal has are shown.  Raise ``UsageError`` where standard output is no terminal.
    """
    if not sys.stdout.isatty():
        raise UsageError("--watch", "takes a terminal", "Leave it out, and have a timer call this with --output json.")
    try:
        while True:
            result = look()
            width, height = shutil.get_terminal_size((110, 24))
            blocks = [render(block, width=width, colours=has_colours(sys.stdout)) for block in result.blocks]
            lines = "\n".join(blocks).splitlines()
            errors = [f"error: {error.subject}: {error.what}."[:width] for error in result.errors]
            shown = [*errors, *lines][: height - 1]
            sys.stdout.write("\x1b[H\x1b[2J" + "\n".join(shown))
            sys.stdout.flush()
            time.sleep(every_seconds)
    except KeyboardInterrupt:
        sys.stdout.write("\n")
        return result


def show_error(error: HostingError, *, stream: TextIO | None = None) -> None:
    """Print one error: what happened, then what to do."""
    stream = stream or sys.stderr
    paint = Painter(has_colours(stream))
    said = _paragraph(f"error: {error.subject}: {error.what}.")
    stream.write(said.replace("error", paint("error", "error"), 1))
    stream.write(_paragraph(f"{INDENT}{error.remedy}"))


def _paragraph(words: str) -> str:
    """Wrap what an error says; what people copy from it (a path, an address, a command's word) is never broken."""
    lines = textwrap.wrap(
        words, max(40, _width()), subsequent_indent=INDENT, break_long_words=False, break_on_hyphens=False
    )
    return "".join(f"{line}\n" for line in lines)


def show_once(lines: Iterable[str]) -> None:
    """Show *lines* on the terminal itself, wait for Enter, and wipe them and what can be scrolled back to.

    Never on standard output, which may lead into a file.  Raise ``RefusedError`` where there is no terminal.
    """
    try:
        terminal = TERMINAL.open("r+b", buffering=0)
    except OSError:
        what = "this shows secrets to people, and there is no terminal"
        raise RefusedError("terminal", what, "Run it by hand, in a room where only those are who may see.") from None
    with terminal:
        terminal.write("".join(f"{line}\n" for line in lines).encode())
        try:
            while terminal.read(1) not in {b"\n", b"\r", b""}:
                pass
        finally:
            terminal.write(WIPE)


def typed_lines(name: str) -> list[str]:
    """Take one secret a line from standard input; at a terminal without showing what is typed, until an empty line."""
    if not sys.stdin.isatty():
        return [line for line in sys.stdin.read().splitlines() if line.strip()]
    lines: list[str] = []
    while line := getpass(f"{name} {len(lines) + 1} (nothing to end): ").strip():
        lines.append(line)
    return lines


def render(block: Block, *, width: int, colours: bool) -> str:
    """Give a block as text, a table at most *width* columns wide."""
    paint = Painter(colours)
    if isinstance(block, Text):
        return "".join(f"{line}\n" for line in block.lines)
    return _render_table(block, width, paint)


def _render_table(table: Table, width: int, paint: Painter) -> str:
    """Lay out a table: columns that say nothing are left out, cells are wrapped where all would be too wide."""
    columns = [column for column in zip(table.columns, *table.rows, strict=True) if any(column[1:])]
    if not columns:
        return ""
    widths = _fitted(columns, width)
    head, *rows = [_lines(row, widths) for row in zip(*columns, strict=True)]
    title = [table.title] if table.title else []
    text = [paint("title", line) for line in (*title, *head)]
    for (first, *more), (meaning, *_) in zip(rows, table.rows, strict=True):
        text.append(first.replace(meaning, paint(meaning, meaning), 1) if meaning in COLOURS else first)
        text += more
    return "".join(f"{line}\n" for line in text)


def _fitted(columns: list[tuple[str, ...]], width: int) -> list[int]:
    """Take from the widest column until all of them fit into *width*; break words only where nothing else helps."""
    fitted = [max(map(len, column)) for column in columns]
    room = width - len(GAP) * (len(columns) - 1)
    if sum(fitted) > room:
        _shrink(fitted, [max(NARROWEST, *map(_longest_word, column)) for column in columns], room)
        _shrink(fitted, [NARROWEST] * len(columns), room)
    return fitted


def _shrink(widths: list[int], floors: list[int], room: int) -> None:
    """Take from the widest column that is above its floor until all of them fit into *room*, or none is left."""
    while sum(widths) > room:
        above = [number for number, width in enumerate(widths) if width > floors[number]]
        if not above:
            return
        widths[max(above, key=widths.__getitem__)] -= 1


def _longest_word(cell: str) -> int:
    return max(map(len, _Cell.wordsep_simple_re.split(cell)))


def _wrapped(words: str, width: int) -> list[str]:
    # Most cells fit, and a region has tens of thousands of them.
    return [words] if len(words) <= width and words.isprintable() else _Cell(width).wrap(words)


class _Cell(textwrap.TextWrapper):
    """Wraps at spaces and behind the slashes of a path, and within a word only where there is no other way."""

    wordsep_simple_re = re.compile(r"(\s+|(?<=/)|(?<=:)(?=\D))")

    def __init__(self, width: int) -> None:
        super().__init__(width, subsequent_indent=GAP, break_on_hyphens=False)


def _lines(row: tuple[str, ...], widths: list[int]) -> list[str]:
    """Set a row of cells in columns: as many lines as its longest cell needs."""
    cells = [_wrapped(words, width) for words, width in zip(row, widths, strict=True)]
    return [
        GAP.join(words.ljust(width) for words, width in zip(line, widths, strict=True)).rstrip()
        for line in zip_longest(*cells, fillvalue="")
    ] or [""]


def has_colours(stream: TextIO) -> bool:
    """Tell whether *stream* is a terminal whose owner did not refuse colours."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


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
        while not ended.wait(LOOK_SECONDS):
            now = time.monotonic()
            if now - self._last_said >= HEARTBEAT_SECONDS:
                self(f"{name} … {now - started:.0f} s")
