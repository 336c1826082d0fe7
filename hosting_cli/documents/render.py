"""Give a document a form: a page that works anywhere and alone, pages to print and sign, or rows of data.

The same document gives the same bytes.
"""

from enum import StrEnum

from hosting_cli.documents import as_csv, as_html, as_pdf
from hosting_cli.documents.document import MARK, Document


class Form(StrEnum):
    """The forms of documents, by the endings of their files' names."""

    HTML = "html"
    PDF = "pdf"
    CSV = "csv"


_WRITTEN = {Form.HTML: as_html.written, Form.PDF: as_pdf.written, Form.CSV: as_csv.written}


def render(document: Document, form: Form) -> bytes:
    """Give *document* the form that is asked for."""
    return _WRITTEN[form](document)


def is_ours(content: bytes, form: Form) -> bool:
    """Tell whether a file of this form is one that we made: by its mark or, of rows of data, by their headings."""
    return as_csv.is_ours(content) if form is Form.CSV else is_marked(content)


def is_marked(content: bytes) -> bool:
    """Tell whether a file, of a form that has a place for it, has our mark."""
    return MARK.encode() in content
