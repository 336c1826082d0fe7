"""What a region's files say to its auditors: which document answers for which control, and what is waived.

::

    statements/<id>.yaml      a document: whose it is, when it was reviewed, and what that review concluded
    exclusions/<id>.yaml      controls that do not apply, and why
    waivers/<id>.yaml         a deviation that was accepted for a while

A document is named, never held: the operator keeps it where it keeps its documents, and the SHA-256 ties the one that
was reviewed to what the files say.
"""

from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from inventory.controls import CheckIdentifier, ControlIdentifier
from inventory.frozen import Model
from inventory.identifiers import Identifier, NonEmpty, Shape
from inventory.notations import Day

LONGEST_REVIEW_DAYS = 1096
"""The three years of a certificate: whatever lies longer was not looked at within one."""

Sha256 = Annotated[
    str, Shape(r"^[0-9a-f]{64}$", "a SHA-256", "64 hexadecimal digits", "what `sha256sum FILE` prints first")
]


class Conclusion(StrEnum):
    """What whoever reviewed a document found of how it is lived by."""

    FOLLOWED = "followed"
    NOT_FOLLOWED = "not-followed"


class Statement(Model):
    """A document that answers for controls: whose it is, when it was last reviewed, and how long that lasts.

    That there is a document proves that something was decided, and not that it is done: without a ``conclusion`` of its
    review, a person has still to judge.
    """

    id: Identifier
    title: NonEmpty
    owner: Identifier
    reference: NonEmpty
    reviewed: Day
    valid_days: Annotated[int, Field(ge=1, le=LONGEST_REVIEW_DAYS)] = 365
    conclusion: Conclusion | None = None
    sha256: Sha256 | None = None
    controls: Annotated[tuple[ControlIdentifier, ...], Field(min_length=1)]

    @property
    def valid_until(self) -> date:
        """Give the last day on which the review still counts."""
        return self.reviewed + timedelta(days=self.valid_days)


class Exclusion(Model):
    """Controls that do not apply, why, and who decided so."""

    id: Identifier
    controls: Annotated[tuple[ControlIdentifier, ...], Field(min_length=1)]
    justification: NonEmpty
    decided_by: Identifier
    decided: Day


class Waiver(Model):
    """A deviation that somebody accepted for a while: never for good, never alone, never hidden.

    It is about one check of one control, on the ``subjects`` that are listed and on no others.  The day after ``until``
    the deviation counts again, by itself.
    """

    id: Identifier
    control: ControlIdentifier
    check: CheckIdentifier
    subjects: Annotated[tuple[NonEmpty, ...], Field(min_length=1)]
    reason: NonEmpty
    compensation: NonEmpty
    requested_by: Identifier
    approved_by: Identifier
    since: Day
    until: Day

    def is_in_force(self, today: date) -> bool:
        """Tell whether it counts on that day, its last one included."""
        return self.since <= today <= self.until
