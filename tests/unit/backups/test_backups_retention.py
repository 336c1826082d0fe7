"""What a retention keeps: tables for its rhythms, and what must hold whatever the snapshots."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some
from repositories import NOW, nightly, snapshot

from hosting_cli.backups.repository import Snapshot
from hosting_cli.backups.retention import Decision, keep
from inventory.models import Retention


def kept_days(snapshots: tuple[Snapshot, ...], retention: Retention) -> list[str]:
    kept = [decision.snapshot.stored for decision in keep(snapshots, retention) if decision.kept]
    return [stored.strftime("%m-%d") for stored in kept if stored is not None]


@pytest.mark.parametrize(
    ("retention", "days"),
    [
        (Retention(daily=1), ["11-22"]),
        (Retention(daily=3), ["11-20", "11-21", "11-22"]),
        (Retention(daily=1, weekly=3), ["11-08", "11-15", "11-22"]),
        (Retention(daily=1, monthly=3), ["09-30", "10-31", "11-22"]),
        (Retention(daily=2, weekly=2, monthly=2), ["10-31", "11-15", "11-21", "11-22"]),
    ],
    ids=["the last", "three days", "the ends of weeks", "the ends of months", "all rhythms together"],
)
def test_of_each_period_the_last_is_kept(retention: Retention, days: list[str]) -> None:
    assert kept_days(nightly(70), retention) == days


def test_of_several_in_a_day_the_last_stays() -> None:
    hours = tuple(snapshot(NOW.replace(hour=hour)) for hour in (1, 2, 3, 4))
    decisions = keep(hours, Retention(daily=7))
    assert [decision.kept for decision in decisions] == [False, False, False, True]


def test_days_without_backups_do_not_age_snapshots_out() -> None:
    """A host that was silent for a year keeps what it has: days count that have a snapshot."""
    old = nightly(3, until=NOW - timedelta(days=365))
    assert all(decision.kept for decision in keep(old, Retention(daily=3)))


def test_a_time_that_the_host_chose_moves_nothing() -> None:
    """The forger's thirty future days fall into the one day on which the store took them."""
    good = nightly(7)
    forged = tuple(
        snapshot(NOW + timedelta(seconds=number), claimed=NOW + timedelta(days=number)) for number in range(30)
    )
    decided = {decision.snapshot.id: decision for decision in keep((*good, *forged), Retention(daily=7))}
    assert [decided[one.id].kept for one in good[:-1]] == [True] * 6
    assert sum(decided[one.id].kept for one in forged) == 1


def test_a_snapshot_whose_time_nobody_knows_is_kept() -> None:
    (decision,) = keep((replace(snapshot(NOW), stored=None),), Retention(daily=1))
    assert decision == Decision(decision.snapshot, True, ("the store does not tell when it came",))


def test_every_decision_has_a_reason() -> None:
    reasons = [decision.reasons for decision in keep(nightly(40), Retention(daily=2, weekly=1))]
    assert all(reasons)
    assert reasons[-1] == ("the last of 2026-11-22, day 1 of 2", "the last of 2026-W47, week 1 of 1")
    assert reasons[0][0] == "2026-10-14 is older than the 2 days that are kept"


def test_of_hours_the_last_is_kept_too() -> None:
    every_half_hour = tuple(snapshot(NOW - timedelta(minutes=30 * number)) for number in reversed(range(100)))
    kept = [item.snapshot.stored for item in keep(every_half_hour, Retention(hourly=3, daily=1)) if item.kept]
    assert kept == [NOW - timedelta(minutes=minutes) for minutes in (90, 30, 0)]


# -- whatever the snapshots ---------------------------------------------------------------------------------------

moments = some.datetimes(datetime(2024, 1, 1), datetime(2026, 12, 31), timezones=some.just(UTC), allow_imaginary=False)
histories = some.lists(moments, max_size=60, unique=True).map(lambda found: tuple(map(snapshot, sorted(found))))
retentions = some.builds(
    Retention,
    hourly=some.integers(0, 30),
    daily=some.integers(1, 10),
    weekly=some.integers(0, 8),
    monthly=some.integers(0, 14),
)


def ids(snapshots: tuple[Snapshot, ...], retention: Retention) -> set[str]:
    return {decision.snapshot.id for decision in keep(snapshots, retention) if decision.kept}


@given(histories, retentions)
def test_the_newest_is_always_kept(history: tuple[Snapshot, ...], retention: Retention) -> None:
    assert not history or history[-1].id in ids(history, retention)


@given(histories, retentions)
def test_never_more_is_kept_than_asked_and_never_fewer_days(
    history: tuple[Snapshot, ...], retention: Retention
) -> None:
    kept = ids(history, retention)
    days = {one.stored.date() for one in history if one.stored}
    assert len(kept) <= retention.hourly + retention.daily + retention.weekly + retention.monthly
    assert len(kept) >= min(retention.daily, len(days))


@given(histories, retentions)
def test_what_was_kept_is_kept_when_asked_again(history: tuple[Snapshot, ...], retention: Retention) -> None:
    """A prune that was carried out leaves nothing for another: killed in between, the next one agrees."""
    kept = ids(history, retention)
    assert ids(tuple(one for one in history if one.id in kept), retention) == kept


@given(histories, retentions, some.randoms())
def test_neither_order_nor_claims_matter(history: tuple[Snapshot, ...], retention: Retention, chance: object) -> None:
    shuffled = list(history)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    claiming = tuple(
        Snapshot(**{**vars(one), "claimed": one.claimed + timedelta(days=chance.randrange(-999, 999))})  # type: ignore[attr-defined]
        for one in shuffled
    )
    assert ids(claiming, retention) == ids(history, retention)
