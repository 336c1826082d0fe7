"""What a run does next, as a table; and runs through every death, by whomever they are resumed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from runbook_world import Died

from hosting_cli.errors import EngineError, RefusedError
from hosting_cli.journal import Entry
from hosting_cli.procedure import Step
from hosting_cli.request import Request, asked
from hosting_cli.runbooks.carrying import Halt, go_on
from hosting_cli.runbooks.deciding import (
    STEP,
    Complete,
    Next,
    Refuse,
    Skip,
    Take,
    Told,
    Wait,
    Wish,
    decide,
    told,
)
from hosting_cli.runbooks.resolving import Resolved, ResolvedStep, RunPlan
from inventory.resource import Json, Subject

CALL = Resolved("switch.turn", {}, ("turn",))


def resolved(name: str, *, needs_approval: bool = False, may_skip: bool = False) -> ResolvedStep:
    return ResolvedStep(name, f"turn {name}", (), CALL, CALL, None, 10, needs_approval, may_skip)


A, B = resolved("a"), resolved("b", needs_approval=True, may_skip=True)
AGAIN = "Say with --reason why it will go well now"
CASES: dict[str, tuple[set[str], Told, bool, Wish, Next]] = {
    "the first step is first": (set(), Told(), True, Wish(), Take(A)),
    "what is settled is not taken again": ({"a"}, Told(), True, Wish(), Take(B)),
    "when all is settled it is complete": ({"a", "b"}, Told(), True, Wish(), Complete()),
    "what needs no approval does not wait for it": (set(), Told(), False, Wish(), Take(A)),
    "what needs approval waits for it": ({"a"}, Told(), False, Wish(), Wait(B)),
    "what was skipped stays skipped": ({"a"}, Told(skipped={"b": "broken"}), True, Wish(), Complete()),
    "what may be skipped is, for a reason": ({"a"}, Told(), False, Wish("b", "broken"), Skip(B, "broken")),
    "nothing is skipped without a reason": (
        {"a"},
        Told(),
        True,
        Wish("b"),
        Refuse("nobody says why step b is skipped", "Give --reason."),
    ),
    "what may not be skipped is not": (
        set(),
        Told(),
        True,
        Wish("a", "broken"),
        Refuse("step a may not be skipped", "What follows rests on it: mend what is in its way."),
    ),
    "a step that there is not cannot be skipped": (
        set(),
        Told(),
        True,
        Wish("c", "broken"),
        Refuse("there is no step c", "Name one of: a, b."),
    ),
    "a later step is skipped in its turn": (set(), Told(), True, Wish("b", "broken"), Take(A)),
    "what failed is not tried again without a reason": (
        set(),
        Told(failed="a"),
        True,
        Wish(),
        Refuse("step a failed", f"{AGAIN}."),
    ),
    "what failed and may be skipped says so": (
        {"a"},
        Told(failed="b"),
        True,
        Wish(),
        Refuse("step b failed", f"{AGAIN}, or leave it out with --skip b --reason."),
    ),
    "what failed is tried again for a reason": (set(), Told(failed="a"), True, Wish(None, "oiled"), Take(A, "oiled")),
    "a reason is for the step that failed alone": ({"a"}, Told(failed="a"), True, Wish(None, "oiled"), Take(B)),
    "a reason approves nothing": ({"a"}, Told(failed="b"), False, Wish(None, "oiled"), Wait(B)),
}


@pytest.mark.parametrize(("settled", "known", "approved", "wish", "expected"), CASES.values(), ids=CASES.keys())
def test_what_is_next(settled: set[str], known: Told, approved: bool, wish: Wish, expected: Next) -> None:
    assert decide((A, B), frozenset(settled), known, approved=approved, wish=wish) == expected


def entry(kind: str, step: str, *, digest: str = "run", **data: Json) -> Entry:
    about: dict[str, Json] = {"procedure": digest, "subject": {"kind": STEP, "name": step}, **data}
    return Entry(1, "2026-11-22T03:00:00.000Z", "token-a", kind, about, "")


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([], Told()),
        ([entry("intent", "a")], Told()),
        ([entry("failed", "a")], Told(failed="a")),
        ([entry("waiting", "a")], Told()),
        ([entry("failed", "a"), entry("done", "a")], Told()),
        ([entry("failed", "a"), entry("found-done", "a")], Told()),
        ([entry("failed", "b"), entry("found-done", "a")], Told(failed="b")),
        ([entry("failed", "a"), entry("skipped", "a", reason="broken")], Told(skipped={"a": "broken"})),
        ([entry("failed", "a", digest="another")], Told()),
    ],
    ids=str,
)
def test_what_the_journal_tells_of_a_run(entries: list[Entry], expected: Told) -> None:
    assert told(entries, "run") == expected


# -- whole runs, through every death ------------------------------------------------------------------------------


@dataclass
class World:
    """Switches behind a journal, and a death at the event of that number."""

    person: str = "token-a"
    written: list[Entry] = field(default_factory=list)
    on: set[str] = field(default_factory=set)
    turned: list[str] = field(default_factory=list)
    stuck: set[str] = field(default_factory=set)
    events: int = 0
    dies_at: int = 0

    def happen(self) -> None:
        self.events += 1
        if self.events == self.dies_at:
            raise Died

    def record(self, kind: str, data: Mapping[str, Json]) -> None:
        self.happen()
        self.write(kind, data)
        self.happen()

    def write(self, kind: str, data: Mapping[str, Json]) -> None:
        self.written.append(Entry(len(self.written) + 1, "2026-11-22T03:00:00.000Z", self.person, kind, data, ""))

    def turn(self, name: str) -> None:
        self.happen()
        if name in self.stuck:
            raise EngineError(f"switch {name}", "it is stuck", "Oil it.")
        self.turned.append(name)
        self.on.add(name)
        self.happen()

    def step(self, one: ResolvedStep) -> Step:
        def turn() -> None:
            self.turn(one.id)

        return Step(Subject(STEP, one.id), one.says, turn, lambda: one.id in self.on)


def ask_for(world: World, steps: Sequence[ResolvedStep]) -> Request:
    request = RunPlan("switches", "text", "hall", {}, tuple(steps)).request(environment="test", occasion="now")
    world.write("request", {"request": request.body()})
    return request


def go(world: World, steps: Sequence[ResolvedStep], digest: str, wish: Wish = Wish()) -> Halt:  # noqa: B008 frozen
    return go_on(
        steps,
        wish,
        digest=digest,
        make=world.step,
        entries=lambda: world.written,
        record=world.record,
        tell=lambda _: None,
        hold=lambda _: world.happen(),
    )


PLANS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=5).map(
    lambda marks: [
        resolved(f"s{number}", needs_approval=approval, may_skip=skip) for number, (approval, skip) in enumerate(marks)
    ]
)


@settings(max_examples=40)
@given(steps=PLANS, deaths=st.lists(st.integers(1, 30), max_size=8))
def test_killed_anywhere_and_resumed_by_another_every_step_is_done_once_and_in_order(
    steps: list[ResolvedStep], deaths: list[int]
) -> None:
    world = World()
    digest = ask_for(world, steps).digest
    approve(world, digest)
    for number, death in enumerate([*deaths, 0]):
        world.person = f"token-{number % 2}"
        world.events, world.dies_at = 0, death
        try:
            halt = go(world, steps, digest)
        except Died:
            continue
    assert halt.is_complete
    assert world.turned == [step.id for step in steps]
    assert told(world.written, digest) == Told()


@settings(max_examples=40)
@given(steps=PLANS, deaths=st.lists(st.integers(1, 30), max_size=6))
def test_nothing_from_the_first_step_that_needs_approval_on_is_done_before_somebody_else_approved(
    steps: list[ResolvedStep], deaths: list[int]
) -> None:
    world = World()
    digest = ask_for(world, steps).digest
    for death in [*deaths, 0]:
        world.events, world.dies_at = 0, death
        # Whoever asked may write an approval into the journal: it is none.
        world.write("approval", {"procedure": digest})
        try:
            halt = go(world, steps, digest)
        except Died:
            continue
    free = [step.id for step in steps[: first_to_be_approved(steps)]]
    assert world.turned == free
    assert halt.is_complete is (len(free) == len(steps))
    assert isinstance(halt.next, Complete if halt.is_complete else Wait)
    approve(world, digest)
    assert go(world, steps, digest).is_complete
    assert world.turned == [step.id for step in steps]


@settings(max_examples=40)
@given(steps=PLANS, stuck=st.integers(0, 4), deaths=st.lists(st.integers(1, 30), max_size=4))
def test_nothing_follows_a_step_that_fails_until_it_is_mended_or_skipped_for_a_reason(
    steps: list[ResolvedStep], stuck: int, deaths: list[int]
) -> None:
    world, broken = World(), steps[stuck % len(steps)]
    digest = ask_for(world, steps).digest
    approve(world, digest)
    world.stuck = {broken.id}
    before = [step.id for step in steps[: steps.index(broken)]]
    for death in [*deaths, 0]:
        world.events, world.dies_at = 0, death
        try:
            halt = go(world, steps, digest)
        except Died:
            continue
    assert world.turned == before
    assert halt.next is None or isinstance(halt.next, Refuse)
    assert isinstance(go(world, steps, digest).next, Refuse)
    if broken.may_skip:
        assert go(world, steps, digest, Wish(broken.id, "not needed today")).is_complete
        assert broken.id not in world.turned
        assert told(world.written, digest).skipped == {broken.id: "not needed today"}
    else:
        assert isinstance(go(world, steps, digest, Wish(broken.id, "no")).next, Refuse)
        world.stuck.clear()
        assert go(world, steps, digest, Wish(None, "oiled")).is_complete
        assert world.turned == [step.id for step in steps]


def first_to_be_approved(steps: Sequence[ResolvedStep]) -> int:
    return next((number for number, step in enumerate(steps) if step.needs_approval), len(steps))


def approve(world: World, digest: str) -> None:
    asker, world.person = world.person, "token-officer"
    world.write("approval", {"procedure": digest})
    world.person = asker


def test_without_the_lease_no_step_is_taken() -> None:
    world, steps = World(), [resolved("a"), resolved("b")]
    digest = ask_for(world, steps).digest
    taken: list[int] = []

    def hold(seconds: int) -> None:
        taken.append(seconds)
        if len(taken) == 2:
            raise RefusedError("run", "a colleague has taken it over", "Ask them.")

    with pytest.raises(RefusedError):
        go_on(
            steps,
            Wish(),
            digest=digest,
            make=world.step,
            entries=lambda: world.written,
            record=world.record,
            tell=lambda _: None,
            hold=hold,
        )
    assert (taken, world.turned) == ([10, 10], ["a"])


def test_a_request_for_a_run_is_one_of_the_requests_of_the_journal() -> None:
    world = World()
    request = ask_for(world, [B])
    known = asked(world.written)[request.digest]
    assert (known.request.second_person, known.is_approved, known.request.subject.name) == (
        True,
        False,
        "switches hall",
    )
