"""Commands and documents are equal, and documents hold nothing of the machine they were written on."""

import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from hosting_cli import help_page, reference
from hosting_cli.app import COMMANDS, SHARED_OPTIONS, build, function_of
from inventory.environment import Environment

ROOT = Path(__file__).parents[2]
DOCUMENTS = (
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "runbooks").rglob("*.md")),
)
NAMES = [(group, name) for group, names in COMMANDS.items() for name in names]


@cache
def flags(group: str, name: str) -> frozenset[str]:
    """Collect the options of a command as the command line was built."""
    top: Any = get_command(build())
    command = (top.get_command(None, group) if group else top).get_command(None, name)
    return frozenset(flag for parameter in command.params for flag in parameter.opts if flag.startswith("-")) | {
        "--help",
        "-h",
    }


@pytest.mark.parametrize(("group", "name"), NAMES)
def test_the_line_about_a_command_is_the_first_of_its_help(group: str, name: str) -> None:
    """`hosting --help` shows a line kept beside the names, so that it loads no command: it must fit on one."""
    line = COMMANDS[group][name]
    assert line == (function_of(group, name).__doc__ or "").splitlines()[0]
    assert len(line) <= 65


REMEDY = "run `python -m hosting_cli.reference`"

# -- the reference ------------------------------------------------------------------------------------------------


def test_the_reference_is_what_the_commands_say() -> None:
    assert reference.FILE.read_text() == reference.text(), REMEDY


def test_the_page_of_help_is_the_one_that_typer_writes() -> None:
    assert help_page.FILE.read_text() == reference.page_of_help(reference.UNWRAPPED), REMEDY


def test_the_page_of_help_looks_as_if_typer_had_shown_it_on_every_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    page, shown, expected = help_page.FILE.read_text(), {}, {}
    for columns in range(20, 140):
        monkeypatch.setenv("COLUMNS", str(columns))
        expected[columns] = reference.page_of_help()
        shown[columns] = help_page.laid_out(page, columns)
    assert shown == expected
    assert len(set(shown.values())) > 30, "the width of the terminal makes a difference"


@pytest.mark.parametrize(("group", "name"), NAMES)
def test_every_command_and_option_explains_itself(group: str, name: str) -> None:
    function = function_of(group, name)
    assert function.__doc__
    assert [item.name for item in reference.parameters(function) if not item.info.help] == []


@pytest.mark.parametrize(("group", "name"), NAMES)
def test_the_reference_leaves_no_option_out(group: str, name: str) -> None:
    described = {
        spelling.split()[0]
        for item in reference.parameters(function_of(group, name))
        for spelling in item.spellings
        if spelling.startswith("-")
    }
    shared = {"--region", "--environment", "--token-file", "--output", "-o", "--help", "-h"}
    assert len(SHARED_OPTIONS) == len({flag for flag in shared if flag.startswith("--")} - {"--help"})
    assert described | shared == flags(group, name)


# -- what documents mention ---------------------------------------------------------------------------------------

SPAN = re.compile(r"`(hosting [^`]+)`")
SHELL = re.compile(r"^\s*(?:\$ )?(?:\.venv/bin/)?(hosting .*)$", re.MULTILINE)
FENCE = re.compile(r"^```(?:sh|console|bash|text)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
ANY_COMMAND = {"COMMAND", "GROUP", "…", "..."}


def mentions() -> Iterator[tuple[str, str]]:
    """Yield every command line that a document shows, with where it stands."""
    for document in DOCUMENTS:
        text = document.read_text()
        inside = [line for fence in FENCE.findall(text) for line in SHELL.findall(fence)]
        for words in (*SPAN.findall(FENCE.sub("", text)), *inside):
            for line in re.split(r"\s*(?:&&|\||;|·)\s*(?=hosting )", words):
                yield document.relative_to(ROOT).as_posix(), line.partition(" #")[0].strip()


def wrong(line: str) -> str | None:
    """Say what of a command line does not exist, if anything."""
    words = [word.rstrip(".,;:)") for word in line.split()[1:] if not word.startswith(("<", "→"))]
    options = [word.partition("=")[0] for word in words if re.fullmatch(r"--?[a-z][a-z-]*(=.*)?", word)]
    group = words[0] if words[0] in COMMANDS else ""
    rest = words[1:] if group else words
    if not rest or rest[0] in ANY_COMMAND or rest[0].startswith("--"):
        return None if set(options) <= {"--help", "--install-completion", "--show-completion"} else str(options)
    if rest[0] not in COMMANDS[group]:
        return f"no command {group} {rest[0]}"
    unknown = set(options) - flags(group, rest[0])
    return f"no option {', '.join(sorted(unknown))}" if unknown else None


def test_documents_mention_only_commands_and_options_that_exist() -> None:
    found = list(mentions())
    assert len(found) > len(NAMES)
    assert [f"{place}: `{line}`: {reason}" for place, line in found if (reason := wrong(line))] == []


@pytest.mark.parametrize(
    "line", ["hosting frob", "hosting lab frob", "hosting plan --frob", "hosting journal --last 3", "hosting lab up -x"]
)
def test_a_command_that_does_not_exist_would_be_found(line: str) -> None:
    assert wrong(line)


def test_every_target_of_make_that_documents_mention_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    mentioned = {
        (document.name, target)
        for document in DOCUMENTS
        for target in re.findall(r"(?:`|^|&& )make ([a-z-]+)", document.read_text(), re.MULTILINE)
    }
    assert {(name, target) for name, target in mentioned if target not in targets} == set()


def test_every_variable_that_documents_mention_is_looked_at() -> None:
    code = "".join(path.read_text() for room in ("hosting_cli", "inventory") for path in (ROOT / room).rglob("*.py"))
    mentioned = {
        (document.name, name) for document in DOCUMENTS for name in re.findall(r"HOSTING_[A-Z]+", document.read_text())
    }
    assert {(place, name) for place, name in mentioned if name not in code} == set()


def test_links_between_documents_lead_somewhere() -> None:
    dead = [
        f"{document.relative_to(ROOT)}: {target}"
        for document in DOCUMENTS
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text())
        if "://" not in target and not (document.parent / target).exists()
    ]
    assert dead == []


def test_the_environment_that_the_readme_shows_is_one() -> None:
    (shown,) = re.findall(
        r"^```yaml\n(environment: .*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA=="
    environment = Environment.model_validate(yaml.safe_load(shown.replace("ssh-ed25519 AAAA…", key)))
    assert environment.hosts.keys() == {"dijon-app-1"}


# -- where documents come from ------------------------------------------------------------------------------------

BUILD_PLACES = (str(ROOT), sys.base_prefix, "/.pyenv/", "/workspace/", "/builds/", "/home/runner")
"""Where a checkout or an interpreter lies on the machine of whoever builds, and on nobody else's."""


def tracked() -> Iterator[tuple[str, str]]:
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if path.is_file() and path != Path(__file__):
            yield name, path.read_bytes().decode(errors="replace")


def test_no_file_holds_a_path_of_the_machine_it_was_written_on() -> None:
    places = [place for place in BUILD_PLACES if place not in {"/", "/usr", "/usr/local"}]
    assert [f"{name}: {place}" for name, text in tracked() for place in places if place in text] == []


def test_mail_and_telephone_are_nobodys() -> None:
    """`.example` belongs to nobody (RFC 2606), and these telephone numbers are kept for fiction."""
    files = [(name, text) for name, text in tracked() if name.endswith((".md", ".yaml")) and "invalid" not in name]
    mail = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
    found = {f"{name}: {address}" for name, text in files for address in mail.findall(text)}
    assert {line for line in found if not line.endswith((".example", ".service", ".timer"))} == set()
    telephone = re.compile(r"(?:\+33|\b0)\s?[1-9](?:[\s.]?\d{2}){4}\b")
    numbers = {f"{name}: {number}" for name, text in files for number in telephone.findall(text)}
    kept = re.compile(r"(?:\+33\s?|0)(?:1\s?99\s?00|2\s?61\s?91|3\s?53\s?01|4\s?65\s?71|5\s?36\s?49|6\s?39\s?98)")
    assert {line for line in numbers if not kept.search(line.rpartition(": ")[2])} == set()


def test_every_decision_has_a_number_of_its_own() -> None:
    files = sorted(path.name for path in (ROOT / "docs/decisions").glob("[0-9]*.md"))
    titles = [(ROOT / "docs/decisions" / name).read_text().splitlines()[0] for name in files]
    assert [int(name[:4]) for name in files] == list(range(1, len(files) + 1))
    assert [title.partition(".")[0] for title in titles] == [f"# {number}" for number in range(1, len(files) + 1)]
