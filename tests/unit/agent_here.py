"""The agent's own command line, in this process, where it can be known what it had come to."""

import io
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout

import pytest

from deploys.agent import main
from hosting_cli.doors.hosts import Completed


def run_agent(arguments: Sequence[str], stdin: str | None = None) -> Completed:
    """Run a command of the agent; what it needs to find elsewhere than on a host is the caller's to say."""
    output, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(output), redirect_stderr(errors), pytest.MonkeyPatch.context() as patched:
        patched.setattr("sys.stdin", io.StringIO(stdin or ""))
        status = main.main([*arguments])
    return Completed(status, output.getvalue(), errors.getvalue())
