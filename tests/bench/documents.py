"""Write the flow matrix of the whole region, and of one application in it, by the command that people run."""

import sys
import tempfile
from pathlib import Path

from hosting_cli.lab.progress import Progress
from tests.bench import region
from tests.bench.measure import Chapter, Figure, Goal, Series
from tests.bench.processes import checked, measured

ROUNDS = 3
PAGE, ROWS, PAGES = "the region as a page", "the region as rows of data", "one application as pages to sign"


def measure(progress: Progress) -> Chapter:
    """Measure each form in turn, each time in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="hosting-bench-") as name:
        folder = Path(name) / "region"
        progress("writing a region as large as the real one")
        region.write(folder, 1)
        candidates = {
            PAGE: [str(Path(name) / "matrix.html")],
            ROWS: [str(Path(name) / "matrix.csv")],
            PAGES: [str(Path(name) / "matrix.pdf"), "--application", "application-1"],
        }
        figures: dict[str, list[Figure]] = {candidate: [] for candidate in candidates}
        for turn in range(ROUNDS):
            for candidate, options in candidates.items():
                progress(f"round {turn + 1} of {ROUNDS}: {candidate}")
                figures[candidate].append(_written(folder, options))
        size_mib = (Path(name) / "matrix.html").stat().st_size / 2**20
    page, rows, pages = (Series(candidate, tuple(found)) for candidate, found in figures.items())
    return Chapter(
        "The flow matrix of the whole region, files loaded and validated; a whole process each",
        (page, rows, pages),
        (
            Goal(PAGE, page.wall[1], "s", at_most=10),
            Goal(f"its memory ({size_mib:.0f} MiB on disk)", page.memory or 0, "MiB", at_most=1024),
        ),
    )


def _written(folder: Path, options: list[str]) -> Figure:
    argv = [sys.executable, "-m", "tests.bench.document_written", "network", "matrix", *options]
    run = checked(measured([*argv, "--region", str(folder)], timeout_seconds=600))
    memory_mib = float(run.stdout.splitlines()[-1])
    return Figure(run.wall_seconds, run.user_seconds, run.system_seconds, memory_mib=memory_mib)
