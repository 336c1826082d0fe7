"""Load, validate and say what should be, for the whole region and for one twice as large."""

import json
import sys
import tempfile
from pathlib import Path

from hosting_cli.lab.progress import Progress
from tests.bench import loading, region
from tests.bench.measure import Chapter, Figure, Goal, Series, ratio
from tests.bench.processes import checked, measured

ROUNDS = 3


def measure(progress: Progress) -> Chapter:
    """Measure both in turn, each time in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="hosting-bench-") as name:
        found: dict[int, list[Figure]] = {1: [], 2: []}
        sizes: dict[int, dict[str, float]] = {}
        for factor in found:
            progress(f"writing a region {factor} × as large as the real one")
            region.write(Path(name) / str(factor), factor)
        for turn in range(ROUNDS):
            for factor, figures in found.items():
                progress(f"round {turn + 1} of {ROUNDS}: loading {factor} × the region")
                run = checked(measured([sys.executable, "-m", loading.__name__, str(Path(name) / str(factor))]))
                sizes[factor] = json.loads(run.stdout)
                memory = sizes[factor]["memory_mib"]
                figures.append(Figure(run.wall_seconds, run.user_seconds, run.system_seconds, memory_mib=memory))
    once, twice = (Series(f"{factor} × the region", tuple(figures)) for factor, figures in found.items())
    return _chapter(once, twice, sizes[1])


def _chapter(once: Series, twice: Series, size: dict[str, float]) -> Chapter:
    counted = ", ".join(f"{size[what]:,.0f} {what}" for what in ("points", "hosts", "flows", "resources"))
    stages = f"load and validate {size['load_seconds']:.1f} s, desired {size['desired_seconds']:.1f} s (last run)"
    return Chapter(
        "Load, validate and desired of the whole region, a whole process each",
        (once, twice),
        (
            Goal("the whole region", once.wall[1], "s", at_most=5),
            Goal("its memory", once.memory or 0, "MiB", at_most=600),
            Goal("twice the region against once", ratio(twice, once), at_most=2.3),
        ),
        (counted, stages),
    )
