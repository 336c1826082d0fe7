"""What a document says, whatever form it is given: headings, facts, tables, pictures and fields to sign.

Texts are in the document's language already.  Days and numbers stay values, since each form writes them its own way.
"""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from hosting_cli.documents.entries import AllFound, RawReadings, Register, Tally
from hosting_cli.documents.language import Language
from hosting_cli.documents.words import Value

MARK = "made-by-hosting"
"""Stands in every file of ours that has a place for it: a file with it may be written anew."""


class Look(StrEnum):
    """How a text is set on a page."""

    PLAIN = "plain"
    STRONG = "strong"
    MINOR = "minor"
    CODE = "code"


class Mark(StrEnum):
    """What a row wants of its reader; a text of the row always says it too, for colours are not seen by everybody."""

    NONE = ""
    SOON = "soon"
    OVER = "over"


@dataclass(frozen=True)
class Column:
    """One thing that every row of a table says; a reader may narrow the table down by one that ``is_choice``."""

    id: str
    heading: str
    look: Look = Look.PLAIN
    is_choice: bool = False


@dataclass(frozen=True)
class Stack:
    """Columns that a page shows below each other in one cell, and which share of its width they take."""

    heading: str
    columns: tuple[str, ...]
    share: int


@dataclass(frozen=True)
class Row:
    """What one row says, a value for each column."""

    values: tuple[Value, ...]
    mark: Mark = Mark.NONE


@dataclass(frozen=True)
class Table:
    """Rows under columns: pages show them in stacks, of which the first names the row; files of data show each.

    A column of no stack is for files of data only.
    """

    id: str
    title: str
    columns: tuple[Column, ...]
    stacks: tuple[Stack, ...]
    rows: tuple[Row, ...]
    if_empty: str

    def position(self, column: str) -> int:
        """Tell where in a row the value of *column* stands."""
        return next(place for place, found in enumerate(self.columns) if found.id == column)


@dataclass(frozen=True)
class Prose:
    """Paragraphs under a title."""

    id: str
    title: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Picture:
    """A drawing (SVG) with its size in pixels, and what it shows in words, a line for each thing."""

    id: str
    title: str
    svg: str
    in_words: str
    width: int
    height: int


@dataclass(frozen=True)
class Signatory:
    """Who signs, for whom, and what they fill in."""

    side: str
    organisation: str
    blanks: tuple[str, ...]


@dataclass(frozen=True)
class Signatures:
    """Fields to sign, under what is signed."""

    id: str
    title: str
    statement: str
    signatories: tuple[Signatory, ...]


Section = Table | Prose | Picture | Signatures | Tally | Register | AllFound | RawReadings


@dataclass(frozen=True)
class Fact:
    """Something that holds for the whole document."""

    label: str
    value: Value
    look: Look = Look.PLAIN


@dataclass(frozen=True)
class Document:
    """A whole document; its first table is what files of data hold."""

    language: Language
    title: str
    scope: str
    issuer: str
    day: date
    facts: tuple[Fact, ...]
    sections: tuple[Section, ...] = field(default=())
