"""Every error that `hosting` raises on purpose, with its exit status.

::

    HostingError                   1
    ├── UsageError                 2   the command or its arguments
    ├── InvalidFilesError          2   a region's files; carries every problem
    ├── WaitingError               3   somebody else must act first: then the same command goes on
    ├── ConflictError              3   what is there is not what may be changed: a person must decide
    ├── RefusedError               1   a safeguard said no: nothing was done
    │   └── StalePlanError         1   the approved plan is no longer true
    ├── EngineError                1   an engine answered, and refused or failed
    │   └── MissingCapabilityError 1   an engine lacks what somebody needs
    └── UnreadableError            4   a reading was impossible: unknown, which is never absent
        └── LoginRefusedError      4   a host is there, and does not let this key in

An error's text says what happened, then what to do about it.  ``subject`` names what it is about
(``vault https://…``, ``host dijon-app-1``, ``bucket …``), so that several errors print one line each.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inventory.problems import Problem


class HostingError(Exception):
    """Say what went wrong with *subject* and how to mend it."""

    exit_status = 1

    def __init__(self, subject: str, what: str, remedy: str) -> None:
        super().__init__(f"{subject}: {what}. {remedy}")
        self.subject = subject
        self.what = what
        self.remedy = remedy


class UsageError(HostingError):
    """The command line asks for something that does not exist or does not fit together."""

    exit_status = 2


class InvalidFilesError(HostingError):
    """The region's files hold problems; ``problems`` has every one of them."""

    exit_status = 2

    def __init__(self, problems: "tuple[Problem, ...]") -> None:
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        super().__init__("files", f"{count} found", "Mend them; nothing was changed.")
        self.problems = problems


class RefusedError(HostingError):
    """A safeguard refused to act; nothing was changed."""


class WaitingError(HostingError):
    """What comes next waits for somebody outside; the same command goes on when they have acted."""

    exit_status = 3


class ConflictError(HostingError):
    """What is there is neither as it should be nor anything that a plan may change; it was left as it is."""

    exit_status = 3


class StalePlanError(RefusedError):
    """The approved plan does not describe what would be done now."""


class EngineError(HostingError):
    """An engine was reached and refused or failed what it was asked to do."""


class MissingCapabilityError(EngineError):
    """An engine cannot do what a resource needs; the subject names who needs it."""


class UnreadableError(HostingError):
    """A door could not see: the state is unknown, and whatever depends on it is blocked."""

    exit_status = 4


class LoginRefusedError(UnreadableError):
    """A host answered, and refused the key that it was shown."""
