"""Drills as commands: what the host is asked, what is measured and recorded, and what the guard makes of it."""

import json
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fake_doors import World
from sample import APPLICATION, HOST, NOW
from test_commands_backup import INDEX, FakeRepositories, changed, door, printed, two_volumes

from hosting_cli.commands import backup, drill
from hosting_cli.doors.hosts import Completed
from hosting_cli.errors import UnreadableError, UsageError
from hosting_cli.result import ExitStatus
from inventory.models import ContinuityClass

SCRATCH = f"/run/hosting/drill/{APPLICATION}"
END = (HOST, "hosting-agent", "end-scratch", APPLICATION)
TRIAL: dict[str, Any] = {
    "files": {"same": 12, "different": 0, "changed": 1, "gone": 2},
    "databases": [{"engine": "postgresql", "database": "images", "reason": None, "tables": 4, "seconds": 7.5}],
    "check": {"status": 0, "seconds": 1.0, "said": "12 studies open"},
}


def answers(trial: Any) -> Any:
    """Have a host restore well, and find *trial* in what was restored."""

    def answer(host: str, argv: Sequence[str], stdin: str | None) -> Completed:
        if argv[:2] == ["hosting-agent", "try-restored"]:
            return Completed(0, json.dumps(trial), "")
        if argv[:2] == ["hosting-agent", "make-scratch"]:
            return Completed(0, f"{SCRATCH}\n", "")
        return Completed(0, "", "")

    return answer


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    vars(world.session)["repositories"] = FakeRepositories()
    world.hosts.on_run = answers(TRIAL)
    return world


def promising(world: World, rto_minutes: int) -> None:
    classes = tuple(item.model_copy(update={"rto_minutes": rto_minutes}) for item in world.session.region.continuity)
    assert all(isinstance(item, ContinuityClass) for item in classes)
    vars(world.session)["region"] = world.session.region.model_copy(update={"continuity": classes})


def test_everything_is_restored_into_a_scratch_volume_which_ends_with_it(world: World) -> None:
    found = door(world).found
    assert found
    assert drill.run(world.session, APPLICATION).status is ExitStatus.DONE
    last = found.snapshots[-1].id
    assert [command[1:] for command in world.hosts.commands] == [
        ("hosting-agent", "make-scratch", APPLICATION, "1000"),
        ("df", "--output=avail", "--block-size=1", "--", SCRATCH),
        ("hosting-agent", "restore", APPLICATION, last, "/srv/imagerie", SCRATCH),
        ("hosting-agent", "try-restored", APPLICATION, SCRATCH),
        END[1:],
    ]


def test_a_good_drill_is_what_the_guard_asks_for(world: World) -> None:
    assert backup.prune(world.session, APPLICATION).status is ExitStatus.FAILED
    drill.run(world.session, APPLICATION)
    assert backup.prune(world.session, APPLICATION).status is ExitStatus.PENDING


def test_a_drill_that_fails_is_recorded_and_satisfies_nobody(world: World) -> None:
    def failing(host: str, argv: Sequence[str], stdin: str | None) -> Completed:
        return Completed(1, "", "pack is damaged") if argv[0] == "hosting-agent" else Completed(0, "", "")

    world.hosts.on_run = failing
    result = drill.run(world.session, APPLICATION)
    assert result.status is ExitStatus.PENDING
    (found,) = drill.list_(world.session).data["drills"]
    assert "pack is damaged" in found["reason"]
    assert world.hosts.commands[-1] == END
    assert backup.prune(world.session, APPLICATION).status is ExitStatus.FAILED


def test_a_scratch_volume_that_turns_out_too_small_is_not_filled_up(world: World) -> None:
    world.hosts.free_bytes[SCRATCH] = 999
    result = drill.run(world.session, APPLICATION)
    assert result.status is ExitStatus.PENDING
    assert [command[2] for command in world.hosts.commands if command[1] == "hosting-agent"] == [
        "make-scratch",
        "end-scratch",
    ]


def test_the_scratch_volume_has_room_for_all_that_is_restored(world: World) -> None:
    two_volumes(world)
    door(world).sizes = {"/srv/imagerie": 900, INDEX: 50}  # the snapshot has 1000
    assert drill.run(world.session, APPLICATION).status is ExitStatus.DONE
    assert world.hosts.commands[0] == (HOST, "hosting-agent", "make-scratch", APPLICATION, "950")
    restored = [command[5:] for command in world.hosts.commands if command[1:3] == ("hosting-agent", "restore")]
    assert restored == [("/srv/imagerie", SCRATCH), (INDEX, SCRATCH)]


def test_a_snapshot_whose_files_cannot_be_counted_is_a_failed_drill(world: World) -> None:
    def failing(*_: object) -> dict[str, int]:
        raise UnreadableError("repository", "restic ls failed", "Check it.")

    vars(door(world))["bytes_below"] = failing
    result = drill.run(world.session, APPLICATION)
    assert result.status is ExitStatus.PENDING
    assert "restic ls failed" in result.data["drills"][0]["reason"]
    assert world.hosts.commands == []


def test_drills_are_listed_by_application_and_held_against_the_promise(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    drill.run(world.session, APPLICATION)
    assert drill.list_(world.session, APPLICATION).status is ExitStatus.DONE
    ticks = iter(range(0, 10**6, 61))
    monkeypatch.setattr("time.monotonic", lambda: next(ticks))
    promising(world, 1)
    slow = drill.run(world.session, APPLICATION)
    assert slow.status is ExitStatus.PENDING
    assert [item["met"] for item in drill.list_(world.session).data["drills"]] == [True, False]
    assert drill.list_(world.session).status is ExitStatus.PENDING
    assert drill.list_(world.session, "another").data["drills"] == []


def test_only_the_host_that_is_named_is_drilled(world: World) -> None:
    drill.run(world.session, APPLICATION, host=HOST)
    assert {command[0] for command in world.hosts.commands} == {HOST}


# -- what was restored is tried ---------------------------------------------------------------------------------------


def test_what_was_tried_is_told_and_recorded(world: World) -> None:
    result = drill.run(world.session, APPLICATION)
    (found,) = result.data["drills"]
    assert found["found"] == (
        "12 files are as they are live, 3 have changed since, images: 4 tables, the application's own check is content"
    )
    assert found["seconds"] >= 7.5  # a database that is not back yet is not back
    assert (found["age_seconds"], found["rpo_minutes"], found["fresh"]) == (20 * 60, 60, True)
    (entry,) = [entry for entry in world.session.journal.entries() if entry.kind == "drill"]
    assert entry.data["trial"] == TRIAL


@pytest.mark.parametrize(
    ("part", "value", "reason"),
    [
        ("files", {**TRIAL["files"], "different": 3}, "3 files have other bytes than the live ones"),
        (
            "databases",
            [{**TRIAL["databases"][0], "reason": "pg_restore failed (1)"}],
            r"database images did not come back: pg_restore failed \(1\)",
        ),
        ("check", {"status": 4, "seconds": 1.0, "said": "no index"}, r"own check failed \(4\): no index"),
    ],
    ids=["other bytes", "a database", "the application's check"],
)
def test_a_drill_whose_files_are_no_good_is_none(world: World, part: str, value: Any, reason: str) -> None:
    world.hosts.on_run = answers({**TRIAL, part: value})
    result = drill.run(world.session, APPLICATION)
    assert result.status is ExitStatus.PENDING
    assert re.search(reason, result.data["drills"][0]["reason"])
    assert backup.prune(world.session, APPLICATION).status is ExitStatus.FAILED


def test_what_a_check_says_of_patients_is_masked(world: World) -> None:
    world.hosts.on_run = answers({**TRIAL, "check": {"status": 1, "seconds": 1, "said": "255081416802538 is broken"}})
    drill.run(world.session, APPLICATION)
    assert b"255081416802538" not in world.session.journal.path.read_bytes()


def test_an_agent_that_answers_something_else_is_no_success(world: World) -> None:
    world.hosts.on_run = answers({"files": {}})
    (found,) = drill.run(world.session, APPLICATION).data["drills"]
    assert "cannot tell what was restored" in found["reason"]
    assert world.hosts.commands[-1] == END


def test_a_snapshot_that_is_older_than_the_class_allows_is_told(world: World) -> None:
    changed(world, continuity="C1")
    result = drill.run(world.session, APPLICATION)
    assert result.status is ExitStatus.PENDING
    assert "more is lost than is promised" in printed(result)
    assert result.data["drills"][0]["met"]  # it came back, and in time: the guard may rely on it


# -- what is due ------------------------------------------------------------------------------------------------------


def later(world: World, days: int) -> None:
    world.session.clock = lambda: NOW + timedelta(days=days)
    world.session.journal._now = world.session.clock


def test_drills_are_due_as_the_class_asks(world: World) -> None:
    assert drill.run(world.session, due=True).status is ExitStatus.DONE
    for days, count in ((91, 0), (92, 1)):
        later(world, days)
        assert len(drill.run(world.session, due=True).data["drills"]) == count
    assert printed(drill.run(world.session, due=True)) == "No drill is due.\n"


def test_a_drill_that_failed_is_due_again_at_once(world: World) -> None:
    world.hosts.on_run = answers({**TRIAL, "files": {**TRIAL["files"], "different": 1}})
    drill.run(world.session, due=True)
    world.hosts.on_run = answers(TRIAL)
    assert drill.run(world.session, due=True).data["drills"][0]["met"]
    assert drill.run(world.session, due=True).data["drills"] == []


def test_what_cannot_be_read_is_unknown_and_not_passed_over(world: World) -> None:
    door(world).error = UnreadableError("object store", "it does not answer", "Is it running?")
    result = drill.run(world.session, due=True)
    assert (result.status, len(result.errors)) == (ExitStatus.UNKNOWN, 1)


def test_somebody_has_to_say_what_is_drilled_or_checked(world: World) -> None:
    for command in (drill.run, backup.check):
        with pytest.raises(UsageError, match="give --due"):
            command(world.session)


def test_checks_are_due_as_the_class_asks_and_read_as_many_parts(world: World) -> None:
    for days, part in ((0, "1 of 28"), (1, "2 of 28")):
        later(world, days)
        assert [item["part"] for item in backup.check(world.session, due=True).data["checks"]] == [part]
        assert backup.check(world.session, due=True).data["checks"] == []
