"""A document as pages to print and sign.

A template gets the document as data, so that no text of it can be taken for markup.  The pages are tagged as PDF/UA-1
asks, and set in the typesetter's own fonts: the same everywhere.
"""

import json
from collections.abc import Collection
from dataclasses import asdict
from datetime import UTC, datetime, time
from typing import Any

from hosting_cli.documents.document import MARK, Document, Section, Table
from hosting_cli.documents.entries import AllFound, Found, RawReadings, Register
from hosting_cli.documents.language import Language
from hosting_cli.documents.templates import template
from hosting_cli.documents.words import Words, words_of

SHORT_DIGEST = 12
"""How much of a digest stands beside a finding; all of it is in the annex."""


def written(document: Document) -> bytes:
    """Write *document* as a PDF."""
    import typst

    return typst.compile(
        template("document.typ").encode(),
        ignore_system_fonts=True,
        format="pdf",
        sys_inputs={"said": json.dumps(_said(document, words_of(document.language)), ensure_ascii=False)},
        pdf_standards=["ua-1"],
        timestamp=datetime.combine(document.day, time(), UTC),
    )


def _said(document: Document, words: Words) -> dict[str, Any]:
    return {
        "language": document.language.value,
        "mark": MARK,
        "title": document.title,
        "scope": document.scope,
        "issuer": document.issuer,
        "issued": words.say("issued-by", issuer=document.issuer, day=words.day(document.day)),
        "page": words.say("page-of"),
        "total": words.say("tally-total"),
        "colon": words.set(" : ") if document.language is Language.FRENCH else ": ",
        "facts": [
            {"label": fact.label, "lines": words.lines(fact.value), "look": fact.look} for fact in document.facts
        ],
        "cover": any(isinstance(section, Register) for section in document.sections),
        "sections": [_section(section, words, _cited(document)) for section in document.sections],
    }


def _section(section: Section, words: Words, cited: Collection[str]) -> dict[str, Any]:
    match section:
        case Table():
            said = _table(section, words)
        case Register():
            said = _register(section, words)
        case AllFound():
            said = _checks(section, words)
        case RawReadings():
            said = _readings(section, words, cited)
        case _:
            said = asdict(section)
    return {"kind": type(section).__name__, "organisation": words.say("sign-organisation"), **said}


def _register(register: Register, words: Words) -> dict[str, Any]:
    return {
        "title": register.title,
        "notes": register.notes,
        "entries": [
            {
                "number": entry.number,
                "title": entry.title,
                "tone": entry.tone,
                "verdict": entry.verdict,
                "reasons": entry.reasons,
                "facts": [
                    *entry.facts,
                    *((heading, ", ".join(number for _, number in others)) for heading, others in entry.related),
                ],
                "found": [_found(found, words) for found in entry.found],
            }
            for entry in register.entries
        ],
    }


def _found(found: Found, words: Words) -> dict[str, Any]:
    return {
        "title": found.title,
        "counted": found.counted,
        "more": found.more,
        "rows": [
            {
                "tone": item.tone,
                "word": item.word,
                "subject": item.subject,
                "sentence": words.set(item.sentence),
                "observed": item.observed,
                "time": words.moment(item.read_at),
                "reading": item.reading[:SHORT_DIGEST],
            }
            for item in found.findings
        ],
    }


def _checks(section: AllFound, words: Words) -> dict[str, Any]:
    """Sum up what each check found: on paper nobody looks through all of it, and pages in a browser have it."""
    return {
        "title": section.title,
        "notes": [words.say("annex-on-paper")],
        "headings": [words.say(f"report-{name}") for name in ("check", "finding", "command")],
        "rows": [(found.title, found.counted, found.command) for found in section.found],
    }


def _readings(section: RawReadings, words: Words, cited: Collection[str]) -> dict[str, Any]:
    return {
        "title": section.title,
        "notes": [*section.notes, words.say("annex-on-paper")],
        "headings": [words.say(f"report-{name}") for name in ("digest", "source", "command", "time")],
        "rows": [
            (item.digest, item.source, item.command, words.moment(item.read_at))
            for item in section.readings
            if item.digest in cited
        ],
    }


def _cited(document: Document) -> set[str]:
    """Name the readings of the findings that stand below entries."""
    registers = (section for section in document.sections if isinstance(section, Register))
    entries = (entry for register in registers for entry in register.entries)
    return {item.reading for entry in entries for found in entry.found for item in found.findings}


def _table(table: Table, words: Words) -> dict[str, Any]:
    cells = [
        [(place, table.columns[place].look) for place in map(table.position, stack.columns)] for stack in table.stacks
    ]
    return {
        "title": table.title,
        "if_empty": table.if_empty,
        "headings": [stack.heading for stack in table.stacks],
        "shares": [stack.share for stack in table.stacks],
        "rows": [
            {
                "mark": row.mark,
                "cells": [
                    [(look, line) for place, look in cell for line in words.lines(row.values[place])] for cell in cells
                ],
            }
            for row in table.rows
        ],
    }
