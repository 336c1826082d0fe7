"""The period that a report or a pack is about.  Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from hosting_cli.errors import UsageError

DEFAULT = timedelta(days=31)
"""How far back a period goes that nobody chose."""


@dataclass(frozen=True)
class Period:
    """From when on, and until before when."""

    since: datetime
    until: datetime

    def holds(self, moment: datetime) -> bool:
        """Tell whether a moment belongs to it."""
        return self.since <= moment < self.until

    @property
    def last_day(self) -> date:
        """Give the last day of which some belongs to it."""
        return (self.until - timedelta(microseconds=1)).date()


def period_of(text: str | None, now: datetime) -> Period:
    """Read a year, a month, a day, or two of these with ``..`` between them; without any, the last 31 days.

    Days begin and end in UTC, as records have it.  Raise ``UsageError`` for anything else.
    """
    if text is None:
        return Period(_midnight((now - DEFAULT).date()), now + timedelta(seconds=1))
    first, dots, last = text.partition("..")
    try:
        found = Period(_span(first).since, _span(last if dots else first).until)
    except ValueError:
        remedy = "Write 2026, 2026-11, 2026-11-27 or 2026-10-01..2026-12-31."
        raise UsageError(f"period {text}", "is no year, month or day, nor two with .. between", remedy) from None
    if found.since >= found.until:
        raise UsageError(f"period {text}", "ends before it begins", "Write the earlier day first.")
    return found


def _span(text: str) -> Period:
    """Give from when to when a year, a month or a day goes; raise ``ValueError`` for what is none."""
    if not re.fullmatch(r"\d{4}(-\d\d(-\d\d)?)?", text):
        raise ValueError(text)
    year, month, day = [*map(int, text.split("-")), 0, 0][:3]
    begins = date(year, month or 1, day or 1)
    if day:
        ends = begins + timedelta(days=1)
    elif month:
        ends = (begins + timedelta(days=31)).replace(day=1)
    else:
        ends = date(year + 1, 1, 1)
    return Period(_midnight(begins), _midnight(ends))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
