"""The one screen: what it shows, how wide it is, and how it is watched."""

import shlex
from os import terminal_size
from pathlib import Path
from typing import Any

import pytest
from fake_doors import World
from sample import APPLICATION, HOST
from typer.main import get_command
from watched import BACKED_UP, FakeMonitoring, ago, alert, changed, key

from hosting_cli import console
from hosting_cli.alerts import AlertState
from hosting_cli.app import LazyDoors, build
from hosting_cli.commands.status import status
from hosting_cli.console import render
from hosting_cli.errors import UnreadableError, UsageError
from hosting_cli.result import ExitStatus, Result


@pytest.fixture
def monitoring(world: World) -> FakeMonitoring:
    fake = FakeMonitoring()
    vars(world.session)["monitoring"] = fake
    return fake


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def screen(result: Result, width: int) -> list[str]:
    return "\n".join(render(block, width=width, colours=False) for block in result.blocks).splitlines()


def trouble(monitoring: FakeMonitoring) -> None:
    monitoring.known = (
        alert("HostingVaultSealed", summary="The vault is sealed"),
        alert("HostingBackupTooOld", minutes=130, labels=BACKED_UP, runbook="runbooks/backup-too-old.md"),
        alert("HostingDiskFilling", "warning", labels={"host": HOST}, state=AlertState.PENDING, muted="silenced"),
    )
    monitoring.told = changed(
        vault_sealed=1, drill_last_success_timestamp_seconds=0, certificate_end_timestamp_seconds=ago(days=-12)
    ) + key("hosting-imagerie-beaune-volumes", 400)


def test_a_region_that_is_well_is_a_short_screen(world: World, monitoring: FakeMonitoring) -> None:
    result = status(world.session)
    assert (result.status, result.errors) == (ExitStatus.DONE, ())
    assert screen(result, 80)[:2] == ["Bourgogne-Franche-Comté, 2026-11-22 03:00 UTC", "No alert; keys: 1 in order."]
    assert len(screen(result, 80)) < 20


@pytest.mark.parametrize("width", [80, 120])
def test_trouble_fits_the_screen(world: World, monitoring: FakeMonitoring, width: int) -> None:
    trouble(monitoring)
    result = status(world.session)
    shown = screen(result, width)
    assert result.status is ExitStatus.PENDING
    assert max(map(len, shown)) <= width
    assert len(shown) <= 40
    said = "\n".join(shown)
    for words in (
        "2 alerts, 2 critical, 1 about to be",
        "2 h 10 min",
        "backup-too-old",
        "(silenced)",
        "sealed    vault",
    ):
        assert words in said
    assert f"critical  C2  {APPLICATION}" in said


def test_programs_get_all_of_it(world: World, monitoring: FakeMonitoring) -> None:
    trouble(monitoring)
    data = status(world.session).data
    assert [item["name"] for item in data["alerts"]] == [
        "HostingVaultSealed",
        "HostingBackupTooOld",
        "HostingDiskFilling",
    ]
    assert data["applications"][0]["state"] == "critical"
    assert {item["how"] for item in data["due"]} >= {"hosting key rotate hosting-imagerie-beaune-volumes"}


def test_the_command_line_takes_every_command_that_is_shown(world: World, monitoring: FakeMonitoring) -> None:
    trouble(monitoring)
    top: Any = get_command(build())
    shown = [item["how"] for item in status(world.session).data["due"]]
    assert len(shown) == 3
    for how in shown:
        _, group, name, *words = shlex.split(how)
        command = top.get_command(None, group).get_command(None, name)
        command.make_context("it", words)  # raises for what it does not know


def test_what_cannot_be_asked_is_unknown(world: World, monitoring: FakeMonitoring) -> None:
    monitoring.known = monitoring.told = UnreadableError("prometheus", "cannot be asked", "Is it running?")
    result = status(world.session)
    assert (result.status, len(result.errors)) == (ExitStatus.UNKNOWN, 2)
    assert "Nobody can tell which alerts there are." in screen(result, 80)


def test_an_environment_without_monitoring_is_told_what_to_say(world: World) -> None:
    world.session.doors = LazyDoors()
    with pytest.raises(UsageError, match="names none"):
        status(world.session)


def test_a_pipe_is_not_watched(world: World, monitoring: FakeMonitoring) -> None:
    with pytest.raises(UsageError, match="takes a terminal"):
        status(world.session, watch=1)


def test_it_is_looked_again_until_somebody_interrupts(
    world: World, monitoring: FakeMonitoring, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        trouble(monitoring)
        if len(slept) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(console.sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(console.time, "sleep", sleep)
    monkeypatch.setattr(console.shutil, "get_terminal_size", lambda *_, **__: terminal_size((80, 12)))
    result = status(world.session, watch=5)
    shown = capsys.readouterr().out.split("\x1b[H\x1b[2J")
    assert slept == [5, 5]
    assert ["No alert" in text for text in shown[1:]] == [True, False]
    assert max(len(text.splitlines()) for text in shown) <= 12
    assert result.status is ExitStatus.PENDING
