"""What the journal knows of backups: checks, drills, recoveries, and prunes that were asked for.  Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from hosting_cli.backups.places import Place
from hosting_cli.journal import Entry
from hosting_cli.request import Asked, Request, asked
from inventory.resource import Json

CHECK, RECOVERY, DRILL = "backup-check", "backup-recovery", "drill"
RESTORE_PROOF = "backup-restores"
"""The proof of `hosting verify` that restores a file of a volume from its backup."""
PRUNE = "prune"
"""The procedure by which snapshots go that no retention asks for."""


@dataclass(frozen=True)
class Check:
    """One check of a repository: which part of the data it verified, and what was wrong, if anything."""

    time: datetime
    part: int
    parts: int
    damage: str | None


def checks(entries: Iterable[Entry], place: Place) -> tuple[Check, ...]:
    """Give the checks of a repository, the oldest first."""
    return tuple(
        Check(
            _time(entry),
            cast("int", entry.data["part"]),
            cast("int", entry.data["parts"]),
            cast("str | None", entry.data["damage"]),
        )
        for entry in entries
        if entry.kind == CHECK and entry.data["repository"] == place.name
    )


def next_part(earlier: Iterable[Check], parts: int) -> int:
    """Say which part of *parts* is to be verified next, so that in as many checks all data was read once."""
    last = next((check for check in reversed(tuple(earlier)) if check.parts == parts and check.damage is None), None)
    return last.part % parts + 1 if last else 1


def last_drill(entries: Iterable[Entry], place: Place, mount_points: Iterable[str]) -> datetime | None:
    """Say when a restore from a repository last gave the right bytes; ``None`` if that was never seen."""
    wanted = frozenset(mount_points)
    good = [_time(entry) for entry in entries if _is_drill(entry, place) or _is_proof(entry, place, wanted)]
    return good[-1] if good else None


def _is_drill(entry: Entry, place: Place) -> bool:
    return entry.kind == DRILL and entry.data["repository"] == place.name and entry.data["reason"] is None


def _is_proof(entry: Entry, place: Place, mount_points: frozenset[str]) -> bool:
    return entry.kind == "proof" and _is_good_restore(entry.data, place.host, mount_points)


@dataclass(frozen=True)
class Drill:
    """One drill: what was restored and how long it took, or why it failed.

    ``age_seconds`` is how much of the past would have been lost: how old the snapshot was, as the store dates it.
    """

    time: datetime
    repository: str
    snapshot: str
    seconds: float
    rto_minutes: int
    reason: str | None
    age_seconds: int | None = None
    rpo_minutes: int | None = None
    found: str = ""

    @property
    def is_met(self) -> bool:
        """Tell whether everything was back, and in time."""
        return self.reason is None and self.seconds <= self.rto_minutes * 60

    @property
    def is_fresh(self) -> bool:
        """Tell whether no more would have been lost than the class allows; what no record tells counts for nothing."""
        if self.age_seconds is None or self.rpo_minutes is None:
            return True
        return self.age_seconds <= self.rpo_minutes * 60


def drills(entries: Iterable[Entry]) -> tuple[Drill, ...]:
    """Give every drill, the oldest first."""
    return tuple(
        Drill(
            _time(entry),
            str(entry.data["repository"]),
            str(entry.data["snapshot"]),
            cast("float", entry.data["seconds"]),
            cast("int", entry.data["rto_minutes"]),
            cast("str | None", entry.data["reason"]),
            cast("int | None", entry.data.get("age_seconds")),
            cast("int | None", entry.data.get("rpo_minutes")),
            str(entry.data.get("found", "")),
        )
        for entry in entries
        if entry.kind == DRILL
    )


def _is_good_restore(data: Mapping[str, Json], host: str, mount_points: frozenset[str]) -> bool:
    observed = data["observed"]
    return (
        data["proof"] == RESTORE_PROOF
        and data["verdict"] == "held"
        and data["subject"] == f"host {host}"
        and isinstance(observed, dict)
        and observed.get("mount_point") in mount_points
    )


def _time(entry: Entry) -> datetime:
    return datetime.fromisoformat(entry.time)


# -- second copies ----------------------------------------------------------------------------------------------------


def dates_of_copied(entries: Iterable[Entry], place: Place) -> dict[str, datetime]:
    """Say when the first store took each snapshot that was copied to *place*; what came first on record counts."""
    found: dict[str, datetime] = {}
    for entry in entries:
        observed = entry.data.get("observed")
        if entry.kind == "done" and _is_about(entry, place) and isinstance(observed, dict):
            dates = cast("dict[str, str]", observed.get("snapshots", {}))
            found = {**{name: datetime.fromisoformat(when) for name, when in dates.items()}, **found}
    return found


def _is_about(entry: Entry, place: Place) -> bool:
    return entry.data.get("subject") == {"kind": "repository", "name": place.name}


# -- prunes -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RepositoryPrune:
    """What a prune removes from one repository, and on whose word beside the retention's."""

    host: str
    remove: tuple[str, ...]
    set_aside: frozenset[str]
    accepted: frozenset[str]


@dataclass(frozen=True)
class Prune:
    """What somebody asked to be removed of an application's backups."""

    application: str
    repositories: tuple[RepositoryPrune, ...]

    def of(self, host: str) -> RepositoryPrune | None:
        """Give what it removes of *host*; ``None`` if nothing."""
        return next((item for item in self.repositories if item.host == host), None)


def prune_of(request: Request) -> Prune:
    """Read back what ``pruning.request`` asked for."""
    documents = cast("list[dict[str, list[str]]]", request.goal["repositories"])
    return Prune(
        request.owner,
        tuple(
            RepositoryPrune(
                str(item["host"]), tuple(item["remove"]), frozenset(item["set_aside"]), frozenset(item["accepted"])
            )
            for item in documents
        ),
    )


def last_prune(requests: Mapping[str, Asked], application: str) -> str | None:
    """Name the request by which backups of *application* were pruned last."""
    ended = [digest for digest, item in requests.items() if item.ended and _is_prune(item, application)]
    return ended[-1] if ended else None


def _is_prune(known: Asked, application: str) -> bool:
    return (known.request.procedure, known.request.owner) == (PRUNE, application)


def removed_by_us(entries: Iterable[Entry], place: Place) -> frozenset[str]:
    """Name the snapshots of a repository that prunes and recoveries of ours have removed, or have begun to."""
    known = tuple(entries)
    hidden = (entry.data["hidden"] for entry in known if _is_recovery(entry, place))
    recovered = {str(name) for names in hidden if isinstance(names, list) for name in names}
    return frozenset(_begun_removals(asked(known).values(), place)) | recovered


def _is_recovery(entry: Entry, place: Place) -> bool:
    return entry.kind == RECOVERY and entry.data["repository"] == place.name


def _begun_removals(requests: Iterable[Asked], place: Place) -> Iterator[str]:
    for known in requests:
        if known.begun and _is_prune(known, place.application):
            part = prune_of(known.request).of(place.host)
            yield from part.remove if part else ()
