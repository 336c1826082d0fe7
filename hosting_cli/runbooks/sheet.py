"""What a runbook says in YAML: its front matter, and the block of each of its steps."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from inventory.frozen import Model
from inventory.identifiers import Identifier, NonEmpty, Shape

ParameterName = Annotated[str, Shape(r"^[a-z][a-z_]*$", "a parameter's name", "lower-case letters and _", "host")]
AlertName = Annotated[str, Shape(r"^[A-Z][A-Za-z]+$", "an alert's name", "words in capitals", "HostingBackupFailed")]
ActionName = Annotated[
    str, Shape(r"^[a-z-]+\.[a-z-]+$", "an action's name", "a subject, a dot and what is done", "host.start-unit")
]


class Severity(StrEnum):
    """How soon somebody must act."""

    CRITICAL = "critical"
    WARNING = "warning"


class Kind(StrEnum):
    """What a value names, and so what it must be."""

    APPLICATION = "application"
    HOST = "host"
    VOLUME = "volume"
    MOUNT_POINT = "mount-point"
    SNAPSHOT = "snapshot"
    STORE = "store"
    KEY = "key"
    UNIT = "unit"


class Role(StrEnum):
    """Whose rights in the vault a runbook needs."""

    ON_CALL = "on-call"
    OPERATIONS = "operations"


class Parameter(Model):
    """What has to be known before a runbook runs."""

    kind: Kind
    says: NonEmpty


class FrontMatter(Model):
    """The front matter of a runbook.

    ``target`` is what a run is for, as its confirmation repeats it.  ``vault: away`` marks what runs while nobody
    can be attested, because the vault is what it mends.
    """

    id: Identifier
    alerts: tuple[AlertName, ...]
    severity: Severity
    role: Role
    expected_minutes: Annotated[int, Field(gt=0, le=1440)]
    parameters: dict[ParameterName, Parameter] = Field(default_factory=dict)
    target: NonEmpty | None = None
    vault: Literal["open", "away"] = "open"


class Call(Model):
    """An action by its name, with its arguments, which may hold ``{parameter}``."""

    use: ActionName
    arguments: dict[ParameterName, NonEmpty] = Field(default_factory=dict)


class StepSheet(Model):
    """One step: either something done, which ``verify`` must find done, or something proven, by every run anew."""

    id: Identifier
    says: NonEmpty
    before: tuple[Call, ...] = ()
    do: Call | None = None
    verify: Call | None = None
    prove: Call | None = None
    timeout_seconds: Annotated[int, Field(gt=0, le=14400)]
    needs_approval: bool = False
    may_skip: bool = False

    def calls(self) -> tuple[tuple[tuple[str | int, ...], Call], ...]:
        """Give every call with the way that leads to it in the block."""
        before = tuple((("before", number), call) for number, call in enumerate(self.before))
        others = (("do", self.do), ("verify", self.verify), ("prove", self.prove))
        return (*before, *(((name,), call) for name, call in others if call is not None))
