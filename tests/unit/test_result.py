"""What a command gives back: an envelope that programs rely on, and one exit status."""

import json
from collections.abc import Sequence

import pytest

from hosting_cli.errors import (
    ConflictError,
    EngineError,
    HostingError,
    InvalidFilesError,
    MissingCapabilityError,
    RefusedError,
    StalePlanError,
    UnreadableError,
    UsageError,
)
from hosting_cli.result import EXIT_STATUS_HELP, ExitStatus, Result, status_of, text

DOWN = UnreadableError("host dijon-app-1", "it cannot be reached", "See whether it is up.")
FAILED = EngineError("bucket b", "was refused", "Ask.")
WRONG = UsageError("region", "none was named", "Give --region PATH.")
STANDS = ConflictError("host-storage h:hosting", "its disk carries data", "Run `hosting plan` anew.")

ENVELOPE = """\
{
  "version": 1,
  "command": "plan",
  "status": "unknown",
  "exit_status": 4,
  "data": {
    "changes": []
  },
  "errors": [
    {
      "subject": "host dijon-app-1",
      "what": "it cannot be reached",
      "remedy": "See whether it is up."
    }
  ]
}"""


def test_the_envelope_is_pinned() -> None:
    """Programs read it: whoever changes it raises ``ENVELOPE_VERSION``."""
    result = Result("plan", {"changes": []}, (text("for people"),), ExitStatus.UNKNOWN, (DOWN,))
    assert json.dumps(result.envelope(), indent=2) == ENVELOPE


@pytest.mark.parametrize(
    ("errors", "otherwise", "status"),
    [
        pytest.param([], ExitStatus.DONE, ExitStatus.DONE, id="nothing went wrong"),
        pytest.param([], ExitStatus.PENDING, ExitStatus.PENDING, id="nothing went wrong, something is pending"),
        pytest.param([DOWN], ExitStatus.PENDING, ExitStatus.UNKNOWN, id="something could not be read"),
        pytest.param([DOWN, FAILED], ExitStatus.DONE, ExitStatus.FAILED, id="a failure outweighs the unknown"),
        pytest.param([WRONG], ExitStatus.DONE, ExitStatus.USAGE, id="usage"),
        pytest.param([FAILED, WRONG], ExitStatus.DONE, ExitStatus.FAILED, id="a failure outweighs usage"),
        pytest.param([STANDS], ExitStatus.DONE, ExitStatus.PENDING, id="a conflict waits for a person"),
        pytest.param([STANDS, DOWN], ExitStatus.DONE, ExitStatus.UNKNOWN, id="the unknown outweighs a conflict"),
    ],
)
def test_errors_sum_up_in_one_status(errors: Sequence[HostingError], otherwise: ExitStatus, status: ExitStatus) -> None:
    assert status_of(errors, otherwise) is status


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (HostingError, ExitStatus.FAILED),
        (UsageError, ExitStatus.USAGE),
        (InvalidFilesError, ExitStatus.USAGE),
        (RefusedError, ExitStatus.FAILED),
        (StalePlanError, ExitStatus.FAILED),
        (EngineError, ExitStatus.FAILED),
        (MissingCapabilityError, ExitStatus.FAILED),
        (ConflictError, ExitStatus.PENDING),
        (UnreadableError, ExitStatus.UNKNOWN),
    ],
)
def test_every_error_has_the_status_that_is_documented(kind: type[HostingError], status: ExitStatus) -> None:
    assert kind.exit_status == status


def test_the_help_names_every_status() -> None:
    assert [word for word in EXIT_STATUS_HELP.replace(",", "").split() if word.isdigit()] == [
        str(int(status)) for status in ExitStatus
    ]
