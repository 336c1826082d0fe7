"""What one run of the command line works with: a region, an environment, and doors made when they are first needed.

``app`` hands in how doors are made, so that nothing here, and no command, imports an engine's library.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from hosting_cli.console import Progress
from hosting_cli.errors import InvalidFilesError, UsageError
from hosting_cli.journal import Journal

if TYPE_CHECKING:
    from hosting_cli.doors.copies import Copies
    from hosting_cli.doors.endpoints import Endpoints
    from hosting_cli.doors.engine import Engine
    from hosting_cli.doors.evidence import EvidenceDoor
    from hosting_cli.doors.hosts import HostsDoor
    from hosting_cli.doors.monitoring import Monitoring
    from hosting_cli.doors.objects import ObjectStoreDoor
    from hosting_cli.doors.openbao import OpenBao
    from hosting_cli.doors.repositories import Repositories
    from hosting_cli.jobs import OperatorKey
    from hosting_cli.runbooks.action import Catalogue
    from inventory.environment import Environment, MonitoringAccess
    from inventory.models import Application, Region


class DoorMaker(Protocol):
    """Make each door; only ``app`` has one."""

    def vault(self, session: "Session") -> "OpenBao":
        """Make the door of the vault."""

    def stores(self, session: "Session") -> "Mapping[str, ObjectStoreDoor]":
        """Make the doors of the region's object stores, by their ids."""

    def evidence(self, session: "Session") -> "EvidenceDoor":
        """Make the door of the platform's evidence."""

    def repositories(self, session: "Session") -> "Repositories":
        """Make the door of backup repositories."""

    def copies(self, session: "Session") -> "Copies":
        """Make the door of second copies."""

    def operator_key(self, session: "Session") -> "OperatorKey":
        """Make the key by which this run logs in to hosts."""

    def hosts(self, session: "Session") -> "HostsDoor":
        """Make the door of the hosts."""

    def engine(self, session: "Session") -> "Engine":
        """Make the door of pyinfra."""

    def endpoints(self, session: "Session") -> "Endpoints":
        """Make the door of TLS endpoints."""

    def monitoring(self, session: "Session") -> "Monitoring":
        """Make the door of the monitoring."""

    def actions(self) -> "Catalogue":
        """Give what steps of runbooks can name."""


def now() -> datetime:
    """Tell the time; the only clock of the command line."""
    return datetime.now(tz=UTC)


@dataclass
class Session:
    """One run: where the files are, and what is made from them on first use."""

    region_folder: Path | None
    environment_file: Path | None
    token_file: Path | None
    doors: DoorMaker
    progress: Progress = field(default_factory=Progress)
    clock: Callable[[], datetime] = now
    ssh_authority: str | None = None
    """By which authority of the vault this run's key for hosts is certified; ``None``: the one that signs."""

    @property
    def today(self) -> date:
        """Give today's date, which certificates and flows are held against."""
        return self.clock().date()

    @property
    def folder(self) -> Path:
        """Give the folder of the region's files."""
        if self.region_folder is None:
            raise UsageError("region", "none was named", "Give --region PATH or set HOSTING_REGION.")
        return self.region_folder

    @cached_property
    def region(self) -> "Region":
        """Load the region and hold it against every rule; raise ``InvalidFilesError`` with all problems at once."""
        from inventory.load import load_region
        from inventory.problems import InventoryError

        try:
            return load_region(self.folder, today=self.today)
        except InventoryError as error:
            raise InvalidFilesError(error.problems) from error

    def chosen(self, application: str | None) -> "tuple[Application, ...]":
        """Give the applications that are asked for: one, or all of the region; raise ``UsageError`` for an unknown."""
        return self.region.applications if application is None else (self.application(application),)

    def application(self, name: str) -> "Application":
        """Find an application of the region; raise ``UsageError`` for one that it does not have."""
        known = {item.id: item for item in self.region.applications}
        if name not in known:
            remedy = f"Choose one of: {', '.join(known)}."
            raise UsageError(f"application {name}", "is not in the region", remedy)
        return known[name]

    @cached_property
    def environment(self) -> "Environment":
        """Load the environment file of the region."""
        from inventory.load import load_environment
        from inventory.problems import InventoryError

        if self.environment_file is None:
            raise UsageError("environment", "none was named", "Give --environment PATH or set HOSTING_ENVIRONMENT.")
        try:
            return load_environment(self.environment_file, self.region)
        except InventoryError as error:
            raise InvalidFilesError(error.problems) from error

    @cached_property
    def files_digest(self) -> str:
        """Name what the region's and the environment's files say, by the SHA-256 of it."""
        said = self.region.model_dump_json() + self.environment.model_dump_json()
        return hashlib.sha256(said.encode()).hexdigest()

    @property
    def monitoring_access(self) -> "MonitoringAccess":
        """Say where Prometheus and Alertmanager are; raise ``UsageError`` where the environment names none."""
        if self.environment.monitoring is None:
            remedy = "Say under `monitoring` where Prometheus and Alertmanager answer."
            raise UsageError("monitoring", "the environment names none", remedy)
        return self.environment.monitoring

    @cached_property
    def monitoring(self) -> "Monitoring":
        """Open the door of the monitoring; raise ``UsageError`` where the environment names none."""
        return self.doors.monitoring(self)

    @cached_property
    def vault(self) -> "OpenBao":
        """Open the door of the vault."""
        return self.doors.vault(self)

    @cached_property
    def stores(self) -> "Mapping[str, ObjectStoreDoor]":
        """Open the doors of the object stores."""
        return self.doors.stores(self)

    @cached_property
    def evidence(self) -> "EvidenceDoor":
        """Open the door of the platform's evidence; raise ``UsageError`` in a region that keeps none."""
        if self.region.evidence is None:
            raise UsageError("evidence", "the region keeps none", "Say in region.yaml in which store: evidence.")
        return self.doors.evidence(self)

    @cached_property
    def repositories(self) -> "Repositories":
        """Open the door of backup repositories."""
        return self.doors.repositories(self)

    @cached_property
    def copies(self) -> "Copies":
        """Open the door of second copies."""
        return self.doors.copies(self)

    @cached_property
    def operator_key(self) -> "OperatorKey":
        """Give this run's key, made in memory and certified by the vault; raise what the vault's door raises."""
        return self.doors.operator_key(self)

    @cached_property
    def hosts(self) -> "HostsDoor":
        """Open the door of the hosts."""
        return self.doors.hosts(self)

    @cached_property
    def engine(self) -> "Engine":
        """Open the door of pyinfra."""
        return self.doors.engine(self)

    @cached_property
    def endpoints(self) -> "Endpoints":
        """Open the door of TLS endpoints."""
        return self.doors.endpoints(self)

    @cached_property
    def actions(self) -> "Catalogue":
        """Give what steps of runbooks can name."""
        return self.doors.actions()

    @cached_property
    def identity(self) -> str:
        """Ask the vault who is at work; raise ``UnreadableError`` when it cannot say."""
        return self.vault.identity()

    @cached_property
    def journal(self) -> Journal:
        """Open the region's journal; entries carry the identity that the vault attests."""
        return Journal(self.environment.journal, now=self.clock, who=lambda: self.identity)

    def certified_by(self, ssh_authority: str) -> "Session":
        """Give a session on the same engines whose key for hosts is certified by one authority, whichever signs."""
        other = replace(self, ssh_authority=ssh_authority)
        vars(other).update(region=self.region, environment=self.environment, vault=self.vault, engine=self.engine)
        return other

    def recorded_by(self, who: Callable[[], str]) -> "Session":
        """Give the same session, whose journal's entries carry what *who* says: for when no vault attests anybody."""
        other = replace(self)
        journal = Journal(self.environment.journal, now=self.clock, who=who)
        vars(other).update(vars(self) | {"journal": journal})
        return other

    def without_bootstrap_keys(self) -> "Session":
        """Give the same session with no other key for hosts than the certified one."""
        hosts = {
            name: access.model_copy(update={"bootstrap_key": None}) for name, access in self.environment.hosts.items()
        }
        other = replace(self)
        vars(other).update(vars(self) | {"environment": self.environment.model_copy(update={"hosts": hosts})})
        vars(other).pop("hosts", None)
        return other

    def for_environment(self, file: Path, token_file: Path) -> "Session":
        """Give a session of the same region on another environment, in the name of another token."""
        return Session(self.region_folder, file, token_file, self.doors, self.progress, self.clock)
