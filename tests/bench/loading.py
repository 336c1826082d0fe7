"""Time what a command does before it reads any engine, on a whole region: load, validate, say what should be.

Run as a program of its own, so that time and memory are those of one process; it is given the region's folder.
"""

import json
import resource
import sys
import time
from pathlib import Path

from deploys.view import Published
from hosting_cli.desired import desired
from inventory.load import load_environment, load_region
from tests.bench.scenario import ENVIRONMENT, TODAY

AUTHORITY_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


def main() -> None:
    """Print how long each stage took and how much memory it came to."""
    folder = Path(sys.argv[1])
    begun = time.perf_counter()
    region = load_region(folder, TODAY)
    environment = load_environment(folder / ENVIRONMENT, region)
    loaded = time.perf_counter()
    wanted = desired(region, environment, Published(AUTHORITY_KEY, "never opened"))
    ended = time.perf_counter()
    found = {
        "load_seconds": loaded - begun,
        "desired_seconds": ended - loaded,
        "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "hosts": len(region.hosts),
        "flows": sum(len(application.flows) for application in region.applications),
        "points": sum(segment.kind == "tunnel" for segment in region.segments),
        "resources": len(wanted),
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
