"""Files, proofs and the journal as commands."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_doors import World
from sample import APPLICATION, FOLDER, NOW, region
from with_tunnels import with_tunnel

from hosting_cli.commands import journal as journals
from hosting_cli.commands.validate import validate
from hosting_cli.commands.verify import shown, verify
from hosting_cli.console import render
from hosting_cli.doors.hosts import Completed
from hosting_cli.errors import InvalidFilesError, UnreadableError
from hosting_cli.journal import Journal
from hosting_cli.proofs import suite
from hosting_cli.proofs.proof import Proof, Verdict
from hosting_cli.request import Request
from hosting_cli.result import ExitStatus, Result
from inventory.models import Application
from inventory.resource import Json, Subject
from inventory.schema import schemas
from inventory.tunnels import TunnelKind


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    down = UnreadableError("host", "it cannot be reached", "See whether it is up.")
    world.hosts.answers = dict.fromkeys(world.session.environment.hosts, down)

    def unreachable(*_: object) -> Completed:
        raise down

    world.hosts.on_run = unreachable
    return world


def printed(result: Result) -> str:
    return "\n".join(render(block, width=120, colours=False) for block in result.blocks)


def written(world: World, count: int) -> Journal:
    journal = Journal(world.session.environment.journal, now=lambda: NOW, who=lambda: "token-engineer")
    for number in range(count):
        journal.append("applied", {"plan": f"{number:064}"})
    return journal


# -- validate -----------------------------------------------------------------------------------------------------


def test_a_region_in_order_is_summed_up(world: World) -> None:
    vars(world.session).pop("region")
    found = validate(world.session, FOLDER)
    assert found.data == {
        "region": region().id,
        "sites": 2,
        "hosts": 2,
        "members": 1,
        "applications": 1,
        "flows": len(region().applications[0].flows),
        "accepted_risks": [],
    }
    assert "the files are in order" in printed(found)


def test_what_is_in_order_only_while_its_risk_is_accepted_is_said_with_its_last_day(world: World) -> None:
    world.session.__dict__["region"] = with_tunnel(TunnelKind.WIREGUARD)
    found = validate(world.session)
    (risk,) = found.data["accepted_risks"]
    assert (risk["tunnel"], risk["by"], risk["until"]) == ("beaune", "securite", "2027-03-31")
    assert f"until 2027-03-31, for {risk['days_left']} more days" in printed(found)
    assert "does not follow ANSSI's note" in printed(found)


def test_the_folder_that_is_named_wins(world: World, tmp_path: Path) -> None:
    vars(world.session).pop("region")
    world.session.region_folder = FOLDER
    with pytest.raises(InvalidFilesError):
        validate(world.session, tmp_path / "nowhere")


def test_schemas_are_printed_without_a_region(world: World) -> None:
    vars(world.session).pop("region")
    found = validate(world.session, schema=True)
    assert json.loads(printed(found)) == schemas() == found.data


# -- verify -------------------------------------------------------------------------------------------------------


def proof(verdict: Verdict) -> Proof:
    return Proof("name", "host app", verdict, "what was seen", {})


@pytest.mark.parametrize(
    ("verdicts", "status", "summary"),
    [
        pytest.param([Verdict.HELD, Verdict.HELD], ExitStatus.DONE, "2 held.", id="all held"),
        pytest.param([Verdict.HELD, Verdict.NOT_PROVEN], ExitStatus.DONE, "1 held, 1 not proven.", id="not asked for"),
        pytest.param([Verdict.HELD, Verdict.BROKEN], ExitStatus.PENDING, "1 held, 1 broken.", id="one is broken"),
        pytest.param([Verdict.HELD, Verdict.UNKNOWN], ExitStatus.UNKNOWN, "1 held, 1 unknown.", id="one is unknown"),
        pytest.param(
            [Verdict.BROKEN, Verdict.UNKNOWN], ExitStatus.PENDING, "1 broken, 1 unknown.", id="broken outweighs unknown"
        ),
    ],
)
def test_verdicts_sum_up_in_one_status(verdicts: list[Verdict], status: ExitStatus, summary: str) -> None:
    found = shown([proof(verdict) for verdict in verdicts])
    assert found.status is status
    assert summary in printed(found)
    assert [item["verdict"] for item in found.data["proofs"]] == [verdict.value for verdict in verdicts]


def test_a_region_that_cannot_be_read_is_not_proven_to_be_in_order(world: World) -> None:
    found = verify(world.session)
    first = found.data["proofs"][0]
    assert (first["proof"], first["verdict"]) == ("nothing-to-change", "unknown")
    assert found.status in {ExitStatus.UNKNOWN, ExitStatus.PENDING}


def test_every_proof_is_on_record_as_soon_as_it_is_known(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(_session: object, _found: object, _application: Application, *, disruptive: bool) -> Iterator[Proof]:
        yield proof(Verdict.HELD)
        raise KeyboardInterrupt(disruptive)

    monkeypatch.setattr(suite, "run", killed)
    with pytest.raises(KeyboardInterrupt):
        verify(world.session, APPLICATION)
    entries = world.session.journal.entries()
    assert [(entry.kind, entry.data["proof"]) for entry in entries] == [
        ("proof", "nothing-to-change"),
        ("proof", "name"),
    ]


# -- journal ------------------------------------------------------------------------------------------------------


def test_the_last_entries_are_shown_oldest_first(world: World) -> None:
    written(world, 5)
    found = journals.show(world.session, last=2)
    assert [entry["sequence"] for entry in found.data["entries"]] == [4, 5]
    assert "token-engineer" in printed(found)


def test_a_request_says_in_the_journal_what_was_asked_for(world: World) -> None:
    goal: dict[str, Json] = {"to_version": 2, "path": None}
    asked = Request("rotate", Subject("transit-key", "hosting-beaune"), "beaune", "lab", goal, True)
    world.session.journal.append("request", {"request": asked.body()})
    shown = printed(journals.show(world.session))
    assert asked.digest[:12] in shown
    assert "rotate transit-key hosting-beaune (to version: 2)" in " ".join(shown.split())


def test_a_journal_that_holds_nothing_says_so(world: World) -> None:
    assert printed(journals.show(world.session)) == "The journal holds nothing yet.\n"
    assert journals.verify(world.session).status is ExitStatus.DONE


def test_a_whole_journal_is_verified_and_names_its_head(world: World) -> None:
    head = written(world, 3).entries()[-1].digest
    found = journals.verify(world.session)
    assert (found.status, found.data) == (ExitStatus.DONE, {"entries": 3, "head": head})
    assert journals.verify(world.session, head=head).status is ExitStatus.DONE


def test_entries_cut_off_the_end_are_seen_by_whoever_noted_the_head(world: World) -> None:
    journal = written(world, 3)
    head = journal.entries()[-1].digest
    journal.path.write_bytes(b"".join(line + b"\n" for line in journal.lines()[:-1]))
    assert journals.verify(world.session).status is ExitStatus.DONE
    assert journals.verify(world.session, head=head).status is ExitStatus.PENDING


def test_a_journal_that_was_changed_is_shown_with_the_line(world: World) -> None:
    journal = written(world, 3)
    first, second, third = journal.lines()
    journal.path.write_bytes(b"\n".join([first, second.replace(b"token-engineer", b"token-nobody"), third, b""]))
    found = journals.verify(world.session)
    assert found.status is ExitStatus.PENDING
    assert [item["line"] for item in found.data["breaks"]] == [3]
    assert "one of them was changed" in found.data["breaks"][0]["reason"]
    with pytest.raises(UnreadableError, match="journal verify"):
        journals.show(world.session)
