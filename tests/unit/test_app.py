"""The command line itself: which options every command has, and what the shell is told."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import CliRunner
from sample import FOLDER, NOW, ROOT, write_environment

from hosting_cli.app import COMMANDS, build, main, run
from hosting_cli.errors import EngineError, UnreadableError
from hosting_cli.journal import Journal
from hosting_cli.plan import Plan
from hosting_cli.result import EXIT_STATUS_HELP, ExitStatus, Result

UNSET = ("HOSTING_REGION", "HOSTING_ENVIRONMENT", "VAULT_TOKEN", "HOSTING_LAB")
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in UNSET} | {"COLUMNS": "100"}
NAMES = [f"{group} {name}".strip() for group, names in COMMANDS.items() for name in names]
PLAN = Plan("bourgogne-franche-comte", "test", "region", True, (), 0)
SHARED = {"region": "--region", "environment": "--environment", "token_file": "--token-file", "output": "--output"}
WITHOUT_A_REGION = {"backup verify", "runbook list", "runbook show"}
"""What works where nothing is but a folder, or where nothing is at all."""


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in UNSET:
        monkeypatch.delenv(name, raising=False)


@cache
def application() -> Any:
    return typer.main.get_command(build())


def invoke(*arguments: str, env: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    done = CliRunner().invoke(application(), list(arguments), env=dict(env or {}), prog_name="hosting")
    return done.exit_code, done.stdout, done.stderr


@cache
def commands() -> dict[str, Any]:
    """Give every command of the command line as it was built."""
    return dict(walked(application()))


def walked(top: Any) -> Iterator[tuple[str, Any]]:
    for name in top.list_commands(None):
        found = top.get_command(None, name)
        verbs = found.list_commands(None) if hasattr(found, "list_commands") else ()
        yield from ((f"{name} {verb}", found.get_command(None, verb)) for verb in verbs)
        if not verbs:
            yield name, found


# -- what every command has ---------------------------------------------------------------------------------------


def test_the_commands_are_those_of_the_table() -> None:
    assert list(commands()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_the_shared_options_and_says_what_it_exits_with(name: str) -> None:
    command = commands()[name]
    options = {parameter.name: parameter.opts for parameter in command.params}
    assert {option: options[option][0] for option in SHARED} == SHARED
    assert command.epilog == EXIT_STATUS_HELP


@pytest.mark.parametrize("group", ["", "journal", "lab"])
def test_every_command_is_summed_up_in_one_line_of_a_terminal(group: str) -> None:
    status, printed, _ = invoke(*group.split(), "--help", env={"COLUMNS": "80"})
    assert status == 0
    listed = printed.partition("Commands:")[2].partition("\n\n")[0]
    assert [line for line in listed.splitlines() if not re.match(r"(  [a-z]+ +[A-Z].*\.)?$", line)] == []


def test_short_help_is_help() -> None:
    assert invoke("plan", "-h") == invoke("plan", "--help")


@pytest.mark.parametrize("arguments", [[], ["journal"], ["lab"]], ids=str)
def test_a_group_without_a_command_teaches(arguments: list[str]) -> None:
    status, printed, complaint = invoke(*arguments)
    assert status == ExitStatus.USAGE
    assert "Commands:" in printed + complaint


# -- usage --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["frob"], "No such command 'frob'", id="no such command"),
        pytest.param(["plan", "--frob"], "No such option: --frob", id="no such option"),
        pytest.param(["plan", "imagerie"], "unexpected extra argument", id="an argument too many"),
        pytest.param(["apply"], "Missing argument 'DIGEST'", id="an argument too few"),
        pytest.param(["plan", "--output", "xml"], "--output: choose people or json", id="a bad value"),
        pytest.param(["journal", "show", "--last", "0"], "Invalid value for '--last'", id="a number too small"),
        pytest.param(["lab", "break", "frob"], "'frob' is not one of", id="no such fault"),
        pytest.param(["plan", "--region"], "requires an argument", id="an option without its value"),
    ],
)
def test_wrong_usage_is_explained_and_exits_with_2(arguments: list[str], words: str) -> None:
    status, printed, complaint = invoke(*arguments)
    assert (status, printed) == (ExitStatus.USAGE, "")
    assert words in complaint


@pytest.mark.parametrize(
    "name", [name for name in NAMES if not name.startswith(("lab ", "catalogue ")) and name not in WITHOUT_A_REGION]
)
def test_an_error_names_its_command_in_full_and_is_a_document_for_programs(name: str) -> None:
    named = {
        "approve",
        "apply",
        "key show",
        "key rotate",
        "key recovery",
        "key disable",
        "key enable",
        "key destroy",
        "key withdraw",
        "backup show",
        "backup check",
        "backup prune",
        "backup approve",
        "backup recover",
        "drill run",
        "volume show",
        "volume header",
        "host lost",
        "network isolate",
        "network release",
        "network tunnel",
        "network retire",
        "runbook resume",
    }
    digest = {"key recovery": ["create"], "volume header": ["test"], "network tunnel": ["show"]}.get(name, [])
    digest += ["0123456789abcdef"] if name in named else []
    grounds = ["--reason", "burglars", "--ticket", "INC-1"]
    more = {
        "backup recover": ["--as-of", "2026-01-01T00:00Z"],
        "backup export": ["imagerie", "--into", "/nowhere"],
        "control show": ["EXI-01"],
        "evidence pack": ["--into", "/nowhere/pack.zip"],
        "report compliance": ["/nowhere/report.html"],
        "network matrix": ["/nowhere/matrix.html"],
        "network graph": ["/nowhere/graph.svg"],
        "restore": ["imagerie", "/srv/imagerie"],
        "runbook run": ["backup-too-old"],
        "network isolate": grounds,
        "network release": grounds,
    }
    status, printed, complaint = invoke(*name.split(), *digest, *more.get(name, []), "--output", "json")
    document = json.loads(printed)
    (error,) = document.pop("errors")
    assert document == {"version": 1, "command": name, "status": "usage", "exit_status": 2, "data": {}}
    assert (error["what"], error["remedy"][:5]) == ("none was named", "Give ")
    assert (status, complaint) == (ExitStatus.USAGE, "")


def test_options_can_be_set_in_the_environment() -> None:
    status, printed, _ = invoke("validate", env={"HOSTING_REGION": str(FOLDER)})
    assert (status, "the files are in order" in printed) == (ExitStatus.DONE, True)


def test_invalid_files_are_all_told_to_programs_too(tmp_path: Path) -> None:
    status, printed, _ = invoke("validate", str(tmp_path / "nowhere"), "-o", "json")
    document = json.loads(printed)
    assert (status, document["status"]) == (ExitStatus.USAGE, "usage")
    (problem,) = document["data"]["problems"]
    assert problem["what"] == "there is no such folder"


# -- errors -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (EngineError("vault", "it refused", "Ask."), ExitStatus.FAILED),
        (UnreadableError("vault", "it is sealed", "Unseal it."), ExitStatus.UNKNOWN),
    ],
)
def test_an_error_raised_on_purpose_becomes_a_result(error: EngineError, status: ExitStatus) -> None:
    def work() -> Result:
        raise error

    assert run(work, name="plan") == Result("plan", {}, (), status, (error,))


def test_an_error_that_nobody_raised_on_purpose_is_a_traceback() -> None:
    def work() -> Result:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(work, name="plan")


# -- completion ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_prints(shell: str) -> None:
    status, printed, _ = invoke(env={"_HOSTING_COMPLETE": f"source_{shell}"})
    assert (status, "_HOSTING_COMPLETE" in printed) == (0, True)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("hosting jo", ["journal"]),
        ("hosting lab st", ["status"]),
        ("hosting lab break vault-", ["vault-sealed", "vault-down"]),
    ],
)
def test_words_are_completed(words: str, expected: Sequence[str]) -> None:
    position = str(len(words.split()) - 1)
    env = {"_HOSTING_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": position}
    _, printed, _ = invoke(env=env)
    assert printed.split() == list(expected)


# -- what the shell is told ---------------------------------------------------------------------------------------


@pytest.fixture
def engineer(tmp_path: Path) -> list[str]:
    """Name an environment whose journal holds a plan of production, asked for by an engineer."""
    file = write_environment(tmp_path)
    journal = Journal(tmp_path / "journal.jsonl", now=lambda: NOW, who=lambda: "token-engineer")
    journal.append("plan", {"plan": PLAN.document()})
    (tmp_path / "token").write_text("s.readable-by-all")
    (tmp_path / "token").chmod(0o644)
    return ["--region", str(FOLDER), "--environment", str(file)]


def broken(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"sequence":1', b'"sequence":2'))


Shell = Callable[..., tuple[object, str]]


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Run the entry point that the shell runs; give what the process would end with, and all that it said."""

    def run_main(*arguments: str) -> tuple[object, str]:
        monkeypatch.setattr(sys, "argv", ["hosting", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code, " ".join((said.out + said.err).split())

    return run_main


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["validate", str(FOLDER)], 0, "the files are in order"),
        (["journal", "verify"], 0, "1 entries, each following"),
        (["approve", PLAN.digest], 1, "others may read the token file"),
        (["validate", "/nowhere"], 2, "1 problem found"),
    ],
    ids=["in order", "a good journal", "refused", "invalid files"],
)
def test_the_exit_status_reaches_the_shell(
    arguments: list[str], status: int, words: str, engineer: list[str], shell: Shell
) -> None:
    found, said = shell(*arguments, *engineer)
    assert found == status
    assert words in said


def test_a_broken_journal_is_a_finding_for_who_verifies_and_unreadable_for_all_others(
    tmp_path: Path, engineer: list[str], shell: Shell
) -> None:
    broken(tmp_path)
    found, said = shell("journal", "verify", *engineer)
    assert (found, "is numbered 2 where 1 should stand" in said) == (3, True)
    found, said = shell("journal", "show", *engineer)
    assert (found, "Run `hosting journal verify`" in said) == (4, True)


def test_a_process_ends_with_it_and_without_a_traceback() -> None:
    argv = [sys.executable, "-c", "from hosting_cli.app import main; main()", "plan"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=ENVIRONMENT, cwd=ROOT, timeout=120)
    assert (done.returncode, done.stdout) == (ExitStatus.USAGE, "")
    assert done.stderr == "error: region: none was named.\n       Give --region PATH or set HOSTING_REGION.\n"
