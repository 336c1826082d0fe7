"""Two labs beside each other: neither takes what is the other's, and one is taken down without the other noticing."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from engines_lab import SAMPLE, STORE, bring_up_engines

from hosting_cli.app import LazyDoors
from hosting_cli.commands import lab as commands
from hosting_cli.console import Progress
from hosting_cli.lab import laboratory, monitoring, processes, removal
from hosting_cli.lab.laboratory import Lab
from hosting_cli.result import ExitStatus
from hosting_cli.session import Session
from inventory.load import load_region

ENGINES = ("openbao", "seaweedfs", *monitoring.NAMES)


@pytest.fixture
def labs(tmp_path: Path) -> Iterator[tuple[Lab, Lab]]:
    found = Lab(tmp_path / "one", tmp_path / "cache"), Lab(tmp_path / "two", tmp_path / "cache")
    try:
        for lab in found:
            bring_up_engines(lab)
            laboratory.start_monitoring(lab, load_region(SAMPLE), session_of(lab).environment)
        yield found
    finally:
        for lab in found:
            list(removal.down(lab, Progress(quiet=True)))


def ports(lab: Lab) -> set[int]:
    return {*lab.record["vault_ports"], *lab.record["store_ports"], *lab.record["monitoring_ports"]}


def pids(lab: Lab) -> set[int]:
    return {process.pid for engine in ENGINES if (process := laboratory.running(lab, engine))}


def sockets(numbers: set[int]) -> list[Path]:
    """Find what a store leaves outside its lab's directory."""
    return [path for number in numbers for path in Path("/tmp").glob(f"seaweedfs-*-{number}.sock")]


def session_of(lab: Lab) -> Session:
    return Session(SAMPLE, lab.environment_file, lab.token_file("operations-engineer"), LazyDoors())


def shown(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> tuple[ExitStatus, dict[str, str]]:
    """Give what `hosting lab status` shows of one of the two."""
    monkeypatch.setenv("HOSTING_LAB", str(lab.directory))
    found = commands.status(session_of(lab))
    return found.status, {part["part"]: part["state"] for part in found.data["parts"]}


def assert_answers(lab: Lab) -> None:
    session = session_of(lab)
    assert session.vault.identity() == "token-operations-engineer"
    assert session.stores[STORE].read().resources == {}


def test_one_lab_is_taken_down_and_the_other_goes_on(labs: tuple[Lab, Lab], monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = labs
    watching = {"prometheus": "running", "alertmanager": "running", "figures": "running"}
    well = (ExitStatus.DONE, {"vault": "running", "object store": "running", **watching})
    assert [shown(lab, monkeypatch) for lab in labs] == [well, well]
    of_one, of_two = ports(one), pids(two)
    assert not of_one & ports(two)
    assert not pids(one) & of_two
    assert len(of_two) == len(ENGINES)
    for lab in labs:
        assert_answers(lab)
    assert sockets(of_one)
    # Whatever befell the one before, it goes wholly.
    store = laboratory.running(one, "seaweedfs")
    assert store is not None
    os.kill(store.pid, signal.SIGKILL)
    while processes.is_alive(store):
        time.sleep(0.01)
    assert shown(one, monkeypatch) == (ExitStatus.FAILED, {"vault": "running", "object store": "stopped", **watching})
    assert shown(two, monkeypatch) == well
    removed = list(removal.down(one, Progress(quiet=True)))
    assert removed == [*monitoring.NAMES, "openbao", str(one.directory)]
    assert not one.directory.exists()
    assert sockets(of_one) == []
    assert all(processes._is_free(port) for port in of_one)
    assert pids(two) == of_two
    assert_answers(two)
