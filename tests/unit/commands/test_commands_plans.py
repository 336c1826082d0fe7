"""From plan to apply as commands: what is recorded, who may go on, what is said, and with which exit status."""

from dataclasses import replace
from pathlib import Path

import pytest
from fake_doors import World, hosts_in_order
from sample import APPLICATION, GATEWAY, HOST, NOW

from hosting_cli import survey
from hosting_cli.apply import LeftAloneError, Outcome, Step
from hosting_cli.commands.apply import apply, outcome_result
from hosting_cli.commands.approve import approve
from hosting_cli.commands.bootstrap import bootstrap
from hosting_cli.commands.drift import drift
from hosting_cli.commands.plan import blocks, plan, shown, status
from hosting_cli.console import render
from hosting_cli.errors import EngineError, RefusedError, StalePlanError, UnreadableError, UsageError
from hosting_cli.journal import Journal
from hosting_cli.plan import Action, Change, Finding, Plan
from hosting_cli.resources import Policy, SecretsEngine, TransitKey
from hosting_cli.result import ExitStatus, Result, Table
from inventory import naming
from inventory.resource import PLATFORM, Subject

DOWN = UnreadableError("host", "it cannot be reached", "See whether it is up.")
EMPTY = Plan("bourgogne-franche-comte", "test", "region", True, (), 0)
UNKNOWN = (Finding("vault", "it is sealed"),)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Give a region whose vault and store are empty, and whose hosts are down."""
    world = World(tmp_path)
    world.hosts.answers = dict.fromkeys(world.session.environment.hosts, DOWN)
    return world


def as_somebody(world: World, name: str) -> None:
    """Let the next command be run by *name*."""
    world.vault.person = name
    vars(world.session).pop("identity", None)
    vars(world.session).pop("journal", None)


def kinds(world: World) -> list[str]:
    return [entry.kind for entry in Journal(world.session.environment.journal, now=lambda: NOW, who=str).entries()]


def printed(result: Result) -> str:
    return "\n".join(render(block, width=120, colours=False) for block in result.blocks)


def change(name: str, action: Action = Action.CREATE, before: object = None, after: object = None) -> Change:
    state = {Action.CREATE: (None, {}), Action.DELETE: ({}, None)}.get(action, (before, after))
    return Change(Subject("host-file", f"{HOST}:{name}"), action, APPLICATION, f"host {HOST}", *state)  # type: ignore[arg-type]


# -- plan and drift -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(EMPTY, ExitStatus.DONE, id="in order"),
        pytest.param(replace(EMPTY, changes=(change("a"),)), ExitStatus.PENDING, id="changes"),
        pytest.param(replace(EMPTY, kept=UNKNOWN), ExitStatus.DONE, id="something is kept that no file asks for"),
        pytest.param(replace(EMPTY, conflicts=UNKNOWN), ExitStatus.PENDING, id="a conflict"),
        pytest.param(replace(EMPTY, unknown=UNKNOWN), ExitStatus.UNKNOWN, id="a source is unknown"),
        pytest.param(
            replace(EMPTY, unknown=UNKNOWN, blocked=UNKNOWN), ExitStatus.UNKNOWN, id="a change waits for a reading"
        ),
        pytest.param(
            replace(EMPTY, conflicts=UNKNOWN, blocked=UNKNOWN), ExitStatus.PENDING, id="a change waits for a person"
        ),
        pytest.param(
            replace(EMPTY, changes=(change("a"),), unknown=UNKNOWN, conflicts=UNKNOWN),
            ExitStatus.UNKNOWN,
            id="the unknown outweighs all",
        ),
    ],
)
def test_a_plan_has_one_status(found: Plan, expected: ExitStatus) -> None:
    assert status(found) is expected
    assert shown(found, "plan").status is expected


def test_what_is_listed_is_shown_by_its_items_and_what_is_empty_as_none() -> None:
    moved = change("/b", Action.UPDATE, {"public_access": ["READ for everybody", "x"]}, {"public_access": []})
    (table, _) = blocks(replace(EMPTY, changes=(moved,)))
    assert isinstance(table, Table)
    assert table.rows[0][-1] == "public_access: READ for everybody, x → none"


def test_a_plan_is_laid_out_by_source_with_names_that_do_not_repeat_it() -> None:
    moved = change("/b", Action.UPDATE, {"mode": "0644", "sha256": "1"}, {"mode": "0600", "sha256": "2"})
    found = replace(EMPTY, changes=(change("/a"), moved), in_order=3, unknown=UNKNOWN)
    assert printed(Result("plan", {}, blocks(found))).splitlines() == [
        f"host {HOST}: 2 changes",
        "action  kind       name  how",
        "create  host-file  /a",
        "update  host-file  /b    another content, mode: 0644 → 0600",
        "",
        "unknown  why",
        "vault    it is sealed",
        "",
        "bourgogne-franche-comte, test, region: 2 changes, 3 in order, 1 unknown.",
    ]


def test_a_plan_is_recorded_and_names_the_next_step(world: World) -> None:
    found = plan(world.session)
    assert found.status is ExitStatus.UNKNOWN
    assert kinds(world) == ["plan"]
    assert f"hosting approve {str(found.data['plan']['digest'])[:12]}" in printed(found)


def test_a_plan_without_changes_is_not_recorded(world: World) -> None:
    world.vault.sealed = True
    assert plan(world.session).status is ExitStatus.UNKNOWN
    assert not world.session.environment.journal.exists()


def test_drift_records_nothing(world: World) -> None:
    found = drift(world.session)
    assert (found.command, found.status) == ("drift", ExitStatus.UNKNOWN)
    assert not world.session.environment.journal.exists()


def test_an_application_that_is_not_there_is_named_with_those_that_are(world: World) -> None:
    with pytest.raises(UsageError, match=f"Choose one of: {APPLICATION}") as found:
        plan(world.session, "frob")
    assert found.value.subject == "application frob"


# -- approve ------------------------------------------------------------------------------------------------------


def planned(world: World) -> str:
    as_somebody(world, "token-engineer")
    return str(plan(world.session).data["plan"]["digest"])


def test_who_asked_for_a_plan_of_production_does_not_approve_it(world: World) -> None:
    digest = planned(world)
    with pytest.raises(RefusedError, match="a second person must approve it"):
        approve(world.session, digest)
    assert kinds(world) == ["plan"]


def test_another_name_is_no_second_person_unless_the_vault_lets_it_approve(world: World) -> None:
    digest = planned(world)
    as_somebody(world, "approle")
    world.vault.held = frozenset({"hosting-imagerie-beaune-dijon-app-1"})
    with pytest.raises(RefusedError, match="approle does not hold the policy people-approver"):
        approve(world.session, digest)
    assert kinds(world) == ["plan"]


def test_a_second_person_approves_what_was_shown_by_its_digest(world: World) -> None:
    digest = planned(world)
    as_somebody(world, "token-officer")
    found = approve(world.session, digest[:12])
    assert found.data == {"plan": digest, "approved_by": "token-officer"}
    assert f"hosting apply {digest[:12]}" in printed(found)
    assert kinds(world) == ["plan", "approval"]


def test_a_digest_that_no_plan_has(world: World) -> None:
    planned(world)
    with pytest.raises(UsageError, match="is the beginning of no recorded plans"):
        approve(world.session, "0" * 12)


# -- apply --------------------------------------------------------------------------------------------------------


def approved(world: World) -> str:
    digest = planned(world)
    as_somebody(world, "token-officer")
    approve(world.session, digest)
    as_somebody(world, "token-engineer")
    return digest


def test_a_plan_that_nobody_approved_is_not_carried_out(world: World) -> None:
    digest = planned(world)
    world.calls.clear()
    with pytest.raises(StalePlanError, match="nobody approved it"):
        apply(world.session, digest)
    assert [call for call in world.calls if call.startswith(("write", "make", "create", "delete"))] == []


def test_a_plan_that_is_no_longer_true_is_not_carried_out(world: World) -> None:
    digest = approved(world)
    stray = Policy(name="hosting-stray", owner="stray", text="")
    world.vault.resources[stray.subject] = stray
    world.calls.clear()
    with pytest.raises(StalePlanError, match="no longer true"):
        apply(world.session, digest)
    assert [call for call in world.calls if call.startswith(("write", "make", "create", "delete"))] == []


DARK = {f"host {HOST}", f"host {GATEWAY}"}
"""What nobody can tell of while no host can be read."""


def test_nothing_is_done_while_a_host_cannot_be_read_that_could_be_when_the_plan_was_made(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as then:
        then.setattr(survey, "read_hosts", hosts_in_order)
        digest = approved(world)
    world.calls.clear()
    found = apply(world.session, digest)
    assert (found.status, found.data["outcomes"]) == (ExitStatus.UNKNOWN, [])
    assert {error.subject for error in found.errors} == DARK
    assert [call for call in world.calls if call.startswith(("write", "make", "create", "delete"))] == []


def test_an_approved_plan_is_carried_out_and_every_step_is_on_record(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "read_hosts", hosts_in_order)
    digest = approved(world)
    found = apply(world.session, digest)
    assert (found.errors, found.status) == ((), ExitStatus.DONE)
    steps = {outcome["step"] for outcome in found.data["outcomes"]}
    assert steps == {"done"}
    assert found.data["unknown"] == found.data["blocked"] == found.data["conflicts"] == []
    recorded = kinds(world)
    count = len(found.data["outcomes"])
    assert (recorded.count("intent"), recorded.count("done")) == (count, count)


def test_what_could_not_be_read_is_not_said_to_be_done(world: World) -> None:
    found = apply(world.session, approved(world))
    assert {outcome["step"] for outcome in found.data["outcomes"]} == {"done"}
    assert found.status is ExitStatus.UNKNOWN
    assert {error.subject for error in found.errors} == DARK
    assert {finding["subject"] for finding in found.data["unknown"]} == DARK
    assert f"Left undone: {len(DARK)} unknown." in printed(found)


def test_what_was_carried_out_is_in_order_afterwards(world: World) -> None:
    apply(world.session, approved(world))
    assert drift(world.session).data["plan"]["changes"] == []


# -- outcomes -----------------------------------------------------------------------------------------------------


def test_one_loss_that_fails_many_changes_is_one_error() -> None:
    loss, again = (EngineError(f"host {HOST}", "the connection broke", "Apply again.") for _ in range(2))
    waits = LeftAloneError("policy p", "was left alone because host-file a failed", "Mend that, and apply again.")
    outcomes = (
        Outcome(change("a"), Step.FAILED, loss),
        Outcome(change("b"), Step.FAILED, again),
        Outcome(change("c"), Step.SKIPPED, waits),
        Outcome(change("d"), Step.DONE),
    )
    found = outcome_result("apply", EMPTY, "digest", outcomes)
    assert ([str(error) for error in found.errors], found.status) == ([str(loss)], ExitStatus.FAILED)
    assert "1 of 4 changes made" in printed(found)
    assert [outcome["reason"] for outcome in found.data["outcomes"]] == [loss.what, loss.what, waits.what, None]


def test_what_was_made_but_could_not_be_read_back_is_unknown() -> None:
    found = outcome_result("apply", EMPTY, "digest", (Outcome(change("a"), Step.FAILED, DOWN),))
    assert found.status is ExitStatus.UNKNOWN


def test_nothing_to_make_is_said_aloud() -> None:
    found = outcome_result("apply", EMPTY, "digest", ())
    assert (found.status, printed(found)) == (ExitStatus.DONE, "0 of 0 changes made, read back and recorded.\n")


STORAGE = Finding(f"host-storage {HOST}:hosting", "/dev/vdb carries data; it bears data and cannot be changed in place")
VOLUME = Finding(f"host-volume {HOST}:data", f"waits: {STORAGE.subject} is in conflict")
LOST = Finding(f"host {HOST}", "it cannot be reached. See whether it is up.")
LOSS = EngineError("policy p", "was refused", "Log in again.")
FAILS, HOLDS = Outcome(change("a"), Step.FAILED, LOSS), Outcome(change("a"), Step.DONE)


@pytest.mark.parametrize(
    ("now", "outcome", "status", "subjects"),
    [
        pytest.param(EMPTY, HOLDS, ExitStatus.DONE, [], id="nothing is left"),
        pytest.param(replace(EMPTY, kept=(VOLUME,)), HOLDS, ExitStatus.DONE, [], id="what is kept is no obstacle"),
        pytest.param(
            replace(EMPTY, unknown=(LOST,)), HOLDS, ExitStatus.UNKNOWN, [LOST.subject], id="a host could not be read"
        ),
        pytest.param(
            replace(EMPTY, conflicts=(STORAGE,), blocked=(VOLUME,)),
            HOLDS,
            ExitStatus.PENDING,
            [STORAGE.subject],
            id="a disk carries data, and its volume waits",
        ),
        pytest.param(replace(EMPTY, blocked=(VOLUME,)), HOLDS, ExitStatus.PENDING, [], id="something waits"),
        pytest.param(
            replace(EMPTY, unknown=(LOST,), conflicts=(STORAGE,)),
            HOLDS,
            ExitStatus.UNKNOWN,
            [LOST.subject, STORAGE.subject],
            id="the unknown outweighs a conflict",
        ),
        pytest.param(
            replace(EMPTY, unknown=(LOST,), conflicts=(STORAGE,), blocked=(VOLUME,)),
            FAILS,
            ExitStatus.FAILED,
            ["policy p", LOST.subject, STORAGE.subject],
            id="a change that failed outweighs all",
        ),
    ],
)
def test_what_a_plan_left_undone_decides_the_status_of_its_apply(
    now: Plan, outcome: Outcome, status: ExitStatus, subjects: list[str]
) -> None:
    found = outcome_result("apply", now, "digest", (outcome,))
    assert found.status is status
    assert [error.subject for error in found.errors] == subjects
    for name, left in (("unknown", now.unknown), ("blocked", now.blocked), ("conflicts", now.conflicts)):
        assert found.data[name] == [{"subject": item.subject, "reason": item.reason} for item in left]
        assert all(item.subject in printed(found) for item in left)


def test_what_is_left_undone_is_counted_and_says_what_to_do() -> None:
    now = replace(EMPTY, unknown=(LOST,), conflicts=(STORAGE,), blocked=(VOLUME, VOLUME))
    found = outcome_result("apply", now, "digest", (HOLDS,))
    assert printed(found).endswith(
        "1 of 1 changes made, read back and recorded.\nLeft undone: 1 unknown, 2 waiting, 1 in conflict.\n"
    )
    assert str(found.errors[0]) == (
        f"host {HOST}: it cannot be reached. See whether it is up. Mend that, and run `hosting plan` anew."
    )


# -- bootstrap ----------------------------------------------------------------------------------------------------


def test_a_fresh_vault_is_set_up_recorded_and_read_back(world: World) -> None:
    found = bootstrap(world.session)
    assert found.status is ExitStatus.DONE
    assert world.calls[0].startswith("bootstrap people-operations")
    assert kinds(world)[0] == "plan"
    assert kinds(world)[-1] == "applied"
    assert Subject(TransitKey.kind, "hosting-platform-secrets") in world.vault.resources


def test_a_vault_that_is_set_up_stays_as_it_is(world: World) -> None:
    bootstrap(world.session)
    before = kinds(world)
    found = bootstrap(world.session)
    assert "set up for the region already" in printed(found)
    assert kinds(world) == before


def test_a_sealed_vault_cannot_be_set_up(world: World) -> None:
    world.vault.sealed = True
    with pytest.raises(UnreadableError, match="sealed"):
        bootstrap(world.session)


def test_a_vault_that_holds_something_else_in_our_place_is_said_not_to_be_set_up(world: World) -> None:
    bootstrap(world.session)
    (engine,) = (s for s in world.vault.resources if s == Subject(SecretsEngine.kind, naming.KV_MOUNT))
    world.vault.resources[engine] = SecretsEngine(name=naming.KV_MOUNT, owner=PLATFORM, type="kv", version=1)
    found = bootstrap(world.session)
    assert (found.status, [error.subject for error in found.errors]) == (ExitStatus.PENDING, [str(engine)])
