"""Run every benchmark, print a table with the goals, and say with the exit status whether they are met."""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench import (
    ansible,
    backups,
    documents,
    leftovers,
    network,
    network_proof,
    readings,
    report,
    root,
    scenario,
    scenario_files,
    startup,
    volume,
    whole_region,
)
from tests.bench.fleet import Fleet
from tests.bench.measure import BenchmarkError, Chapter

CHAPTERS = ("readings", "region", "startup", "volume", "backups", "network", "proof", "documents")


def main() -> int:
    """Measure what was asked for; 0: all goals met, 1: a candidate failed or disagreed, 3: a goal was missed."""
    options = _parser().parse_args()
    try:
        chapters = [_CHAPTERS[name](options) for name in options.only or CHAPTERS]
    except BenchmarkError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if options.json:
        options.json.write_text(json.dumps(report.for_machines(chapters), indent=2) + "\n")
    print(report.for_people(chapters))
    return 0 if all(goal.is_met for chapter in chapters for goal in chapter.goals) else 3


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=CHAPTERS, help="measure this alone; may be repeated")
    parser.add_argument("--hosts", type=int, default=16, help="how many hosts the fleet has (%(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="how often the fleet is read (%(default)s)")
    parser.add_argument(
        "--ansible-rounds", type=int, default=2, help="… of these with ansible-core (%(default)s, 0: without)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there as well")
    return parser


def _readings(options: argparse.Namespace) -> Chapter:
    cache = Path(os.environ.get("HOSTING_CACHE", "~/.cache/hosting")).expanduser()
    python = ansible.environment(cache, progress)
    with Fleet(options.hosts) as fleet:
        folder = fleet.state_directory / "region"
        scenario_files.write(folder, fleet.hosts)
        desired = scenario.load(folder, fleet.authority_key).of_host
        file_system = root.build(cache, scenario.packages(desired), progress)
        progress("killing a small fleet: is anything left of it?")
        leftovers.check(file_system)
        progress(f"starting {options.hosts} hosts")
        fleet.start_hosts(file_system)
        return readings.measure(
            fleet,
            python,
            desired,
            rounds=options.rounds,
            rounds_of_ansible=options.ansible_rounds,
            progress=progress,
        )


_CHAPTERS: dict[str, Callable[[argparse.Namespace], Chapter]] = {
    "readings": _readings,
    "region": lambda options: whole_region.measure(progress),
    "startup": lambda options: startup.measure(progress),
    "volume": lambda options: volume.measure(progress),
    "backups": lambda options: backups.measure(progress),
    "network": lambda options: network.measure(progress),
    "proof": lambda options: network_proof.measure(progress),
    "documents": lambda options: documents.measure(progress),
}


def progress(text: str) -> None:
    """Tell what goes on."""
    print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
