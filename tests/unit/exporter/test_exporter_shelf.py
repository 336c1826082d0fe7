"""What is served of a reading: as it stands, how old it is, and nothing of one that is too old."""

import pytest

from hosting_cli.exporter.parts import Part, Rhythm
from hosting_cli.exporter.shelf import Shelf, Told
from hosting_cli.figures import Sample

RHYTHM = Rhythm(every_seconds=10, at_most_seconds=5)
SEALED = Sample("hosting_vault_sealed", {}, 0)


def served(shelf: Shelf, now: float) -> dict[str, float]:
    return {sample.name.removeprefix("hosting_"): sample.value for sample in shelf.samples(now)}


@pytest.mark.parametrize(
    ("put_at", "now", "expected"),
    [
        pytest.param(
            None,
            107,
            {"reading_age_seconds": 7, "reading_limit_seconds": 35},
            id="before the first, since it is served",
        ),
        pytest.param(
            110,
            145,
            {
                "reading_age_seconds": 35,
                "reading_limit_seconds": 35,
                "reading_duration_seconds": 2,
                "reading_unread": 1,
                "vault_sealed": 0,
            },
            id="until the limit, all of it",
        ),
        pytest.param(
            110, 146, {"reading_age_seconds": 36, "reading_limit_seconds": 35}, id="past the limit, only how old it is"
        ),
    ],
)
def test_a_reading_is_served_while_it_counts(put_at: float | None, now: float, expected: dict[str, float]) -> None:
    shelf = Shelf({Part.ENGINES: RHYTHM}, began=100)
    if put_at is not None:
        shelf.put(Part.ENGINES, Told((SEALED,), unread=1, seconds=2), put_at)
    assert served(shelf, now) == expected


def test_each_part_has_an_age_of_its_own() -> None:
    shelf = Shelf({Part.ENGINES: RHYTHM, Part.KEYS: RHYTHM.beating(20)}, began=0)
    shelf.put(Part.KEYS, Told((), 0, 1), 30)
    ages = {s.labels["part"]: s.value for s in shelf.samples(40) if s.name == "hosting_reading_age_seconds"}
    assert ages == {"engines": 40, "keys": 10}
