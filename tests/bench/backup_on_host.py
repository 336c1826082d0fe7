"""Run the agent of hosts as it runs there, with a folder for its machine.

``python -m tests.bench.backup_on_host FOLDER COMMAND…``; nothing of the agent is replaced but where it finds its files.
"""

import sys
from pathlib import Path

from deploys.agent import backup, locks, main, record, settings


def run(folder: Path, command: list[str]) -> int:
    """Run one command of the agent, for which *folder* stands for the host."""
    settings.ENGINES = folder / "engines.json"
    settings.APPLICATIONS = folder / "applications"
    backup.HEADERS = folder / "headers"
    backup.mounts = lambda: {str(folder / "data"): "/dev/mapper/bench"}
    record.METRICS = folder / "metrics"
    locks.LOCKS = folder / "locks"
    return main.main(command)


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), sys.argv[2:]))
