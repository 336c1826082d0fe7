"""The languages of documents."""

from enum import StrEnum
from typing import Protocol


class InBothLanguages(Protocol):
    """A text that there is in both."""

    @property
    def fr(self) -> str:
        """Give it in French."""

    @property
    def en(self) -> str:
        """Give it in English."""


class Language(StrEnum):
    """A language that documents are written in."""

    FRENCH = "fr"
    ENGLISH = "en"

    def of(self, text: InBothLanguages) -> str:
        """Give *text* in this one."""
        return text.fr if self is Language.FRENCH else text.en
