"""A document as rows of data: its first table, every column of it.

In French as Excel reads it with French settings: semicolons, and a byte order mark, without which it takes UTF-8 for
Windows-1252.  In English as RFC 4180 has it.  Days are ISO 8601 in both, which spreadsheets know for days.
"""

import csv
import io
from datetime import date

from hosting_cli.documents.document import Document, Table
from hosting_cli.documents.language import Language
from hosting_cli.documents.words import Value, words_of

BYTE_ORDER_MARK = "\ufeff"

SEPARATORS = {Language.FRENCH: ";", Language.ENGLISH: ","}

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes a text for a formula by, which it then runs."""


def written(document: Document) -> bytes:
    """Write the first table of *document*."""
    table = next(section for section in document.sections if isinstance(section, Table))
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=SEPARATORS[document.language], lineterminator="\r\n")
    writer.writerow([column.heading for column in table.columns])
    writer.writerows([_field(value) for value in row.values] for row in table.rows)
    return (_mark(document.language) + out.getvalue()).encode()


def is_ours(content: bytes) -> bool:
    """Tell whether the first line ends as those of our tables do: with the fields to sign."""
    first = content.decode(errors="replace").partition("\r\n")[0]
    return any(first.endswith(_closing(language)) for language in Language)


def _mark(language: Language) -> str:
    return BYTE_ORDER_MARK if language is Language.FRENCH else ""


def _closing(language: Language) -> str:
    words = words_of(language)
    columns = (words.say("column-sign-establishment"), words.say("column-sign-operator"))
    return SEPARATORS[language] + SEPARATORS[language].join(columns)


def _field(value: Value) -> str:
    if isinstance(value, date):
        return value.isoformat()
    text = ", ".join(value) if isinstance(value, tuple) else str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
