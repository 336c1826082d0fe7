"""Second copies on two real stores: whole all the time, never changed, and still there when the first is not."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from copies_lab import APPLICATION, SECOND, Double
from dying import REPOSITORY, VAULT, Killed, Ways, after_change, dying_after, is_any

from deploys.agent import restore, settings
from deploys.agent.settings import AgentError
from hosting_cli.backups.copying_steps import compared, following
from hosting_cli.backups.granting import granted
from hosting_cli.backups.history import dates_of_copied
from hosting_cli.commands import backup
from hosting_cli.doors import copies
from hosting_cli.errors import EngineError, UnreadableError
from hosting_cli.memory_file import memory_file
from hosting_cli.procedure import Outcome, carry_out, is_complete
from hosting_cli.result import ExitStatus
from hosting_cli.rotations import repository as rotation
from hosting_cli.session import Session
from inventory import naming
from inventory.resource import Subject


@pytest.fixture(scope="module")
def copier(double: Double) -> Session:
    """Give a session of somebody who may copy, and nothing else."""
    return double.session("copier", naming.copy_user(APPLICATION))


@pytest.fixture(scope="module")
def engineer(double: Double) -> Session:
    session = double.session("engineer")
    vars(session).update(vault=double.operations, stores=double.stores)
    return session


def restored(double: Double, folder: Path, snapshot: str = "latest") -> bytes:
    """Restore the host's file from the second copy alone."""
    target = folder / "restored"
    shutil.rmtree(target, ignore_errors=True)
    double.restic(second=True)._run("restore", snapshot, f"--target={target}", "--no-lock")
    return (target / double.host.file.relative_to("/")).read_bytes()


# -- one after the other: each test goes on where the one before ended ------------------------------------------------


def test_a_copy_is_made_without_any_password(double: Double, copier: Session, tmp_path: Path) -> None:
    for number in range(2):
        double.host.back_up(f"study {number}".encode())
    result = backup.copy(copier, APPLICATION)
    assert result.status is ExitStatus.DONE, result.errors
    with pytest.raises(EngineError, match="the token may not GET"):
        copier.vault.reveal_secret(double.pair.first.password)
    assert restored(double, tmp_path) == b"study 1"
    assert compared(copier.copies.way(double.pair)).lacking_objects == 0


def test_it_lies_locked_and_under_the_key_of_the_backups(double: Double) -> None:
    door, place = double.stores[SECOND], double.pair.second
    (name, *_) = door.object_names(place.bucket, place.prefix)
    head = door.head_object(place.bucket, name)
    assert head.key == naming.transit_key(APPLICATION, "backups")
    with pytest.raises(EngineError):
        door.delete_object(place.bucket, name)


def test_a_second_run_adds_what_came_and_nothing_else(double: Double, copier: Session) -> None:
    assert backup.copy(copier, APPLICATION).data["copies"][0]["objects"] == "0"
    double.host.back_up(b"study 2")
    (row,) = backup.copy(copier, APPLICATION).data["copies"]
    assert int(row["objects"]) >= 3  # a pack, an index and a snapshot
    history = double.stores[SECOND].stored_objects(double.pair.second.bucket, double.pair.second.prefix)
    assert {len(item.versions) for item in history} == {1}


@pytest.mark.parametrize("folder", ["data/", "index/", "keys/", "config", "snapshots/"])
def test_killed_anywhere_it_is_whole_and_goes_on(
    double: Double, copier: Session, monkeypatch: pytest.MonkeyPatch, folder: str, tmp_path: Path
) -> None:
    """A copy that dies when it begins with a folder holds whole snapshots only, and the next run completes it."""
    double.host.back_up(f"killed at {folder}".encode())
    before = copier.copies.snapshots(double.pair.second)
    carry = copies.CopyWay.carry

    def die(way: copies.CopyWay, name: str) -> str | None:
        if name.startswith(folder):
            raise KeyboardInterrupt
        return carry(way, name)

    with monkeypatch.context() as patched:
        patched.setattr(copies.CopyWay, "carry", die)
        killed = folder not in {"keys/", "config"}  # those are there since the first run
        try:
            backup.copy(copier, APPLICATION)
        except KeyboardInterrupt:
            assert killed
        else:
            assert not killed
    if killed:
        assert copier.copies.snapshots(double.pair.second) == before
        double.restic(second=True)._run("check", "--no-lock")
    assert backup.copy(copier, APPLICATION).status is ExitStatus.DONE
    assert restored(double, tmp_path) == f"killed at {folder}".encode()


def test_the_times_of_the_first_store_are_on_record(double: Double, copier: Session, engineer: Session) -> None:
    dates = dates_of_copied(copier.journal.entries(), double.pair.second)
    first = engineer.repositories.read(double.pair.first)
    assert first is not None
    assert dates == {snapshot.id: snapshot.stored for snapshot in first.snapshots}


def test_the_list_says_how_far_the_copy_is(double: Double, copier: Session, engineer: Session) -> None:
    def second() -> dict[str, object]:
        (row,) = backup.list_(engineer, APPLICATION).data["backups"]
        assert row["second_store"] == SECOND
        found: dict[str, object] = row["second_copy"]
        return found

    double.host.back_up(b"not copied yet")
    assert (second()["lacking_snapshots"], second()["late"]) == (1, False)
    clock = engineer.clock
    engineer.clock = lambda: clock() + timedelta(hours=27)
    assert second()["late"] is True
    engineer.clock = clock


def test_the_copy_can_be_checked_by_itself(double: Double, engineer: Session) -> None:
    result = backup.check(engineer, APPLICATION, store=SECOND, parts=1)
    assert result.status is ExitStatus.DONE
    assert result.data["checks"][0]["found"] == "whole"


def test_an_object_that_somebody_wrote_over_is_refused_and_named(
    double: Double, copier: Session, engineer: Session, tmp_path: Path
) -> None:
    """The host's credentials can write over what is not copied yet: it does not come to the copy, nor what needs it."""
    way, place = copier.copies.way(double.pair), double.pair.first
    (victim, *_) = [item.name for item in compared(way).lacking[0]]
    door = double.stores[place.store]
    good = door.get_object(place.bucket, place.prefix + victim)
    door.put_object(place.bucket, place.prefix + victim, os.urandom(len(good)))
    before = copier.copies.snapshots(double.pair.second)
    result = backup.copy(copier, APPLICATION)
    assert result.status is ExitStatus.FAILED
    assert victim in result.errors[0].what
    assert "has not the digest that its name promises" in result.errors[0].what
    assert copier.copies.snapshots(double.pair.second) == before
    door.put_object(place.bucket, place.prefix + victim, good)
    assert backup.copy(copier, APPLICATION).status is ExitStatus.DONE
    assert restored(double, tmp_path) == b"not copied yet"


def test_an_object_that_was_copied_cannot_be_written_over_from_the_first(double: Double, copier: Session) -> None:
    place, second = double.pair.first, double.pair.second
    (name, *_) = [
        name for name in double.stores[place.store].object_names(place.bucket, f"{place.prefix}data/") if name
    ]
    door = double.stores[place.store]
    good = door.get_object(place.bucket, name)
    door.put_object(place.bucket, name, b"overwritten")
    try:
        result = backup.copy(copier, APPLICATION)
        assert result.status is ExitStatus.FAILED
        assert "unlike what the copy has" in result.errors[0].what
        kept = double.stores[SECOND].get_object(second.bucket, name)
        assert hashlib.sha256(kept).hexdigest() == name.rpartition("/")[2]
    finally:
        door.put_object(place.bucket, name, good)


# -- restored from, by a host that may read neither by itself ---------------------------------------------------------


@pytest.fixture
def agent(double: Double, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the agent of a host run here, as one that has no backups and no identity of its own."""
    engines = {
        "host": "dijon-app-2",
        "vault": double.environment.vault.address,
        "certificate_authority": str(double.environment.vault.certificate_authority),
    }
    (tmp_path / "engines.json").write_text(json.dumps(engines))
    monkeypatch.setattr(settings, "ENGINES", tmp_path / "engines.json")


def test_a_host_restores_from_the_copy_by_a_grant_that_works_once(
    double: Double, engineer: Session, agent: None, tmp_path: Path
) -> None:
    second, host, store = double.pair.second, double.pair.first.host, double.stores[SECOND]
    (snapshot, *_) = sorted(engineer.copies.snapshots(second))
    user = naming.restore_user(APPLICATION)
    with granted(engineer, second, host) as token:
        what = (APPLICATION, snapshot, str(double.host.file), str(tmp_path / "back"), token.reveal())
        restore.restore_granted(*what)
        assert (tmp_path / f"back{double.host.file}").exists()
        assert len(store.access_key_ids(user)) == 1
        with pytest.raises(AgentError, match="wrapping token is not valid"):
            restore.restore_granted(*what[:3], str(tmp_path / "again"), token.reveal())
    assert store.access_key_ids(user) == ()
    reading = store.read()
    assert reading.resources is not None
    assert Subject("store-user", user) not in reading.resources


def test_what_a_killed_restore_has_left_is_replaced(double: Double, engineer: Session) -> None:
    second, host, store = double.pair.second, double.pair.first.host, double.stores[SECOND]
    left = granted(engineer, second, host)
    left.__enter__()
    (before,) = store.access_key_ids(naming.restore_user(APPLICATION))
    with granted(engineer, second, host):
        (after,) = store.access_key_ids(naming.restore_user(APPLICATION))
        assert after != before
    assert store.access_key_ids(naming.restore_user(APPLICATION)) == ()


# -- taken away -------------------------------------------------------------------------------------------------------


def test_an_export_is_opened_by_restic_alone(double: Double, engineer: Session, tmp_path: Path) -> None:
    folder = tmp_path / "medium"
    done = backup.export(engineer, APPLICATION, folder)
    assert done.status is ExitStatus.DONE, done.errors
    checked = backup.verify(engineer, folder)
    assert checked.status is ExitStatus.DONE
    observed = engineer.journal.entries()[-1].data["observed"]
    assert isinstance(observed, dict)
    assert observed["manifest_sha256"] == checked.data["manifest_sha256"]
    password = double.operations.reveal_secret(double.pair.first.password)
    with memory_file(password.reveal()) as descriptor:
        argv = ["restic", f"--repo={folder}/repository", f"--password-file=/proc/self/fd/{descriptor}", "--no-cache"]
        for command in (["check", "--read-data"], ["restore", "latest", f"--target={tmp_path}/back"]):
            subprocess.run([*argv, *command, "--no-lock"], check=True, pass_fds=(descriptor,), capture_output=True)
    assert (tmp_path / f"back{double.host.file}").read_bytes() == b"not copied yet"
    assert backup.verify(engineer, folder).status is ExitStatus.DONE, "reading it changed nothing"


# -- following the first ----------------------------------------------------------------------------------------------


CHANGES = (VAULT, REPOSITORY, Ways(copies.CopyWay, "carry", is_any), Ways(copies.CopyWay, "hide", is_any))


def asked(double: Double, engineer: Session) -> Callable[[], Sequence[Outcome]]:
    """Ask for another password of the first; give what goes on with that."""
    first = double.pair.first
    wanted = rotation.goal(engineer, first)

    def go_on() -> Sequence[Outcome]:
        steps = tuple(rotation.rotation(engineer, first, wanted, "a" * 64).steps())
        return carry_out(steps, digest="a" * 64, record=lambda kind, data: None, tell=lambda line: None)

    return go_on


def both_open(double: Double) -> None:
    """What the vault gives opens the first and the copy."""
    for second in (False, True):
        assert double.restic(second=second).snapshots()


def opens_to_one(double: Double, engineer: Session) -> None:
    """Either has one key, that of the password which the vault keeps."""
    for place in (double.pair.first, double.pair.second):
        assert [key.current for key in engineer.repositories.keys(place)] == [True]


def test_a_new_password_killed_anywhere_opens_both_at_every_moment_and_the_old_one_ends_on_both(
    double: Double, copier: Session, engineer: Session, tmp_path: Path
) -> None:
    assert backup.copy(copier, APPLICATION).status is ExitStatus.DONE
    old, entry = double.restic(second=True), double.pair.first.password
    go_on = asked(double, engineer)
    # Added; brought to the copy too; stored, unnoted; the first one removed; the first of several hidden on the copy.
    for number in (1, 3, 5, 1, 1):
        with pytest.raises(Killed), dying_after(number, *CHANGES):
            go_on()
        both_open(double)
    outcomes = go_on()
    assert [outcome.error for outcome in outcomes if outcome.error] == []
    proven = [outcome.observed for outcome in outcomes if outcome.observed and "restored_bytes" in outcome.observed]
    assert [found["restored_bytes"] for found in proven] == [len(b"not copied yet")] * 2
    assert double.operations.reveal_secret(entry) != old._password
    assert restored(double, tmp_path) == b"not copied yet"
    with pytest.raises(UnreadableError, match="wrong password"):
        old.snapshots()
    opens_to_one(double, engineer)


def test_a_vault_sealed_when_the_copy_has_the_key_leaves_both_open_and_the_same_command_goes_on(
    double: Double, engineer: Session
) -> None:
    vault, go_on = double.engines.vault, asked(double, engineer)
    with after_change(2, vault.seal, *CHANGES):
        stopped = go_on()
    vault.open(double.engines.running["vault"])
    assert isinstance(next(outcome.error for outcome in stopped if outcome.error), UnreadableError)
    both_open(double)
    assert is_complete(go_on())
    both_open(double)
    opens_to_one(double, engineer)
    double.host.restic = double.restic(second=False)


def test_the_copy_follows_a_prune_and_keeps_every_version(double: Double, engineer: Session) -> None:
    pair, door = double.pair, double.stores[SECOND]
    first = engineer.repositories.read(pair.first)
    assert first is not None
    (gone, *kept) = (one.id for one in first.snapshots)  # the oldest: the next test restores the newest
    engineer.repositories.forget(pair.first, [gone])
    engineer.repositories.prune(pair.first)
    way = engineer.copies.way(pair, as_pruner=True)
    foreign = following(pair, way, (), (), lambda line: None)
    assert carry_out(foreign, digest="b", record=lambda kind, data: None, tell=lambda line: None)[-1].error is not None
    steps = following(pair, way, {gone}, (), lambda line: None)
    assert is_complete(carry_out(steps, digest="b", record=lambda kind, data: None, tell=lambda line: None))
    assert engineer.copies.snapshots(pair.second) == frozenset(kept)
    history = {item.name: item for item in door.stored_objects(pair.second.bucket, pair.second.prefix)}
    assert not history[f"snapshots/{gone}"].is_visible
    assert any(version.content for version in history[f"snapshots/{gone}"].versions)
    engineer.repositories.check(pair.second, 1, 1)


@pytest.fixture
def emptied(double: Double) -> Iterator[None]:
    """Have whoever prunes hide everything on the first store, as an intruder with those credentials would."""
    place, door = double.pair.first, double.stores[double.pair.first.store]
    names = [item.name for item in door.stored_objects(place.bucket, place.prefix) if item.is_visible]
    versions = {item.name: item.versions[-1].id for item in door.stored_objects(place.bucket, place.prefix)}
    for name in names:
        door.hide_object(place.bucket, place.prefix + name)
    yield
    for name in names:
        door.put_back(place.bucket, place.prefix + name, versions[name], sha256=None)


def test_a_first_that_was_emptied_empties_nothing(
    double: Double, copier: Session, emptied: None, tmp_path: Path
) -> None:
    assert backup.copy(copier, APPLICATION).status is ExitStatus.FAILED
    assert restored(double, tmp_path) == b"not copied yet"
