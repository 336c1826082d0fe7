"""Bring files back from a backup, beside the live ones."""

from typing import TYPE_CHECKING, Annotated

import typer

from hosting_cli.backups.opened import case_of, readings
from hosting_cli.commands.backup import ApplicationArgument, HostOption
from hosting_cli.commands.backup_recovery import moment_of
from hosting_cli.errors import UsageError
from hosting_cli.result import Result
from hosting_cli.session import Session

if TYPE_CHECKING:
    from hosting_cli.procedure import Observed

PathArgument = Annotated[
    str, typer.Argument(metavar="PATH", help="What to bring back; the mount point of a volume for all of it.")
]
AsOfOption = Annotated[
    str | None, typer.Option("--as-of", metavar="TIME", help="As it was then, like 2026-11-22T03:00Z; else the last.")
]
SnapshotOption = Annotated[
    str | None, typer.Option("--snapshot", metavar="ID", help="From this snapshot, or what its identifier begins with.")
]
IntoOption = Annotated[
    str | None, typer.Option("--into", metavar="FOLDER", help="A new folder on a volume of the application.")
]


def restore(
    session: Session,
    application: ApplicationArgument,
    path: PathArgument,
    *,
    host: HostOption = None,
    as_of: AsOfOption = None,
    snapshot: SnapshotOption = None,
    into: IntoOption = None,
) -> Result:
    """Bring files back from a backup, beside the live ones.

    A file, a folder or a whole volume, from the last snapshot that can be believed, from the last that the object store
    had at a moment, or from one that is named.  They are written below a new folder on a volume of the application, so
    that health data never lies in clear and nothing live is overwritten; every byte is read back and verified.  What is
    restored, from which snapshot and in how many seconds is recorded.
    """
    from hosting_cli.backups.choice import snapshot_for, target_for
    from hosting_cli.backups.restoring import restored
    from hosting_cli.canonical import digest
    from hosting_cli.commands.procedures import outcome_result
    from hosting_cli.procedure import carry_out, proof
    from hosting_cli.proofs.on_host import hand_on
    from inventory.resource import Subject

    if as_of is not None and snapshot is not None:
        raise UsageError("--as-of", "says which snapshot, and so does --snapshot", "Give one of them.")
    moment = moment_of(as_of, session.clock()) if as_of is not None else None
    found = readings(session, application, host)
    if len(found) > 1:
        hosts = ", ".join(place.host for place, _ in found)
        raise UsageError(f"application {application}", "is backed up on several hosts", f"Give --host: {hosts}.")
    ((place, repository),) = found
    chosen = snapshot_for(case_of(session, place, repository), path, prefix=snapshot, as_of=moment)
    target = target_for(session.application(application), place.host, path, chosen, into)

    def bring_back() -> "Observed":
        is_whole = path in chosen.paths
        argv = ["hosting-agent", "restore", application, chosen.id, path, target]
        with hand_on(session, place.host) as hand:
            seconds = restored(hand, argv, needed_bytes=chosen.size_bytes if is_whole else None)
        return {"snapshot": chosen.id, "path": path, "target": target, "seconds": round(seconds, 1)}

    sentence = f"restore {path} of snapshot {chosen.short_id} into {target}"
    name = digest({"restore": place.name, "snapshot": chosen.id, "path": path, "target": target})
    with session.progress.stage(f"{place.name}: {sentence}"):
        outcomes = carry_out(
            [proof(Subject("repository", place.name), sentence, bring_back)],
            digest=name,
            record=session.journal.append,
            tell=session.progress,
        )
    closing = f"On {place.host}: {target}{path}. Take from there what is needed, and remove the folder."
    return outcome_result("restore", name, outcomes, closing, data={"snapshot": chosen.id, "target": target})
