"""Runbooks by the command line: shown, confirmed, approved, resumed by a colleague, skipped, and told afterwards."""

import sys
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from fake_doors import World
from sample import HOST, NOW

sys.path.insert(0, str(Path(__file__).parents[1] / "runbooks"))
from runbook_world import FRONT, Switches, step

from hosting_cli.commands import runbook
from hosting_cli.commands.approve import approve
from hosting_cli.errors import InvalidFilesError, RefusedError, StalePlanError, UsageError
from hosting_cli.result import ExitStatus, Result
from runbooks.actions import CATALOGUE

GIVEN = [f"host={HOST}"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = tmp_path / "runbooks"
    found.mkdir()
    monkeypatch.setattr("hosting_cli.runbooks.load.FOLDER", found)
    return found


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def switches(world: World) -> Switches:
    found = Switches()
    vars(world.session)["actions"] = found.actions
    return found


def write(folder: Path, *steps: str) -> Path:
    file = folder / "switches.md"
    file.write_text(FRONT + "".join(steps))
    return file


def begin(world: World) -> Result:
    return runbook.run(world.session, "switches", GIVEN, confirm=HOST)


def as_person(world: World, name: str) -> None:
    """Have somebody else be at work: another process, which asks the vault anew."""
    world.vault.person = name
    vars(world.session).pop("identity", None)


def digest_of(result: Result) -> str:
    return str(result.data["procedure"])


def states(result: Result) -> list[str]:
    return [str(one["state"]) for one in result.data["steps"]]


def test_without_a_confirmation_every_command_is_shown_and_nothing_is_done(
    world: World, folder: Path, switches: Switches
) -> None:
    write(folder, step("lamp"), step("fan"))
    shown = runbook.run(world.session, "switches", GIVEN)
    assert shown.status is ExitStatus.PENDING
    assert "turn lamp" in str(shown.blocks[0]) and "turn fan" in str(shown.blocks[0])
    assert f"--confirm {HOST}" in str(shown.blocks[-1])
    assert (switches.turned, world.session.journal.entries()) == ([], ())


def test_a_confirmation_of_something_else_does_nothing(world: World, folder: Path, switches: Switches) -> None:
    write(folder, step("lamp"))
    with pytest.raises(RefusedError, match=f"is for {HOST}, and dijon-app-2 was confirmed"):
        runbook.run(world.session, "switches", GIVEN, confirm="dijon-app-2")
    assert switches.turned == []


def test_a_confirmed_run_is_carried_out_and_told(world: World, folder: Path, switches: Switches) -> None:
    write(folder, step("lamp"), step("fan"))
    switches.said = "opened with hvs.CAESIJ0123456789"
    done = begin(world)
    assert (done.status, states(done), switches.turned) == (ExitStatus.DONE, ["done", "done"], ["lamp", "fan"])
    listed = runbook.history(world.session)
    assert [(run["state"], run["by"]) for run in listed.data["runs"]] == [("done", "token-tester")]
    told = runbook.history(world.session, digest_of(done))
    kinds = [entry["kind"] for entry in told.data["entries"]]
    assert kinds == ["request", "intent", "done", "intent", "done", "completed"]
    assert "turn lamp" in str(told.blocks)
    assert "hvs.CAESIJ" not in world.session.journal.path.read_text()
    with pytest.raises(RefusedError, match="has ended"):
        runbook.resume(world.session, digest_of(done))


def test_what_is_done_already_is_left_alone(world: World, folder: Path, switches: Switches) -> None:
    write(folder, step("lamp"))
    switches.on.add("lamp")
    assert (states(begin(world)), switches.turned) == (["in order"], [])


def test_a_second_person_approves_the_resolved_plan_and_a_colleague_goes_on(
    world: World, folder: Path, switches: Switches
) -> None:
    write(folder, step("lamp"), step("fan", needs_approval=True))
    waiting = begin(world)
    assert (waiting.status, states(waiting), switches.turned) == (ExitStatus.PENDING, ["done", "not begun"], ["lamp"])
    digest = digest_of(waiting)
    assert f"hosting approve {digest[:12]}" in str(waiting.blocks[-1])
    with pytest.raises(RefusedError, match="a second person"):
        approve(world.session, digest)
    assert runbook.resume(world.session, digest).status is ExitStatus.PENDING
    as_person(world, "token-officer")
    approve(world.session, digest)
    as_person(world, "token-colleague")
    done = runbook.resume(world.session, digest)
    assert (done.status, states(done), switches.turned) == (ExitStatus.DONE, ["in order", "done"], ["lamp", "fan"])


def test_what_was_approved_is_what_runs_or_nothing_does(world: World, folder: Path, switches: Switches) -> None:
    file = write(folder, step("lamp", needs_approval=True))
    digest = digest_of(begin(world))
    as_person(world, "token-officer")
    approve(world.session, digest)
    file.write_text(file.read_text() + "\nTurn it twice.\n")
    with pytest.raises(StalePlanError, match="was changed since"):
        runbook.resume(world.session, digest)
    assert switches.turned == []


def test_a_run_is_begun_once_and_then_resumed(world: World, folder: Path, switches: Switches) -> None:
    write(folder, step("lamp", needs_approval=True))
    begin(world)
    with pytest.raises(RefusedError, match=f"is open for {HOST}"):
        begin(world)


def test_what_failed_is_tried_again_or_skipped_for_a_reason_only(
    world: World, folder: Path, switches: Switches
) -> None:
    write(folder, step("lamp"), step("fan", may_skip=True))
    switches.stuck = {"lamp", "fan"}
    failed = begin(world)
    digest = digest_of(failed)
    assert (failed.status, states(failed)) == (ExitStatus.FAILED, ["failed", "not begun"])
    assert "--reason" in str(runbook.resume(world.session, digest).errors)
    assert "may not be skipped" in str(runbook.resume(world.session, digest, skip="lamp", reason="no time").errors)
    switches.stuck = {"fan"}
    again = runbook.resume(world.session, digest, reason="oiled")
    assert states(again) == ["done", "failed"]
    done = runbook.resume(world.session, digest, skip="fan", reason="it is cold enough")
    assert (done.status, states(done), switches.turned) == (ExitStatus.DONE, ["in order"], ["lamp"])
    assert "Skipped: fan, because it is cold enough" in str(done.blocks[-1])


def test_two_people_do_not_do_the_same_at_once(world: World, folder: Path, switches: Switches) -> None:
    write(folder, step("lamp", needs_approval=True), step("fan"))
    digest = digest_of(begin(world))
    as_person(world, "token-officer")
    approve(world.session, digest)
    runs_elsewhere(world, "token-tester")
    as_person(world, "token-colleague")
    with pytest.raises(RefusedError, match="token-tester is at the same"):
        runbook.resume(world.session, digest)
    with pytest.raises(UsageError, match="nobody says why"):
        runbook.resume(world.session, digest, take_over=True)
    assert switches.turned == []
    assert runbook.resume(world.session, digest, take_over=True, reason="they are gone").status is ExitStatus.DONE
    kinds = [entry.kind for entry in world.session.journal.entries()]
    assert kinds.count("taken-over") == 1


def runs_elsewhere(world: World, holder: str) -> None:
    """Leave a lease as a run does that was killed, or goes on."""
    from hosting_cli.runbooks.leases import Lease, name_of

    name = name_of("switches", HOST)
    found = world.vault.leases.get(name, Lease(holder, "another", NOW, 0))
    world.vault.leases[name] = replace(found, holder=holder, until=NOW + timedelta(minutes=5))


def test_a_lease_is_given_back_in_the_end(world: World, folder: Path, switches: Switches) -> None:
    write(folder, step("lamp"))
    begin(world)
    (left,) = world.vault.leases.values()
    assert (left.holder, left.until) == ("token-tester", NOW)


def test_every_problem_of_the_files_is_told_instead(world: World, folder: Path, switches: Switches) -> None:
    write(folder, step("lamp").replace("switch.turn", "switch.tern"))
    with pytest.raises(InvalidFilesError, match="1 problem found"):
        runbook.list_(world.session)


@pytest.mark.parametrize(
    ("given", "said"),
    [(["host"], "is no NAME=VALUE"), (["host=a", "host=b"], "is given twice"), ([], "host is missing")],
    ids=["no value", "twice", "none"],
)
def test_parameters_that_do_not_fit_are_told(
    world: World, folder: Path, switches: Switches, given: list[str], said: str
) -> None:
    write(folder, step("lamp"))
    with pytest.raises(UsageError, match=said):
        runbook.run(world.session, "switches", given)


# -- the runbooks that there are ----------------------------------------------------------------------------------


def test_a_runbook_is_found_by_its_alert_and_shown_as_it_is_read(world: World) -> None:
    vars(world.session)["actions"] = CATALOGUE
    shown = runbook.show(world.session, "HostingBackupTooOld")
    assert shown.data["id"] == "backup-too-old"
    assert "timeout_seconds" not in str(shown.blocks)
    assert {row["id"] for row in runbook.list_(world.session).data["runbooks"]} >= {"vault-sealed", "credential-leaked"}
    with pytest.raises(UsageError, match="Did you mean backup-too-old"):
        runbook.show(world.session, "backup-to-old")
    with pytest.raises(UsageError, match="has no steps"):
        runbook.run(world.session, "drill-failed")


def test_a_vault_is_opened_by_its_holders_one_after_the_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    vars(world.session)["actions"] = CATALOGUE
    world.vault.sealed = True
    monkeypatch.setattr("getpass.getuser", lambda: "astreinte")
    monkeypatch.setattr("sys.stdin", StringIO("first-share\n"))
    waiting = runbook.run(world.session, "vault-sealed", confirm="vault")
    assert (waiting.status, states(waiting)) == (ExitStatus.PENDING, ["waiting"])
    monkeypatch.setattr("sys.stdin", StringIO("second-share\n"))
    done = runbook.resume(world.session, digest_of(waiting))
    assert (done.status, world.vault.sealed) == (ExitStatus.DONE, False)
    who = [entry.who for entry in world.session.journal.entries()]
    assert (who[0], who[-1]) == ("unattested: astreinte", "token-tester")
    assert "first-share" not in world.session.journal.path.read_text()
