"""What there is to read, how often, and how long a reading may take.  Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

MISSED = 3
"""How many readings may be missed before what the last one gave is left out."""


class Part(StrEnum):
    """What there are figures of, and in this order what is read first."""

    ENGINES = "engines"
    FIREWALLS = "firewalls"
    GATEWAYS = "gateways"
    EVIDENCE = "evidence"
    KEYS = "keys"
    VOLUMES = "volumes"
    BACKUPS = "backups"


@dataclass(frozen=True)
class Rhythm:
    """How often a part is read, from beginning to beginning, and after how long a reading is ended."""

    every_seconds: float
    at_most_seconds: float

    @property
    def limit_seconds(self) -> float:
        """Say how old a reading may become: as old as it is when the third after it in a row has come to nothing."""
        return MISSED * self.every_seconds + self.at_most_seconds

    def beating(self, every_seconds: float) -> "Rhythm":
        """Give the same with another distance."""
        return replace(self, every_seconds=every_seconds)


RHYTHMS: Mapping[Part, Rhythm] = {
    Part.ENGINES: Rhythm(30, 60),
    Part.FIREWALLS: Rhythm(300, 600),
    Part.GATEWAYS: Rhythm(120, 60),
    Part.EVIDENCE: Rhythm(900, 120),
    Part.KEYS: Rhythm(900, 300),
    Part.VOLUMES: Rhythm(900, 600),
    # Each repository is opened, which takes restic seconds of a processor.
    Part.BACKUPS: Rhythm(1800, 1800),
}
"""The rhythm of each part where nobody asks for another."""
