"""How the backups of an application stand against what its continuity class promises.  Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from hosting_cli.backups.copying import Lag
from hosting_cli.backups.history import Check
from hosting_cli.backups.places import Place
from hosting_cli.backups.repository import Repository, newest
from hosting_cli.errors import HostingError
from inventory.models import ContinuityClass
from inventory.resource import Json


class Rpo(StrEnum):
    """Whether no more would be lost now than the class allows."""

    MET = "met"
    MISSED = "missed"
    NEVER = "no backup"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Standing:
    """One repository beside its promise; ``repository`` is ``None`` where none was ever made, or none can be read.

    ``lag`` is how the second copy on ``second_store`` stands; ``None`` where nobody can tell.
    """

    place: Place
    promise: ContinuityClass
    now: datetime
    repository: Repository | None
    error: HostingError | None
    last_check: Check | None
    last_drill: datetime | None
    second_store: str | None = None
    lag: Lag | None = None
    copy_error: HostingError | None = None

    @property
    def last(self) -> datetime | None:
        """Say when the store took the newest snapshot."""
        found = newest(self.repository.snapshots) if self.repository else None
        return found.stored if found else None

    @property
    def age(self) -> timedelta | None:
        """Say how much of the past would be lost if the host were lost now."""
        return self.now - self.last if self.last else None

    @property
    def rpo(self) -> Rpo:
        """Hold the age against the promise."""
        if self.error is not None:
            return Rpo.UNKNOWN
        if self.age is None:
            return Rpo.NEVER
        return Rpo.MET if self.age <= timedelta(minutes=self.promise.rpo_minutes) else Rpo.MISSED

    @property
    def errors(self) -> tuple[HostingError, ...]:
        """Give what could not be read, of the first and of the second."""
        return tuple(error for error in (self.error, self.copy_error) if error is not None)

    @property
    def is_copied_late(self) -> bool:
        """Tell whether the second copy is further behind than it should be."""
        return self.lag is not None and self.lag.is_late(self.now)

    def as_json(self) -> Mapping[str, Json]:
        """Give what programs are told."""
        check, seen = self.last_check, self.repository
        return {
            "application": self.place.application,
            "host": self.place.host,
            "continuity": self.promise.code,
            "rpo_minutes": self.promise.rpo_minutes,
            "rpo": self.rpo.value,
            "last_backup": _written(self.last),
            "age_seconds": round(self.age.total_seconds()) if self.age is not None else None,
            "snapshots": len(seen.snapshots) if seen else None,
            "size_bytes": seen.size_bytes if seen else None,
            "last_check": _written(check.time) if check else None,
            "last_check_damage": check.damage if check else None,
            "last_drill": _written(self.last_drill),
            "second_store": self.second_store,
            "second_copy": self._lag_json(),
            "unread": f"{self.error.what}. {self.error.remedy}" if self.error else None,
        }

    def _lag_json(self) -> Json:
        if self.lag is None:
            return None
        return {
            "newest": _written(self.lag.newest),
            "lacking_snapshots": self.lag.lacking_snapshots,
            "late": self.lag.is_late(self.now),
        }


def _written(moment: datetime | None) -> Json:
    return moment.isoformat(timespec="seconds") if moment else None
