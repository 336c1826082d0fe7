"""What a check says: values that verdicts, evidence and reports are built on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property

from hosting_cli.canonical import digest
from inventory.resource import Json


class Outcome(StrEnum):
    """What a check saw of one subject; what could not be seen is ``unknown``, which is never ``met``."""

    MET = "met"
    UNMET = "unmet"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not-applicable"


@dataclass(frozen=True)
class Sentence:
    """What was seen, in French and in English."""

    fr: str
    en: str

    def to_json(self) -> dict[str, Json]:
        """Give both languages under their codes."""
        return {"fr": self.fr, "en": self.en}


@dataclass(frozen=True)
class RawReading:
    """What a door answered, as plain JSON: what observations were made from, and what their digest names.

    ``content`` is ``None`` when nothing could be read; then ``reason`` says why.
    """

    source: str
    command: str
    read_at: datetime
    content: Json
    reason: str | None = None

    def to_json(self) -> dict[str, Json]:
        """Give the form that the digest is over."""
        return {
            "source": self.source,
            "command": self.command,
            "read_at": written(self.read_at),
            "content": self.content,
            "reason": self.reason,
        }

    @cached_property
    def digest(self) -> str:
        """Name this reading by the SHA-256 of its canonical form."""
        return digest(self.to_json())


@dataclass(frozen=True, kw_only=True)
class Observation:
    """The result of one check on one subject.

    ``reading`` is the digest of the raw reading that it was made from; ``command`` is what somebody would run to see
    the same; after ``maximum_age`` what was seen is no evidence any more.
    """

    check: str
    subject: str
    outcome: Outcome
    observed: Json
    sentence: Sentence
    source: str
    command: str
    read_at: datetime
    maximum_age: timedelta
    reading: str

    @property
    def expires_at(self) -> datetime:
        """Say until when it counts."""
        return self.read_at + self.maximum_age

    def is_stale(self, now: datetime) -> bool:
        """Tell whether it is too old to count."""
        return now > self.expires_at

    def to_json(self) -> dict[str, Json]:
        """Give the form that evidence signs and programs get."""
        return {
            "check": self.check,
            "subject": self.subject,
            "outcome": self.outcome.value,
            "observed": self.observed,
            "sentence": self.sentence.to_json(),
            "source": self.source,
            "command": self.command,
            "read_at": written(self.read_at),
            "maximum_age_seconds": round(self.maximum_age.total_seconds()),
            "reading": self.reading,
        }


@dataclass(frozen=True)
class Collected:
    """What one run of the checks saw: observations in the order of the checks, and the readings by their digests."""

    observations: tuple[Observation, ...]
    readings: Mapping[str, RawReading]


def written(moment: datetime) -> str:
    """Write a moment as records do."""
    return moment.isoformat(timespec="seconds")
