"""What an auditor reads of a control."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hosting_cli.checks.observation import Observation, Sentence, written
from inventory.compliance import Exclusion, Statement, Waiver
from inventory.controls import Control
from inventory.resource import Json


class Verdict(StrEnum):
    """The words of an audit; only ``conforming`` is green, and only evidence that counts today makes it so."""

    CONFORMING = "conforming"
    NON_CONFORMING = "non-conforming"
    WAIVED = "waived"
    NOT_APPLICABLE = "not-applicable"
    NO_EVIDENCE = "no-evidence"
    EXPIRED = "expired"
    TO_ASSESS = "to-assess"

    @property
    def words(self) -> Sentence:
        """Give the word that people read."""
        return WORDS[self]

    @property
    def is_open(self) -> bool:
        """Tell whether somebody has something to do: it deviates, or nobody can tell."""
        return self in {Verdict.NON_CONFORMING, Verdict.NO_EVIDENCE, Verdict.EXPIRED}


WORDS = {
    Verdict.CONFORMING: Sentence("conforme", "conforming"),
    Verdict.NON_CONFORMING: Sentence("non conforme", "non-conforming"),
    Verdict.WAIVED: Sentence("dérogation", "waived"),
    Verdict.NOT_APPLICABLE: Sentence("non applicable (justifié)", "not applicable (justified)"),
    Verdict.NO_EVIDENCE: Sentence("preuve absente", "no evidence"),
    Verdict.EXPIRED: Sentence("preuve périmée", "evidence expired"),
    Verdict.TO_ASSESS: Sentence("à évaluer", "to be assessed"),
}


class WaiverState(StrEnum):
    """How a waiver stands on the day of a report."""

    COMING = "coming"
    IN_FORCE = "in-force"
    ENDED = "ended"


@dataclass(frozen=True)
class StandingWaiver:
    """A waiver of a control beside how it stands; shown whether or not it counts."""

    waiver: Waiver
    state: WaiverState
    covers: tuple[str, ...]
    """The subjects whose deviation it covers today."""

    def to_json(self) -> dict[str, Json]:
        """Give the form that reports and programs get."""
        return {
            "waiver": self.waiver.model_dump(mode="json"),
            "state": self.state.value,
            "covers": list(self.covers),
        }


@dataclass(frozen=True, kw_only=True)
class ControlVerdict:
    """One control, its verdict, and everything that it rests on.

    ``reasons`` say in both languages what decided, most decisive first.  ``observations`` are all of the control's own
    checks, whatever they say.
    """

    control: Control
    verdict: Verdict
    judged_at: datetime
    reasons: tuple[Sentence, ...]
    observations: tuple[Observation, ...] = ()
    statements: tuple[Statement, ...] = ()
    exclusion: Exclusion | None = None
    waivers: tuple[StandingWaiver, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """Give the form that reports and programs get."""
        return {
            "control": self.control.model_dump(mode="json"),
            "verdict": self.verdict.value,
            "verdict_words": self.verdict.words.to_json(),
            "judged_at": written(self.judged_at),
            "reasons": [reason.to_json() for reason in self.reasons],
            "observations": [observation.to_json() for observation in self.observations],
            "statements": [statement.model_dump(mode="json") for statement in self.statements],
            "exclusion": self.exclusion.model_dump(mode="json") if self.exclusion else None,
            "waivers": [waiver.to_json() for waiver in self.waivers],
        }
