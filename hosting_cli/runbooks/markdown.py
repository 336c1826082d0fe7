"""Cut a runbook's file into its parts, each of which still knows its line.

A part is given with the lines before it left empty, so that whatever reads it as YAML counts lines as an editor does.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from inventory.problems import Problem, Words

FRONT = "---"
FENCE = re.compile(r"^(?P<ticks>`{3,})(?P<language>[a-z]*)\s*$")
STEP = "step"
EMPTY = re.compile(r"\n{3,}")
"""What the blocks of steps leave in the text around them."""


@dataclass(frozen=True)
class Part:
    """Some lines of a file; ``line`` is the one that its heading or its fence stands on.

    The text of a section has no blocks of steps in it: they are parts of their own.
    """

    name: str
    line: int
    text: str

    @property
    def padded(self) -> bytes:
        """Give the text below as many empty lines as there are before it in the file."""
        return ("\n" * self.line + self.text).encode()


@dataclass
class Parts:
    """What a file consists of: ``blocks`` are the steps, of which each stands in a section."""

    front: Part | None = None
    title: Part | None = None
    sections: list[Part] = field(default_factory=list)
    blocks: list[Part] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def parts(file: str, text: str) -> Parts:
    """Cut *text* up, and say where its form is broken."""
    found, lines = Parts(), text.splitlines()
    begins = _front(file, lines, found)
    heading, body = None, list[str]()
    for number, line, language in _by_fences(file, lines, begins, found):
        if language is None and line.startswith("# ") and found.title is None and heading is None:
            found.title = Part(line[2:].strip(), number, "")
        elif language is None and line.startswith("## "):
            _close(found, heading, body)
            heading, body = (line[3:].strip(), number), []
        elif language != STEP:
            body.append(line)
    _close(found, heading, body)
    return found


def _close(found: Parts, heading: tuple[str, int] | None, body: list[str]) -> None:
    if heading is not None:
        found.sections.append(Part(heading[0], heading[1], EMPTY.sub("\n\n", "\n".join(body)).strip()))


def _front(file: str, lines: list[str], found: Parts) -> int:
    """Take the front matter; give the number of lines that it takes."""
    if lines and lines[0].rstrip() == FRONT:
        for number, line in enumerate(lines[1:], start=1):
            if line.rstrip() == FRONT:
                found.front = Part("front matter", 1, "\n".join(lines[1:number]))
                return number + 1
    words = Words("the front matter is missing", "nobody knows which alerts this answers", f"begin it with {FRONT}")
    found.problems.append(Problem(file, 1, 1, *words))
    return 0


def _by_fences(file: str, lines: list[str], begins: int, found: Parts) -> Iterator[tuple[int, str, str | None]]:
    """Yield each line with its number and the language of the fence that it stands within; keep the steps' blocks."""
    ticks, opened, language = "", 0, ""
    for number, line in enumerate(lines[begins:], start=begins + 1):
        match = FENCE.match(line)
        if ticks and line.rstrip() == ticks:
            if language == STEP:
                found.blocks.append(Part(language, opened, "\n".join(lines[opened : number - 1])))
            ticks = ""
            yield number, line, language
            continue
        if not ticks and match is not None:
            ticks, opened, language = match["ticks"], number, match["language"]
        yield number, line, language if ticks else None
    if ticks:
        words = Words(
            "a block begins here and never ends", "everything below would be part of it", f"end it with {ticks}"
        )
        found.problems.append(Problem(file, opened, 1, *words))
