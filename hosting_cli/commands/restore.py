"""Bring files back from a backup, beside the live ones."""

from functools import partial
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from hosting_cli.backups.choice import emptied_volume, snapshot_for, target_for
from hosting_cli.backups.opened import case_of, readings
from hosting_cli.backups.restoring import Wanted, bring_back
from hosting_cli.canonical import digest
from hosting_cli.commands.backup_options import ApplicationArgument, HostOption
from hosting_cli.commands.backup_recovery import moment_of
from hosting_cli.commands.procedures import outcome_result
from hosting_cli.errors import UsageError
from hosting_cli.procedure import carry_out, proof
from hosting_cli.result import Result
from hosting_cli.session import Session
from inventory.models import Application
from inventory.resource import Json

if TYPE_CHECKING:
    from hosting_cli.backups.repository import Snapshot

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
InPlaceOption = Annotated[
    bool, typer.Option("--in-place", help="Where it was: a whole volume, which must be empty, as on a new host.")
]
FromOption = Annotated[
    str | None, typer.Option("--from", metavar="STORE", help="From the copy on this store: the first one is gone.")
]
ToOption = Annotated[
    str | None, typer.Option("--to", metavar="HOST", help="To another host of the application that has such a volume.")
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
    in_place: InPlaceOption = False,
    from_: FromOption = None,
    to: ToOption = None,
) -> Result:
    """Bring files back from a backup, beside the live ones.

    A file, a folder or a whole volume, from the last snapshot that can be believed, from the last that the object store
    had at a moment, or from one that is named.  They are written below a new folder on a volume of the application, so
    that health data never lies in clear and nothing live is overwritten; with --in-place they go where they were, if
    that volume is empty, as on a host that was made anew.  Every byte is read back and verified.  With --from they come
    from the second copy.  With --to another host of the application gets them, which in production a second person must
    approve: run the same command again then.  What is restored, from which snapshot and how fast is recorded.
    """
    asked_for = Asking(path, host, as_of, snapshot, into, in_place, from_, to)
    wanted = _wanted(session, application, asked_for)
    if wanted.to != wanted.place.host:
        return _elsewhere(session, wanted)
    name = digest({"restore": wanted.place.name, **wanted.goal()})
    with session.progress.stage(f"{wanted.place.name}: {wanted.sentence}"):
        step = proof(wanted.subject, wanted.sentence, partial(bring_back, session, wanted))
        outcomes = carry_out([step], digest=name, record=session.journal.append, tell=session.progress)
    data: dict[str, Json] = {"snapshot": wanted.snapshot.id, "target": wanted.target}
    return outcome_result("restore", name, outcomes, wanted.closing, data=data)


class Asking(NamedTuple):
    """What was asked for on the command line."""

    path: str
    host: str | None
    as_of: str | None
    prefix: str | None
    into: str | None
    in_place: bool
    store: str | None
    to: str | None


def _wanted(session: Session, application: str, asking: Asking) -> Wanted:
    """Find out what is meant; raise ``UsageError`` where that cannot be."""
    if asking.as_of is not None and asking.prefix is not None:
        raise UsageError("--as-of", "says which snapshot, and so does --snapshot", "Give one of them.")
    if asking.into is not None and asking.in_place:
        raise UsageError("--into", "says where to, and so does --in-place", "Give one of them.")
    when = moment_of(asking.as_of, session.clock()) if asking.as_of is not None else None
    found = readings(session, application, asking.host, store=asking.store)
    if len(found) > 1:
        hosts = ", ".join(place.host for place, _ in found)
        raise UsageError(f"application {application}", "is backed up on several hosts", f"Give --host: {hosts}.")
    ((place, repository),) = found
    chosen = snapshot_for(case_of(session, place, repository), asking.path, prefix=asking.prefix, as_of=when)
    target = _target(session.application(application), asking.to or place.host, asking, chosen)
    return Wanted(place, chosen, asking.path, asking.to or place.host, target)


def _target(application: Application, host: str, asking: Asking, chosen: "Snapshot") -> str:
    if asking.in_place:
        return emptied_volume(application, host, asking.path)
    return target_for(application, host, asking.path, chosen, asking.into)


def _elsewhere(session: Session, wanted: Wanted) -> Result:
    """Give one host what another has backed up: asked for, approved, carried out."""
    from hosting_cli.backups.granting import endpoint_for, request
    from hosting_cli.commands.procedures import ask, go_on, waiting
    from hosting_cli.request import asked

    endpoint_for(session, wanted.place, wanted.to)
    application, requests = session.application(wanted.place.application), asked(session.journal.entries())
    made = request(application, session.environment.environment, wanted.place, wanted.goal(), requests)
    known = requests.get(made.digest) or ask(session, made)
    if not known.is_approved:
        return waiting("restore", known)
    step = proof(wanted.subject, wanted.sentence, partial(bring_back, session, wanted))
    renewal = f"hosting key rotate {wanted.place.password.name}"
    more = f"{wanted.to} has seen the password of {wanted.place.name}: {renewal}"
    return go_on(session, "restore", known, lambda: (step,), wanted.closing, more)
