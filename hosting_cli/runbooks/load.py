"""Read every runbook of a folder: frozen values, or every problem of every file at once."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from hosting_cli.runbooks.action import Catalogue
from hosting_cli.runbooks.judging import judge_sheet, judge_step
from hosting_cli.runbooks.markdown import Part, parts
from hosting_cli.runbooks.runbook import SECTIONS, Runbook
from hosting_cli.runbooks.sheet import FrontMatter, StepSheet
from inventory.documents import Document, read_document
from inventory.problems import InventoryError, Problem, Words, quoted
from inventory.shapes import fit

Fitted = TypeVar("Fitted", FrontMatter, StepSheet)

FOLDER = Path(__file__).parents[2] / "runbooks"

README = "README.md"
SHORTEST_SECTION = 20
"""How many characters a section has at least: less tells nobody anything."""


@dataclass(frozen=True)
class Read:
    """One file as far as it could be read, and what is wrong with it."""

    runbook: Runbook | None
    front: Document | None
    problems: tuple[Problem, ...]


def load(folder: Path, actions: Catalogue) -> tuple[Runbook, ...]:
    """Read the runbooks in *folder*, by their ids; raise ``InventoryError`` with everything that is wrong."""
    files = [path for path in sorted(folder.glob("*.md")) if path.name != README]
    found = [read(f"{folder.name}/{path.name}", path.read_bytes(), actions) for path in files]
    problems = [problem for one in found for problem in one.problems]
    problems += _answered_twice(found)
    if problems:
        raise InventoryError(problems)
    return tuple(one.runbook for one in found if one.runbook is not None)


def read(file: str, content: bytes, actions: Catalogue) -> Read:
    """Read one file."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return Read(None, None, (Problem(file, 1, 1, "this is not UTF-8", "files here are", "save it as UTF-8"),))
    cut = parts(file, text)
    problems = [*cut.problems, *_judge_text(file, cut.title, cut.sections)]
    front, sheet = _fitted(file, cut.front, FrontMatter, problems)
    blocks = [(*_fitted(file, part, StepSheet, problems), part) for part in cut.blocks]
    if front is not None and sheet is not None:
        problems += judge_sheet(front, sheet, [block for _, block, _ in blocks if block is not None], Path(file).stem)
        for document, block, _ in blocks:
            if document is not None and block is not None:
                problems += judge_step(document, block, sheet, actions)
    problems += _steps_twice(file, [(part, block) for _, block, part in blocks if block is not None])
    if problems or sheet is None or cut.title is None:
        return Read(None, front, tuple(problems))
    sections = {part.name: part.text for part in cut.sections}
    steps = tuple(block for _, block, _ in blocks if block is not None)
    return Read(Runbook(sheet, cut.title.name, sections, steps, hashlib.sha256(content).hexdigest()), front, ())


def _fitted(
    file: str, part: Part | None, model: type[Fitted], problems: list[Problem]
) -> tuple[Document | None, Fitted | None]:
    if part is None:
        return None, None
    if not part.text.strip():
        problems.append(Problem(file, part.line, 1, "nothing stands in here", "it must say something", "fill it"))
        return None, None
    document, found = read_document(file, part.padded)
    problems += found
    if document is None:
        return None, None
    value, found = fit(document, model)
    problems += found
    return document, value


def _judge_text(file: str, title: Part | None, sections: Sequence[Part]) -> Iterator[Problem]:
    if title is None:
        yield Problem(file, 1, 1, "it has no title", "a list of runbooks shows it", "write one behind a single #")
    names = [part.name for part in sections]
    if names != list(SECTIONS):
        line = next((p.line for p, name in zip(sections, SECTIONS, strict=False) if p.name != name), 1)
        what, wanted = f"the sections are {', '.join(names) or 'none'}", ", ".join(SECTIONS)
        yield Problem(file, line, 1, what, "every runbook has the same, in one order", f"write {wanted}")
    for part in sections:
        if len(part.text) < SHORTEST_SECTION:
            what = f"the section {quoted(part.name)} says nothing"
            yield Problem(file, part.line, 1, what, "whoever was woken needs it", "fill it")


def _steps_twice(file: str, steps: Iterable[tuple[Part, StepSheet]]) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for part, block in steps:
        if block.id in seen:
            what, why = f"the step {quoted(block.id)} stands twice", f"the first begins on line {seen[block.id]}"
            yield Problem(file, part.line, 1, what, why, "give each an id of its own")
        seen.setdefault(block.id, part.line)


def _answered_twice(found: Iterable[Read]) -> Iterator[Problem]:
    answered: dict[str, str] = {}
    for one in found:
        if one.front is None or one.runbook is None:
            continue
        for number, alert in enumerate(one.runbook.sheet.alerts):
            if alert in answered:
                words = Words(f"{alert} is answered twice", f"{answered[alert]} answers it too", "keep one of the two")
                yield one.front.problem(("alerts", number), words)
            answered.setdefault(alert, one.runbook.id)
