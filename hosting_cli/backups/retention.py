"""Which snapshots a retention keeps, and why each.  Pure.

Days, weeks and months are those of the *store's* clock, in UTC: a host that writes other times into its snapshots
moves none of them into another day.  A snapshot whose time the store does not tell is kept.
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

    Of each of the last days, weeks and months that have any snapshot, the last one is kept.
    """
    ordered = in_order(snapshots)
    reasons: dict[str, list[str]] = {snapshot.id: [] for snapshot in ordered}
    for rhythm, count in _counts(retention).items():
        lasts = _last_of_each(ordered, _PERIODS[rhythm])
        for number, (period, snapshot) in enumerate(reversed(lasts.items()), start=1):
            if number <= count:
                reasons[snapshot.id].append(f"the last of {period}, {rhythm} {number} of {count}")
    return tuple(_decide(snapshot, tuple(reasons[snapshot.id]), retention) for snapshot in ordered)


def _decide(snapshot: Snapshot, reasons: tuple[str, ...], retention: Retention) -> Decision:
    if snapshot.stored is None:
        return Decision(snapshot, True, ("the store does not tell when it came",))
    if reasons:
        return Decision(snapshot, True, reasons)
    counts = ", ".join(f"{count} {rhythm}s" for rhythm, count in _counts(retention).items() if count)
    return Decision(snapshot, False, (f"later ones stand for its day, week and month, or it is older than {counts}",))


def _counts(retention: Retention) -> Mapping[str, int]:
    return {"day": retention.daily, "week": retention.weekly, "month": retention.monthly}


def day_of(moment: datetime) -> str:
    """Name the day of *moment*, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d")


_PERIODS: Mapping[str, Callable[[datetime], str]] = {
    "day": day_of,
    "week": lambda moment: moment.astimezone(UTC).strftime("%G-W%V"),
    "month": lambda moment: moment.astimezone(UTC).strftime("%Y-%m"),
}


def _last_of_each(ordered: Iterable[Snapshot], period: Callable[[datetime], str]) -> dict[str, Snapshot]:
    """Give the last snapshot of each period, the oldest period first."""
    return {period(snapshot.stored): snapshot for snapshot in ordered if snapshot.stored is not None}
