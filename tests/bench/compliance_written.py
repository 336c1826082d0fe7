"""Write the compliance report of a whole region as a page, and print last how much memory that came to, in MiB.

Run as a program of its own, so that the memory is that of one process.  Every check has found something on every host,
each in a reading of its own door; what hosts answer is made up, and as long as what real ones do.
"""

import resource
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from hosting_cli.checks.check import Check
from hosting_cli.checks.observation import Collected, Observation, Outcome, RawReading, Sentence
from hosting_cli.checks.registry import CHECKS
from hosting_cli.controls.assessment import assessed
from hosting_cli.documents.compliance import compliance
from hosting_cli.documents.judged import Judged
from hosting_cli.documents.language import Language
from hosting_cli.documents.render import Form, render
from inventory.control_catalogue import load_sheets
from inventory.load import load_region

NOW = datetime(2026, 11, 27, 6, tzinfo=UTC)
DOORS, LINES = 4, 100
DEVIATES_EVERY = 97


def run() -> None:
    """Write the report of the region in one folder into one file."""
    folder, file = map(Path, sys.argv[1:])
    region = load_region(folder, today=NOW.date())
    hosts = [host.id for host in region.hosts]
    # Named as evidence names them; a report takes those names as it finds them.
    names = {(host, door): sha256(f"{host} {door}".encode()).hexdigest() for host in hosts for door in range(DOORS)}
    observations = tuple(
        _observation(check, host, names[host, number % DOORS], is_met=(place + number) % DEVIATES_EVERY != 0)
        for number, check in enumerate(CHECKS)
        for place, host in enumerate(hosts)
    )
    seen = Collected(observations, {name: _reading(host, door) for (host, door), name in names.items()})
    judged = Judged(
        since=NOW - timedelta(days=31),
        until=NOW + timedelta(days=1),
        made_at=NOW,
        environment="production",
        frameworks={sheet.layer: sheet.framework for sheet in load_sheets()},
        verdicts=assessed(region, seen, NOW).verdicts,
        titles={check.id: check.title for check in CHECKS},
        readings=seen.readings,
        records=(),
        key="SHA256:" + "0" * 64,
        catalogue_digest="0" * 64,
        files_digest="0" * 64,
    )
    file.write_bytes(render(compliance(region, judged, Language.FRENCH), Form.HTML))
    print(len(observations), len(names), file=sys.stderr)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _reading(host: str, door: int) -> RawReading:
    lines: Iterator[dict[str, str | int]] = ({"chain": "input", "rule": n, "of": host} for n in range(LINES))
    return RawReading(f"host {host}", f"command {door}", NOW, [dict(line) for line in lines])


def _observation(check: Check, host: str, reading: str, *, is_met: bool) -> Observation:
    return Observation(
        check=check.id,
        subject=f"host {host}",
        outcome=Outcome.MET if is_met else Outcome.UNMET,
        observed={"policy": "drop" if is_met else "accept"},
        sentence=Sentence("la chaîne input rejette par défaut", "the chain input drops by default"),
        source=f"host {host}",
        command=check.command,
        read_at=NOW,
        maximum_age=check.maximum_age,
        reading=reading,
    )


if __name__ == "__main__":
    run()
