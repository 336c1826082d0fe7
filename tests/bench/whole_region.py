"""Load, validate and say what should be, for the whole region and for one twice as large."""

import json
import sys
import tempfile
from pathlib import Path

from hosting_cli.lab.progress import Progress
from tests.bench import region
from tests.bench.measure import Chapter, Figure, Goal, Series, ratio
from tests.bench.processes import Run, checked, measured

ROUNDS = 3


def measure(progress: Progress) -> Chapter:
    """Measure both in turn, each time in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="hosting-bench-") as name:
        folders = {factor: Path(name) / str(factor) for factor in (1, 2)}
        for factor, folder in folders.items():
            progress(f"writing a region {factor} × as large as the real one")
            region.write(folder, factor)
        figures: dict[int, list[Figure]] = {factor: [] for factor in folders}
        for turn in range(ROUNDS):
            for factor, folder in folders.items():
                progress(f"round {turn + 1} of {ROUNDS}: loading {factor} × the region")
                run, found = _load(folder)
                figures[factor].append(
                    Figure(run.wall_seconds, run.user_seconds, run.system_seconds, memory_mib=found["memory_mib"])
                )
        progress("planning one application in the whole region")
        _, size = _load(folders[1], "plan")
    return _chapter(*(Series(f"{factor} × the region", tuple(found)) for factor, found in figures.items()), size=size)


def _load(folder: Path, *words: str) -> tuple[Run, dict[str, float]]:
    run = checked(measured([sys.executable, "-m", "tests.bench.loading", str(folder), *words]))
    return run, json.loads(run.stdout)


def _chapter(once: Series, twice: Series, *, size: dict[str, float]) -> Chapter:
    counted = ", ".join(f"{size[what]:,.0f} {what}" for what in ("points", "hosts", "flows", "resources"))
    stages = (
        f"of which load and validate {size['load_seconds']:.1f} s, desired {size['desired_seconds']:.1f} s (last run)"
    )
    return Chapter(
        "Load, validate and desired of the whole region, and a plan in it; a whole process each",
        (once, twice),
        (
            Goal("the whole region", once.wall[1], "s", at_most=5),
            Goal("its memory", once.memory or 0, "MiB", at_most=600),
            Goal("twice the region against once", ratio(twice, once), at_most=2.3),
            Goal(
                "plan of one application, everything loaded and read (last run)", size["plan_seconds"], "s", at_most=2
            ),
        ),
        (counted, stages),
    )
