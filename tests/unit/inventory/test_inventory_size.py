"""Twice the region is twice the work, not more; how long it takes is for `large_region.py` to say."""

import sys
from pathlib import Path

from inventory_edits import TODAY
from large_region import LargeRegion

from inventory.ends import count_ways
from inventory.load import load_catalogue, load_region


def count_calls(folder: Path) -> int:
    """Count the calls of functions, in Python and C, that loading a region takes: the same number on every machine."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    load_catalogue()
    sys.setprofile(count)
    try:
        load_region(folder, TODAY)
    finally:
        sys.setprofile(None)
    return calls


def test_twice_the_region_is_twice_the_work(tmp_path: Path) -> None:
    LargeRegion(0.02).write(tmp_path / "one")
    LargeRegion(0.04).write(tmp_path / "two")

    load_region(tmp_path / "one", TODAY)  # so that no model is built while calls are counted

    assert count_calls(tmp_path / "two") <= 2.3 * count_calls(tmp_path / "one")


def test_a_large_region_is_what_it_says(tmp_path: Path) -> None:
    LargeRegion(0.05).write(tmp_path / "region")
    region = load_region(tmp_path / "region", TODAY)

    assert (len(region.hosts), len(region.applications)) == (58, 12)
    assert count_ways(region) == 715
    assert sum(len(application.flows) for application in region.applications) < 300


def test_the_whole_region_has_the_flows_of_the_whole_region() -> None:
    """Worked out from the rows, without loading 1,150 hosts."""
    whole = LargeRegion(1)
    rows = [source for application in range(whole.applications) for source in whole.sources(application)]
    assert (whole.points, sum(len(members) for *_, members in rows)) == (432, 14_300)
