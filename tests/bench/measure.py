"""Figures of repeated runs, and goals that they are held against.  Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


class BenchmarkError(Exception):
    """What was to be measured could not be, or did not do its work: its time would mean nothing."""


@dataclass(frozen=True)
class Figure:
    """One measured run."""

    wall_seconds: float
    user_seconds: float
    system_seconds: float
    host_seconds: float | None = None
    memory_mib: float | None = None

    @property
    def cpu_seconds(self) -> float:
        """Add up what the process and its children used."""
        return self.user_seconds + self.system_seconds


@dataclass(frozen=True)
class Series:
    """All runs of one candidate."""

    name: str
    figures: tuple[Figure, ...]

    @property
    def wall(self) -> tuple[float, float, float]:
        """Give the least, median and greatest wall time, in seconds."""
        return _spread([figure.wall_seconds for figure in self.figures])

    @property
    def cpu(self) -> tuple[float, float, float]:
        """Give the least, median and greatest CPU time of the process and its children, in seconds."""
        return _spread([figure.cpu_seconds for figure in self.figures])

    @property
    def hosts(self) -> float | None:
        """Give the median CPU time of all hosts together, in seconds, where it was measured."""
        return _median_of([figure.host_seconds for figure in self.figures])

    @property
    def memory(self) -> float | None:
        """Give the median peak of memory, in MiB, where it was measured."""
        return _median_of([figure.memory_mib for figure in self.figures])


def _median_of(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _spread(values: Sequence[float]) -> tuple[float, float, float]:
    return min(values), median(values), max(values)


@dataclass(frozen=True)
class Goal:
    """A number to reach; ``at_least`` or ``at_most`` says on which side of it the measured one must be."""

    text: str
    measured: float
    unit: str = "×"
    at_least: float | None = None
    at_most: float | None = None

    @property
    def is_met(self) -> bool:
        """Tell whether the measured number is on the right side."""
        return (self.at_least is None or self.measured >= self.at_least) and (
            self.at_most is None or self.measured <= self.at_most
        )

    @property
    def limit(self) -> str:
        """Write the number to reach."""
        return f"≥ {self.at_least:g} {self.unit}" if self.at_least is not None else f"≤ {self.at_most:g} {self.unit}"


@dataclass(frozen=True)
class Chapter:
    """What was measured side by side, and the goals that it answers."""

    title: str
    series: tuple[Series, ...]
    goals: tuple[Goal, ...]
    notes: tuple[str, ...] = ()


def ratio(of: Series, to: Series) -> float:
    """Divide the median wall times."""
    return of.wall[1] / to.wall[1]
