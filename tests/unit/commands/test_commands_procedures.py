"""How recorded steps are shown: what was done, what went wrong, and what to do about it."""

from hosting_cli.commands.procedures import outcome_result
from hosting_cli.errors import EngineError, UnreadableError, WaitingError
from hosting_cli.procedure import Outcome, State, proof
from hosting_cli.result import ExitStatus, Text
from inventory.resource import Subject

STEP = proof(Subject("bucket", "images"), "read an old object", lambda: None)


def test_what_is_done_is_shown_with_what_it_saw() -> None:
    result = outcome_result("key rotate", "abc", [Outcome(STEP, State.DONE, {"bytes": 4096})], "All of it.")
    assert result.status is ExitStatus.DONE
    assert result.blocks[-1] == Text(("All of it.",))
    assert result.data["steps"] == [
        {
            "kind": "bucket",
            "name": "images",
            "step": "read an old object",
            "state": "done",
            "observed": {"bytes": 4096},
            "reason": None,
        }
    ]


def test_what_failed_is_an_error_and_says_how_to_go_on() -> None:
    failed = Outcome(STEP, State.FAILED, error=EngineError("vault", "it refused", "Ask."))
    result = outcome_result("key rotate", "abc", [failed, Outcome(STEP, State.NOT_BEGUN)], "All of it.")
    assert (result.status, result.errors) == (ExitStatus.FAILED, (failed.error,))
    assert "goes on" in str(result.blocks[-1])
    assert "All of it." not in str(result.blocks)


def test_what_could_not_be_read_is_unknown() -> None:
    failed = Outcome(STEP, State.FAILED, error=UnreadableError("vault", "it is sealed", "Unseal it."))
    assert outcome_result("key rotate", "abc", [failed]).status is ExitStatus.UNKNOWN


def test_what_waits_for_somebody_has_not_failed() -> None:
    waiting = Outcome(STEP, State.WAITING, error=WaitingError("app-role x", "nobody logged in", "Run it again."))
    result = outcome_result("key rotate", "abc", [waiting, Outcome(STEP, State.NOT_BEGUN)], "All of it.")
    assert result.status is ExitStatus.PENDING
    assert "When that has happened" in str(result.blocks[-1])
