"""A document as pages to print and sign.

A template gets the document as data, so that no text of it can be taken for markup.  The pages are tagged as PDF/UA-1
asks, and set in the typesetter's own fonts: the same everywhere.
"""

import json
from dataclasses import asdict
from datetime import UTC, datetime, time
from typing import Any

from hosting_cli.documents.document import MARK, Document, Section, Table
from hosting_cli.documents.templates import template
from hosting_cli.documents.words import Words, words_of


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
        "facts": [
            {"label": fact.label, "lines": words.lines(fact.value), "look": fact.look} for fact in document.facts
        ],
        "sections": [_section(section, words) for section in document.sections],
    }


def _section(section: Section, words: Words) -> dict[str, Any]:
    said = _table(section, words) if isinstance(section, Table) else asdict(section)
    return {"kind": type(section).__name__, "organisation": words.say("sign-organisation"), **said}


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
