"""Backups as commands, on a repository in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fake_doors import World
from sample import APPLICATION, HOST, NOW

from hosting_cli.backups.opened import case_of, places_of
from hosting_cli.backups.places import Place
from hosting_cli.backups.repository import Repository, Snapshot
from hosting_cli.commands import backup
from hosting_cli.commands.approve import approve
from hosting_cli.console import render
from hosting_cli.errors import EngineError, RefusedError, StalePlanError, UnreadableError, UsageError
from hosting_cli.result import ExitStatus, Result
from inventory.models import Deployment


def snapshot(number: int, stored: datetime, **changes: Any) -> Snapshot:
    name = f"{number:064x}"[::-1]
    plain = Snapshot(name, stored, stored, HOST, ("/srv/imagerie",), "t" * 64, 1000, 10, 10)
    return replace(plain, **changes)


class FakeRepositories:
    """A repository as its contract says; ``error`` makes every reading fail."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.error: UnreadableError | None = None
        self.damage: EngineError | None = None
        self.on_prune: list[str] = []
        self.sizes: dict[str, int] = {}
        nights = [snapshot(number, NOW - timedelta(days=number, minutes=20)) for number in range(60)]
        self.found: Repository | None = Repository(APPLICATION, HOST, NOW, tuple(reversed(nights)), size_bytes=5 << 20)

    def read(self, place: Place, *, as_pruner: bool = False, measured: bool = True) -> Repository | None:
        self.calls.append(f"read{' as pruner' if as_pruner else ''}")
        if self.error:
            raise self.error
        return self.found

    def bytes_below(self, place: Place, snapshot: str, paths: Sequence[str]) -> dict[str, int]:
        self.calls.append(f"sizes of {', '.join(paths)}")
        return {path: self.sizes.get(path, 1000) for path in paths}

    def check(self, place: Place, part: int, parts: int) -> None:
        self.calls.append(f"check {part}/{parts}")
        if self.damage:
            raise self.damage

    def forget(self, place: Place, snapshots: Sequence[str]) -> None:
        assert self.found
        assert snapshots
        self.calls.append(f"forget {len(snapshots)}")
        self._without(snapshots)

    def prune(self, place: Place) -> None:
        self.calls.append("prune")
        self._without(self.on_prune)

    def _without(self, names: Sequence[str]) -> None:
        assert self.found
        left = tuple(one for one in self.found.snapshots if one.id not in names)
        self.found = replace(self.found, snapshots=left, removed=self.found.removed | frozenset(names))


DRILL = {
    "proof": "backup-restores",
    "subject": f"host {HOST}",
    "verdict": "held",
    "observed": {"mount_point": "/srv/imagerie"},
}


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    vars(world.session)["repositories"] = FakeRepositories()
    world.session.journal.append("proof", DRILL)
    return world


def door(world: World) -> FakeRepositories:
    found: FakeRepositories = vars(world.session)["repositories"]
    return found


def become(world: World, person: str) -> None:
    world.vault.person = person
    vars(world.session).pop("identity", None)


def changed(world: World, **changes: object) -> None:
    (application,) = world.session.region.applications
    applications = (application.model_copy(update=changes),)
    vars(world.session)["region"] = world.session.region.model_copy(update={"applications": applications})


INDEX = "/srv/index"


def two_volumes(world: World) -> None:
    """Give the application a second volume that is backed up."""
    (application,) = world.session.region.applications
    (tier,), backup = application.tiers, application.backup
    (data,) = tier.volumes
    assert backup
    index = data.model_copy(update={"id": "index", "mount_point": INDEX})
    changed(
        world,
        tiers=(tier.model_copy(update={"volumes": (data, index)}),),
        backup=backup.model_copy(update={"volumes": (data.id, index.id)}),
    )
    found, paths = door(world).found, (data.mount_point, INDEX)
    assert found
    both = tuple(replace(one, paths=paths) for one in found.snapshots)
    door(world).found = replace(found, snapshots=both)


def out_of_production(world: World) -> None:
    changed(world, environment=Deployment.TRAINING)


def printed(result: Result) -> str:
    return "\n".join(render(block, width=200, colours=False) for block in result.blocks)


# -- list, show, check ------------------------------------------------------------------------------------------------


def test_list_says_how_a_promise_stands(world: World) -> None:
    result = backup.list_(world.session)
    assert result.status is ExitStatus.DONE  # 20 minutes, where C2 promises an hour
    (line,) = [line for line in printed(result).splitlines() if line.startswith("met")]
    assert "20 min  C2: 1 h 00 min  60         5.0 MiB  none asked for  never" in line
    assert door(world).calls == ["read"]


def test_a_promise_that_is_missed_is_told(world: World) -> None:
    changed(world, continuity="C1")
    result = backup.list_(world.session)
    assert result.status is ExitStatus.PENDING  # 20 minutes, where C1 promises 15
    assert "missed" in printed(result)


def test_the_guard_knows_the_rhythm_of_backups_and_drills(world: World) -> None:
    (place,) = places_of(world.session, world.session.application(APPLICATION))
    found = door(world).found
    assert found
    limits = case_of(world.session, place, found).limits
    assert (limits.most_a_day, limits.drill_every) == (72, timedelta(days=92))  # 48 by the timer, and some by hand
    changed(world, continuity="C4")
    limits = case_of(world.session, place, found).limits
    assert (limits.most_a_day, limits.drill_every) == (12, timedelta(days=365))


def test_list_of_what_cannot_be_read_is_unknown(world: World) -> None:
    door(world).error = UnreadableError("object store", "it does not answer", "Is it running?")
    result = backup.list_(world.session, APPLICATION)
    assert result.status is ExitStatus.UNKNOWN
    assert result.data["backups"][0]["rpo"] == "unknown"
    assert result.data["backups"][0]["snapshots"] is None


def test_list_of_a_backup_that_was_never_made(world: World) -> None:
    door(world).found = None
    result = backup.list_(world.session)
    assert (result.status, result.data["backups"][0]["rpo"]) == (ExitStatus.PENDING, "no backup")
    with pytest.raises(UnreadableError, match="no backup was ever made"):
        backup.show(world.session, APPLICATION)


@pytest.mark.parametrize("command", [backup.list_, backup.show, backup.check, backup.prune])
def test_an_application_that_is_none(world: World, command: Any) -> None:
    with pytest.raises(UsageError, match=f"Choose one of: {APPLICATION}"):
        command(world.session, "nobody")


def test_a_host_that_backs_nothing_up(world: World) -> None:
    with pytest.raises(UsageError, match="backs nothing of"):
        backup.show(world.session, APPLICATION, host="dijon-gateway-1")


def test_show_gives_every_reason(world: World) -> None:
    text = printed(backup.show(world.session, APPLICATION))
    assert "the last of 2026-11-22, day 1 of 30" in text
    assert "let go" in text
    assert "refused" not in text


def test_checks_take_turns_and_are_recorded(world: World) -> None:
    for part in (1, 2, 1):
        assert backup.check(world.session, APPLICATION, parts=2).status is ExitStatus.DONE
        assert door(world).calls[-1] == f"check {part}/2"
    assert [entry.kind for entry in world.session.journal.entries()].count("backup-check") == 3


def test_damage_is_recorded_and_is_no_success(world: World) -> None:
    door(world).damage = EngineError("repository", "pack 12ab is missing", "Look.")
    result = backup.check(world.session, APPLICATION)
    assert result.status is ExitStatus.PENDING
    assert "pack 12ab is missing" in printed(result)
    assert "damaged" in printed(backup.list_(world.session))


# -- prune ------------------------------------------------------------------------------------------------------------


def digest_of(world: World, **options: Any) -> str:
    digest: str = backup.prune(world.session, APPLICATION, **options).data["procedure"]
    return digest


def test_a_prune_is_shown_first_and_removes_nothing(world: World) -> None:
    result = backup.prune(world.session, APPLICATION)
    assert result.status is ExitStatus.PENDING
    assert door(world).calls == ["read as pruner"]
    assert "hosting approve" in printed(result)


def test_in_production_a_second_person_approves(world: World) -> None:
    digest = digest_of(world)
    with pytest.raises(RefusedError, match="no second person approved it"):
        backup.prune(world.session, APPLICATION, digest=digest)
    with pytest.raises(RefusedError, match="token-tester asked for it"):
        approve(world.session, digest)
    become(world, "token-officer")
    approved = approve(world.session, digest[:8])
    assert "repositories 1 remove 25" in printed(approved), "whoever approves sees each snapshot that would go"
    result = backup.prune(world.session, APPLICATION, digest=digest[:8])
    assert result.status is ExitStatus.DONE
    assert [call for call in door(world).calls if "read" not in call] == ["forget 25", "prune"]
    with pytest.raises(RefusedError, match="was carried out already"):
        backup.prune(world.session, APPLICATION, digest=digest)
    with pytest.raises(UsageError, match="no recorded plans"):
        approve(world.session, digest)
    assert backup.prune(world.session, APPLICATION).status is ExitStatus.DONE  # nothing is left to go


def test_elsewhere_whoever_asks_carries_it_out(world: World) -> None:
    out_of_production(world)
    assert backup.prune(world.session, APPLICATION, digest=digest_of(world)).status is ExitStatus.DONE


def test_what_is_refused_is_neither_recorded_nor_carried_out(world: World) -> None:
    repositories = door(world)
    assert repositories.found
    repositories.found = replace(repositories.found, overwritten=("config",))
    result = backup.prune(world.session, APPLICATION)
    assert (result.status, result.errors[0].what) == (
        ExitStatus.FAILED,
        "1 objects were overwritten with other content, config among them",
    )
    assert "The guard lets nothing go" in printed(result)
    assert "procedure" not in result.data


@pytest.mark.parametrize("when", ["guard", "kept"])
def test_what_is_no_longer_right_is_not_carried_out(world: World, when: str) -> None:
    out_of_production(world)
    digest, repositories = digest_of(world), door(world)
    assert repositories.found
    if when == "guard":
        repositories.found = replace(repositories.found, overwritten=("config",))
        with pytest.raises(RefusedError, match="were overwritten"):
            backup.prune(world.session, APPLICATION, digest=digest)
    else:
        repositories.found = replace(repositories.found, snapshots=repositories.found.snapshots[:40])
        with pytest.raises(StalePlanError, match="are to be kept by now"):
            backup.prune(world.session, APPLICATION, digest=digest)
    assert not [call for call in repositories.calls if "read" not in call]


def test_a_killed_prune_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    out_of_production(world)
    digest, repositories = digest_of(world), door(world)

    def killed(place: Place) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(repositories, "prune", killed)
        with pytest.raises(Killed):
            backup.prune(world.session, APPLICATION, digest=digest)
    result = backup.prune(world.session, APPLICATION, digest=digest)
    assert [step["state"] for step in result.data["steps"]] == ["in order", "done"]
    assert [call for call in repositories.calls if "read" not in call] == ["forget 25", "prune"]


def test_a_prune_that_takes_more_than_it_should_fails_and_says_so(world: World) -> None:
    out_of_production(world)
    digest, repositories = digest_of(world), door(world)
    assert repositories.found
    repositories.on_prune = [repositories.found.snapshots[-1].id]
    result = backup.prune(world.session, APPLICATION, digest=digest)
    assert result.status is ExitStatus.FAILED
    assert "1 snapshots are gone that were to stay" in result.errors[0].what


def test_lies_are_set_aside_by_name(world: World) -> None:
    out_of_production(world)
    repositories = door(world)
    assert repositories.found
    lie = snapshot(99, NOW - timedelta(minutes=5), claimed=NOW + timedelta(days=9))
    repositories.found = replace(repositories.found, snapshots=(*repositories.found.snapshots, lie))
    assert backup.prune(world.session, APPLICATION).status is ExitStatus.FAILED
    digest = digest_of(world, set_aside=[lie.short_id])
    assert backup.prune(world.session, APPLICATION, digest=digest).status is ExitStatus.DONE
    assert lie.id in repositories.found.removed
    with pytest.raises(UsageError, match="is the beginning of no snapshot"):
        backup.prune(world.session, APPLICATION, set_aside=["ffffffff"])


def test_a_digest_and_names_do_not_go_together(world: World) -> None:
    with pytest.raises(UsageError, match="names what goes already"):
        backup.prune(world.session, APPLICATION, digest="d" * 64, accept=["a"])
    out_of_production(world)
    digest = digest_of(world)
    with pytest.raises(UsageError):
        backup.prune(world.session, "other", digest=digest)


# -- recover ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["yesterday", "2026-11-21T03:00", "2026-11-23T03:00Z"], ids=str)
def test_a_moment_is_past_and_has_a_time_zone(world: World, moment: str) -> None:
    with pytest.raises(UsageError, match="is no moment of the past"):
        backup.recover(world.session, APPLICATION, moment)


def test_what_a_recovery_hides_is_no_riddle_to_the_guard(world: World) -> None:
    repositories = door(world)
    assert repositories.found
    repositories.found = replace(repositories.found, removed=frozenset({"e" * 64}))
    assert backup.prune(world.session, APPLICATION).status is ExitStatus.FAILED
    hidden = {"procedure": "d" * 64, "repository": f"{APPLICATION}/{HOST}", "as_of": "", "hidden": ["e" * 64]}
    world.session.journal.append("backup-recovery", hidden)
    assert backup.prune(world.session, APPLICATION).status is ExitStatus.PENDING


# -- second copies ----------------------------------------------------------------------------------------------------

SECOND = "besancon-objects"


class FakeCopies:
    """A second copy as the store shows it: ``lacks`` of the newest snapshots are not there yet."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.lacks = 0
        self.error: UnreadableError | None = None

    def snapshots(self, place: Place) -> frozenset[str]:
        assert (place.store, place.bucket) == (SECOND, "bfc-imagerie-beaune-backup-copy")
        if self.error:
            raise self.error
        found = door(self.world).found
        assert found
        names = [one.id for one in found.snapshots]
        return frozenset(names[: len(names) - self.lacks])


@pytest.fixture
def copies(world: World) -> FakeCopies:
    (application,) = world.session.region.applications
    assert application.backup
    changed(world, backup=application.backup.model_copy(update={"second_store": SECOND}))
    made = FakeCopies(world)
    vars(world.session)["copies"] = made
    return made


@pytest.mark.parametrize(
    ("lacks", "said", "status"),
    [
        (0, "besancon-objects: 2026-11-22 02:40", ExitStatus.DONE),
        (1, "besancon-objects: 2026-11-21 02:40, 1 behind", ExitStatus.DONE),
        (3, "besancon-objects: 2026-11-19 02:40, 3 behind (late)", ExitStatus.PENDING),
        (60, "besancon-objects: empty", ExitStatus.PENDING),
    ],
    ids=["all", "the last is on its way", "late", "nothing yet"],
)
def test_list_says_how_far_the_second_copy_is(
    world: World, copies: FakeCopies, lacks: int, said: str, status: ExitStatus
) -> None:
    copies.lacks = lacks
    result = backup.list_(world.session)
    assert said in printed(result)
    assert result.status is status


def test_a_copy_that_cannot_be_read_is_unknown_and_the_first_is_not(world: World, copies: FakeCopies) -> None:
    copies.error = UnreadableError("object store", "it does not answer", "Is it running?")
    result = backup.list_(world.session)
    assert result.status is ExitStatus.UNKNOWN
    assert "besancon-objects: unknown" in printed(result)
    assert result.data["backups"][0]["rpo"] == "met"
    assert result.errors == (copies.error,)


def test_who_asks_for_no_second_copy_has_nothing_to_copy(world: World) -> None:
    with pytest.raises(UsageError, match="asks for no second copy"):
        backup.copy(world.session, APPLICATION)
    assert "No application asks for a second copy" in printed(backup.copy(world.session))


def test_a_store_that_holds_nothing_of_an_application_is_told(world: World, copies: FakeCopies) -> None:
    with pytest.raises(UsageError, match=r"holds no backups of imagerie-beaune.*besancon-objects, dijon-objects"):
        backup.check(world.session, APPLICATION, store="nowhere")
    assert backup.check(world.session, APPLICATION, store=SECOND).status is ExitStatus.DONE
    entry = world.session.journal.entries()[-1]
    assert entry.data["repository"] == "imagerie-beaune/dijon-app-1 at besancon-objects"
