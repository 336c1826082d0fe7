"""The forms of documents: golden files of the sample, and texts that would break out of a form.

After a wanted change: ``HOSTING_UPDATE_GOLDEN=1 pytest tests/unit/documents/test_documents_forms.py``.
"""

import base64
import csv
import hashlib
import io
import os
import re
import subprocess
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest
from sample import NOW, region
from scenery import BEAUNE, with_flows

from hosting_cli.documents.document import Document
from hosting_cli.documents.language import Language
from hosting_cli.documents.matrix import digest_of_files, matrix
from hosting_cli.documents.render import Form, is_ours, render
from hosting_cli.documents.scope import Scope
from inventory.models import Region

GOLDEN = Path(__file__).parent / "golden"
DAY = NOW.date()
HOSTILE = (
    "=cmd|' /C calc'!A0",
    "+1",
    "-1",
    "@SUM(A1)",
    "\tx",
    "</div><script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "{{ 7 * 7 }}",
    '#read("/etc/passwd") $x$ *b* \\ @ref <label>',
    'a;b,"c"\r\nd',
    "X" * 300,
)


def document(found: Region, language: Language = Language.FRENCH, day: date = DAY) -> Document:
    return matrix(found, Scope(establishment=BEAUNE), day, language).document


def hostile() -> Region:
    return with_flows(*({"purpose": text, "owner": text} for text in HOSTILE))


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("form", [Form.HTML, Form.CSV])
def test_the_sample_is_as_in_the_golden_file(form: Form, language: Language) -> None:
    golden = GOLDEN / f"matrix.{language.value}.{form.value}"
    # The region's files say more than a matrix does: their digest would change for what has nothing to do with it.
    made = render(document(region(), language), form).replace(digest_of_files(region()).encode(), b"DIGEST-OF-FILES")
    if os.environ.get("HOSTING_UPDATE_GOLDEN"):
        golden.write_bytes(made)
    assert made.decode() == golden.read_bytes().decode()


@pytest.mark.parametrize("form", Form)
def test_the_same_document_has_the_same_bytes_and_is_known_for_ours(form: Form) -> None:
    for language in Language:
        made = render(document(region(), language), form)
        assert made == render(document(region(), language), form)
        assert is_ours(made, form)
    assert not is_ours(b"name;address\r\nx;y\r\n", form)


# -- HTML -------------------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """What a browser would make of a page: its elements with their attributes, and its text."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_no_text_becomes_markup_or_script() -> None:
    plain = Page(render(document(with_flows(*({} for _ in HOSTILE))), Form.HTML))
    attacked = Page(render(document(hostile(), Language.ENGLISH), Form.HTML))
    assert len(attacked.all("script")) == len(plain.all("script")) == 1
    assert not any(name.startswith("on") for _, attributes in attacked.elements for name in attributes)
    assert set(HOSTILE) <= {text.replace("\r\n", "\n") for text in attacked.texts} | {HOSTILE[-2]}
    assert "49" not in attacked.texts


def test_a_page_fetches_nothing_and_runs_only_its_own_style_and_script() -> None:
    content = render(document(region()), Form.HTML).decode()
    page = Page(content.encode())
    assert not re.search(r"""(?:src|href|url|@import)\s*[=(]\s*["']?(?!#)[a-z/]""", content)
    (policy,) = (meta["content"] or "" for meta in page.all("meta") if "http-equiv" in meta)
    assert policy.startswith("default-src 'none';")
    for element in ("style", "script"):
        (source,) = re.findall(rf"<{element}>(.*?)</{element}>", content, re.DOTALL)
        named = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"{element}-src 'sha256-{named}'" in policy
    assert not [attributes for _, attributes in page.elements if "style" in attributes]


@pytest.mark.parametrize("language", Language)
def test_a_page_can_be_found_ones_way_in_without_seeing_it(language: Language) -> None:
    page = Page(render(document(region(), language), Form.HTML))
    assert page.all("html") == [{"lang": language.value}]
    assert [len(page.all(tag)) for tag in ("main", "header", "nav", "footer", "h1", "caption")] == [1] * 6
    headings = page.all("th")
    assert {heading["scope"] for heading in headings} == {"col", "row"}
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {(link["href"] or "").removeprefix("#") for link in page.all("a")}
    assert targets <= set(ids)
    labels = {name for _, attributes in page.elements for name in (attributes.get("aria-labelledby") or "").split()}
    assert labels <= set(ids)


def test_a_row_that_ends_soon_is_marked() -> None:
    page = Page(render(document(region(), day=date(2028, 12, 1)), Form.HTML))
    assert [row.get("class") for row in page.all("tr")] == [None, "soon", "soon"]


def test_an_empty_matrix_says_that_everything_is_dropped() -> None:
    page = Page(render(document(with_flows()), Form.HTML))
    assert page.all("table") == []
    assert any("tout est bloqué" in text for text in page.texts)


# -- CSV --------------------------------------------------------------------------------------------------------------


def test_in_french_excel_opens_it_and_in_english_every_reader() -> None:
    french, english = (render(document(region(), language), Form.CSV) for language in Language)
    assert french.startswith("\ufeffLigne;Application;".encode())
    assert english.startswith(b"Row,Application,")
    for content in (french, english):
        assert content.count(b"\n") == content.count(b"\r\n") == 3


@pytest.mark.parametrize("language", Language)
def test_no_field_is_a_formula_and_every_text_comes_back(language: Language) -> None:
    content = render(document(hostile(), language), Form.CSV).decode().removeprefix("\ufeff")
    separator = {Language.FRENCH: ";", Language.ENGLISH: ","}[language]
    _, *rows = csv.reader(io.StringIO(content, newline=""), delimiter=separator)
    assert len(rows) == len(HOSTILE)
    assert not [field for row in rows for field in row if field.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert [row[16].removeprefix("'") for row in rows] == list(HOSTILE)


# -- PDF --------------------------------------------------------------------------------------------------------------


def read(content: bytes, program: str, *options: str) -> str:
    """Have one of poppler's programs read a PDF."""
    done = subprocess.run(
        [program, *options, "-", *(["-"] if program == "pdftotext" else [])],
        input=content,
        capture_output=True,
        check=True,
    )
    return done.stdout.decode()


@pytest.mark.parametrize("language", Language)
def test_a_reader_finds_every_text_on_tagged_pages(language: Language) -> None:
    content = render(document(region(), language), Form.PDF)
    text = " ".join(read(content, "pdftotext", "-layout").split())
    title = {Language.FRENCH: "Matrice des flux réseau", Language.ENGLISH: "Network flow matrix"}[language]
    digest = matrix(region(), Scope(establishment=BEAUNE), DAY, language).stamp.content_digest
    for expected in (title, "10.21.20.0/24", "10.21.10.11", "F-DCMT", "2762", digest):
        assert expected in text
    facts = dict(line.split(":", 1) for line in read(content, "pdfinfo").splitlines() if ":" in line)
    assert facts["Tagged"].strip() == "yes"
    assert facts["Pages"].strip() == "2"
    assert title in facts["Title"]


def test_its_fonts_are_in_it() -> None:
    _, _, *fonts = read(render(document(region()), Form.PDF), "pdffonts").splitlines()
    assert fonts
    assert [font for font in fonts if "yes yes yes" not in font] == []


def test_texts_of_a_pdf_are_texts_and_never_markup() -> None:
    text = read(render(document(hostile(), Language.ENGLISH), Form.PDF), "pdftotext", "-raw")
    joined = re.sub(r"[\s\u200b]+", "", text)
    for hostile_text in ('#read("/etc/passwd")$x$*b*\\@ref<label>', "{{7*7}}", "</div><script>alert(1)</script>"):
        assert hostile_text in joined
