"""Bringing files back as a command: from which snapshot, where to, and what the host is asked."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fake_doors import World
from sample import APPLICATION, HOST, NOW
from test_commands_backup import FakeRepositories, door, snapshot

from hosting_cli.commands.restore import restore
from hosting_cli.doors.hosts import Completed
from hosting_cli.errors import UsageError
from hosting_cli.result import ExitStatus

LIVE = "/srv/imagerie/study.dcm"


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    vars(world.session)["repositories"] = FakeRepositories()
    return world


def asked(world: World, **options: Any) -> tuple[str, ...]:
    """Give what the host is asked, after its name."""
    world.hosts.commands.clear()
    assert restore(world.session, APPLICATION, options.pop("path", LIVE), **options).status is ExitStatus.DONE
    (command,) = world.hosts.commands
    assert command[:4] == (HOST, "hosting-agent", "restore", APPLICATION)
    return command[4:]


def nights(world: World) -> list[str]:
    """Name the snapshots of the nights, the last night's first."""
    found = door(world).found
    assert found
    return [one.id for one in reversed(found.snapshots)]


def test_the_last_snapshot_is_restored_beside_what_is_there(world: World) -> None:
    last = nights(world)[0]
    assert asked(world) == (last, LIVE, f"/srv/imagerie/.hosting-restore-{last[:8]}")


def test_a_moment_chooses_what_the_store_had_then(world: World) -> None:
    when = (NOW - timedelta(days=3)).isoformat()
    assert asked(world, as_of=when)[0] == nights(world)[3]


def test_a_snapshot_is_chosen_by_its_name(world: World) -> None:
    chosen = nights(world)[7]
    assert asked(world, snapshot=chosen[:12])[0] == chosen


def test_a_lie_is_not_taken_for_the_last_snapshot_but_can_be_named(world: World) -> None:
    repositories, last = door(world), nights(world)[0]
    assert repositories.found
    lie = snapshot(99, NOW - timedelta(minutes=5), claimed=NOW + timedelta(days=9))
    repositories.found = replace(repositories.found, snapshots=(*repositories.found.snapshots, lie))
    assert asked(world)[0] == last
    assert asked(world, snapshot=lie.id)[0] == lie.id


def with_room(world: World, free_bytes: int) -> None:
    world.hosts.on_run = lambda host, argv, stdin: Completed(0, f"Avail\n{free_bytes}\n" if argv[0] == "df" else "", "")


def test_a_whole_volume_goes_where_there_is_room(world: World) -> None:
    with_room(world, 1000)
    done = restore(world.session, APPLICATION, "/srv/imagerie", into="/srv/imagerie/back")
    assert done.status is ExitStatus.DONE
    assert world.hosts.commands[-1][4:] == (nights(world)[0], "/srv/imagerie", "/srv/imagerie/back")


def test_a_volume_is_not_filled_up(world: World) -> None:
    with_room(world, 999)
    refused = restore(world.session, APPLICATION, "/srv/imagerie")
    assert refused.status is ExitStatus.FAILED
    assert "would be restored" in refused.errors[0].what
    assert [command[1] for command in world.hosts.commands] == ["df"]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"into": "/tmp/back"}, "health data would lie in clear"),
        ({"into": "/srv/imagerie"}, "health data would lie in clear"),
        ({"into": "/srv/imagerie/../../tmp"}, "health data would lie in clear"),
        ({"path": "/etc/shadow"}, "no snapshot holds it"),
        ({"path": "/srv/imagerie/../../etc/shadow"}, "no snapshot holds it"),
        ({"as_of": "2020-01-01T00:00Z"}, "no snapshot that the store had at 2020-01-01"),
        ({"as_of": "tomorrow"}, "is no moment of the past"),
        ({"snapshot": "ffffffff"}, "is the beginning of no snapshots"),
        ({"snapshot": "ffffffff", "as_of": "2026-01-01T00:00Z"}, "says which snapshot"),
        ({"host": "dijon-gateway-1"}, "backs nothing of"),
    ],
    ids=[
        "in clear",
        "over the live files",
        "out of the volume",
        "not copied",
        "a way out",
        "too early",
        "no moment",
        "none",
        "both",
        "no such host",
    ],
)
def test_what_cannot_be_restored_is_explained_and_no_host_is_asked(
    world: World, options: dict[str, Any], why: str
) -> None:
    with pytest.raises(UsageError, match=why):
        restore(world.session, APPLICATION, options.pop("path", LIVE), **options)
    assert world.hosts.commands == []


def test_it_is_recorded_with_its_snapshot_and_how_long_it_took(world: World) -> None:
    asked(world)
    intent, done = world.session.journal.entries()[-2:]
    assert (intent.kind, done.kind) == ("intent", "done")
    observed = done.data["observed"]
    assert isinstance(observed, dict)
    assert observed.keys() == {"snapshot", "path", "target", "seconds"}


def test_a_restore_that_fails_is_an_error_in_the_hosts_own_words(world: World) -> None:
    def failing(host: str, argv: Sequence[str], stdin: str | None) -> Completed:
        return Completed(1, "", f"hosting-agent restore: snapshot does not hold {argv[4]}")

    world.hosts.on_run = failing
    result = restore(world.session, APPLICATION, LIVE)
    assert result.status is ExitStatus.FAILED
    assert "does not hold" in result.errors[0].what
    assert world.session.journal.entries()[-1].kind == "failed"
