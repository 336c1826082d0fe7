"""What a report says of requirements: entries with their verdicts, what was found, and what it was found in.

Texts are in the document's language already, as everywhere in a document.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Tone(StrEnum):
    """What a verdict wants of its reader; it always stands beside the word, for colours are not seen by everybody."""

    GOOD = "good"
    BAD = "bad"
    LEAVE = "leave"
    OLD = "old"
    MISSING = "missing"
    OPEN = "open"
    OUT = "out"


@dataclass(frozen=True)
class Count:
    """How many of a kind there are."""

    tone: Tone
    word: str
    number: int


@dataclass(frozen=True)
class TallyRow:
    """The counts of what may be counted together, and of nothing else."""

    heading: str
    label: str
    counts: tuple[Count, ...]

    @property
    def total(self) -> int:
        """Count all of them."""
        return sum(count.number for count in self.counts)


@dataclass(frozen=True)
class Tally:
    """Counts, a row for each group; groups are never summed up."""

    id: str
    title: str
    words: tuple[Count, ...]
    """Every word that may be counted, in its order; the number is of no meaning."""
    rows: tuple[TallyRow, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """What was found of one subject, when, and in which raw reading."""

    tone: Tone
    word: str
    subject: str
    sentence: str
    observed: str
    read_at: datetime
    reading: str


@dataclass(frozen=True)
class Found:
    """What one check found: all of it, or the beginning of it with ``more`` left out, and where all of it stands."""

    id: str
    title: str
    command: str
    counted: str
    findings: tuple[Finding, ...]
    more: str = ""


@dataclass(frozen=True)
class Entry:
    """One requirement, its verdict, and what that rests on."""

    id: str
    number: str
    title: str
    tone: Tone
    verdict: str
    choices: Mapping[str, str]
    """What readers narrow entries down by: a value under each heading."""
    reasons: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    found: tuple[Found, ...]
    related: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    """Entries of other layers, by their ids and numbers, under a heading; they count for nothing here."""


@dataclass(frozen=True)
class Register:
    """The entries of one layer."""

    id: str
    title: str
    notes: tuple[str, ...]
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class AllFound:
    """Everything that checks found, each check once."""

    id: str
    title: str
    notes: tuple[str, ...]
    found: tuple[Found, ...]


@dataclass(frozen=True)
class Raw:
    """A raw reading: its digest, where it is from, how it is read again, and its text or the beginning of it."""

    digest: str
    source: str
    command: str
    read_at: datetime
    text: str
    cut: str = ""


@dataclass(frozen=True)
class RawReadings:
    """The raw readings, each once."""

    id: str
    title: str
    notes: tuple[str, ...]
    readings: tuple[Raw, ...]
