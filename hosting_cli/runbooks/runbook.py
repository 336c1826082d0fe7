"""A runbook as it was read: what it says to people, and its steps."""

from collections.abc import Mapping
from dataclasses import dataclass

from hosting_cli.runbooks.sheet import FrontMatter, StepSheet

SECTIONS = ("Meaning", "Impact", "Diagnosis", "Mitigation")
"""What every runbook tells, in this order."""


@dataclass(frozen=True)
class Runbook:
    """One file; ``digest`` names what it says, so that nobody approves one text and runs another."""

    sheet: FrontMatter
    title: str
    sections: Mapping[str, str]
    steps: tuple[StepSheet, ...]
    digest: str

    @property
    def id(self) -> str:
        """Name it, as its file is called."""
        return self.sheet.id

    @property
    def needs_approval(self) -> bool:
        """Tell whether a second person must approve a part of it."""
        return any(step.needs_approval for step in self.steps)
