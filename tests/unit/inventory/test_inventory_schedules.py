"""What schedules mean: how long they let things wait, and how often they strike on a day."""

from itertools import pairwise

import pytest

from inventory.load import load_catalogue
from inventory.schedules import longest_gap_minutes, most_a_day


@pytest.mark.parametrize(
    ("schedule", "gap_minutes", "a_day"),
    [
        ("hourly", 60, 24),
        ("daily", 1440, 1),
        ("weekly", 10080, 1),
        ("*-*-* 02:30", 1440, 1),
        ("02:30:00", 1440, 1),
        ("*-*-* 02,14:30", 720, 2),
        ("*-*-* 02,08:30", 1080, 2),
        ("*-*-* *:00/10", 10, 144),
        ("*-*-* *:05/25", 25, 72),
        ("*:00,45", 45, 48),
        ("*-*-* 00/4:15", 240, 6),
        ("*-*-* 02/5:00", 300, 5),
        ("Mon..Fri *-*-* 02:30", 3 * 1440, 1),
        ("Mon,Thu 12:00", 4 * 1440, 1),
        ("Sat..Sun 00/12:00", 5 * 1440 + 720, 2),
    ],
)
def test_a_schedule_lets_things_wait_no_longer(schedule: str, gap_minutes: int, a_day: int) -> None:
    assert (longest_gap_minutes(schedule), most_a_day(schedule)) == (gap_minutes, a_day)


def test_every_class_that_backups_can_keep_has_a_schedule_that_keeps_it() -> None:
    """But for C0, whose minute is for replication; and a backup takes time too."""
    vital, *others = load_catalogue().continuity.value.classes
    assert (vital.code, vital.rpo_minutes) == ("C0", 1)
    for promise in others:
        assert longest_gap_minutes(promise.backup.schedule) < promise.rpo_minutes


def test_a_better_class_asks_for_no_less() -> None:
    classes = [item.backup for item in load_catalogue().continuity.value.classes]
    for name in ("check_days", "drill_days"):
        values = [getattr(item, name) for item in classes]
        assert values == sorted(values)
    for better, worse in pairwise(classes):
        assert longest_gap_minutes(better.schedule) <= longest_gap_minutes(worse.schedule)
        assert all(getattr(better.retention, name) >= count for name, count in worse.retention.model_dump().items())
