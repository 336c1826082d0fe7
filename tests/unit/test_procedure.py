"""Recorded steps: the intent before, the outcome after reading back, and going on by reading after any death."""

from collections.abc import Callable, Mapping

import pytest

from hosting_cli.errors import EngineError, UnreadableError, WaitingError
from hosting_cli.procedure import Outcome, State, Step, carry_out, is_complete, proof
from inventory.resource import Json, Subject

REFUSED = EngineError("vault", "it refused", "Ask.")
SEALED = UnreadableError("vault", "it is sealed", "Unseal it.")


class Died(BaseException):
    """Stand in for SIGKILL: nothing catches it."""


class World:
    """What is done, and everything that happened, in order."""

    def __init__(self) -> None:
        self.done: set[str] = set()
        self.events: list[str] = []
        self.forgets: set[str] = set()
        self.raises: dict[str, Exception] = {}
        self.blind: dict[str, Exception] = {}
        self.dies_before = 0
        """The number of the event before which it dies; 0 for never."""

    def happen(self, event: str) -> None:
        if self.dies_before and len(self.events) + 1 == self.dies_before:
            raise Died
        self.events.append(event)

    def step(self, name: str) -> Step:
        return Step(Subject("thing", name), f"make {name}", lambda: self.make(name), lambda: self.look(name))

    def proof(self, name: str) -> Step:
        return proof(Subject("thing", name), f"prove {name}", lambda: self.prove(name))

    def look(self, name: str) -> bool:
        self.happen(f"look {name}")
        if name in self.blind:
            raise self.blind[name]
        return name in self.done

    def make(self, name: str) -> None:
        self.happen(f"make {name}")
        if name in self.raises:
            raise self.raises[name]
        self.done |= {name} - self.forgets

    def prove(self, name: str) -> Mapping[str, Json]:
        self.happen(f"prove {name}")
        if name in self.raises:
            raise self.raises[name]
        return {"seen": name}

    def record(self, kind: str, data: Mapping[str, Json]) -> None:
        subject = data["subject"]
        assert isinstance(subject, dict)
        assert data["procedure"] == "abc"
        reason = f": {data['reason']}" if "reason" in data else ""
        self.happen(f"record {kind} {subject['name']}{reason}")

    def run(self, *steps: Step) -> tuple[Outcome, ...]:
        return carry_out(steps, digest="abc", record=self.record, tell=lambda line: None)


@pytest.fixture
def world() -> World:
    return World()


def states(outcomes: tuple[Outcome, ...]) -> list[State]:
    return [outcome.state for outcome in outcomes]


def test_the_intent_is_on_record_before_the_deed_and_the_outcome_after_reading_back(world: World) -> None:
    outcomes = world.run(world.step("a"))
    assert world.events == ["look a", "record intent a", "make a", "look a", "record done a"]
    assert states(outcomes) == [State.DONE]
    assert is_complete(outcomes)


def test_what_is_done_is_left_alone_and_said(world: World) -> None:
    world.done = {"a"}
    assert states(world.run(world.step("a"), world.step("b"))) == [State.IN_ORDER, State.DONE]
    assert world.events[:2] == ["look a", "record found-done a"]
    assert "make a" not in world.events


def test_a_proof_is_made_anew_by_every_run_and_its_evidence_kept(world: World) -> None:
    for _ in range(2):
        (outcome,) = world.run(world.proof("p"))
        assert (outcome.state, outcome.observed) == (State.DONE, {"seen": "p"})
    assert world.events == ["record intent p", "prove p", "record done p"] * 2


def test_nothing_follows_a_step_that_fails(world: World) -> None:
    world.raises = {"b": REFUSED}
    outcomes = world.run(world.step("a"), world.proof("b"), world.step("c"))
    assert states(outcomes) == [State.DONE, State.FAILED, State.NOT_BEGUN]
    assert outcomes[1].error is REFUSED
    assert world.events[-1] == "record failed b: it refused. Ask."
    assert not is_complete(outcomes)


def test_nothing_follows_a_step_that_waits_for_somebody_and_it_has_not_failed(world: World) -> None:
    world.raises = {"b": WaitingError("store", "it has not logged in yet", "Run it again.")}
    assert states(world.run(world.step("a"), world.proof("b"), world.step("c"))) == [
        State.DONE,
        State.WAITING,
        State.NOT_BEGUN,
    ]
    assert world.events[-1] == "record waiting b: it has not logged in yet"


def test_what_does_not_read_back_has_failed(world: World) -> None:
    world.forgets = {"a"}
    (outcome,) = world.run(world.step("a"))
    assert "does not read back as done" in str(outcome.error)


def test_what_cannot_be_read_is_not_done_blindly(world: World) -> None:
    world.blind = {"a": SEALED}
    (outcome,) = world.run(world.step("a"))
    assert outcome.error is SEALED
    assert "make a" not in world.events


def killed_at(number: int, steps: Callable[[World], tuple[Step, ...]]) -> World:
    """Run *steps* to death before event *number*, then again to the end."""
    world = World()
    world.dies_before = number
    with pytest.raises(Died):
        world.run(*steps(world))
    world.dies_before = 0
    assert is_complete(world.run(*steps(world)))
    return world


@pytest.mark.parametrize("number", range(1, 14))
def test_killed_before_anything_at_all_it_goes_on_and_does_nothing_twice(number: int) -> None:
    world = killed_at(number, lambda world: (world.step("a"), world.proof("p"), world.step("b")))
    assert [world.events.count(f"make {name}") for name in "ab"] == [1, 1]
    assert world.events.index("make a") < world.events.index("prove p") < world.events.index("make b")
