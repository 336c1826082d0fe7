"""What a schedule means in minutes: when it strikes in a week, and how long it lets things wait.  Pure."""

from inventory.notations import WEEK

DAY_MINUTES = 24 * 60
WEEK_MINUTES = 7 * DAY_MINUTES

_WORDS = {"hourly": "*:00", "daily": "00:00", "weekly": "Mon 00:00"}


def longest_gap_minutes(schedule: str) -> int:
    """Give the longest time between two strikes of *schedule*, over the end of the week too."""
    times = _minutes_of_week(schedule)
    following = [*times[1:], times[0] + WEEK_MINUTES]
    return max(later - earlier for earlier, later in zip(times, following, strict=True))


def most_a_day(schedule: str) -> int:
    """Give how often *schedule* strikes on a day on which it does."""
    return len(_minutes_of_day(_WORDS.get(schedule, schedule)))


def _minutes_of_week(schedule: str) -> list[int]:
    written = _WORDS.get(schedule, schedule)
    times = _minutes_of_day(written)
    return sorted(day * DAY_MINUTES + time for day in _days(written) for time in times)


def _days(written: str) -> set[int]:
    """Give the weekdays, Monday being 0: those that the first word names, or all."""
    first = written.split(maxsplit=1)[0]
    if not first.startswith(WEEK):
        return set(range(7))
    ends = [part.split("..") for part in first.split(",")]
    return {day for pair in ends for day in range(WEEK.index(pair[0]), WEEK.index(pair[-1]) + 1)}


def _minutes_of_day(written: str) -> set[int]:
    hours, minutes = written.rsplit(maxsplit=1)[-1].split(":")[:2]
    return {60 * hour + minute for hour in _numbers(hours, 24) for minute in _numbers(minutes, 60)}


def _numbers(written: str, end: int) -> list[int]:
    """Read ``*``, ``02,14`` or ``00/15`` as the numbers below *end* that it names."""
    if written == "*":
        return list(range(end))
    first, _, step = written.partition("/")
    if step:
        return list(range(int(first), end, int(step)))
    return [int(number) for number in written.split(",")]
