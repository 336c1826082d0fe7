"""The demonstration as a command: what two people would do, in order, and what of it is shown."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fake_doors import World, hosts_in_order
from sample import APPLICATION, FOLDER

from hosting_cli import survey
from hosting_cli.commands import lab as commands
from hosting_cli.console import render
from hosting_cli.errors import EngineError
from hosting_cli.lab import records
from hosting_cli.lab.laboratory import Lab, begin
from hosting_cli.proofs import suite
from hosting_cli.proofs.proof import Proof, Verdict
from hosting_cli.resources import SecretsEngine
from hosting_cli.result import ExitStatus, Result
from hosting_cli.session import Session
from inventory import naming
from inventory.resource import PLATFORM, Subject


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    lab = Lab(tmp_path / "lab", tmp_path / "cache")
    begin(lab, FOLDER)
    return lab


@pytest.fixture
def world(tmp_path: Path, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> World:
    """Give a region on a fresh lab: the vault and the store are empty, the hosts as they are wanted."""
    world = World(tmp_path)

    def as_somebody(session: Session, file: Path, token_file: Path) -> Session:
        assert file == lab.environment_file
        other = replace(session)
        environment = session.environment.model_copy(update={"journal": lab.journal})
        vars(other).update(vars(session) | {"environment": environment, "identity": f"token-{token_file.stem}"})
        return other

    def proven(*_: object, disruptive: bool) -> Iterator[Proof]:
        sentence = "it came back by itself" if disruptive else "nobody was disturbed"
        yield Proof("restart", APPLICATION, Verdict.HELD, sentence, {})

    def brought_up(session: Session, its_lab: Lab) -> None:
        assert its_lab == lab
        with session.progress.stage("bringing the lab up"):
            pass

    def watched(session: Session, its_lab: Lab) -> None:
        assert its_lab == lab
        with session.progress.stage("starting the monitoring"):
            pass

    monkeypatch.setattr(commands, "_lab", lambda: lab)
    monkeypatch.setattr(commands, "_bring_up", brought_up)
    monkeypatch.setattr(commands, "_watch", watched)
    monkeypatch.setattr(Session, "for_environment", as_somebody)
    monkeypatch.setattr(survey, "read_hosts", hosts_in_order)
    monkeypatch.setattr(suite, "of_platform", lambda *_, **__: ())
    monkeypatch.setattr(suite, "run", proven)
    return world


def steps(found: Result) -> list[tuple[str, int]]:
    return [(step["command"], step["exit_status"]) for step in found.data["steps"]]


def printed(found: Result) -> str:
    return "\n".join(render(block, width=120, colours=False) for block in found.blocks)


def test_a_demonstration_is_four_steps_of_two_people(world: World) -> None:
    found = commands.demo(world.session)
    assert found.status is ExitStatus.DONE
    assert steps(found) == [("plan", 3), ("approve", 0), ("apply", 0), ("verify", 0)]
    assert found.data["steps"][1]["data"]["approved_by"] == "token-security-officer"
    changes, outcomes = found.data["steps"][0]["data"]["plan"]["changes"], found.data["steps"][2]["data"]["outcomes"]
    assert len(outcomes) == len(changes) > 10


def test_a_demonstration_shows_what_was_made_and_proven_how_long_it_took_and_where_it_is(
    world: World, lab: Lab
) -> None:
    found = commands.demo(world.session)
    shown = printed(found)
    assert f"What was done and proven is in {lab.journal}" in shown
    assert f"export HOSTING_ENVIRONMENT={lab.environment_file}" in shown
    assert "changes made, read back and recorded." in shown
    assert "it came back by itself" in shown
    times = shown[shown.index("How long it took") :]
    assert found.data["seconds"].keys() >= {"bringing the lab up", "starting the monitoring"}
    assert list(found.data["seconds"])[-1] == "starting the monitoring"
    assert all(stage in times for stage in found.data["seconds"])
    assert any(stage.startswith("applying ") for stage in found.data["seconds"])


def test_a_second_demonstration_has_nothing_to_change_and_proves_it_all_again(world: World) -> None:
    commands.demo(world.session)
    found = commands.demo(world.session)
    assert (found.status, steps(found)) == (ExitStatus.DONE, [("plan", 0), ("verify", 0)])
    assert "it came back by itself" in printed(found)


def test_a_conflict_ends_a_demonstration_by_being_shown(world: World) -> None:
    commands.demo(world.session)
    engine = SecretsEngine(name=naming.KV_MOUNT, owner=PLATFORM, type="kv", version=1)
    assert engine.subject == Subject("secrets-engine", "kv")
    world.vault.resources[engine.subject] = engine
    found = commands.demo(world.session)
    assert (found.status, steps(found)) == (ExitStatus.PENDING, [("plan", 3)])
    assert "secrets-engine kv" in printed(found)


def test_a_monitoring_that_does_not_start_hides_nothing_of_what_was_proven(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def watched(session: Session, lab: Lab) -> None:
        raise EngineError("prometheus", "did not start", "Look at its log.")

    monkeypatch.setattr(commands, "_watch", watched)
    found = commands.demo(world.session)
    assert "it came back by itself" in printed(found)
    assert (found.status, [error.subject for error in found.errors]) == (ExitStatus.FAILED, ["prometheus"])


def test_what_an_apply_leaves_undone_ends_a_demonstration(world: World) -> None:
    engine = SecretsEngine(name=naming.KV_MOUNT, owner=PLATFORM, type="kv", version=1)
    world.vault.resources[engine.subject] = engine
    found = commands.demo(world.session)
    assert steps(found) == [("plan", 3), ("approve", 0), ("apply", 3)]
    assert found.status is ExitStatus.PENDING
    assert [error.subject for error in found.errors] == ["secrets-engine kv"]


@pytest.mark.parametrize(
    ("recorded", "parts"),
    [
        pytest.param((), ["vault", "object store"], id="a lab that is not watched misses nothing"),
        pytest.param(
            ("prometheus",), ["vault", "object store", "prometheus"], id="what was started and died is missed"
        ),
    ],
)
def test_what_watches_a_lab_is_shown_where_it_was_started(
    world: World, lab: Lab, recorded: tuple[str, ...], parts: list[str]
) -> None:
    for name in recorded:
        (lab.directory / name).mkdir()
        records.write(lab.directory / name / "process.json", {"name": name, "pid": 2**22 - 1, "started": 1})
    found = commands.status(world.session)
    assert {part["part"]: part["state"] for part in found.data["parts"]} == dict.fromkeys(parts, "stopped")
