"""What people and programs are shown of controls."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "checks"))

from at_rest import facts, with_region, with_sshd
from fake_doors import World
from sample import NOW

from hosting_cli import console
from hosting_cli.checks.facts import Facts
from hosting_cli.checks.registry import run
from hosting_cli.commands import control
from hosting_cli.controls import assessment
from hosting_cli.documents.language import Language
from hosting_cli.errors import UsageError
from hosting_cli.result import ExitStatus, Result
from inventory.compliance import Waiver
from inventory.controls import Layer

OPEN = with_sshd(allowtcpforwarding="yes")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def seen(monkeypatch: pytest.MonkeyPatch, found: Facts) -> None:
    """Have doors see *found*; what is made of it is what a command shows."""
    judged = assessment.assessed(found.region, run(found), NOW)
    monkeypatch.setattr(assessment, "assess", lambda session: judged)


def text_of(result: Result) -> str:
    return "\n".join(console.render(block, width=200, colours=False) for block in result.blocks)


def test_rules_are_listed_with_what_decided(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    seen(monkeypatch, OPEN(facts()))
    result = control.list_(world.session, layer=Layer.RULE)
    lines = text_of(result).splitlines()
    assert lines[0] == "Technical rules, 2026-11"
    (row,) = (line for line in lines if " SSH-2 " in line)
    assert row.startswith("non-conforming")
    assert "host dijon-app-1: sshd is more open than asked for: allowtcpforwarding yes" in row
    assert lines[-1] == "rule, addressable (17): 15 conforming, 1 non-conforming, 1 not applicable (justified)"
    assert lines[-2] == "rule, required (18): 18 conforming"
    assert result.status is ExitStatus.PENDING
    assert {item["control"]["layer"] for item in result.data["controls"]} == {"rule"}


def test_a_list_in_french_is_french(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    seen(monkeypatch, OPEN(facts()))
    shown = text_of(control.list_(world.session, lang=Language.FRENCH))
    assert "Référentiel de certification HDS, v2, 2024" in shown
    assert "non conforme" in shown and "preuve absente" in shown and "à évaluer" in shown
    assert "sshd est plus ouvert que demandé" in shown
    assert "%" not in shown, "there is no percentage"


def test_all_of_the_catalogue_is_listed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    seen(monkeypatch, facts())
    result = control.list_(world.session)
    assert [(it["layer"], it["force"], it["total"]) for it in result.data["summary"]] == [
        ("hds", "required", 32),
        ("soa", "addressable", 93),
        ("rule", "required", 18),
        ("rule", "addressable", 17),
    ]
    assert {it["layer"] for it in result.data["frameworks"]} == {"hds", "soa", "rule"}


WAIVER = Waiver(
    id="tunnel",
    control="SSH-2",
    check="ssh.hardened",
    subjects=("host dijon-app-1",),
    reason="a migration",
    compensation="watched",
    requested_by="astreinte",
    approved_by="securite",
    since=NOW.date(),
    until=NOW.date(),
)


def test_a_waiver_is_always_visible(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    seen(monkeypatch, OPEN(with_region(waivers=(WAIVER,))(facts())))
    result = control.list_(world.session, layer=Layer.RULE)
    assert any(
        line.split()[:4] == ["in-force", "tunnel", "SSH-2", "ssh.hardened"] for line in text_of(result).splitlines()
    )
    assert "1 waived" in text_of(result)
    assert result.status is ExitStatus.DONE

    seen(monkeypatch, with_region(waivers=(WAIVER,))(facts()))
    unneeded = text_of(control.list_(world.session, layer=Layer.RULE))
    assert any("tunnel" in line and "nothing" in line for line in unneeded.splitlines())


def test_a_verdict_opens_onto_all_that_it_rests_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    seen(monkeypatch, OPEN(facts()))
    result = control.show(world.session, "SSH-2")
    shown = text_of(result)
    assert "asked for by: ANSSI, OpenSSH (2015), R15, R23, R27 et R28 (addressable), supports A.8.5, A.8.20" in shown
    assert "2026-11-22 03:00" in shown and "2026-11-29 03:00" in shown
    assert "ssh.hardened: sshd -T" in shown
    assert result.status is ExitStatus.PENDING
    assert [item["outcome"] for item in result.data["observations"]] == ["unmet", "met"]


def test_what_supports_a_control_is_shown_and_not_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    seen(monkeypatch, facts())
    result = control.show(world.session, "a.8.5")
    assert "supported by (shown, not counted)" in text_of(result)
    assert result.data["verdict"] == "no-evidence"
    assert {item["verdict"] for item in result.data["supported_by"]} == {"conforming"}


def test_what_could_not_be_read_is_the_last_word(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    proven = facts()
    assert proven.journal.value is not None
    without = Facts(**{**vars(proven), "journal": type(proven.journal)(None, proven.journal.raw)})
    seen(monkeypatch, OPEN(without))
    assert control.list_(world.session).status is ExitStatus.UNKNOWN


def test_a_control_that_there_is_not(world: World) -> None:
    with pytest.raises(UsageError) as raised:
        control.show(world.session, "EXI-32")
    assert raised.value.remedy == "Did you mean EXI-31?"
