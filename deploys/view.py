"""Everything that is looked at to say what one host should be, and the resources that are spelt alike everywhere."""

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from deploys import names
from deploys.flows import Placement, Topology
from deploys.resources import HostFile, HostResource, HostUnit, OnChange
from inventory.environment import Environment, HostAccess
from inventory.models import Host, Region
from inventory.resource import PLATFORM, Json, Subject


@dataclass(frozen=True)
class Published:
    """Public values that other resources give.

    Of the keys of SSH authorities whose certificates open hosts there is one, none before it was made, and two while
    one takes the other's place.
    """

    ssh_authority_keys: tuple[str, ...]
    certificate_authority: str


@dataclass(frozen=True)
class View:
    """One host in its region and environment."""

    region: Region
    environment: Environment
    places: Topology
    host: Host
    access: HostAccess
    published: Published

    @property
    def placements(self) -> tuple[Placement, ...]:
        """Give the tiers that run on the host."""
        return self.places.placements.get(self.host.id, ())

    def name(self, thing: str) -> str:
        """Name a resource of the host."""
        return f"{self.host.id}:{thing}"

    def subject(self, kind: type[HostResource], thing: str) -> Subject:
        """Refer to a resource of the host."""
        return Subject(kind.kind, self.name(thing))

    def file(
        self,
        path: str,
        content: str,
        *,
        owner: str = PLATFORM,
        mode: str = "0644",
        notifies: tuple[str, ...] = (),
        requires: tuple[Subject, ...] = (),
    ) -> HostFile:
        """Ask for a file that everybody may read and root alone may write."""
        return HostFile(
            host=self.host.id,
            name=self.name(path),
            owner=owner,
            path=path,
            sha256=digest(content),
            content=content,
            mode=mode,
            notifies=notifies,
            requires=requires,
        )

    def unit(
        self,
        unit: str,
        *,
        owner: str = PLATFORM,
        on_change: OnChange = OnChange.RESTART,
        loads: str | None = None,
        requires: tuple[Subject, ...] = (),
    ) -> HostUnit:
        """Ask for a unit that runs, now and after a reboot."""
        return HostUnit(
            host=self.host.id,
            name=self.name(unit),
            owner=owner,
            unit=unit,
            on_change=on_change,
            loads=loads,
            requires=requires,
        )


@lru_cache(maxsize=1024)  # most files are the same on every host
def digest(content: str) -> str:
    """Give the SHA-256 by which a content is compared."""
    return hashlib.sha256(content.encode()).hexdigest()


def as_json(value: Json) -> str:
    """Write a JSON file; on one line, because indenting takes ten times as long and there are thousands."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False) + "\n"


@cache
def agent_files() -> tuple[tuple[str, str], ...]:
    """Give the paths and texts of the agent that runs on hosts: its command and its modules."""
    directory = Path(__file__).parent / "agent"
    modules = ((f"{names.AGENT_DIRECTORY}/{path.name}", path) for path in sorted(directory.glob("*.py")))
    files = (*modules, (names.AGENT, directory / "hosting-agent"))
    return tuple((path, source.read_text()) for path, source in files)


def manifest_text(entries: Collection[tuple[str, ...]]) -> str:
    """Write the list of what is ours on a host: kind, thing and owner of each."""
    return as_json({"managed-by": "hosting", "resources": [list(entry) for entry in sorted(entries)]})
