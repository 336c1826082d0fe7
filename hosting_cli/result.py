"""What a command gives back: a value that is shown to people and to programs from one place.

Exit status: 0 done or in order · 1 failed · 2 usage or invalid files · 3 changes pending, drift or non-conformity ·
4 a reading was impossible.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from hosting_cli.errors import HostingError

if TYPE_CHECKING:
    from inventory.resource import Json

ENVELOPE_VERSION = 1


class ExitStatus(IntEnum):
    """What the shell is told."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    PENDING = 3
    UNKNOWN = 4


EXIT_STATUS_HELP = (
    "Exit status: 0 done or in order, 1 failed, 2 usage or invalid files, "
    "3 changes pending, drift or non-conformity, 4 a reading was impossible."
)


@dataclass(frozen=True)
class Table:
    """Rows under column names, for people; the first column is coloured by its word."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Text:
    """Lines for people."""

    lines: tuple[str, ...]


Block = Table | Text


@dataclass(frozen=True)
class Result:
    """What a command found or did: *data* for programs, *blocks* for people, *errors* for both."""

    command: str
    data: Mapping[str, Any]
    blocks: tuple[Block, ...] = ()
    status: ExitStatus = ExitStatus.DONE
    errors: tuple[HostingError, ...] = field(default=())

    def envelope(self) -> "dict[str, Json]":
        """Give the versioned form that ``--output json`` prints."""
        return {
            "version": ENVELOPE_VERSION,
            "command": self.command,
            "status": self.status.name.lower(),
            "exit_status": int(self.status),
            "data": dict(self.data),
            "errors": [{"subject": e.subject, "what": e.what, "remedy": e.remedy} for e in self.errors],
        }


def text(*lines: str) -> Text:
    """Give *lines* as a block."""
    return Text(lines)


def status_of(errors: Iterable[HostingError], otherwise: ExitStatus = ExitStatus.DONE) -> ExitStatus:
    """Sum errors up in one exit status: a failure outweighs what could not be read, which outweighs the rest."""
    found = {ExitStatus(error.exit_status) for error in errors}
    return next((status for status in _BY_WEIGHT if status in found), otherwise)


_BY_WEIGHT = (ExitStatus.FAILED, ExitStatus.USAGE, ExitStatus.UNKNOWN, ExitStatus.PENDING)
