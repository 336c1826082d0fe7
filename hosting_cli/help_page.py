"""The page of `hosting --help`, kept in a file: it shows without typer, whose import takes longer than all the rest.

Each paragraph of the file is on one line, as long as it may be.  `python -m hosting_cli.reference` has typer write it;
a test holds the page against what typer itself shows, at every width of a terminal.
"""

import re
import textwrap
from pathlib import Path

FILE = Path(__file__).with_name("help.txt")

WIDEST = 110
"""Columns of a terminal that help makes use of; it is narrower by a margin of two."""

NARROWEST = 50

_BEFORE_TEXT = re.compile(r" *(?:\S+(?: \S+)*  +)?")
"""What stands before the text of a line: an indentation, and in a list of two columns the first with its gap."""


def laid_out(page: str, columns: int) -> str:
    """Wrap every line of *page* for a terminal of so many *columns*, each under where its text begins."""
    width = max(min(columns, WIDEST) - 2, NARROWEST)
    return "".join(f"{_wrapped(line, width)}\n" for line in page.splitlines())


def _wrapped(line: str, width: int) -> str:
    before = _BEFORE_TEXT.match(line)
    return textwrap.fill(line, width, subsequent_indent=" " * (before.end() if before else 0))
