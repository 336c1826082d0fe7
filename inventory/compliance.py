"""What a region's files say to its auditors: who answers for which control by which document, and what is waived.

A document is named, never held: the operator keeps it where it keeps its documents, and the SHA-256 ties the one that
was reviewed to what the files say.
"""

from datetime import date, timedelta
from typing import Annotated

from pydantic import Field

from inventory.controls import ControlIdentifier
from inventory.frozen import Model
from inventory.identifiers import Identifier, NonEmpty, Shape
from inventory.notations import Day

Sha256 = Annotated[
    str, Shape(r"^[0-9a-f]{64}$", "a SHA-256", "64 hexadecimal digits", "what `sha256sum FILE` prints first")
]


class Statement(Model):
    """A document that answers for controls: whose it is, when it was last reviewed, and how long that lasts."""

    id: Identifier
    title: NonEmpty
    owner: Identifier
    reference: NonEmpty
    reviewed: Day
    valid_days: Annotated[int, Field(ge=1, le=1096)] = 365
    sha256: Sha256 | None = None
    controls: Annotated[tuple[ControlIdentifier, ...], Field(min_length=1)]

    @property
    def valid_until(self) -> date:
        """Give the last day on which the review still counts."""
        return self.reviewed + timedelta(days=self.valid_days)


class Exclusion(Model):
    """A control that does not apply, why, and who decided so."""

    control: ControlIdentifier
    justification: NonEmpty
    decided_by: Identifier
    decided: Day


class Compliance(Model):
    """What `compliance.yaml` holds."""

    statements: tuple[Statement, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()


class Waiver(Model):
    """A deviation that somebody accepted for a while: never for good, never alone, never hidden.

    It is about ``check`` of ``control``, on the ``subjects`` that are listed and on no others.  The day after
    ``until`` the deviation counts again, by itself.
    """

    id: Identifier
    control: ControlIdentifier
    check: NonEmpty
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
