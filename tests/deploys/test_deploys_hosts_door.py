"""The door of hosts, against a real SSH server: one exec a reading, and an error of its own for each way not to see."""

import json
import re
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from ssh_server import Host, host

from hosting_cli.doors import hosts
from hosting_cli.doors.hosts import Completed, HostsDoor
from hosting_cli.doors.operator_key import make_operator_key, read_bootstrap_key
from hosting_cli.errors import EngineError, UnreadableError
from hosting_cli.jobs import OperatorKey
from hosting_cli.secret import Secret
from inventory.environment import HostAccess
from inventory.resource import Json

REQUEST = {"timeout_seconds": 30, "files": ["/etc/hostname"], "presence": ["/etc", "/none"]}


@pytest.fixture(name="server")
def _server(tmp_path: Path) -> Iterator[Host]:
    with host(tmp_path) as running:
        yield running


def certified(server: Host) -> OperatorKey:
    return make_operator_key(server.certify)


def uncertified() -> OperatorKey:
    return make_operator_key(lambda _: None)


def with_changes(access: HostAccess, **changes: object) -> HostAccess:
    return HostAccess.model_validate({**access.model_dump(), **changes})


def run(door: HostsDoor, argv: Sequence[str], **options: Any) -> Completed:
    """Run one command on the host ``a``."""
    with door.shell("a") as shell:
        return shell.run(argv, **options)


def test_a_reading_is_one_exec_for_each_host(server: Host) -> None:
    door = HostsDoor({"a": server.access, "b": server.access}, lambda: certified(server))
    answers = door.read({"a": REQUEST, "b": REQUEST})
    assert [answers[name]["presence"] for name in ("a", "b")] == [{"value": ["/etc"]}] * 2
    assert door.executions == {"a": 1, "b": 1}
    assert server.commands == ["/usr/bin/python3 -I -S -"] * 2


def test_the_key_is_made_once_and_only_when_it_is_needed(server: Host) -> None:
    made = []

    def keys() -> OperatorKey:
        made.append(1)
        return certified(server)

    door = HostsDoor({"a": server.access}, keys)
    assert made == []
    run(door, ["true"])
    run(door, ["true"])
    assert made == [1]


def test_the_bootstrap_key_opens_before_the_vault_has_an_authority(server: Host) -> None:
    assert run(HostsDoor({"a": server.access}, uncertified), ["echo", "in"]).output == "in\n"


def test_a_certificate_opens_without_any_bootstrap_key(server: Host) -> None:
    access = with_changes(server.access, bootstrap_key=None)
    assert run(HostsDoor({"a": access}, lambda: certified(server)), ["echo", "in"]).output == "in\n"


def test_arguments_reach_the_host_as_they_are(server: Host) -> None:
    door = HostsDoor({"a": server.access}, uncertified)
    assert run(door, ["printf", "%s|", "a b", "$HOME", "'; exit 1"]).output == "a b|$HOME|'; exit 1|"


def test_a_secret_goes_over_standard_input(server: Host) -> None:
    done = run(HostsDoor({"a": server.access}, uncertified), ["cat"], stdin=Secret("hidden"))
    assert done.output == "hidden"
    assert "hidden" not in "".join(server.commands)


def test_lines_are_given_as_they_come_and_are_the_output_too(server: Host) -> None:
    seen: list[str] = []
    door = HostsDoor({"a": server.access}, uncertified)
    done = run(door, ["sh", "-c", "cat; echo two; exit 3"], stdin=Secret("one\n"), on_line=seen.append)
    assert (done.status, done.output) == (3, "one\ntwo\n")
    assert seen == ["one\n", "two\n"]
    assert door.executions == {"a": 1}


def test_a_command_that_is_followed_and_not_answered_is_told_too(server: Host) -> None:
    with HostsDoor({"a": server.access}, uncertified).shell("a") as shell:
        with pytest.raises(UnreadableError, match="did not answer in time"):
            shell.run(["sleep", "3"], timeout_seconds=0.5, on_line=print)
        assert shell.run(["echo", "again"], on_line=print).output == "again\n"


def test_a_command_that_fails_is_an_answer(server: Host) -> None:
    assert run(HostsDoor({"a": server.access}, uncertified), ["false"]).status == 1


def test_a_shell_runs_all_its_commands_over_one_connection(server: Host) -> None:
    with HostsDoor({"a": server.access}, uncertified).shell("a") as shell:
        assert [shell.run(["echo", word]).output for word in ("one", "two")] == ["one\n", "two\n"]
        assert shell.run(["false"]).status == 1
    assert server.logins == 1


def test_readings_and_shells_share_a_connection_that_is_kept_and_ended_with_the_block(server: Host) -> None:
    door = HostsDoor({"a": server.access}, uncertified)
    with door.keeping_connections():
        door.read({"a": REQUEST})
        assert run(door, ["echo", "one"]).output == "one\n"
        assert door.read({"a": REQUEST})["a"]["presence"] == {"value": ["/etc"]}
        assert server.logins == 1
    run(door, ["true"])
    assert server.logins == 2


def test_a_kept_connection_that_was_idle_for_too_long_is_made_anew(
    server: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = HostsDoor({"a": server.access}, uncertified)
    with door.keeping_connections():
        run(door, ["true"])
        monkeypatch.setattr(hosts, "IDLE_SECONDS", 0)
        assert run(door, ["echo", "again"]).output == "again\n"
    assert server.logins == 2


def test_a_shell_logs_in_anew_after_a_command_that_was_not_answered(server: Host) -> None:
    with HostsDoor({"a": server.access}, uncertified).shell("a") as shell:
        with pytest.raises(UnreadableError, match="did not answer in time"):
            shell.run(["sleep", "3"], timeout_seconds=0.5)
        assert shell.run(["echo", "again"]).output == "again\n"
    assert server.logins == 2


def test_a_certificate_that_is_none_is_told_before_any_host_is_asked(server: Host) -> None:
    key = make_operator_key(lambda _: "ssh-ed25519-cert-v01@openssh.com bm9uZQ==")
    with pytest.raises(UnreadableError, match="cannot be used with its certificate"):
        HostsDoor({"a": server.access}, lambda: key).read({"a": REQUEST})
    assert server.commands == []


def refusal(door: HostsDoor) -> str:
    answer = door.read({"a": REQUEST})["a"]
    assert isinstance(answer, UnreadableError)
    assert answer.subject == "host a"
    assert answer.exit_status == 4
    return str(answer)


def test_another_host_key_is_refused(server: Host) -> None:
    access = with_changes(server.access, host_key=server.authority.export_public_key().decode().strip())
    assert "shows another host key" in refusal(HostsDoor({"a": access}, lambda: certified(server)))
    assert server.commands == []


def test_a_refused_key_says_so(server: Host) -> None:
    access = with_changes(server.access, bootstrap_key=None)
    other = make_operator_key(lambda public: server.certify(public, principals=("nobody",)))
    assert "refused the operator's key" in refusal(HostsDoor({"a": access}, lambda: other))


def test_a_host_that_is_down_says_so(server: Host) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        access = with_changes(server.access, port=taken.getsockname()[1])
        assert "cannot be reached" in refusal(HostsDoor({"a": access}, uncertified))


def test_a_host_that_never_answers_is_given_up(server: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hosting_cli.doors.hosts.CONNECT_TIMEOUT_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        access = with_changes(server.access, port=silent.getsockname()[1])
        started = time.monotonic()
        assert "did not answer" in refusal(HostsDoor({"a": access}, uncertified))
        assert time.monotonic() - started < 20


def test_a_command_that_never_ends_is_given_up(server: Host) -> None:
    with pytest.raises(UnreadableError, match="did not answer in time"):
        run(HostsDoor({"a": server.access}, uncertified), ["sleep", "3"], timeout_seconds=0.5)


def test_an_answer_that_is_not_json_is_unknown(tmp_path: Path) -> None:
    with host(tmp_path, lambda command, text: (0, "Welcome!\n")) as server:
        assert "the answer is not JSON: 'Welcome!" in refusal(HostsDoor({"a": server.access}, uncertified))


def test_a_reading_program_that_fails_is_unknown(tmp_path: Path) -> None:
    with host(tmp_path, lambda command, text: (127, "")) as server:
        assert "the program read_host failed (127)" in refusal(HostsDoor({"a": server.access}, uncertified))


def test_one_unreadable_host_does_not_disturb_the_others(server: Host, tmp_path: Path) -> None:
    away = with_changes(server.access, bootstrap_key=str(tmp_path / "none"))
    answers = HostsDoor({"a": server.access, "b": away}, uncertified).read({"a": REQUEST, "b": REQUEST, "c": REQUEST})
    assert "value" in answers["a"]["files"]
    assert "bootstrap key" in str(answers["b"])
    assert "does not say where it is" in str(answers["c"])


PROBE: Json = {"nonce": 1, "sends": []}
"""A program of several steps that sends nothing but packets to the host itself."""


def test_what_many_do_together_is_one_exec_for_each(server: Host) -> None:
    door = HostsDoor({"a": server.access, "b": server.access}, lambda: certified(server))
    answers = door.meet("probe_network", {"a": PROBE, "b": PROBE})
    assert [answers[name]["deaf"] for name in ("a", "b")] == [[], []]
    assert door.executions == {"a": 1, "b": 1}


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        pytest.param({}, "the program probe_network failed .*KeyError: 'nonce'", id="its program fails"),
        pytest.param(None, "cannot be reached", id="it is down"),
    ],
)
def test_who_fails_does_not_keep_the_others_waiting(server: Host, request_: Json, words: str) -> None:
    accesses = {"a": server.access, "b": server.access if request_ is not None else with_changes(server.access, port=1)}
    answers = HostsDoor(accesses, lambda: certified(server)).meet("probe_network", {"a": PROBE, "b": request_ or {}})
    assert answers["a"]["deaf"] == []
    assert isinstance(answers["b"], UnreadableError)
    assert re.search(words, answers["b"].what, re.DOTALL)


def test_nobody_to_meet_is_no_answer(server: Host) -> None:
    assert HostsDoor({}, lambda: certified(server)).meet("probe_network", {}) == {}


def test_what_the_key_raises_is_raised_before_any_host_is_asked(server: Host) -> None:
    def sealed() -> OperatorKey:
        raise EngineError("vault", "is sealed", "Unseal it.")

    with pytest.raises(EngineError, match="sealed"):
        HostsDoor({"a": server.access}, sealed).read({"a": REQUEST})
    assert server.commands == []


def test_the_private_key_is_not_shown(server: Host, tmp_path: Path) -> None:
    key = certified(server)
    assert key.private_key.reveal() not in repr(key)
    assert "PRIVATE KEY" in read_bootstrap_key(server.bootstrap_key).reveal()
    assert json.dumps(str(key))
