"""What the compliance report is made of, and in which tones it says how something stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from hosting_cli.checks.observation import Outcome, RawReading, Sentence
from hosting_cli.controls.history import RecordSeen
from hosting_cli.controls.verdict import ControlVerdict, Verdict
from hosting_cli.documents.entries import Tone
from inventory.controls import Framework, Layer

TONES = {
    Verdict.CONFORMING: Tone.GOOD,
    Verdict.NON_CONFORMING: Tone.BAD,
    Verdict.WAIVED: Tone.LEAVE,
    Verdict.EXPIRED: Tone.OLD,
    Verdict.NO_EVIDENCE: Tone.MISSING,
    Verdict.TO_ASSESS: Tone.OPEN,
    Verdict.NOT_APPLICABLE: Tone.OUT,
}
"""In the order in which they are counted."""

OUTCOMES = {
    Outcome.UNMET: Tone.BAD,
    Outcome.UNKNOWN: Tone.MISSING,
    Outcome.MET: Tone.GOOD,
    Outcome.NOT_APPLICABLE: Tone.OUT,
}
"""The worst first, as they are shown."""


@dataclass(frozen=True)
class Judged:
    """What a report is made of: verdicts and readings, and the records of the period that they come from."""

    since: datetime
    until: datetime
    made_at: datetime
    environment: str
    frameworks: Mapping[Layer, Framework]
    verdicts: tuple[ControlVerdict, ...]
    titles: Mapping[str, Sentence]
    """What each check asks, by its id."""
    readings: Mapping[str, RawReading]
    records: tuple[RecordSeen, ...]
    key: str
    catalogue_digest: str
    files_digest: str
    faults: int = 0
    """In how many places the chain of evidence does not hold."""
