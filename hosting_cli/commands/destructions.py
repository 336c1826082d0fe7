"""The end of an application's keys: asked for, approved by somebody else, waited for, confirmed, proven."""

from typing import TYPE_CHECKING, Annotated

import typer

from hosting_cli.errors import RefusedError, UnreadableError
from hosting_cli.result import ExitStatus, Result, Table, text
from hosting_cli.session import Session
from inventory.resource import Json, Subject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hosting_cli.destruction import Loss
    from hosting_cli.erasure.outliving import Outliving
    from hosting_cli.request import Asked

ConfirmOption = Annotated[
    str | None,
    typer.Option("--confirm", metavar="ID", help="The application's id once more, to carry the destruction out."),
]


def destroy(
    session: Session,
    application: Annotated[str, typer.Argument(metavar="ID", help="An application that has left the region's files.")],
    confirm: ConfirmOption = None,
) -> Result:
    """Destroy an application's keys, and so every copy of its data.

    There is no way back.  The first call says what would be lost, and what outlives it in people's hands, and records
    that it is asked for; somebody else approves it; when the waiting time of the region's key policy is over, --confirm
    carries it out, with a token that may destroy keys.  On each host that is reached the volumes are closed and every
    slot of their headers is ended; then the keys end.  Volumes, objects, copies of headers and every secret are then
    tried, which must all be unreadable, and the journal gets the record that a certificate of destruction is printed
    from, limits included.  Exit status 3 when a host was not reached: the same command goes on when it is back.
    `hosting key withdraw` calls off what is not carried out yet.
    """
    from hosting_cli.destruction import DESTROY, may_begin_at, refusals
    from hosting_cli.request import asked, open_request

    _has_left(session, application)
    found = _loss(session, application)
    known = open_request(DESTROY, Subject("application", application), asked(session.journal.entries()))
    if known is None and confirm is not None:
        raise RefusedError(f"destruction of {application}", "nobody asked for it", "Run this without --confirm first.")
    outlives = _outliving(session, application)
    known = known or _ask(session, found, outlives)
    if confirm is None:
        begins = may_begin_at(known)
        when = f"not before {begins.isoformat(timespec='minutes')}" if begins else "never"
        return _waiting(found, outlives, known, when)
    reasons = refusals(known, found, confirmed=confirm, now=session.clock())
    if reasons:
        raise RefusedError(f"destruction of {application}", "; ".join(reasons), "Nothing was destroyed.")
    with session.hosts.keeping_connections():
        return _carry_out(session, found, outlives, known)


def _has_left(session: Session, application: str) -> None:
    if application in {item.id for item in session.region.applications}:
        remedy = "Offboard it first: remove its file, have that reviewed, and ask again."
        raise RefusedError(f"application {application}", "is still in the region's files", remedy)


def _loss(session: Session, application: str) -> "Loss":
    """Read what the application owns; raise ``UnreadableError`` when any part of that is unknown."""
    from hosting_cli.destruction import loss

    with session.progress.stage("reading what would be lost"):
        readings = [session.vault.read(), *(door.read() for door in session.stores.values())]
    for reading in readings:
        if reading.resources is None:
            raise UnreadableError(
                reading.source, f"what would be lost is unknown ({reading.reason})", "Mend that first."
            )
    return loss(application, [item for reading in readings for item in (reading.resources or {}).values()])


def _outliving(session: Session, application: str) -> "tuple[Outliving, ...]":
    """Say what of the application is in people's hands; how old a value is may be unknown, that it is there never."""
    from hosting_cli.erasure.outliving import outliving

    made_at = {key.name: key.made_at for key in session.vault.keys().keys}
    return outliving(application, session.journal.entries(), made_at)


def _ask(session: Session, found: "Loss", outlives: "Sequence[Outliving]") -> "Asked":
    from hosting_cli.commands.procedures import ask
    from hosting_cli.destruction import request

    if not found.keys:
        raise RefusedError(f"application {found.application}", "owns no key that could be destroyed", "Check its id.")
    made = request(
        found,
        outlives=[str(item) for item in outlives],
        environment=session.environment.environment,
        wait_days=session.region.key_policy.destruction_days,
        after_entry=len(session.journal.lines()),
    )
    return ask(session, made)


def _waiting(found: "Loss", outlives: "Sequence[Outliving]", known: "Asked", when: str) -> Result:
    """Say what would be lost, what would outlive it, and what has to happen before."""
    digest = known.request.digest
    rows = tuple(
        (what, ", ".join(map(str, names))) for what, names in found.body().items() if isinstance(names, list) and names
    )
    approved = ", ".join(sorted(known.approved_by.keys() - known.asked_by))
    lines = text(
        f"Asked for by {', '.join(sorted(known.asked_by))}; "
        + (f"approved by {approved}." if approved else f"next, by a second person: hosting approve {digest[:12]}"),
        f"It can be carried out {when}: hosting key destroy {found.application} --confirm {found.application}",
        f"Call it off: hosting key withdraw {digest[:12]}",
    )
    lost = Table("", ("would be lost", "which"), rows)
    left = [Table("", ("would outlive it",), tuple((str(item),) for item in outlives))] if outlives else []
    data: dict[str, Json] = {
        "procedure": digest,
        "request": known.request.body(),
        "outlives": [item.to_json() for item in outlives],
    }
    return Result("key destroy", data, (lost, *left, lines), ExitStatus.PENDING)


def _carry_out(session: Session, loss: "Loss", outlives: "Sequence[Outliving]", known: "Asked") -> Result:
    """Destroy, prove, and record what a certificate is printed from; the same command goes on after a kill."""
    from dataclasses import replace

    from hosting_cli.commands.procedures import outcome_result
    from hosting_cli.destruction import Remains, evidence, record
    from hosting_cli.erasure.steps import found
    from hosting_cli.procedure import carry_out, is_complete

    digest, listed = known.request.digest, known.request.goal["inventory"]
    keys = [str(key) for key in listed["keys"]] if isinstance(listed, dict) and isinstance(listed["keys"], list) else []
    with session.progress.stage(f"ending all data of {loss.application}"):
        work = found(session, loss, keys, digest)
        outcomes = carry_out(tuple(work.steps()), digest=digest, record=session.journal.append, tell=session.progress)
    if not is_complete(outcomes):
        return outcome_result("key destroy", digest, outcomes)
    limits = (*work.limits, *map(str, outlives))
    remains = Remains(tuple(item.to_json() for item in outlives), limits, work.outstanding)
    proofs = evidence(outcomes, session.journal.entries(), digest)
    certified = record(known, proofs, remains, by=session.identity, at=session.clock())
    session.journal.append("destruction", certified)
    closing, data = remains.closing(loss.application), {"destruction": certified}
    if remains.outstanding:
        # Not completed: the request stays open and approved, and the same command ends what was not reached.
        result = outcome_result("key destroy", digest, outcomes, *closing, *limits, data=data)
        return replace(result, status=ExitStatus.PENDING)
    session.journal.append("completed", {"procedure": digest})
    return outcome_result("key destroy", digest, outcomes, *closing, *limits, data=data)
