"""The units by which the controller looks by itself: systemd takes them, and so does the command line."""

import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_doors import World
from typer.main import get_command

from hosting_cli.app import COMMANDS, build
from hosting_cli.commands.schedule import schedule
from hosting_cli.errors import UsageError
from hosting_cli.result import ExitStatus
from monitoring.schedule import Controller, units
from monitoring.schedule import schedule as scheduled

CONTROLLER = Controller(
    program=sys.executable,
    region="/srv/region",
    environment="/srv/region/environment.yaml",
    user="root",
)


def test_systemd_takes_every_unit(tmp_path: Path) -> None:
    for name, text in units(CONTROLLER).items():
        (tmp_path / name).write_text(text)
    files = sorted(map(str, tmp_path.iterdir()))
    assert len(files) == len(scheduled().watches) + 2 * len(scheduled().jobs)
    done = subprocess.run(["systemd-analyze", "verify", *files], capture_output=True, text=True, check=False)
    complaints = [line for line in done.stderr.splitlines() if str(tmp_path) in line or "hosting-" in line]
    assert (done.returncode, complaints) == (0, [])


@pytest.mark.parametrize("calendar", sorted({job.calendar for job in scheduled().jobs}))
def test_systemd_knows_when(calendar: str) -> None:
    subprocess.run(["systemd-analyze", "calendar", calendar], capture_output=True, check=True)


COMMANDED = [
    *(watch.command for watch in scheduled().watches),
    *(command for job in scheduled().jobs for command in job.commands),
]


@pytest.mark.parametrize("command", COMMANDED)
def test_the_command_line_takes_every_command(command: str) -> None:
    words = shlex.split(command)
    found: Any = get_command(build())
    context = found.make_context("hosting", [], resilient_parsing=True)
    while words[0] in found.list_commands(context):
        found = found.get_command(context, words[0])
        context = found.make_context(words.pop(0), [], resilient_parsing=True)
        if not hasattr(found, "list_commands"):
            break
    found.make_context("it", words)  # raises for an option or a value that it does not know


def test_drills_checks_copies_and_figures_are_scheduled() -> None:
    names = {command.split(" --")[0] for command in COMMANDED}
    assert names == {"metrics serve", "backup copy", "evidence collect", "backup check", "drill run"}
    assert {name.split()[0] for name in names} <= COMMANDS.keys()


@pytest.mark.parametrize("value", ["/srv/my region", "/srv/100%", "/srv/a\nExecStart=/bin/sh", ""])
def test_what_systemd_would_read_otherwise_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="use letters, digits"):
        replace(CONTROLLER, region=value)


def test_they_are_shown_or_written(world: World, tmp_path: Path) -> None:
    shown = schedule(world.session)
    assert (shown.status, list(tmp_path.glob("hosting-*"))) == (ExitStatus.DONE, [])
    written = schedule(world.session, into=tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.glob("hosting-*")} == written.data["units"]
    assert shown.data == written.data
    drill = written.data["units"]["hosting-drill-due.service"]
    assert "HOSTING_REGION=/srv/region HOSTING_ENVIRONMENT=/srv/region/environment.yaml" in drill


def test_a_place_that_systemd_cannot_name_is_refused_with_what_to_do(world: World) -> None:
    world.session.region_folder = Path("/srv/my region")
    with pytest.raises(UsageError, match="use letters, digits"):
        schedule(world.session)


def test_a_program_that_systemd_cannot_start_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [__file__])  # as under `python -m`
    with pytest.raises(UsageError, match="systemd could not start"):
        schedule(world.session)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(sys, "argv", [sys.executable])
    world = World(tmp_path)
    world.session.region_folder = Path("/srv/region")
    world.session.environment_file = Path("/srv/region/environment.yaml")
    return world
