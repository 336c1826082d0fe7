"""Drills as commands: what the host is asked, what is measured and recorded, and what the guard makes of it."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from fake_doors import World
from sample import APPLICATION, HOST
from test_commands_backup import FakeRepositories, door

from hosting_cli.commands import backup, drill
from hosting_cli.doors.hosts import Completed
from hosting_cli.result import ExitStatus
from inventory.models import ContinuityClass

SCRATCH = "/srv/imagerie/.hosting-restore-drill"


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    vars(world.session)["repositories"] = FakeRepositories()
    world.hosts.on_run = lambda host, argv, stdin: Completed(0, "Avail\n9999\n" if argv[0] == "df" else "", "")
    return world


def promising(world: World, rto_minutes: int) -> None:
    classes = tuple(item.model_copy(update={"rto_minutes": rto_minutes}) for item in world.session.region.continuity)
    assert all(isinstance(item, ContinuityClass) for item in classes)
    vars(world.session)["region"] = world.session.region.model_copy(update={"continuity": classes})


def test_everything_is_restored_beside_the_live_files_and_removed_again(world: World) -> None:
    found = door(world).found
    assert found
    assert drill.run(world.session, APPLICATION).status is ExitStatus.DONE
    last = found.snapshots[-1].id
    assert [command[1:] for command in world.hosts.commands] == [
        ("rm", "-rf", "--", SCRATCH),
        ("df", "--output=avail", "--block-size=1", "--", "/srv/imagerie"),
        ("hosting-agent", "restore", APPLICATION, last, "/srv/imagerie", SCRATCH),
        ("rm", "-rf", "--", SCRATCH),
    ]


def test_a_good_drill_is_what_the_guard_asks_for(world: World) -> None:
    assert backup.prune(world.session, APPLICATION).status is ExitStatus.FAILED
    drill.run(world.session, APPLICATION)
    assert backup.prune(world.session, APPLICATION).status is ExitStatus.PENDING


def test_a_drill_that_fails_is_recorded_and_satisfies_nobody(world: World) -> None:
    def failing(host: str, argv: Sequence[str], stdin: str | None) -> Completed:
        return Completed(1, "", "pack is damaged") if argv[0] == "hosting-agent" else Completed(0, "9999", "")

    world.hosts.on_run = failing
    result = drill.run(world.session, APPLICATION)
    assert result.status is ExitStatus.PENDING
    (found,) = drill.list_(world.session).data["drills"]
    assert "pack is damaged" in found["reason"]
    assert world.hosts.commands[-1] == (HOST, "rm", "-rf", "--", SCRATCH)
    assert backup.prune(world.session, APPLICATION).status is ExitStatus.FAILED


def test_a_volume_without_room_is_not_filled_up(world: World) -> None:
    world.hosts.on_run = lambda host, argv, stdin: Completed(0, "Avail\n1\n" if argv[0] == "df" else "", "")
    result = drill.run(world.session, APPLICATION)
    assert result.status is ExitStatus.PENDING
    assert "hosting-agent" not in {command[1] for command in world.hosts.commands}


def test_drills_are_listed_by_application_and_held_against_the_promise(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    drill.run(world.session, APPLICATION)
    assert drill.list_(world.session, APPLICATION).status is ExitStatus.DONE
    ticks = iter(range(0, 10**6, 61))
    monkeypatch.setattr(drill.time, "monotonic", lambda: next(ticks))
    promising(world, 1)
    slow = drill.run(world.session, APPLICATION)
    assert slow.status is ExitStatus.PENDING
    assert [item["met"] for item in drill.list_(world.session).data["drills"]] == [True, False]
    assert drill.list_(world.session).status is ExitStatus.PENDING
    assert drill.list_(world.session, "another").data["drills"] == []


def test_only_the_host_that_is_named_is_drilled(world: World) -> None:
    drill.run(world.session, APPLICATION, host=HOST)
    assert {command[0] for command in world.hosts.commands} == {HOST}
