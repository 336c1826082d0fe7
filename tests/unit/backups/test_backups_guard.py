"""What the guard refuses, each reason by itself; and what no forger gets past it, whatever they add."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from repositories import HOST, MEBIBYTE, NOW, case, nightly, snapshot
from sample import region

from hosting_cli.backups.guard import Limits
from hosting_cli.backups.pruning import Proposal, propose, request
from hosting_cli.backups.repository import Lock, Snapshot
from hosting_cli.errors import UsageError

GOOD = nightly(20)
DAY = timedelta(days=1)


def rules(proposal: Proposal) -> list[str]:
    return [refusal.rule for refusal in proposal.refusals]


def sentences(proposal: Proposal) -> str:
    return "; ".join(refusal.sentence for refusal in proposal.refusals)


def edited(number: int, **changes: Any) -> tuple[Snapshot, ...]:
    """Give the good nights with one of them changed."""
    found = list(GOOD)
    found[number] = replace(found[number], **changes)
    return tuple(found)


def test_an_honest_history_is_pruned() -> None:
    found = propose(case(GOOD))
    assert (found.allowed, rules(found)) == (True, [])
    assert 0 < len(found.gone) < len(GOOD)


@pytest.mark.parametrize(
    ("snapshots", "rule", "says"),
    [
        (edited(-1, claimed=NOW + DAY), "plausible", "later than the store took it"),
        (edited(3, claimed=NOW - 400 * DAY), "plausible", "no backup lasts that long"),
        (edited(3, stored=None), "plausible", "nobody can tell when it came"),
        (edited(-1, stored=NOW + DAY, claimed=NOW + DAY), "plausible", "one of our clocks is wrong"),
        (edited(3, host="dijon-app-2"), "plausible", f"in the repository of {HOST}"),
        (edited(-1, size_bytes=10 * MEBIBYTE), "size", "it shrank"),
        (edited(-1, size_bytes=900 * MEBIBYTE), "size", "it grew"),
        (edited(-1, files=3), "size", "holds 3 files where 1000 are usual"),
        (edited(-1, size_bytes=None), "size", "nobody can tell how many bytes"),
        (edited(-1, added_bytes=99 * MEBIBYTE), "added", "somebody has encrypted"),
        (edited(-1, added_bytes=None), "added", "does not tell how much of it is new"),
    ],
    ids=[
        "dated in the future",
        "dated long ago",
        "not in the store",
        "a store ahead of us",
        "of another host",
        "shrunk",
        "grown",
        "few files",
        "of unknown size",
        "all new",
        "silent about what is new",
    ],
)
def test_a_snapshot_that_is_not_right_is_named(snapshots: tuple[Snapshot, ...], rule: str, says: str) -> None:
    found = propose(case(snapshots))
    refusal = next(refusal for refusal in found.refusals if refusal.rule == rule)
    assert says in refusal.sentence
    assert set(refusal.snapshots) < {one.id for one in snapshots}


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"overwritten": ("data/ab/abcd",)}, "overwritten"),
        ({"unreadable": ("a" * 64,)}, "unreadable"),
        ({"removed": frozenset({"a" * 64})}, "removed"),
        ({"last_drill": None}, "drill"),
        ({"last_drill": NOW - 93 * DAY}, "drill"),
        ({"locks": (Lock("b" * 64, NOW - timedelta(minutes=2)),)}, "lock"),
    ],
    ids=["overwritten", "unreadable", "removed by others", "never drilled", "drilled long ago", "at work"],
)
def test_what_else_speaks_against_it(changes: dict[str, Any], rule: str) -> None:
    assert rules(propose(case(GOOD, **changes))) == [rule]


@pytest.mark.parametrize(
    "changes",
    [
        {"removed": frozenset({"a" * 64}), "removed_by_us": frozenset({"a" * 64})},
        {"locks": (Lock("b" * 64, NOW - timedelta(hours=9)),)},
    ],
    ids=["removed by us", "a lock whose holder is dead"],
)
def test_what_does_not(changes: dict[str, Any]) -> None:
    assert rules(propose(case(GOOD, **changes))) == []


def test_every_reason_is_told_at_once() -> None:
    snapshots = edited(-1, claimed=NOW + DAY, host="elsewhere")
    found = propose(case(snapshots, last_drill=None, overwritten=("config",)))
    assert rules(found) == ["plausible", "plausible", "overwritten", "drill"]


def test_a_day_of_many_is_a_flood() -> None:
    flood = tuple(snapshot(NOW - timedelta(minutes=number)) for number in range(20))
    found = propose(case((*GOOD, *flood)))
    assert rules(found) == ["flood"]
    assert propose(case((*GOOD, *flood), accepted=frozenset(found.refusals[0].snapshots))).allowed


def test_junk_that_stands_for_a_good_one_of_its_day_is_seen_although_it_is_not_the_newest() -> None:
    junk = snapshot(GOOD[-2].stored + timedelta(hours=9), size_bytes=MEBIBYTE, files=1)  # type: ignore[operator]
    found = propose(case((*GOOD, junk)))
    assert GOOD[-2] in found.gone
    assert {refusal.snapshots for refusal in found.refusals} == {(junk.id,)}


def test_a_store_that_tells_seconds_only_is_enough() -> None:
    """Two backups that ended within one second: the later one stands for the other."""
    earlier = snapshot(NOW)
    later = replace(earlier, id="f" * 64, claimed=earlier.claimed + timedelta(milliseconds=300))
    found = propose(case((later, earlier)))
    assert (found.gone, found.refusals) == ((earlier,), ())


def test_nothing_stands_for_paths_that_are_copied_no_longer() -> None:
    old = snapshot(NOW - 200 * DAY, paths=("/srv/imagerie", "/srv/former"))
    found = propose(case((old, *nightly(100))))
    assert "would stay that holds /srv/imagerie, /srv/former" in sentences(found)
    assert propose(case((old, *nightly(100)), accepted=frozenset({old.short_id}))).allowed


def test_the_wiped_repository_of_the_naive_tool_is_not_ours() -> None:
    """Thirty snapshots of nothing, dated into the days to come: by those dates, all good ones would go."""
    lies = tuple(
        snapshot(NOW - timedelta(seconds=number), claimed=NOW + number * DAY, size_bytes=0, files=0)
        for number in range(1, 31)
    )
    found = propose(case((*GOOD, *lies)))
    assert not found.allowed
    named = {
        identifier for refusal in found.refusals if refusal.rule == "plausible" for identifier in refusal.snapshots
    }
    assert named == {one.id for one in lies}
    set_aside = propose(case((*GOOD, *lies), set_aside=frozenset(one.id for one in lies)))
    assert rules(set_aside) == []
    assert {one.id for one in set_aside.gone} == named | {one.id for one in propose(case(GOOD)).gone}


@pytest.mark.parametrize("what", ["set_aside", "accepted"])
def test_only_what_the_guard_names_can_be_put_out_of_the_way(what: str) -> None:
    with pytest.raises(UsageError, match="the guard has nothing against it"):
        propose(case(GOOD, **{what: frozenset({GOOD[4].id})}))
    with pytest.raises(UsageError, match="is the beginning of no snapshots"):
        propose(case(GOOD, **{what: frozenset({"nothing"})}))


def test_a_digest_names_what_would_go_and_nothing_else() -> None:
    first = propose(case(GOOD))
    again = propose(case((*GOOD, snapshot(NOW))))
    assert {one.id for one in first.gone} < {one.id for one in again.gone}
    application = region().applications[0]

    def digest(proposal: Proposal, after: str | None = None) -> str:
        return request(application, "lab", [proposal], after=after).digest

    assert digest(first) != digest(again)
    assert digest(first) == digest(propose(case(GOOD, last_drill=NOW)))
    assert digest(first) != digest(first, after="a prune before"), "the same again needs another approval"


# -- whatever a forger adds -----------------------------------------------------------------------------------------

offsets = some.timedeltas(min_value=timedelta(days=-1000), max_value=timedelta(days=1000))
lies = some.lists(
    some.builds(
        lambda seconds, claim, size: snapshot(
            NOW - timedelta(seconds=seconds), claimed=NOW + claim, size_bytes=size, files=size // 1000, added_bytes=size
        ),
        some.integers(0, 3600),
        offsets,
        some.integers(0, 1 << 34),
    ),
    max_size=40,
    unique_by=lambda one: one.stored,
).map(tuple)


@given(lies)
def test_no_good_snapshot_of_a_day_that_counts_goes_for_a_lie(forged: tuple[Snapshot, ...]) -> None:
    """Either the guard refuses, or each day before the attack keeps what it would have kept without it."""
    found = propose(case((*GOOD, *forged)))
    gone = {one.id for one in found.gone}
    before = GOOD[:-1]
    safe = {one.id for one in propose(case(GOOD)).gone}
    today = {GOOD[-1].id}
    assert not found.allowed or (gone & {one.id for one in before}) <= safe | today


@given(lies)
def test_each_lie_about_its_time_is_named(forged: tuple[Snapshot, ...]) -> None:
    limits = Limits()
    wrong = {
        one.id
        for one in forged
        if one.stored and not (-limits.clock_skew <= one.stored - one.claimed <= limits.longest_backup)
    }
    found = propose(case((*GOOD, *forged)))
    named = {
        identifier for refusal in found.refusals if refusal.rule == "plausible" for identifier in refusal.snapshots
    }
    assert named == wrong


@given(some.integers(1, 90), some.integers(0, 30))
def test_an_honest_history_of_any_length_is_never_refused(nights: int, extra_hours: int) -> None:
    hours = tuple(snapshot(NOW - timedelta(hours=number, minutes=3)) for number in range(0, extra_hours, 4))
    assert propose(case((*nightly(nights), *hours))).refusals == ()
