"""Write the flow matrix and the compliance report of the whole region, and the matrix of one application in it."""

import sys
import tempfile
from pathlib import Path

from hosting_cli.lab.progress import Progress
from tests.bench import region
from tests.bench.measure import Chapter, Figure, Goal, Series
from tests.bench.processes import checked, measured

ROUNDS = 3
PAGE, ROWS, PAGES = "the region as a page", "the region as rows of data", "one application as pages to sign"
REPORT = "the region's compliance report as a page"


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
                figures[candidate].append(_matrix(folder, options))
            progress(f"round {turn + 1} of {ROUNDS}: {REPORT}")
            figures.setdefault(REPORT, []).append(_report(folder, Path(name) / "report.html"))
        sizes = [(Path(name) / file).stat().st_size / 2**20 for file in ("matrix.html", "report.html")]
    page, rows, pages, report = (Series(candidate, tuple(found)) for candidate, found in figures.items())
    return Chapter(
        "Documents of the whole region, files loaded and validated; a whole process each",
        (page, rows, pages, report),
        (
            Goal(PAGE, page.wall[1], "s", at_most=10),
            Goal(f"its memory ({sizes[0]:.0f} MiB on disk)", page.memory or 0, "MiB", at_most=1024),
            Goal(REPORT, report.wall[1], "s", at_most=10),
            Goal(f"its memory ({sizes[1]:.0f} MiB on disk)", report.memory or 0, "MiB", at_most=1024),
        ),
    )


def _matrix(folder: Path, options: list[str]) -> Figure:
    return _written(["tests.bench.document_written", "network", "matrix", *options, "--region", str(folder)])


def _report(folder: Path, file: Path) -> Figure:
    return _written(["tests.bench.compliance_written", str(folder), str(file)])


def _written(arguments: list[str]) -> Figure:
    run = checked(measured([sys.executable, "-m", *arguments], timeout_seconds=600))
    memory_mib = float(run.stdout.splitlines()[-1])
    return Figure(run.wall_seconds, run.user_seconds, run.system_seconds, memory_mib=memory_mib)
