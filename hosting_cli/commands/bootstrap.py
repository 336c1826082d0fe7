"""Bring a fresh vault under the region: what must be there before anything can be planned."""

from hosting_cli.commands.apply import outcome_result
from hosting_cli.errors import UnreadableError
from hosting_cli.result import Result, text
from hosting_cli.session import Session
from inventory.resource import PLATFORM


def bootstrap(session: Session) -> Result:
    """Set a fresh vault up for the region, with its root token.

    Engines, SSH authority, policies: once, with the initial root token in --token-file.  Until this is done nobody
    has rights of their own, so nobody can approve: it is the one change that needs no approval.  It is planned,
    recorded and read back as any other.  Revoke the root token afterwards.
    """
    from hosting_cli.commands.apply import make
    from hosting_cli.desired import platform
    from hosting_cli.plan import plan
    from hosting_cli.survey import Survey, read_vault
    from vault_policies import render

    session.vault.bootstrap(render.people())
    wanted = {resource.subject: resource for resource in platform(session.region, session.environment)}
    found = Survey(wanted, tuple(read_vault(session, wanted)))
    needed = plan(
        wanted.values(),
        found.readings,
        region=session.region.id,
        environment=session.environment.environment,
        scope="platform",
        owners=frozenset({PLATFORM}),
    )
    if needed.unknown:
        raise UnreadableError(needed.unknown[0].subject, needed.unknown[0].reason, "Mend that first.")
    if needed.is_empty:
        return Result("bootstrap", {"plan": needed.digest}, (text("The vault is set up for the region already."),))
    session.journal.append("plan", {"plan": needed.document(), "files": session.files_digest})
    return outcome_result("bootstrap", needed, needed.digest, make(session, found, needed, needed.digest))
