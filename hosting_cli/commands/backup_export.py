"""Exports: a repository in a folder, to be taken away; verified where there is no vault, no store and no network."""

from typing import TYPE_CHECKING

from hosting_cli.backups.opened import readings
from hosting_cli.commands.backup_options import (
    ApplicationArgument,
    FolderArgument,
    FolderOption,
    HostOption,
    UntilOption,
)
from hosting_cli.commands.backup_recovery import moment_of
from hosting_cli.commands.backup_tables import size
from hosting_cli.errors import RefusedError, UsageError
from hosting_cli.result import ExitStatus, Result, Table, text
from hosting_cli.session import Session
from inventory.resource import Json, Subject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hosting_cli.backups.copying_steps import Way
    from hosting_cli.backups.places import Place
    from hosting_cli.backups.repository import Snapshot
    from hosting_cli.doors.exports import Export
    from hosting_cli.procedure import Observed


def export(
    session: Session,
    application: ApplicationArgument,
    into: FolderOption,
    *,
    host: HostOption = None,
    as_of: UntilOption = None,
) -> Result:
    """Write a repository into a folder, to be taken away.

    As restic opens it, on a removable medium for instance: encrypted as it is, with a manifest of every file's digest,
    which is recorded.  Every object is held against the digest in its name and read back.  A folder that holds anything
    else is refused; one that a killed run has left is gone on with.  The password is not in it: share it among holders
    with `hosting key recovery create`.
    """
    from hosting_cli.backups.copying_steps import bring_up
    from hosting_cli.backups.exporting import READ_BACK, WRITTEN_INTO, begun, taken
    from hosting_cli.canonical import digest
    from hosting_cli.commands.procedures import outcome_result
    from hosting_cli.procedure import carry_out, proof

    moment = moment_of(as_of, session.clock()) if as_of is not None else None
    found = readings(session, application, host)
    if len(found) > 1:
        hosts = ", ".join(place.host for place, _ in found)
        raise UsageError(f"application {application}", "is backed up on several hosts", f"Give --host: {hosts}.")
    ((place, repository),) = found
    chosen = taken(repository.snapshots, moment)
    if not chosen:
        raise UsageError("--as-of", "is before the first snapshot", "See `hosting backup show`.")
    identity = begun(session.region.id, place, moment)
    subject = Subject("repository", place.name)
    with session.progress.stage(f"{place.name}: exporting {len(chosen)} snapshots into {into}"):
        export, way = session.copies.to_folder(place, into, [one.id for one in chosen])
        export.begin(identity)
        _has_room(export, way)
        outcomes = carry_out(
            [
                proof(
                    subject,
                    f"{WRITTEN_INTO}{into}",
                    lambda: bring_up(subject, place.name, way, session.progress),
                ),
                proof(subject, READ_BACK, lambda: _finish(session, export, identity, place, chosen)),
            ],
            digest=digest({"export": place.name, "into": str(into), **identity}),
            record=session.journal.append,
            tell=session.progress,
        )
    name = place.password.name
    return outcome_result(
        "backup export",
        digest({"export": place.name, "into": str(into), **identity}),
        outcomes,
        f"{into} holds {len(chosen)} snapshots. Check it wherever it is: hosting backup verify {into}",
        f"It opens with the password of today. So that it does without the vault: hosting key recovery create {name}",
    )


def _has_room(export: "Export", way: "Way") -> None:
    from hosting_cli.backups.copying_steps import compared

    needed, free = compared(way).lacking_bytes, export.free_bytes()
    if needed > free:
        what = f"has {free >> 20} MiB left, and {needed >> 20} MiB are to be written"
        raise RefusedError(f"export {export.folder}", what, "Take a larger medium; nothing was written.")


def _finish(
    session: Session,
    export: "Export",
    identity: "Mapping[str, Json]",
    place: "Place",
    chosen: "tuple[Snapshot, ...]",
) -> "Observed":
    """Read everything back, hold it against the digests in its names, and write the manifest, last of all."""
    from hosting_cli.backups.exporting import manifest
    from hosting_cli.backups.recovery import promised_digest
    from hosting_cli.errors import EngineError

    files = export.held(session.progress)
    wrong = [name for name, held in files.items() if promised_digest(name.partition("/")[2]) not in {None, held.sha256}]
    if wrong:
        what = f"{len(wrong)} files read back otherwise than they were written, such as {wrong[0]}"
        raise EngineError(f"export {export.folder}", what, "The medium is bad: take another one.")
    document = manifest(
        identity,
        chosen,
        files,
        at=session.clock(),
        restic=session.copies.restic_version(),
        password=place.password.name,
    )
    return {"manifest_sha256": export.finish(document), "files": len(files), "snapshots": len(chosen)}


def verify(session: Session, folder: FolderArgument) -> Result:
    """Check an export where it is, without the vault.

    Reads every file and holds it against the manifest; asks nobody.  Exit status 3 when something is damaged.
    """
    from hosting_cli.backups.exporting import findings, held_by
    from hosting_cli.doors.exports import Export

    export = Export(folder)
    document, digest = export.manifest()
    with session.progress.stage(f"reading {folder}"):
        found = export.held(session.progress)
    wrong = findings(held_by(document), found)
    rows = (
        ("of", f"{document['application']} on {document['host']}"),
        ("exported", str(document["exported_at"])),
        ("snapshots", str(len(document["snapshots"]))),
        ("files", f"{len(found)}, {size(sum(held.size_bytes for held in found.values()))}"),
        ("manifest", digest),
    )
    words = wrong or ("Every file is what the manifest says. Hold its digest against the journal's, where it is kept.",)
    data: dict[str, Json] = {"manifest_sha256": digest, "files": len(found), "findings": [*wrong]}
    opening = text("How to open it:", *(f"  {line}" for line in document["how_to_open"]))
    blocks = (Table("", ("", "export"), rows), text(*words), opening)
    return Result("backup verify", data, blocks, ExitStatus.PENDING if wrong else ExitStatus.DONE)
