"""Join what restic tells of a repository with what the object store tells of its objects.  Pure."""

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from hosting_cli.backups.places import Place
from hosting_cli.backups.repository import Lock, Repository, Snapshot, in_order
from hosting_cli.backups.stored import StoredObject


def joined(
    place: Place,
    told: Collection[Mapping[str, Any]],
    before: Iterable[StoredObject],
    after: Iterable[StoredObject],
    taken_at: datetime,
) -> Repository:
    """Join what restic tells of the snapshots of *place* with what the store holds of it.

    *told* are restic's own documents; sizes stand in their ``summary``, which restic writes since 0.17.  The store is
    asked *before* restic, and once more for snapshots *after* it, so that one made or removed in between is not taken
    for one that cannot be opened, nor for one that the store does not know.
    """
    first, last = ({item.name: item for item in items} for items in (before, after))
    objects = {**first, **last}
    known = {document["id"] for document in told}
    locks = {name: item for name, item in objects.items() if name.startswith(LOCKS) and item.is_visible}
    kept = [item for item in objects.values() if item.name not in locks]
    lasting = _identifiers(first.values(), visible=True) & _identifiers(last.values(), visible=True)
    return Repository(
        application=place.application,
        host=place.host,
        taken_at=taken_at,
        snapshots=in_order(_snapshot(document, objects) for document in told),
        locks=tuple(Lock(name.removeprefix(LOCKS), item.first_stored) for name, item in locks.items()),
        overwritten=tuple(sorted(item.name for item in kept if item.is_overwritten)),
        unreadable=tuple(sorted(lasting - known)),
        removed=_identifiers(objects.values(), visible=False),
        size_bytes=sum(item.size_bytes for item in objects.values() if item.is_visible),
    )


LOCKS, SNAPSHOTS = "locks/", "snapshots/"


def _identifiers(objects: Iterable[StoredObject], *, visible: bool) -> frozenset[str]:
    """Give the snapshots whose object is visible in the store, or was deleted."""
    return frozenset(
        item.name.removeprefix(SNAPSHOTS)
        for item in objects
        if item.is_visible is visible and item.name.startswith(SNAPSHOTS)
    )


def _snapshot(document: Mapping[str, Any], objects: Mapping[str, StoredObject]) -> Snapshot:
    summary = document.get("summary") or {}
    seen = objects.get(f"{SNAPSHOTS}{document['id']}")
    return Snapshot(
        id=document["id"],
        claimed=datetime.fromisoformat(_seconds(document["time"])),
        stored=seen.first_stored if seen else None,
        host=document["hostname"],
        paths=tuple(document["paths"]),
        tree=document["tree"],
        size_bytes=summary.get("total_bytes_processed"),
        files=summary.get("total_files_processed"),
        added_bytes=summary.get("data_added"),
    )


def _seconds(moment: str) -> str:
    """Leave the nanoseconds out of a time of Go's, which Python cannot read."""
    return re.sub(r"\.\d+", "", moment).replace("Z", "+00:00")
