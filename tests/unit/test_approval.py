"""Only an approved plan is carried out, by whoever may, and only while it is still true."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hosting_cli.approval import Recorded, approver_refusal, find, recorded_plans, refusals, unread
from hosting_cli.errors import UsageError
from hosting_cli.journal import Journal
from hosting_cli.plan import Action, Change, Finding, Plan
from inventory.resource import Subject

LOST, SEALED = Finding("host app", "it cannot be reached"), Finding("vault", "it is sealed")
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def change(name: str, **changes: object) -> Change:
    made = Change(Subject("bucket", name), Action.CREATE, "imaging", "object-store one", None, {"versioning": True})
    return replace(made, **changes)  # type: ignore[arg-type]


def plan(*changes: Change, **attributes: object) -> Plan:
    made = Plan("r", "e", "region", production=True, changes=changes, in_order=0)
    return replace(made, **attributes)  # type: ignore[arg-type]


class Book:
    """A journal in which several people write."""

    def __init__(self, path: Path) -> None:
        self.who = ""
        self.journal = Journal(path, now=lambda: NOW, who=lambda: self.who)

    def planned(self, found: Plan, who: str = "engineer") -> "Book":
        return self.write(who, "plan", {"plan": found.document(), "files": "same"})

    def approved(self, found: Plan, who: str = "officer") -> "Book":
        return self.write(who, "approval", {"plan": found.digest})

    def begun(self, found: Plan, name: str) -> "Book":
        return self.write("engineer", "intent", {"plan": found.digest, "subject": {"kind": "bucket", "name": name}})

    def applied(self, found: Plan) -> "Book":
        return self.write("engineer", "applied", {"plan": found.digest})

    def write(self, who: str, kind: str, data: dict) -> "Book":  # type: ignore[type-arg]
        self.who = who
        self.journal.append(kind, data)
        return self

    def refusals(self, found: Plan, now: Plan, files: str = "changed") -> tuple[str, ...]:
        return refusals(recorded_plans(self.journal.entries())[found.digest], now, files=files)


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path / "journal.jsonl")


def test_an_approved_plan_that_is_still_true_may_be_carried_out(book: Book) -> None:
    asked = plan(change("a"))
    assert book.planned(asked).approved(asked).refusals(asked, asked) == ()


def test_a_plan_that_nobody_approved_may_not(book: Book) -> None:
    asked = plan(change("a"))
    assert book.planned(asked).refusals(asked, asked) == ("nobody approved it",)


def test_production_needs_a_second_person(book: Book) -> None:
    asked = plan(change("a"))
    found = book.planned(asked).approved(asked, "engineer").refusals(asked, asked)
    assert found == ("only who asked for it approved it; a second person must",)


def test_a_training_environment_does_not(book: Book) -> None:
    asked = plan(change("a"), production=False)
    assert book.planned(asked).approved(asked, "engineer").refusals(asked, asked) == ()


def test_destruction_needs_a_second_person_everywhere(book: Book) -> None:
    asked = plan(change("a", action=Action.DELETE), production=False)
    book.planned(asked)
    recorded = recorded_plans(book.journal.entries())[asked.digest]
    assert approver_refusal(recorded, "engineer") is not None
    assert approver_refusal(recorded, "officer") is None


def test_an_approval_is_used_up_when_its_plan_was_carried_out(book: Book) -> None:
    asked = plan(change("a"))
    book.planned(asked).approved(asked).applied(asked)
    assert book.planned(asked).refusals(asked, asked) == ("nobody approved it",)


def test_a_plan_whose_world_moved_is_refused(book: Book) -> None:
    asked = plan(change("a"))
    found = book.planned(asked).approved(asked).refusals(asked, plan(change("a"), change("b")))
    assert found == ("it is no longer true: the files or the engines have changed since",)


def test_what_an_interrupted_run_left_is_still_approved(book: Book) -> None:
    asked = plan(change("a"), change("b"), change("c"))
    book.planned(asked).approved(asked).begun(asked, "a").begun(asked, "b")
    left = plan(change("b", before={"versioning": False}, action=Action.UPDATE), change("c"))
    assert book.refusals(asked, left) == ()


@pytest.mark.parametrize(
    ("left", "reason"),
    [
        pytest.param(
            plan(change("c"), change("x")), "bucket x would change, which was not approved", id="something new"
        ),
        pytest.param(
            plan(change("b", after={"versioning": False}), change("c")),
            "bucket b would become something else than what was approved",
            id="another goal",
        ),
        pytest.param(
            plan(change("b"), change("c", before={"versioning": False})),
            "bucket c is not what it was when the plan was approved",
            id="somebody else touched what was not begun",
        ),
        pytest.param(plan(change("b")), "bucket c is done, but not by this plan", id="somebody else did it"),
    ],
)
def test_an_interrupted_run_goes_on_only_with_what_was_approved(book: Book, left: Plan, reason: str) -> None:
    asked = plan(change("a"), change("b"), change("c"))
    book.planned(asked).approved(asked).begun(asked, "a").begun(asked, "b")
    assert reason in book.refusals(asked, left)


@pytest.mark.parametrize("begun", [[], ["a", "b"]], ids=["before it was begun", "half carried out"])
def test_while_a_source_is_dark_nobody_can_tell_whether_the_plan_is_still_true(book: Book, begun: list[str]) -> None:
    asked = plan(change("a"), change("b"), change("c"), unknown=(LOST,))
    book.planned(asked).approved(asked)
    for name in begun:
        book.begun(asked, name)
    now = plan(change("c"), unknown=(LOST, SEALED))
    assert book.refusals(asked, now) == ()
    assert unread(recorded_plans(book.journal.entries())[asked.digest], now) == (SEALED,)
    assert unread(recorded_plans(book.journal.entries())[asked.digest], plan(change("c"), unknown=(LOST,))) == ()


MOVED_ALONG = [
    pytest.param(plan(change("c"), change("unit")), id="what has to follow a change"),
    pytest.param(plan(change("c", before={"versioning": False})), id="what a change brought along"),
    pytest.param(plan(change("b")), id="what came right with it"),
]


@pytest.mark.parametrize("left", MOVED_ALONG)
def test_what_moved_along_on_a_source_under_way_is_approved_while_the_files_are_the_same(
    book: Book, left: Plan
) -> None:
    asked = plan(change("a"), change("b"), change("c"))
    book.planned(asked).approved(asked).begun(asked, "a")
    assert book.refusals(asked, left, files="same") == ()
    assert book.refusals(asked, left, files="changed") != ()


@pytest.mark.parametrize(("source", "refused"), [("host two", False), ("vault", True)], ids=["a host", "the vault"])
def test_where_one_host_was_begun_others_may_have_been(book: Book, source: str, refused: bool) -> None:
    asked = plan(change("a", source="host one"), change("b", source="host one"), change("c", source=source))
    book.planned(asked).approved(asked).begun(asked, "a")
    done = book.refusals(asked, plan(change("b", source="host one")), files="same")
    assert done == (("bucket c is done, but not by this plan",) if refused else ())


def test_nothing_is_deleted_because_it_moved_along(book: Book) -> None:
    asked = plan(change("a"), change("b"))
    book.planned(asked).approved(asked).begun(asked, "a")
    left = plan(change("b"), change("x", action=Action.DELETE, after=None, before={}))
    assert book.refusals(asked, left, files="same") == ("bucket x would change, which was not approved",)


def test_nothing_moves_along_on_another_source(book: Book) -> None:
    asked = plan(change("a"), change("b"))
    book.planned(asked).approved(asked).begun(asked, "a")
    left = plan(change("b"), change("x", source="vault"))
    assert book.refusals(asked, left, files="same") == ("bucket x would change, which was not approved",)


def test_a_source_that_was_dark_when_the_plan_was_approved_may_still_be(book: Book) -> None:
    dark = (Finding("host one", "it does not answer"),)
    asked = plan(change("a"), change("b"), unknown=dark)
    book.planned(asked).approved(asked).begun(asked, "a")
    assert book.refusals(asked, plan(change("b"), unknown=dark)) == ()


@pytest.mark.parametrize(
    ("prefix", "message"),
    [
        pytest.param("abc", "give at least 8 digits", id="too short"),
        pytest.param("0123456789", "the beginning of no recorded plans", id="unknown"),
        pytest.param("aaaaaaaa", "the beginning of 2 recorded plans", id="ambiguous"),
    ],
)
def test_a_digest_must_name_one_plan(prefix: str, message: str) -> None:
    plans = dict.fromkeys(["aaaaaaaa1", "aaaaaaaa2", "bbbbbbbb1"], Recorded(plan()))
    with pytest.raises(UsageError, match=message):
        find(prefix, plans)


def test_the_beginning_of_a_digest_is_enough() -> None:
    wanted = Recorded(plan(change("b")))
    assert find("BBBBBBBB", {"aaaaaaaa1": Recorded(plan()), "bbbbbbbb1": wanted}) is wanted


def test_the_steps_of_a_procedure_are_none_of_a_plans(book: Book) -> None:
    found = plan(change("a"))
    book.planned(found).write("engineer", "intent", {"procedure": "abc", "subject": {"kind": "bucket", "name": "a"}})
    assert recorded_plans(book.journal.entries())[found.digest].begun == frozenset()
