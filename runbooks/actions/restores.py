"""Restores: a whole volume of an application, back where it was, from the snapshot that somebody named."""

from collections.abc import Mapping

from deploys import names
from deploys.agent.backup import RESTORING
from hosting_cli.backups.choice import emptied_volume, snapshot_for
from hosting_cli.backups.opened import case_of, readings
from hosting_cli.backups.restoring import Wanted, bring_back
from hosting_cli.errors import UnreadableError
from hosting_cli.runbooks.action import Act, Look, Occasion, Pinned, Seen, Values
from hosting_cli.runbooks.sheet import Kind
from hosting_cli.session import Session
from inventory.models import Application
from inventory.resource import Json

_TAKES = {
    "application": Kind.APPLICATION,
    "host": Kind.HOST,
    "mount_point": Kind.MOUNT_POINT,
    "snapshot": Kind.SNAPSHOT,
}


def _wanted(session: Session, values: Values) -> Wanted:
    application, host, top = session.application(values["application"]), values["host"], values["mount_point"]
    target = emptied_volume(application, host, top)
    ((place, repository),) = readings(session, application.id, host, measured=False)
    chosen = snapshot_for(case_of(session, place, repository), top, prefix=values["snapshot"], as_of=None)
    return Wanted(place, chosen, top, host, target)


def pin(session: Session, values: Values) -> Pinned:
    """Find the snapshot, and what of it is restored."""
    wanted = _wanted(session, values)
    size_bytes = session.repositories.bytes_below(wanted.place, wanted.snapshot.id, (wanted.path,))[wanted.path]
    taken = wanted.snapshot.claimed.isoformat(timespec="seconds")
    return {"snapshot": wanted.snapshot.id, "taken": taken, "bytes": size_bytes}


def restore(session: Session, values: Values, occasion: Occasion) -> Mapping[str, Json]:
    """Have the host fill the volume, every byte verified; the host itself refuses one that holds anything."""
    wanted = _wanted(session, {**values, "snapshot": str(occasion.pinned["snapshot"])})
    return bring_back(session, wanted, timeout_seconds=occasion.timeout_seconds)


def is_restored(session: Session, values: Values, pinned: Pinned) -> Seen:
    """Tell whether the volume is mounted, being filled no more, and holds as many bytes as the snapshot."""
    host, top = values["host"], values["mount_point"]
    left_out = _servers(session.application(values["application"]), top)
    request: Json = {"folder": top, "leave_out": left_out, "mark": f"{top}/{RESTORING}"}
    answer = session.hosts.ask("measure_files", {host: request})[host]
    if isinstance(answer, UnreadableError):
        raise answer
    holds = answer["mounted"] and not answer["marked"] and answer["bytes"] == pinned["bytes"]
    return Seen(holds, {"mounted": answer["mounted"], "unfinished": answer["marked"], "bytes": answer["bytes"]})


def _servers(application: Application, top: str) -> list[Json]:
    """Name where database servers keep their own files on a volume, which are never in a backup."""
    databases = application.backup.databases if application.backup else ()
    here = {volume.id for tier in application.tiers for volume in tier.volumes if volume.mount_point == top}
    return [names.database_directory(top, item.engine.value) for item in databases if item.volume in here]


ACTIONS = (
    Act(
        "restore.volume",
        "The host fills an empty volume from a snapshot.",
        _TAKES,
        lambda values: (
            f"hosting restore {values['application']} {values['mount_point']} --host {values['host']}"
            f" --snapshot {values['snapshot']} --in-place",
        ),
        restore,
        pin,
    ),
    Look(
        "restore.is-whole",
        "The volume holds what the snapshot holds, and is being filled no more.",
        _TAKES,
        lambda values: (f"on {values['host']}: du --apparent-size --summarize --bytes {values['mount_point']}",),
        is_restored,
    ),
)
