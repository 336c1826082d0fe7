"""Prove the network of the whole region, and of one twice as large, from what kernels say."""

import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

from hosting_cli.lab.progress import Progress
from tests.bench import region
from tests.bench.measure import BenchmarkError, Chapter, Figure, Goal, Series, ratio
from tests.bench.processes import Run, checked, measured
from tests.bench.scenario import ENVIRONMENT

ROUNDS = 3
READING_SECONDS = 1800
"""How long all kernels may take to be read, one after another on one machine; that is not what is measured."""

PROOF_SECONDS = 1800
"""How long one proof may take on a machine that others keep busy, where it is the ratio that tells something."""


def measure(progress: Progress) -> Chapter:
    """Measure both in turn, each time the whole command in a process of its own, from saved readings."""
    with tempfile.TemporaryDirectory(prefix="hosting-bench-") as name:
        folders = {factor: Path(name) / str(factor) for factor in (1, 2)}
        for factor, folder in folders.items():
            progress(f"loading the rules of every host of {factor} × the region into a kernel, and reading them back")
            region.write(folder / "files", factor)
            program = [sys.executable, "-m", "tests.bench.network_readings", folder / "files", folder / "readings"]
            checked(measured(["unshare", "--net", *map(str, program)], timeout_seconds=READING_SECONDS))
        figures: dict[int, list[Figure]] = {factor: [] for factor in folders}
        sizes: dict[int, str] = {}
        for turn in range(ROUNDS):
            for factor, folder in folders.items():
                progress(f"round {turn + 1} of {ROUNDS}: proving {factor} × the region")
                run, sizes[factor] = _prove(folder)
                figures[factor].append(Figure(run.wall_seconds, run.user_seconds, run.system_seconds))
    once, twice = (Series(f"{factor} × the region", tuple(found)) for factor, found in figures.items())
    return Chapter(
        "Prove that the kernels of all hosts let through what the files say, from saved readings; a whole command each",
        (once, twice),
        (
            Goal("the whole region", once.wall[1], "s", at_most=60),
            Goal("twice the region against once", ratio(twice, once), at_most=2.3),
        ),
        tuple(f"{factor} × the region: {size}" for factor, size in sizes.items()),
    )


def _prove(folder: Path) -> tuple[Run, str]:
    """Prove, and give what was proven; raise ``BenchmarkError`` if that is not everything."""
    argv = [sys.executable, "-m", "hosting_cli", "network", "prove", "--output", "json", "--from", folder / "readings"]
    options = ["--region", folder / "files", "--environment", folder / "files" / ENVIRONMENT]
    run = checked(measured([*map(str, (*argv, *options))], timeout_seconds=PROOF_SECONDS))
    data = json.loads(run.stdout)["data"]
    standings = Counter(each["standing"] for each in (*data["hosts"], *data["rows"]))
    if set(standings) != {"proven"}:
        raise BenchmarkError(f"not everything was proven: {dict(standings)}")
    return run, f"{len(data['hosts']):,} hosts and {len(data['rows']):,} rows, all proven"
