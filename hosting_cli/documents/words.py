"""The phrases of documents in both languages, and how each language writes days, numbers and punctuation.  Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import yaml

from hosting_cli.documents.language import InBothLanguages, Language
from inventory.network import Protocol

FILE = Path(__file__).with_name("words.yaml")

MOST_LINES = 6
"""How many texts stand below each other on a page before the others are only counted; rows of data have them all."""

NO_BREAK, NARROW_NO_BREAK = "\u00a0", "\u202f"


Value = str | int | date | tuple[str, ...]
"""What a cell or a fact says; several texts stand below each other."""


@dataclass(frozen=True)
class Words:
    """The phrases of one language."""

    language: Language
    phrases: Mapping[str, str]
    protocols: Mapping[str, str]

    def say(self, phrase: str, /, **values: object) -> str:
        """Give a phrase with *values* in its places; raise ``KeyError`` for one that nobody wrote."""
        written = {name: self.number(value) if isinstance(value, int) else value for name, value in values.items()}
        return self.set(self.phrases[phrase].format_map(written))

    def count(self, phrase: str, number: int, /, **values: object) -> str:
        """Give a phrase for so many things; French has one of nothing, English many."""
        is_one = number == 1 or (number == 0 and self.language is Language.FRENCH)
        return self.say(f"{phrase}.{'one' if is_one else 'many'}", number=number, **values)

    def protocol(self, protocol: Protocol) -> str:
        """Name a protocol; the catalogue does so in English."""
        return self.protocols[protocol.code] if self.language is Language.FRENCH else protocol.name

    def number(self, value: int) -> str:
        """Write a number with its thousands apart."""
        return f"{value:,}".replace(",", NARROW_NO_BREAK) if self.language is Language.FRENCH else f"{value:,}"

    def day(self, value: date) -> str:
        """Write a day as tables do."""
        return f"{value:%d/%m/%Y}" if self.language is Language.FRENCH else value.isoformat()

    def moment(self, value: datetime) -> str:
        """Write a moment to the minute, in UTC."""
        return self.set(f"{self.day(value.astimezone(UTC).date())} {value.astimezone(UTC):%H:%M} UTC")

    def lines(self, value: Value) -> tuple[str, ...]:
        """Write a value for a page, a text for each line; of one that says nothing, none."""
        if isinstance(value, tuple):
            shown = value if len(value) <= MOST_LINES else value[: MOST_LINES - 1]
            more = (self.say("and-more", number=len(value) - len(shown)),) if len(shown) < len(value) else ()
            return (*map(self.set, shown), *more)
        if isinstance(value, date):
            return (self.day(value),)
        text = self.number(value) if isinstance(value, int) else self.set(value)
        return (text,) if text else ()

    def of(self, text: InBothLanguages) -> str:
        """Give a text that there is in both languages in this one, and set it."""
        return self.set(self.language.of(text))

    def set(self, text: str) -> str:
        """Set a text as French does: its apostrophe, and what stands beside a sign of punctuation on one line with it.

        Where no space was written, none comes: an address stays an address.
        """
        return _set_in_french(text) if self.language is Language.FRENCH else text


_BEFORE_THIN = re.compile(r" ([;?!])")
_BEFORE_WIDE = re.compile(r" ([:»%])")
_AFTER_WIDE = re.compile(r"« ")
_APOSTROPHE = re.compile(r"(?<=[^\W\d_])'(?=[^\W\d_])")


@cache
def _set_in_french(text: str) -> str:
    text = _APOSTROPHE.sub("’", text)
    text = _BEFORE_THIN.sub(rf"{NARROW_NO_BREAK}\1", text)
    return _AFTER_WIDE.sub(f"«{NO_BREAK}", _BEFORE_WIDE.sub(rf"{NO_BREAK}\1", text))


@cache
def words_of(language: Language) -> Words:
    """Load the phrases of *language*."""
    written = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    phrases = {name: text[language.value] for name, text in written["phrases"].items()}
    return Words(language, phrases, written["protocols"])
