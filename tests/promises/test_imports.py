"""Imports point one way: ``inventory ← vault_policies, monitoring ← deploys ← hosting_cli ← runbooks``."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

ROOMS = {
    "inventory": {"inventory"},
    "vault_policies": {"vault_policies", "inventory"},
    "monitoring": {"monitoring", "inventory"},
    "deploys": {"deploys", "inventory", "vault_policies", "monitoring"},
    "hosting_cli": {"hosting_cli", "inventory", "vault_policies", "monitoring", "deploys"},
    "runbooks": {"runbooks", "inventory", "vault_policies", "monitoring", "deploys", "hosting_cli"},
}
"""Which rooms each room may import from."""

ENGINES = {"hvac", "boto3", "botocore", "asyncssh", "paramiko", "fabric", "pyinfra", "gevent", "requests"}
"""Libraries that talk to the outside."""

PURE_DEPLOYS = {
    "answers",
    "codec",
    "desired",
    "desired_applications",
    "desired_network",
    "desired_tunnels",
    "desired_wireguard",
    "devices",
    "flows",
    "names",
    "nftables",
    "pairs",
    "programs",
    "reading",
    "reading_storage",
    "reading_wireguard",
    "resources",
    "slots",
    "swanctl",
    "templates",
    "tunnels",
    "view",
    "wireguard",
}
"""The half of ``deploys`` that decides what a host should look like: the only one that ``hosting_cli`` may import."""

TALKS = {
    "hosting_cli/doors": ENGINES,
    "hosting_cli/lab": {"hvac", "boto3", "botocore", "asyncssh"},
    "deploys": {"pyinfra", "gevent", "paramiko"},
    "inventory/hosts.py": {"pyinfra"},
    "runbooks/actions/hosts.py": {"fabric", "paramiko"},
}
"""Where the outside may be talked to; everywhere else decides, and imports none of it."""


AGENT = ROOT / "deploys" / "agent"
"""Installed on hosts under another name, hence its relative imports."""

ALONE = (
    *sorted(AGENT.glob("*.py")),
    *sorted((ROOT / "deploys" / "programs").rglob("[a-z]*.py")),
    *sorted((ROOT / "hosting_cli" / "evidence" / "programs").glob("[a-z]*.py")),
)
"""What runs on hosts, and on auditors' computers, where there is Python and nothing else."""

PARTS = "deploys.programs.parts."
"""What a program imports from here is sent before it."""


def modules(room: str) -> Iterator[Path]:
    yield from sorted((ROOT / room).rglob("*.py"))


@cache
def imported(path: Path) -> tuple[str, ...]:
    """Give the dotted name of everything that the module at *path* imports, wherever in it."""
    return tuple(_imported(path))


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                assert path.parent == AGENT, f"{path}: relative imports hide where a name comes from"
                continue
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_from_below(room: str) -> None:
    foreign = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(room)
        for name in imported(path)
        if name.split(".")[0] in ROOMS.keys() - ROOMS[room]
    ]
    assert foreign == []


def test_only_doors_talk_to_the_outside() -> None:
    def allowed(path: Path) -> set[str]:
        relative = path.relative_to(ROOT).as_posix()
        return set().union(*(libraries for place, libraries in TALKS.items() if relative.startswith(place)))

    talking = [
        f"{path.relative_to(ROOT)} imports {name}"
        for room in ROOMS
        for path in modules(room)
        for name in imported(path)
        if name.split(".")[0] in ENGINES - allowed(path)
    ]
    assert talking == []


def test_the_command_line_imports_only_the_pure_half_of_deploys() -> None:
    engine_half = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules("hosting_cli")
        for name in imported(path)
        if name.split(".")[0] == "deploys" and name.split(".")[1] not in PURE_DEPLOYS
    ]
    assert engine_half == []


def test_the_pure_half_of_deploys_is_pure() -> None:
    impure = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules("deploys")
        if path.relative_to(ROOT / "deploys").parts[0].removesuffix(".py") in PURE_DEPLOYS
        for name in imported(path)
        if name.split(".")[0] in ENGINES
    ]
    assert impure == []


def test_only_app_builds_doors() -> None:
    builders = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules("hosting_cli")
        if path.parent.name != "doors" and path.name != "app.py"
        for name in imported(path)
        if name.startswith("hosting_cli.doors") and not _under_type_checking(path, name)
    ]
    assert builders == []


def _under_type_checking(path: Path, name: str) -> bool:
    """Tell whether *name* is imported for annotations only, which builds nothing."""
    return any(
        isinstance(block, ast.If)
        and ast.unparse(block.test) == "TYPE_CHECKING"
        and name
        in {
            f"{node.module}.{alias.name}"
            for node in block.body
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        for block in ast.walk(ast.parse(path.read_text()))
    )


@pytest.mark.parametrize("path", ALONE, ids=lambda path: path.name)
def test_what_runs_without_us_needs_python_and_nothing_else(path: Path) -> None:
    foreign = {name.split(".")[0] for name in imported(path) if not name.startswith(PARTS)} - sys.stdlib_module_names
    assert foreign <= {"_sha2"}  # Python 3.12 and later; on older ones it is tried and done without


CALLED = """
import sys
from hosting_cli.__main__ import main
try:
    main()
except SystemExit:
    pass
print(sorted(sys.modules), file=sys.stderr)
"""
"""What `hosting` does with its arguments, and then the modules that it took."""


def called(script: Path, *arguments: str) -> tuple[str, set[str]]:
    """Give what `hosting` prints, and which modules it loads."""
    script.write_text(CALLED)
    argv = [sys.executable, script, *arguments]
    found = subprocess.run(argv, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT)})
    return found.stdout, set(ast.literal_eval(found.stderr.splitlines()[-1]))


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_the_first_page_of_help_loads_nothing_that_is_not_needed_to_show_it(tmp_path: Path, option: str) -> None:
    printed, loaded = called(tmp_path / "hosting", option)
    assert printed.startswith("Usage: hosting")
    assert {name for name in loaded if name.startswith("hosting_cli")} == {
        "hosting_cli",
        "hosting_cli.__main__",
        "hosting_cli.help_page",
    }
    assert loaded & {"typer", "rich", "inspect", "dataclasses", "subprocess", "typing"} == set()


@pytest.mark.parametrize("name", ["lab", "plan", "journal show"])
def test_help_loads_no_engine(tmp_path: Path, name: str) -> None:
    printed, loaded = called(tmp_path / "hosting", *name.split(), "--help")
    assert printed.startswith(f"Usage: hosting {name}")
    assert {name.split(".")[0] for name in loaded} & (ENGINES | {"jinja2", "cryptography"}) == set()
