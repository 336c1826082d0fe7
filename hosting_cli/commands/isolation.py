"""Incidents: cut a segment off from everything, in seconds, and let it back."""

from typing import TYPE_CHECKING, Annotated

import typer

from hosting_cli.canonical import digest
from hosting_cli.errors import UsageError
from hosting_cli.result import Result
from hosting_cli.session import Session

if TYPE_CHECKING:
    from hosting_cli.isolation import Grounds, Target
    from hosting_cli.procedure import Step

SegmentArgument = Annotated[str, typer.Argument(metavar="SEGMENT", help="The segment's id.")]
ReasonOption = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why, for the journal: no name and no number of a patient.")
]
TicketOption = Annotated[str, typer.Option("--ticket", metavar="ID", help="The ticket of the incident.")]
ConfirmOption = Annotated[
    str | None,
    typer.Option("--confirm", metavar="SEGMENT", help="The segment's id once more, where production is concerned."),
]


def isolate(
    session: Session,
    segment: SegmentArgument,
    reason: ReasonOption,
    ticket: TicketOption,
    confirm: ConfirmOption = None,
) -> Result:
    """Cut a segment off: every packet from or to it is dropped.

    For an establishment or a tier that is broken into.  On every gateway and host that is in the segment or exchanges
    flows with it, all at once, packets are dropped before all other rules, those of established connections too; only
    SSH from the administration still gets through.  It survives new rules and reboots, until it is let back with
    `hosting network release`.  Recorded, and read back on each host.  A host that cannot be reached is named, the
    others are done; the same command goes on.
    """
    from hosting_cli.isolation import isolate as step

    found, grounds = _confirmed(session, segment, confirm), _grounds(reason, ticket)
    more = f"Let it back: hosting network release {segment} --reason … --ticket {ticket}"
    return _carried_out(session, "network isolate", found, step(session, found, grounds), more)


def release(
    session: Session,
    segment: SegmentArgument,
    reason: ReasonOption,
    ticket: TicketOption,
    confirm: ConfirmOption = None,
) -> Result:
    """Let a segment back that was isolated: its flows pass again.

    On every gateway and host that is in the segment or exchanges flows with it.  Recorded, and read back on each host.
    """
    from hosting_cli.isolation import release as step

    found, grounds = _confirmed(session, segment, confirm), _grounds(reason, ticket)
    return _carried_out(session, "network release", found, step(session, found, grounds))


def _grounds(reason: str, ticket: str) -> "Grounds":
    from hosting_cli.isolation import Grounds

    for option, said in (("--reason", reason), ("--ticket", ticket)):
        if not said.strip():
            raise UsageError(option, "says nothing", "Whoever reads the journal must find out why.")
    return Grounds(reason.strip(), ticket.strip())


def _confirmed(session: Session, segment: str, confirm: str | None) -> "Target":
    from hosting_cli.isolation import target

    found = target(session.region, session.environment, segment)
    if confirm != segment and (found.production or confirm is not None):
        what = f"is not {confirm}" if confirm else "carries an application in production, and nobody confirmed that"
        raise UsageError(f"segment {segment}", what, f"If it is the one, add --confirm {segment}.")
    return found


def _carried_out(session: Session, command: str, found: "Target", step: "Step", *more: str) -> Result:
    from hosting_cli.commands.procedures import outcome_result
    from hosting_cli.procedure import carry_out

    procedure = digest({command: found.segment.id, "at": session.clock().isoformat()})
    with session.progress.stage(f"telling {len(found.hosts)} hosts"):
        outcomes = carry_out([step], digest=procedure, record=session.journal.append, tell=session.progress)
    return outcome_result(command, procedure, outcomes, f"On {', '.join(found.hosts)}.", *more)
