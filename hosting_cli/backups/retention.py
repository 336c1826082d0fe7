"""Which snapshots a retention keeps, and why each.  Pure.

Hours, days, weeks and months are those of the *store's* clock, in UTC: a host that writes other times into its
snapshots moves none of them into another day.  A snapshot whose time the store does not tell is kept.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from hosting_cli.backups.repository import Snapshot, in_order
from inventory.models import Retention


@dataclass(frozen=True)
class Decision:
    """Whether one snapshot is kept, and every reason for it."""

    snapshot: Snapshot
    kept: bool
    reasons: tuple[str, ...]


def keep(snapshots: Iterable[Snapshot], retention: Retention) -> tuple[Decision, ...]:
    """Decide about every snapshot, the oldest first.

    Of each of the last hours, days, weeks and months that have any snapshot, the last one is kept.
    """
    ordered = in_order(snapshots)
    rhythms = [_rhythm(name, count, ordered) for name, count in _counts(retention).items() if count]
    return tuple(_decide(snapshot, rhythms) for snapshot in ordered)


@dataclass(frozen=True)
class _Rhythm:
    """A rhythm of the retention: how many of its periods are kept, the last snapshot of each, counted back."""

    name: str
    count: int
    lasts: Mapping[str, Snapshot]
    places: Mapping[str, int]

    def reason_for(self, snapshot: Snapshot, period: str) -> str | None:
        """Say why *snapshot* is kept as the last of *period*; ``None`` if it is not."""
        if self.lasts[period].id != snapshot.id or self.places[period] > self.count:
            return None
        return f"the last of {period}, {self.name} {self.places[period]} of {self.count}"

    def reason_against(self, snapshot: Snapshot, period: str) -> str:
        """Say why *snapshot* need not stand for *period*."""
        last = self.lasts[period]
        if last.id != snapshot.id:
            return f"{last.short_id} is later in {period}"
        return f"{period} is older than the {self.count} {self.name}s that are kept"


def _rhythm(name: str, count: int, ordered: Iterable[Snapshot]) -> _Rhythm:
    lasts = _last_of_each(ordered, _PERIODS[name])
    return _Rhythm(name, count, lasts, {period: place for place, period in enumerate(reversed(lasts), start=1)})


def _decide(snapshot: Snapshot, rhythms: Iterable[_Rhythm]) -> Decision:
    stored = snapshot.stored
    if stored is None:
        return Decision(snapshot, True, ("the store does not tell when it came",))
    judged = [(rhythm, _PERIODS[rhythm.name](stored)) for rhythm in rhythms]
    kept = tuple(filter(None, (rhythm.reason_for(snapshot, period) for rhythm, period in judged)))
    against = tuple(rhythm.reason_against(snapshot, period) for rhythm, period in judged)
    return Decision(snapshot, bool(kept), kept or against)


def _counts(retention: Retention) -> Mapping[str, int]:
    return {"hour": retention.hourly, "day": retention.daily, "week": retention.weekly, "month": retention.monthly}


def day_of(moment: datetime) -> str:
    """Name the day of *moment*, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d")


_PERIODS: Mapping[str, Callable[[datetime], str]] = {
    "hour": lambda moment: moment.astimezone(UTC).strftime("%Y-%m-%d %Hh"),
    "day": day_of,
    "week": lambda moment: moment.astimezone(UTC).strftime("%G-W%V"),
    "month": lambda moment: moment.astimezone(UTC).strftime("%Y-%m"),
}


def _last_of_each(ordered: Iterable[Snapshot], period: Callable[[datetime], str]) -> dict[str, Snapshot]:
    """Give the last snapshot of each period, the oldest period first."""
    return {period(snapshot.stored): snapshot for snapshot in ordered if snapshot.stored is not None}
