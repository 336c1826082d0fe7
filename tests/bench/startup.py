"""How long `hosting --help` takes against a Python that does nothing."""

import sys
from pathlib import Path

from hosting_cli.lab.progress import Progress
from tests.bench.measure import Chapter, Figure, Goal, Series, ratio
from tests.bench.processes import checked, measured

ROUNDS = 15


def measure(progress: Progress) -> Chapter:
    """Measure both in turn."""
    progress("starting `hosting --help`")
    candidates = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "hosting --help": [str(Path(sys.executable).with_name("hosting")), "--help"],
    }
    figures: dict[str, list[Figure]] = {name: [] for name in candidates}
    for _ in range(ROUNDS):
        for name, argv in candidates.items():
            run = checked(measured(argv))
            figures[name].append(Figure(run.wall_seconds, run.user_seconds, run.system_seconds))
    nothing, hosting = (Series(name, tuple(found)) for name, found in figures.items())
    goal = Goal("hosting --help against python -c pass", ratio(hosting, nothing), at_most=5)
    return Chapter("Starting the command line", (nothing, hosting), (goal,))
