"""All that the checks of one run look at: what the files say, and what every door saw.  Values only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Generic, TypeVar

from hosting_cli.backups.standing import Standing
from hosting_cli.checks.observation import RawReading
from hosting_cli.checks.seen import Endpoint, HostPosture, VaultPosture
from hosting_cli.journal import Break, Entry
from hosting_cli.keys.judgement import Judged
from hosting_cli.network.proving import HostProof
from hosting_cli.network.readings import NetworkReading
from hosting_cli.plan import Plan
from inventory.key_policy import KeyKind
from inventory.models import Region
from inventory.resource import Reading, Resource, Subject

Value = TypeVar("Value")


@dataclass(frozen=True)
class Seen(Generic[Value]):
    """A value beside the raw reading that it was taken from; ``None`` where it could not be read."""

    value: Value | None
    raw: RawReading


@dataclass(frozen=True)
class Keys:
    """Every key with what its age calls for; which kinds could not be read, and why."""

    judged: tuple[Judged, ...]
    unread: Mapping[KeyKind, str]


@dataclass(frozen=True)
class Journalled:
    """The entries of the journal, and where its chain breaks."""

    entries: tuple[Entry, ...]
    breaks: tuple[Break, ...]


@dataclass(frozen=True)
class NetworkSeen:
    """What a host's kernel holds, and what came of working it out."""

    reading: NetworkReading
    proof: HostProof


@dataclass(frozen=True)
class Facts:
    """What is judged, as of ``now``.

    ``files`` stands for the region's files where a check is about them alone.  Every other mapping goes by the name of
    a host, a store or an endpoint; what the environment names is there, whether or not it could be read.
    """

    region: Region
    now: datetime
    files: RawReading
    desired: Mapping[Subject, Resource]
    surveyed: Mapping[str, Seen[Reading]]
    plan: Seen[Plan]
    keys: Seen[Keys]
    backups: Mapping[str, Seen[Standing]]
    network: Mapping[str, Seen[NetworkSeen]]
    postures: Mapping[str, Seen[HostPosture]]
    endpoints: Mapping[str, Seen[Endpoint]]
    vault: Seen[VaultPosture]
    locations: Mapping[str, Seen[str]]
    journal: Seen[Journalled]

    @property
    def today(self) -> date:
        """Give the day that certificates and reviews are held against."""
        return self.now.date()
