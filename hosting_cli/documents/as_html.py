"""A document as one page that works anywhere and alone: style and script are in it, and may come from nowhere else."""

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from markupsafe import Markup, escape

from hosting_cli.documents.document import MARK, Document, Row, Table
from hosting_cli.documents.entries import Finding, Found, Register
from hosting_cli.documents.templates import environment, template
from hosting_cli.documents.words import Value, Words, words_of


class Part(NamedTuple):
    """What a cell shows of a row: where its value stands there, and how it is set."""

    place: int
    look: str


class Choice(NamedTuple):
    """A column that readers narrow a table down by, in which part of which cell it is shown, and all of its values."""

    heading: str
    cell: int
    part: int
    values: list[str]


def written(document: Document) -> bytes:
    """Write *document* as a page."""
    words = words_of(document.language)
    tables = [section for section in document.sections if isinstance(section, Table)]
    registers = [section for section in document.sections if isinstance(section, Register)]
    style = template("document.css") + (template("report.css") if registers else "") + "".join(map(_style_of, tables))
    script = template("document.js")
    page = (
        environment()
        .get_template("document.html.j2")
        .render(
            document=document,
            words=words,
            mark=MARK,
            style=style,
            script=script,
            style_digest=_digest(style),
            script_digest=_digest(script),
            kind=lambda section: type(section).__name__,
            lines=lambda value: _lines(value, words),
            rows=lambda table: _rows(table, words),
            choices=lambda table: list(_choices(table)),
            first_register=next(iter(registers), None),
            entry_choices=_entry_choices(registers),
            findings=lambda found: _findings(found, words),
        )
    )
    return page.encode()


def _digest(source: str) -> str:
    """Name a style or script as a content security policy does."""
    return f"sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}"


def _style_of(table: Table) -> str:
    """Share a table's width among its cells; on screens too narrow for headings, say before each cell what it holds."""
    whole = sum(stack.share for stack in table.stacks)
    shares = "".join(
        f"#{table.id} col:nth-child({place}) {{ width: {stack.share / whole:.2%} }}\n"
        for place, stack in enumerate(table.stacks, start=1)
    )
    labels = "".join(
        f"  #{table.id} td:nth-child({place})::before {{ content: {json.dumps(stack.heading, ensure_ascii=False)} }}\n"
        for place, stack in enumerate(table.stacks[1:], start=2)
    )
    return f"{shares}@media screen and (max-width: 72rem) {{\n{labels}}}\n"


def _rows(table: Table, words: Words) -> Markup:
    """Write the rows without a template: there may be tens of thousands."""
    cells = [[Part(place, table.columns[place].look) for place in places] for places in _places(table)]
    return Markup("\n".join(_row(row, cells, words) for row in table.rows))  # noqa: S704 every value in it is escaped


def _row(row: Row, cells: Sequence[Sequence[Part]], words: Words) -> str:
    mark = f' class="{row.mark.value}"' if row.mark.value else ""
    first, *others = (
        "".join(f'<div class="{part.look}">{_lines(row.values[part.place], words)}</div>' for part in cell)
        for cell in cells
    )
    return f'<tr{mark}><th scope="row">{first}</th>' + "".join(f"<td>{cell}</td>" for cell in others) + "</tr>"


def _places(table: Table) -> list[list[int]]:
    return [[table.position(column) for column in stack.columns] for stack in table.stacks]


def _lines(value: Value, words: Words) -> Markup:
    if isinstance(value, date):
        return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), words.day(value))
    return Markup("<br>").join(map(escape, words.lines(value)))


def _choices(table: Table) -> Iterator[Choice]:
    for cell, places in enumerate(_places(table)):
        for part, place in enumerate(places):
            values = sorted({str(row.values[place]) for row in table.rows})
            if table.columns[place].is_choice and len(values) > 1:
                yield Choice(table.columns[place].heading, cell, part, values)


class EntryChoice(NamedTuple):
    """What readers narrow entries down by, and all of its values, in the order in which they come."""

    heading: str
    values: list[str]


def _entry_choices(registers: Sequence[Register]) -> list[EntryChoice]:
    entries = [entry for register in registers for entry in register.entries]
    headings = entries[0].choices if entries else ()
    return [EntryChoice(name, list(dict.fromkeys(entry.choices[name] for entry in entries))) for name in headings]


def _findings(found: Found, words: Words) -> Markup:
    """Write what a check found without a template: there may be tens of thousands."""
    if not found.findings:
        return Markup("")
    headings = "".join(
        f'<th scope="col">{escape(words.say(f"report-{name}"))}</th>'
        for name in ("verdict", "subject", "finding", "time", "reading")
    )
    rows = "".join(_finding(item, words) for item in found.findings)
    label = escape(f"{found.title} – {words.say('report-finding')}")
    head = f"<caption>{label}</caption><thead><tr>{headings}</tr></thead>"
    return Markup(f'<table class="found">{head}<tbody>{rows}</tbody></table>')  # noqa: S704 every value is escaped


def _finding(item: Finding, words: Words) -> str:
    observed = f'<div class="code minor">{escape(item.observed)}</div>' if item.observed else ""
    return (
        f'<tr><td><span class="badge {item.tone.value}">{escape(item.word)}</span></td>'
        f'<th scope="row">{escape(item.subject)}</th><td>{escape(words.set(item.sentence))}{observed}</td>'
        f'<td class="when">{escape(words.moment(item.read_at))}</td>'
        f'<td class="code"><a href="#raw-{item.reading}">{item.reading[:12]}</a></td></tr>'
    )
