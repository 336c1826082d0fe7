"""Who is running a runbook on a target now, so that no two people do the same at once.  Pure.

The lease is kept in the vault and changed by check-and-set: of two who take it at one moment, one gets it.  It lasts
for one step and is taken anew before each, so that what a killed run leaves ends by itself.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hosting_cli.canonical import digest
from inventory.resource import Json

SPARE = timedelta(seconds=60)
"""How much longer than a step may take its lease lasts: for reading back, and for clocks that differ."""


@dataclass(frozen=True)
class Lease:
    """Who holds it, for which run, until when; ``version`` is the vault's, which the next change must name."""

    holder: str
    run: str
    until: datetime
    version: int = 0

    def body(self) -> dict[str, Json]:
        """Give the plain form."""
        return {"holder": self.holder, "run": self.run, "until": self.until.isoformat()}


def name_of(runbook: str, target: str) -> str:
    """Name the lease of *runbook* on *target*."""
    return f"{runbook}-{digest({'target': target})[:16]}"


def next_lease(
    found: Lease | None, *, holder: str, run: str, seconds: int, now: datetime, take_over: bool
) -> Lease | None:
    """Give the lease that *holder* may take in the place of *found*; ``None`` while somebody else has it.

    Whoever holds it goes on, from another terminal too: the older run then finds it taken and stops.
    """
    version = found.version if found else 0
    if found is not None and found.until > now and found.holder != holder and not take_over:
        return None
    return Lease(holder, run, now + timedelta(seconds=seconds) + SPARE, version)


def ended(lease: Lease, now: datetime) -> Lease:
    """Give *lease* as its holder leaves it."""
    return replace(lease, until=now)
