"""What was asked for is done once, by whoever may, and only when somebody else approved where that is needed."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hosting_cli.approval import recorded_plans
from hosting_cli.errors import UsageError
from hosting_cli.journal import Journal
from hosting_cli.request import Asked, Request, approver_refusal, asked, find, find_open, from_body, open_request
from inventory.resource import Json, Subject

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
KEY = Subject("transit-key", "hosting-imaging-objects")
REQUEST = Request("rotate", KEY, "imaging", "test", {"to_version": 2}, second_person=True)


class Book:
    """A journal in which several people write."""

    def __init__(self, path: Path) -> None:
        self.who = ""
        self.journal = Journal(path, now=lambda: NOW, who=lambda: self.who)

    def write(self, who: str, kind: str, data: Mapping[str, Json]) -> "Book":
        self.who = who
        self.journal.append(kind, data)
        return self

    def ask(self, request: Request = REQUEST, who: str = "engineer") -> "Book":
        return self.write(who, "request", {"request": request.body()})

    def note(self, kind: str, who: str, request: Request = REQUEST) -> "Book":
        return self.write(who, kind, {"procedure": request.digest})

    def known(self, request: Request = REQUEST) -> Asked:
        return asked(self.journal.entries())[request.digest]

    def open(self) -> Asked | None:
        return open_request("rotate", KEY, asked(self.journal.entries()))


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path / "journal.jsonl")


def test_a_request_comes_back_from_the_journal_as_it_was(book: Book) -> None:
    known = book.ask().known()
    assert (known.request, known.asked_by, known.asked_at) == (REQUEST, {"engineer"}, NOW)
    assert from_body(REQUEST.body()) == REQUEST


def test_another_goal_is_another_request() -> None:
    assert replace(REQUEST, goal={"to_version": 3}).digest != REQUEST.digest


def test_in_production_whoever_asked_cannot_let_it_happen(book: Book) -> None:
    book.ask()
    assert approver_refusal(book.known(), "engineer") == "engineer asked for it: a second person must approve it"
    assert approver_refusal(book.known(), "officer") is None
    assert not book.note("approval", "engineer").known().is_approved
    assert book.note("approval", "officer").known().is_approved


def test_whoever_asks_as_well_can_no_longer_be_the_second_person(book: Book) -> None:
    book.ask().note("approval", "officer").ask(who="officer")
    assert not book.known().is_approved


def test_elsewhere_nobody_has_to_approve(book: Book) -> None:
    request = replace(REQUEST, second_person=False)
    assert book.ask(request).known(request).is_approved


@pytest.mark.parametrize("end", ["completed", "withdrawn"])
def test_what_was_ended_is_open_no_more(book: Book, end: str) -> None:
    assert book.open() is None
    opened = book.ask().open()
    assert opened is not None
    assert opened.request == REQUEST
    assert book.note(end, "engineer").open() is None
    assert find_open(REQUEST.digest, asked(book.journal.entries())) is None


def test_a_request_is_found_by_the_beginning_of_its_digest_and_by_nothing_shorter(book: Book) -> None:
    found = asked(book.ask().journal.entries())
    assert find_open(REQUEST.digest[:8].upper(), found) is not None
    assert find_open(REQUEST.digest[:7], found) is None
    assert find_open("0" * 12, found) is None


def test_requests_are_no_plans_and_their_approvals_are_nobodys_elses(book: Book) -> None:
    book.ask().note("approval", "officer").note("intent", "engineer")
    assert recorded_plans(book.journal.entries()) == {}


@pytest.mark.parametrize("prefix", ["1234567", "f" * 64], ids=["too short", "of none"])
def test_a_digest_that_names_no_request_says_why(book: Book, prefix: str) -> None:
    requests = asked(book.ask().journal.entries())
    assert find(REQUEST.digest[:8], "rotate", requests).request == REQUEST
    with pytest.raises(UsageError, match=r"names too little|no such requests"):
        find(prefix, "rotate", requests)
    with pytest.raises(UsageError, match="no such requests"):
        find(REQUEST.digest[:8], "another procedure", requests)


def test_what_was_called_off_and_is_asked_for_again_is_approved_again(book: Book) -> None:
    book.ask().note("approval", "officer").note("withdrawn", "engineer").ask()
    assert book.open() is not None
    assert not book.known().is_approved


def test_a_request_is_begun_with_its_first_step(book: Book) -> None:
    assert not book.ask().note("approval", "officer").known().begun
    assert book.note("intent", "engineer").known().begun
