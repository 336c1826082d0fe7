"""Prove that a fleet whose owner is killed leaves no process, no namespace and no mount behind.

Run as a program, it is the owner: it brings two hosts up, says which namespaces they live in, and waits to be killed.
"""

import json
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from tests.bench.fleet import Fleet
from tests.bench.measure import BenchmarkError
from tests.bench.processes import CHECKOUT

_KINDS = ("mnt", "net", "pid", "uts", "ipc")
_GRACE_SECONDS = 10


def check(root: Path) -> None:
    """Kill the owner of a small fleet without warning; raise ``BenchmarkError`` if anything of it is left."""
    before = _machine()
    owner = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.leftovers", str(root)], stdout=subprocess.PIPE, cwd=CHECKOUT
    )
    assert owner.stdout is not None
    line = owner.stdout.readline()
    owner.kill()
    owner.communicate()
    if not line:
        raise BenchmarkError("a small fleet could not be brought up; its message stands above")
    namespaces, deadline = frozenset(json.loads(line)), time.monotonic() + _GRACE_SECONDS
    while left := _members(namespaces):
        if time.monotonic() > deadline:
            raise BenchmarkError(f"a killed fleet left processes behind: {left}")
        time.sleep(0.02)
    if added := _machine() - before:
        raise BenchmarkError(f"a killed fleet left behind: {sorted(added)}")


def _members(namespaces: frozenset[str]) -> list[str]:
    """List the processes that live in any of *namespaces*."""
    processes = (entry for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [process.name for process in processes if namespaces & _namespaces(process)]


def _namespaces(process: Path) -> frozenset[str]:
    with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
        return frozenset(str((process / "ns" / kind).readlink()) for kind in _KINDS)
    return frozenset()


def _machine() -> frozenset[str]:
    """List what a fleet could have added to outside of its namespaces: mounts, interfaces, rules."""
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    interfaces = (entry.name for entry in Path("/sys/class/net").iterdir())
    rules = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout
    return frozenset([*mounts, *interfaces, *rules.splitlines()])


def main() -> None:
    """Bring a small fleet up and wait."""
    with Fleet(2) as fleet:
        fleet.start_hosts(Path(sys.argv[1]))
        ours = _namespaces(Path("/proc/self"))
        pids = [fleet.keeper, *map(fleet.first_process, fleet.hosts)]
        found = frozenset[str]().union(*(_namespaces(Path(f"/proc/{pid}")) for pid in pids)) - ours
        print(json.dumps(sorted(found)), flush=True)
        time.sleep(600)


if __name__ == "__main__":
    main()
