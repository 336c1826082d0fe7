"""Time what a command does besides reading engines, on a whole region: load, validate, say what should be, plan.

Run as a program of its own, so that time and memory are those of one process; it is given the region's folder, and
``plan`` if it is to plan as well.
"""

import json
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from deploys.view import Published
from hosting_cli.__main__ import spare_the_collector
from hosting_cli.desired import desired
from hosting_cli.plan import plan
from inventory.ends import count_ways
from inventory.load import load_environment, load_region
from inventory.resource import PLATFORM, Reading, Resource, Subject
from tests.bench.scenario import ENVIRONMENT, TODAY

AUTHORITY_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


def main() -> None:
    """Print how long each stage took and how much memory it came to."""
    folder = Path(sys.argv[1])
    spare_the_collector()
    begun = time.perf_counter()
    region = load_region(folder, TODAY)
    environment = load_environment(folder / ENVIRONMENT, region)
    loaded = time.perf_counter()
    wanted = desired(region, environment, Published((AUTHORITY_KEY,), "never opened"))
    ended = time.perf_counter()
    memory_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = {
        "load_seconds": loaded - begun,
        "desired_seconds": ended - loaded,
        "memory_mib": memory_mib,
        "hosts": len(region.hosts),
        "flows": count_ways(region),
        "points": sum(segment.kind == "tunnel" for segment in region.segments),
        "resources": len(wanted),
    }
    if "plan" in sys.argv[2:]:
        found["plan_seconds"] = plan_one(wanted, region.applications[0].id)
    json.dump(found, sys.stdout)


def plan_one(wanted: Mapping[Subject, Resource], application: str) -> float:
    """Time the plan of one application when everything was read and is in order."""
    now, by_source = datetime.now(tz=UTC), defaultdict[str, dict[Subject, Resource]](dict)
    for subject, found in wanted.items():
        by_source[found.source][subject] = replace(found)  # a door makes its own
    readings = [Reading(source, now, resources) for source, resources in by_source.items()]
    owners = frozenset({application, PLATFORM})
    begun = time.perf_counter()
    made = plan(
        wanted.values(), readings, region="r", environment="e", scope=application, production=True, owners=owners
    )
    ended = time.perf_counter()
    if made.changes or not made.in_order:
        raise SystemExit(f"a plan of what is in order holds {len(made.changes)} changes")
    return ended - begun


if __name__ == "__main__":
    main()
