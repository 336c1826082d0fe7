"""A plan is a pure comparison: these tables are its contract."""

from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import ClassVar

import pytest

from deploys import resources as host_resources
from hosting_cli import plan as plans
from hosting_cli import resources as engine_resources
from hosting_cli.plan import Action, Finding, Plan, compare, from_document
from inventory.resource import Reading, Resource, Subject

HOST_KINDS = tuple(host_resources.KINDS.values())
ENGINE_KINDS = tuple(
    found
    for found in vars(engine_resources).values()
    if isinstance(found, type) and issubclass(found, Resource) and hasattr(found, "kind")
)
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Rule(Resource):
    kind: ClassVar[str] = "rule"
    immutable: ClassVar[frozenset[str]] = frozenset({"family"})
    text: str = "accept"
    family: str = "inet"
    on: str = "one"

    @property
    def source(self) -> str:
        return f"engine {self.on}"


@dataclass(frozen=True, kw_only=True)
class Store(Rule):
    kind: ClassVar[str] = "store"
    data_bearing: ClassVar[bool] = True
    growing: ClassVar[frozenset[str]] = frozenset({"size"})
    size: int = 1


def rule(name: str = "a", **attributes: object) -> Rule:
    return Rule(**{"name": name, "owner": "platform", **attributes})  # type: ignore[arg-type]


def store(name: str = "s", **attributes: object) -> Store:
    return Store(**{"name": name, "owner": "imaging", **attributes})  # type: ignore[arg-type]


def seen(*resources: Resource, source: str = "engine one") -> Reading:
    return Reading(source, NOW, {resource.subject: resource for resource in resources})


def unseen(source: str = "engine one", behind: str | None = None) -> Reading:
    return Reading(source, NOW, None, "it is sealed", behind)


def make(desired: list[Resource], *readings: Reading, owners: frozenset[str] | None = None) -> Plan:
    return plans.plan(desired, readings, region="r", environment="e", owners=owners)


@pytest.mark.parametrize(
    ("should", "is_now", "expected"),
    [
        pytest.param(rule(), None, Action.CREATE, id="absent and wanted"),
        pytest.param(rule(), rule(), None, id="already as wanted"),
        pytest.param(rule(text="drop"), rule(), Action.UPDATE, id="drifted"),
        pytest.param(None, rule(), Action.DELETE, id="no longer wanted"),
        pytest.param(rule(family="ip"), rule(), Action.REPLACE, id="an attribute that cannot change in place"),
        pytest.param(store(text="x"), store(), Action.UPDATE, id="data-bearing and changeable"),
        pytest.param(store(size=2), store(), Action.UPDATE, id="data-bearing and to be larger"),
    ],
)
def test_compare_names_the_action(should: Resource | None, is_now: Resource | None, expected: Action | None) -> None:
    found = compare(should, is_now)
    assert expected == (found.action if isinstance(found, plans.Change) else found)


def test_what_bears_data_never_becomes_smaller() -> None:
    found = compare(store(size=1), store(size=2))
    assert isinstance(found, Finding)
    assert found.reason == "size is 2 where 1 is asked for; it bears data and cannot be changed in place"


@pytest.mark.parametrize("kind", [*HOST_KINDS, *ENGINE_KINDS], ids=lambda kind: kind.kind)
def test_resources_are_equal_exactly_when_their_names_and_states_are(kind: type[Resource]) -> None:
    compared = {attribute.name for attribute in fields(kind) if attribute.compare}
    of_state = {attribute.name for attribute in fields(kind) if attribute.metadata.get("state", True)}
    assert compared == of_state
    assert kind.__eq__ is not Resource.__eq__


def test_what_reads_as_the_same_state_is_in_order_even_if_it_was_spelt_otherwise() -> None:
    found = make([rule(text=("a", "b"))], seen(rule(text=["a", "b"])))
    assert (found.is_empty, found.in_order) == (True, 1)


@pytest.mark.parametrize(
    ("should", "is_now", "reason"),
    [
        pytest.param(None, store(), "no file asks for it any more", id="no longer wanted"),
        pytest.param(store(family="ip"), store(), "family is inet where ip is asked for", id="would need replacing"),
    ],
)
def test_what_bears_data_is_never_deleted_or_replaced(
    should: Resource | None, is_now: Resource | None, reason: str
) -> None:
    found = compare(should, is_now)
    assert isinstance(found, Finding)
    assert reason in found.reason


def test_prerequisites_come_first_and_deletions_last() -> None:
    desired = [rule("a", requires=(Subject("rule", "b"),)), rule("b", requires=(Subject("rule", "z"),)), rule("z")]
    found = make(desired, seen(rule("gone")))
    assert [str(change.subject) for change in found.changes] == ["rule z", "rule b", "rule a", "rule gone"]


def test_an_unreadable_source_is_unknown_and_never_absent() -> None:
    found = make([rule()], unseen())
    assert found.changes == ()
    assert found.unknown == (Finding("engine one", "it is sealed"),)
    assert not found.is_empty


def test_what_is_unknown_only_because_something_else_is_is_not_told_twice_and_never_absent() -> None:
    desired = [rule("a"), rule("b", on="two"), rule("c", on="three", requires=(Subject("rule", "b"),))]
    hidden = unseen("engine two", behind="engine one")
    found = make(desired, unseen(), hidden, seen(source="engine three"))
    assert (found.changes, found.unknown) == ((), (Finding("engine one", "it is sealed"),))
    assert found.blocked == (Finding("rule c", "waits: engine one could not be read"),)


@pytest.mark.parametrize("other", [[], [seen(rule("a"))]], ids=["is none of this plan's", "can be read"])
def test_what_is_unknown_is_told_where_nothing_else_is_that_it_would_be_behind(other: list[Reading]) -> None:
    found = make([rule("b", on="two")], *other, unseen("engine two", behind="engine one"))
    assert found.unknown == (Finding("engine two", "it is sealed"),)
    assert not found.is_empty


def test_what_depends_on_something_unknown_waits() -> None:
    desired = [rule("key"), rule("user", on="two", requires=(Subject("rule", "key"),)), rule("free", on="two")]
    found = make(desired, unseen(), seen(source="engine two"))
    assert [change.subject.name for change in found.changes] == ["free"]
    assert found.blocked == (Finding("rule user", "waits: engine one could not be read"),)


def test_what_depends_on_a_conflict_waits() -> None:
    desired = [store(family="ip"), rule("user", requires=(Subject("store", "s"),))]
    found = make(desired, seen(store()))
    assert found.conflicts[0].subject == "store s"
    assert found.blocked == (Finding("rule user", "waits: store s is in conflict"),)


def test_a_scope_takes_its_prerequisites_along_and_leaves_the_rest() -> None:
    desired = [store(requires=(Subject("rule", "engine"),)), rule("engine"), rule("other")]
    found = make(desired, seen(rule("foreign")), owners=frozenset({"imaging"}))
    assert [str(change.subject) for change in found.changes] == ["rule engine", "store s"]


def test_nothing_to_do_is_said_aloud() -> None:
    found = make([rule(), store()], seen(rule(), store()))
    assert (found.is_empty, found.in_order) == (True, 2)


def test_a_plan_survives_its_document() -> None:
    found = make([rule(), store(text="x")], seen(store()))
    assert from_document(found.document()) == found


def test_a_changed_document_is_refused() -> None:
    document = make([rule()], seen()).document()
    document["changes"][0]["after"]["text"] = "drop"  # type: ignore[index,call-overload]
    with pytest.raises(ValueError, match="digest"):
        from_document(document)


def test_the_digest_names_the_content_and_nothing_else() -> None:
    one = make([rule()], seen())
    assert one.digest == make([rule()], replace(seen(), taken_at=datetime(2030, 1, 1, tzinfo=UTC))).digest
    assert one.digest != make([rule(text="drop")], seen()).digest
