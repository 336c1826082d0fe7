"""The languages of documents."""

from enum import StrEnum


class Language(StrEnum):
    """A language that documents are written in."""

    FRENCH = "fr"
    ENGLISH = "en"
