"""Carrying out: intent before, read back after, and nothing but dependents suffers from a failure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from hosting_cli.apply import Begin, Outcome, Step, batches, carry_out, one_by_one, read_back
from hosting_cli.errors import EngineError, HostingError
from hosting_cli.plan import Action, Change
from hosting_cli.resources import Policy, StoreUser
from inventory.resource import Json, Reading, Resource, Subject

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def policy(name: str) -> Policy:
    return Policy(name=name, owner="imaging", text="path {}")


def user(name: str, *requires: Resource) -> StoreUser:
    return StoreUser(name=name, owner="imaging", store="one", policy="{}", requires=tuple(r.subject for r in requires))


def create(resource: Resource) -> Change:
    return Change(
        resource.subject, Action.CREATE, resource.owner, resource.source, None, resource.state(), resource.requires
    )


class World:
    """An actor for one source that keeps what it is asked to make, and notes in which order things happen."""

    def __init__(self, source: str, events: list[str], *resources: Resource, fail: str = "", forget: str = "") -> None:
        self.source, self.events = source, events
        self.known = {resource.subject: resource for resource in resources}
        self.made: dict[Subject, Resource] = {}
        self.fail, self.forget = fail, forget
        self.rank = 0 if source == "vault" else 1

    def carry_out(self, changes: Sequence[Change], begin: Begin) -> Mapping[Subject, HostingError]:
        return one_by_one(changes, begin, self._make)

    def _make(self, change: Change) -> None:
        self.events.append(f"make {change.subject.name}")
        if change.subject.name == self.fail:
            raise EngineError(str(change.subject), "was refused", "Ask.")
        if change.subject.name != self.forget:
            self.made[change.subject] = self.known[change.subject]

    def read(self) -> Sequence[Reading]:
        self.events.append(f"read {self.source}")
        return [Reading(self.source, NOW, dict(self.made))]


def run(changes: Sequence[Change], *worlds: World) -> tuple[tuple[Outcome, ...], list[str]]:
    events = worlds[0].events

    def record(kind: str, data: Mapping[str, Json]) -> None:
        subject = data["subject"]
        assert isinstance(subject, dict)
        assert data["plan"] == "abc"
        events.append(f"record {kind} {subject['name']}")

    by_source = {world.source: world for world in worlds}
    found = carry_out(changes, digest="abc", actor_of=by_source.__getitem__, record=record, tell=lambda line: None)
    return found, events


def steps(outcomes: Sequence[Outcome]) -> dict[str, Step]:
    return {outcome.change.subject.name: outcome.step for outcome in outcomes}


def test_the_intent_is_on_record_before_the_deed_and_the_outcome_after_reading_back() -> None:
    world = World("vault", [], policy("a"))
    outcomes, events = run([create(policy("a"))], world)
    assert events == ["record intent a", "make a", "read vault", "record done a"]
    assert steps(outcomes) == {"a": Step.DONE}


def test_what_does_not_read_back_has_failed() -> None:
    world = World("vault", [], policy("a"), forget="a")
    outcomes, events = run([create(policy("a"))], world)
    assert steps(outcomes) == {"a": Step.FAILED}
    assert "reads back as absent" in str(outcomes[0].error)
    assert events[-1] == "record failed a"


def test_a_source_that_cannot_be_read_back_says_the_same_of_all_that_was_made_there() -> None:
    changes = [create(policy("a")), create(policy("b"))]
    sealed = Reading("vault", NOW, None, "it is sealed")
    found = [read_back(change, [sealed]) for change in changes]
    assert {(error.subject, error.what, error.exit_status) for error in found if error} == {
        ("vault", "what was made there could not be read back (it is sealed)", 4)
    }
    nothing = read_back(changes[0], [])
    assert nothing is not None
    assert "(nothing was read)" in nothing.what


def test_what_reads_back_differently_names_the_difference() -> None:
    world = World("vault", [], policy("a"))
    wanted = create(Policy(name="a", owner="imaging", text="path { deny }"))
    outcomes, _ = run([wanted], world)
    assert "text path {} instead of path { deny }" in str(outcomes[0].error)


def test_a_failure_stops_its_dependents_and_nothing_else() -> None:
    events: list[str] = []
    first, dependent, free = policy("first"), user("dependent", policy("first")), user("free")
    vault = World("vault", events, first, fail="first")
    store = World("object-store one", events, dependent, free)
    outcomes, _ = run([create(first), create(dependent), create(free)], vault, store)
    assert steps(outcomes) == {"first": Step.FAILED, "dependent": Step.SKIPPED, "free": Step.DONE}
    assert "make dependent" not in events


def test_a_failure_stops_its_dependents_within_one_run_too() -> None:
    first, second = policy("first"), Policy(name="second", owner="i", text="", requires=(policy("first").subject,))
    outcomes, events = run([create(first), create(second)], World("vault", [], first, second, fail="first"))
    assert steps(outcomes) == {"first": Step.FAILED, "second": Step.SKIPPED}
    assert "make second" not in events


def names_of_runs(changes: Sequence[Change]) -> list[list[str]]:
    worlds = {world.source: world for world in (World("vault", []), World("object-store one", []))}
    return [[change.subject.name for change in batch] for _, batch in batches(changes, worlds.__getitem__)]


def test_changes_of_one_source_share_a_run_unless_another_source_comes_between() -> None:
    key, member, late = policy("key"), user("member", policy("key")), Policy(name="late", owner="i", text="")
    waiting = Policy(name="waiting", owner="i", text="", requires=(member.subject,))
    assert names_of_runs([create(r) for r in (key, member, late, waiting)]) == [
        ["key", "late"],
        ["member"],
        ["waiting"],
    ]


def test_the_lowest_rank_goes_first_whatever_the_order_of_the_plan() -> None:
    assert names_of_runs([create(user("member")), create(policy("key"))]) == [["key"], ["member"]]


def test_deletions_come_when_all_else_is_made() -> None:
    gone = Change(policy("gone").subject, Action.DELETE, "imaging", "vault", policy("gone").state(), None)
    assert names_of_runs([gone, create(user("member")), create(policy("key"))]) == [["key"], ["member"], ["gone"]]


def test_the_number_of_readings_does_not_grow_with_the_changes() -> None:
    policies = [policy(f"p{number}") for number in range(50)]
    world = World("vault", [], *policies)
    _, events = run([create(item) for item in policies], world)
    assert events.count("read vault") == 1
