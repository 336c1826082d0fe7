"""The phrases of documents: none is missing in a language, unused or set badly."""

import re
from datetime import date
from string import Formatter

import pytest
import yaml
from sample import region

from hosting_cli.documents import words
from hosting_cli.documents.language import Language
from hosting_cli.documents.words import Value, words_of

WRITTEN = yaml.safe_load(words.FILE.read_text(encoding="utf-8"))
PHRASES: dict[str, dict[str, str]] = WRITTEN["phrases"]
FRENCH, ENGLISH = words_of(Language.FRENCH), words_of(Language.ENGLISH)

SOURCES = "".join(
    path.read_text(encoding="utf-8")
    for pattern in ("*.py", "templates/*.j2")
    for path in words.FILE.parent.glob(pattern)
)


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("phrase", PHRASES)
def test_a_phrase_says_the_same_in_both_languages(phrase: str) -> None:
    found = PHRASES[phrase]
    assert found.keys() == {"fr", "en"}
    assert blanks(found["fr"]) == blanks(found["en"])


def test_every_phrase_is_said_somewhere() -> None:
    said = set(re.findall(r"""["']([a-z]+(?:-[a-z]+)*)["']""", SOURCES))
    composed = re.findall(r"""f"([a-z-]*)\{[^}]*\}([a-z-]*)\"""", SOURCES)

    def is_said(phrase: str) -> bool:
        name = phrase.partition(".")[0]
        return name in said or any(name.startswith(head) and head and name.endswith(tail) for head, tail in composed)

    assert [phrase for phrase in PHRASES if not is_said(phrase)] == []


def test_every_protocol_of_the_catalogue_has_a_french_name() -> None:
    codes = {protocol.code for protocol in region().protocols}
    assert WRITTEN["protocols"].keys() == codes


def test_a_phrase_that_nobody_wrote_is_an_error() -> None:
    with pytest.raises(KeyError, match="unwritten"):
        FRENCH.say("unwritten")


@pytest.mark.parametrize(
    ("written", "set_as"),
    [
        ("Données : tout", "Données\u00a0: tout"),
        ("Quoi ?", "Quoi\u202f?"),
        ("un ; deux !", "un\u202f; deux\u202f!"),
        ("« Beaune »", "«\u00a0Beaune\u00a0»"),
        ("l'établissement d'Autun", "l’établissement d’Autun"),
        ("https://a.example:8443/?x=1", "https://a.example:8443/?x=1"),
        ("fe80::1", "fe80::1"),
        ("'quoted'", "'quoted'"),
    ],
)
def test_french_is_set_as_french_and_adds_no_space(written: str, set_as: str) -> None:
    assert FRENCH.set(written) == set_as
    assert ENGLISH.set(written) == written


@pytest.mark.parametrize(
    ("value", "in_french", "in_english"),
    [
        (14300, ("14\u202f300",), ("14,300",)),
        (date(2028, 12, 31), ("31/12/2028",), ("2028-12-31",)),
        ("", (), ()),
        (("10.21.10.11", "10.21.10.12"), ("10.21.10.11", "10.21.10.12"), ("10.21.10.11", "10.21.10.12")),
    ],
    ids=["a number", "a day", "nothing", "several texts"],
)
def test_values_are_written_as_each_language_does(
    value: Value, in_french: tuple[str, ...], in_english: tuple[str, ...]
) -> None:
    assert FRENCH.lines(value) == in_french
    assert ENGLISH.lines(value) == in_english


@pytest.mark.parametrize(
    ("number", "in_french", "in_english"),
    [
        (0, "0 flux autorisé", "0 flows allowed"),
        (1, "1 flux autorisé", "1 flow allowed"),
        (2000, "2\u202f000 flux autorisés", "2,000 flows allowed"),
    ],
)
def test_numbers_agree_with_what_they_count(number: int, in_french: str, in_english: str) -> None:
    assert FRENCH.count("rows", number) == in_french
    assert ENGLISH.count("rows", number) == in_english
