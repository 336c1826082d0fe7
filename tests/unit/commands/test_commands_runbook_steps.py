"""Runbooks that there are, run whole on doors in memory: what is waited for, what is found done, what stops them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fake_doors import STORE, World
from sample import APPLICATION, HOST, NOW
from test_commands_backup import FakeRepositories, changed, door, snapshot

from deploys import programs
from hosting_cli.commands import runbook
from hosting_cli.doors.hosts import Completed
from hosting_cli.errors import UnreadableError, UsageError
from hosting_cli.result import ExitStatus, Result
from hosting_cli.runbooks.action import Occasion
from runbooks.actions import CATALOGUE
from runbooks.actions.stores import bring_back
from runbooks.actions.volumes import opens

AWAY = UnreadableError("endpoint", "does not answer (Connection refused)", "Is it running?")
TOP = "/srv/imagerie"
GOOD = f"{5:064x}"[::-1]
"""The snapshot of the fifth night before the last."""


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    vars(world.session).update(repositories=FakeRepositories(), actions=CATALOGUE)
    return world


def states(result: Result) -> list[str]:
    return [str(one["state"]) for one in result.data["steps"]]


def again(world: World, result: Result, **options: Any) -> Result:
    return runbook.resume(world.session, str(result.data["procedure"]), **options)


# -- an object store is unreachable -----------------------------------------------------------------------------------


def unreachable(world: World) -> Result:
    return runbook.run(world.session, "HostingStoreUnreachable", [f"store={STORE}"], confirm=STORE)


@pytest.mark.parametrize(
    ("status", "why"),
    [(AWAY, "does not answer (Connection refused)"), (503, "it says that it is broken")],
    ids=["nobody answers", "it is broken"],
)
def test_a_store_that_is_away_is_waited_for_and_then_proven_to_be_back(
    world: World, status: int | UnreadableError, why: str
) -> None:
    world.endpoints.status = status
    waiting = unreachable(world)
    assert (waiting.status, states(waiting)) == (ExitStatus.PENDING, ["done", "waiting", "not begun", "not begun"])
    assert why in str(waiting.errors)
    assert states(again(world, waiting)) == states(waiting)  # no reason is asked of who waits
    world.endpoints.status = 403
    done = again(world, waiting)
    assert (done.status, states(done)) == (ExitStatus.DONE, ["done", "in order", "done", "done"])


def test_a_store_that_came_back_between_two_looks_is_not_waited_for(world: World) -> None:
    occasion = Occasion("run", {}, 60, lambda kind, data: None, lambda line: None)
    assert bring_back(world.session, {"store": STORE}, occasion) == {"store": STORE}


def test_a_store_that_answers_strangers_and_not_us_is_not_back(world: World) -> None:
    world.store.resources, world.store.reason = None, "it refuses the provisioner"
    failed = unreachable(world)
    assert states(failed) == ["done", "in order", "failed", "not begun"]
    assert "it refuses the provisioner" in str(failed.errors)


def test_a_backup_that_became_too_old_meanwhile_is_named_and_may_be_left_to_its_own_runbook(world: World) -> None:
    changed(world, continuity="C1")
    failed = unreachable(world)
    assert states(failed) == ["done", "in order", "done", "failed"]
    assert f"late {APPLICATION}/{HOST}" in str(failed.errors)
    done = again(world, failed, skip="backups", reason="it runs now")
    assert done.status is ExitStatus.DONE


def test_backups_of_which_nobody_can_tell_are_not_taken_for_late_ones(world: World) -> None:
    door(world).error = UnreadableError("repository", "cannot be opened", "Look.")
    failed = unreachable(world)
    assert (failed.status, "cannot be opened" in str(failed.errors)) == (ExitStatus.UNKNOWN, True)


# -- the data of an application must come back ------------------------------------------------------------------------


@dataclass
class Volume:
    """A mounted volume: how much it holds, and how it answers who would fill it."""

    holds: int = 0
    unfinished: bool = False
    mounted: bool = True
    refusal: str | None = None
    filled_from: list[str] = field(default_factory=list)

    def run(self, _host: str, argv: Sequence[str], _stdin: str | None) -> Completed:
        assert list(argv[:3]) == ["hosting-agent", "restore", APPLICATION]
        if self.refusal is not None:
            return Completed(1, "", self.refusal)
        self.filled_from.append(argv[3])
        assert list(argv[4:]) == [TOP, "/"]
        self.holds, self.unfinished = 1000, False
        return Completed(0, "", "")

    def ask(self, program: str, _host: str, request: Any) -> dict[str, Any]:
        programs.program(program, request)  # there is one of that name
        assert request == {"folder": TOP, "leave_out": [], "mark": f"{TOP}/.hosting-restoring"}
        return {"mounted": self.mounted, "marked": self.unfinished, "bytes": self.holds}


@pytest.fixture
def volume(world: World) -> Volume:
    found = Volume()
    world.hosts.on_run, world.hosts.on_ask = found.run, found.ask
    return found


GIVEN = [f"application={APPLICATION}", f"host={HOST}", f"mount_point={TOP}", f"snapshot={GOOD[:12]}"]


def restoring(world: World, given: Sequence[str] = GIVEN) -> Result:
    return runbook.run(world.session, "restore-application", list(given), confirm=f"{APPLICATION}/{HOST}:{TOP}")


@pytest.mark.parametrize(
    ("holds", "unfinished", "filled"),
    [(0, False, True), (600, True, True), (1000, True, True), (1000, False, False)],
    ids=["an empty one", "one that was half filled", "one that was not verified to its end", "one that is whole"],
)
def test_a_volume_is_filled_from_the_snapshot_that_was_named_unless_it_is_whole(
    world: World, volume: Volume, holds: int, unfinished: bool, filled: bool
) -> None:
    volume.holds, volume.unfinished = holds, unfinished
    done = restoring(world)
    assert (done.status, states(done)[-1]) == (ExitStatus.DONE, "done" if filled else "in order")
    assert volume.filled_from == ([GOOD] if filled else [])


def test_what_the_plan_was_pinned_to_is_restored_whatever_is_backed_up_meanwhile(world: World, volume: Volume) -> None:
    volume.refusal = f"hosting-agent restore: {TOP} is not empty: nothing is overwritten"
    failed = restoring(world)
    assert "is not empty: nothing is overwritten" in str(failed.errors)
    found = door(world).found
    assert found
    twin = snapshot(99, NOW - timedelta(minutes=5), id=GOOD[:12] + "f" * 52)
    door(world).found = replace(found, snapshots=(*found.snapshots, twin))  # the beginning names two by now
    volume.refusal = None
    assert again(world, failed, reason="it was emptied").status is ExitStatus.DONE
    assert volume.filled_from == [GOOD]


def test_a_volume_that_is_not_mounted_is_never_taken_for_whole(world: World, volume: Volume) -> None:
    volume.holds, volume.mounted, volume.refusal = 1000, False, f"{TOP} is not mounted"
    assert states(restoring(world)) == ["done", "done", "failed"]


def test_a_host_that_cannot_say_what_it_holds_is_filled_with_nothing(world: World, volume: Volume) -> None:
    world.hosts.on_ask = lambda program, host, request: UnreadableError("host", "it does not answer", "Is it up?")
    failed = restoring(world)
    assert (failed.status, volume.filled_from) == (ExitStatus.UNKNOWN, [])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"snapshot": "ffffffff"}, "is the beginning of no snapshots"),
        ({"snapshot": "latest"}, "it is no snapshot's identifier"),
        ({"mount_point": "/srv"}, "the region has /srv/imagerie"),
    ],
    ids=["a snapshot that there is not", "a word for a snapshot", "a folder that is no volume"],
)
def test_what_names_nothing_is_refused_before_anything_is_asked_for(
    world: World, volume: Volume, wrong: dict[str, str], said: str
) -> None:
    given = {**dict(item.split("=") for item in GIVEN), **wrong}
    with pytest.raises(UsageError, match=said):
        restoring(world, [f"{name}={value}" for name, value in given.items()])
    assert world.session.journal.entries() == ()


# -- a volume does not open -------------------------------------------------------------------------------------------

PLACE = {"application": APPLICATION, "host": HOST, "volume": "data"}


@pytest.mark.parametrize(
    ("answer", "holds", "observed"),
    [
        (Completed(0, json.dumps({"slot": "0"}), ""), True, {"slot": "0"}),
        (Completed(1, "", "hosting-agent try-volume: the vault refuses this host"), False, "the vault refuses"),
    ],
    ids=["what the vault gives opens it", "the vault gives nothing"],
)
def test_a_host_tries_what_its_unit_would(world: World, answer: Completed, holds: bool, observed: Any) -> None:
    world.hosts.on_run = lambda host, argv, stdin: answer
    seen = opens(world.session, PLACE, {})
    assert seen.holds is holds
    assert seen.observed == observed or observed in str(seen.observed)
    assert world.hosts.commands[0][2:] == ("try-volume", APPLICATION, "data")


def test_a_volume_that_no_file_asks_for_is_not_looked_for(world: World) -> None:
    with pytest.raises(UsageError, match="no file of the region asks for it"):
        opens(world.session, {**PLACE, "volume": "other"}, {})
