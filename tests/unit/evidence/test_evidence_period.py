"""The period of a report: whole years, months and days, two of them with dots between, or the last 31 days."""

from datetime import UTC, date, datetime

import pytest

from hosting_cli.errors import UsageError
from hosting_cli.evidence.period import period_of

NOW = datetime(2026, 11, 27, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("2026-11", date(2026, 11, 1), date(2026, 11, 30)),
        ("2026-12", date(2026, 12, 1), date(2026, 12, 31)),
        ("2028-02", date(2028, 2, 1), date(2028, 2, 29)),
        ("2026-11-27", date(2026, 11, 27), date(2026, 11, 27)),
        ("2026-10..2026-12", date(2026, 10, 1), date(2026, 12, 31)),
        ("2025..2026-03-05", date(2025, 1, 1), date(2026, 3, 5)),
        (None, date(2026, 10, 27), date(2026, 11, 27)),
    ],
)
def test_a_period_holds_its_first_and_its_last_day(text: str | None, first: date, last: date) -> None:
    found = period_of(text, NOW)
    assert (found.since.date(), found.last_day) == (first, last)
    assert found.holds(found.since)
    assert not found.holds(found.until)


def test_what_was_recorded_just_now_belongs_to_the_period_that_nobody_chose() -> None:
    assert period_of(None, NOW).holds(NOW)


@pytest.mark.parametrize(
    "text", ["", "2026-13", "2026-11-31", "yesterday", "2026-11..", "..2026", "2026-11..2025", "26-11", "2026-1-1"]
)
def test_what_is_no_period_is_refused_with_how_to_write_one(text: str) -> None:
    with pytest.raises(UsageError, match=r"Write (2026, 2026-11|the earlier day first)"):
        period_of(text, NOW)
