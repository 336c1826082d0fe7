"""Approve a recorded plan."""

from typing import Annotated

import typer

from hosting_cli.commands.plan import blocks
from hosting_cli.errors import RefusedError
from hosting_cli.result import Result, text
from hosting_cli.session import Session

DigestArgument = Annotated[
    str, typer.Argument(metavar="DIGEST", help="The plan's digest, or its first 8 digits or more.")
]


def approve(session: Session, digest: DigestArgument) -> Result:
    """Let a recorded plan be carried out, as a second person.

    What is approved is the plan's digest, so exactly what was shown.  A plan of production, and one that deletes or
    replaces anything, needs somebody else than who asked for it.  Show yourself with --token-file, or else VAULT_TOKEN.
    """
    from hosting_cli.approval import approver_refusal, find, recorded_plans

    found = find(digest, recorded_plans(session.journal.entries()))
    refusal = approver_refusal(found, session.identity)
    if refusal:
        raise RefusedError(f"plan {found.plan.digest[:12]}", refusal, "Ask a colleague to run `hosting approve`.")
    if not found.requested_by:
        raise RefusedError(f"plan {found.plan.digest[:12]}", "was carried out already", "Run `hosting plan` anew.")
    session.journal.append("approval", {"plan": found.plan.digest})
    done = text(f"Approved by {session.identity}.", f"Next: hosting apply {found.plan.digest[:12]}")
    return Result("approve", {"plan": found.plan.digest, "approved_by": session.identity}, (*blocks(found.plan), done))
