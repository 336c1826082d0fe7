"""Approve a recorded plan."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from hosting_cli.commands.plan import blocks
from hosting_cli.errors import RefusedError
from hosting_cli.result import Result, Table, text
from hosting_cli.session import Session
from inventory.naming import APPROVER_POLICY

if TYPE_CHECKING:
    from hosting_cli.request import Asked

DigestArgument = Annotated[
    str, typer.Argument(metavar="DIGEST", help="The plan's digest, or its first 8 digits or more.")
]


def approve(session: Session, digest: DigestArgument) -> Result:
    """Let a recorded plan be carried out, as a second person.

    What is approved is the plan's digest, so exactly what was shown.  A plan of production, and one that deletes or
    replaces anything, needs somebody else than who asked for it, who holds the vault's policy people-approver.  What
    another command than `hosting plan` asked for (the rotation of a key, a prune) is approved in the same way.  Show
    yourself with --token-file, or else VAULT_TOKEN.
    """
    from hosting_cli.approval import approver_refusal, find, needs_second_person, recorded_plans
    from hosting_cli.request import asked, find_open

    entries = session.journal.entries()
    requested = find_open(digest, asked(entries))
    if requested is not None:
        return _approve_request(session, requested)
    found = find(digest, recorded_plans(entries))
    refusal = approver_refusal(found, session.identity)
    _permit(session, f"plan {found.plan.digest[:12]}", refusal, second_person=needs_second_person(found.plan))
    if not found.requested_by:
        raise RefusedError(f"plan {found.plan.digest[:12]}", "was carried out already", "Run `hosting plan` anew.")
    session.journal.append("approval", {"plan": found.plan.digest})
    done = text(f"Approved by {session.identity}.", f"Next: hosting apply {found.plan.digest[:12]}")
    return Result("approve", {"plan": found.plan.digest, "approved_by": session.identity}, (*blocks(found.plan), done))


def _permit(session: Session, subject: str, refusal: str | None, *, second_person: bool) -> None:
    """Raise ``RefusedError`` unless who is here may approve: not who asked, and somebody whom the vault lets approve.

    Two names are not two people: a host's or a program's login has a name too.
    """
    if second_person and refusal is None and APPROVER_POLICY not in session.vault.policies():
        refusal = f"{session.identity} does not hold the policy {APPROVER_POLICY}"
    if refusal:
        raise RefusedError(subject, refusal, "Ask a colleague who may to run `hosting approve`.")


def _approve_request(session: Session, known: "Asked") -> Result:
    """Approve what a command asked for that is no plan."""
    from hosting_cli.request import approver_refusal

    digest, refusal = known.request.digest, approver_refusal(known, session.identity)
    _permit(session, f"request {digest[:12]}", refusal, second_person=known.request.second_person)
    session.journal.append("approval", {"procedure": digest})
    asked_for = Table("What was asked for", ("what", "value"), tuple(rows_of(known.request.goal)))
    said = text(f"{known.request}", f"Approved by {session.identity}. Next: the command that asked for it, again.")
    return Result("approve", {"procedure": digest, "approved_by": session.identity}, (asked_for, said))


def rows_of(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Lay a goal out for people, a row for each value in it, named by the way that leads there."""
    match value:
        case Mapping():
            for key, inner in value.items():
                yield from rows_of(inner, f"{name} {key.replace('_', ' ')}".strip())
        case list():
            for number, inner in enumerate(value, start=1):
                yield from rows_of(inner, f"{name} {number}")
        case None:
            pass
        case _:
            yield name, str(value)
