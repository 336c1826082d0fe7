"""What `hosting drift` does for hosts, from the region's files to the comparison, without a vault.

Run as a program of its own; it reads where the region is, and the operator's key, from standard input.  The command
itself reads the vault and the object store at the same time; here both ends of the comparison are hosts alone.
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from deploys.reading import reading, request
from hosting_cli.__main__ import spare_the_collector
from hosting_cli.doors.hosts import HostsDoor
from hosting_cli.errors import UnreadableError
from hosting_cli.jobs import OperatorKey
from hosting_cli.plan import plan
from hosting_cli.secret import Secret
from inventory.resource import Reading
from tests.bench import scenario


def main() -> int:
    """Print what separates the hosts from the files; give `hosting drift`'s exit status."""
    spare_the_collector()
    wanted = json.load(sys.stdin)
    files = scenario.load(Path(wanted["region"]), wanted["authority_key"])
    desired = files.of_host
    door = HostsDoor(files.environment.hosts, lambda: OperatorKey(Secret(wanted["key"]), wanted["certificate"]))
    taken_at = datetime.now(tz=UTC)
    answers = door.read({host: request(resources) for host, resources in desired.items()})
    readings = [
        Reading(f"host {host}", taken_at, None, str(answer))
        if isinstance(answer, UnreadableError)
        else reading(host, answer, desired[host], taken_at)
        for host, answer in answers.items()
    ]
    every = [resource for resources in desired.values() for resource in resources]
    found = plan(every, readings, region="bench", environment="bench", scope="region", production=True)
    json.dump(
        {
            "in_order": found.in_order,
            "changes": [str(change.subject) for change in found.changes],
            "held": [finding.reason for finding in (*found.unknown, *found.blocked, *found.conflicts)],
            "executions": dict(door.executions),
        },
        sys.stdout,
    )
    return 3 if found.changes else 4 if found.unknown else 0


if __name__ == "__main__":
    sys.exit(main())
