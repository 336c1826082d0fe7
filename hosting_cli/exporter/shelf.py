"""The last reading of each part, and what is left of it by now."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hosting_cli.exporter.parts import Part, Rhythm
from hosting_cli.figures import Sample


@dataclass(frozen=True)
class Told:
    """What one reading gave: figures, and of how many things it could tell nothing."""

    samples: tuple[Sample, ...]
    unread: int
    seconds: float


class Shelf:
    """Keep what was told of each part of *rhythms*, served since *began*; safe from several threads.

    Figures that are older than the limit of their part are left out: an old figure looks like a new one.
    """

    def __init__(self, rhythms: Mapping[Part, Rhythm], began: float) -> None:
        self._rhythms = rhythms
        self._began = began
        self._told: dict[Part, tuple[Told, float]] = {}
        self._lock = threading.Lock()

    def put(self, part: Part, told: Told, at: float) -> None:
        """Replace what was told of *part*."""
        with self._lock:
            self._told[part] = (told, at)

    def samples(self, now: float) -> tuple[Sample, ...]:
        """Give every figure that still counts, and how old each part's reading is."""
        with self._lock:
            told = dict(self._told)
        return tuple(sample for part in self._rhythms for sample in self._of_part(part, told.get(part), now))

    def _of_part(self, part: Part, kept: tuple[Told, float] | None, now: float) -> Iterator[Sample]:
        labels, limit = {"part": part.value}, self._rhythms[part].limit_seconds
        age = now - (self._began if kept is None else kept[1])
        yield Sample("hosting_reading_age_seconds", labels, age)
        yield Sample("hosting_reading_limit_seconds", labels, limit)
        if kept is None or age > limit:
            return
        told, _ = kept
        yield Sample("hosting_reading_duration_seconds", labels, told.seconds)
        yield Sample("hosting_reading_unread", labels, told.unread)
        yield from told.samples
