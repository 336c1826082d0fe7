"""A neighbour's token is refused on every path of an application."""

from collections.abc import Mapping

from hosting_cli.desired import hosts_of
from hosting_cli.proofs.proof import Proof, Verdict
from hosting_cli.session import Session
from inventory import naming
from inventory.models import Application
from inventory.resource import Json

NAME = "neighbour-refused"
REFUSED = 403
TOKEN_SECONDS = 120


def prove(session: Session, application: Application) -> list[Proof]:
    """Try every path of *application* with the token of a neighbour that owns nothing, and with one of its own.

    The neighbour's rights are rendered from the very template of every application's host, for a name that owns
    nothing; so what refuses it refuses every neighbour.
    """
    from vault_policies.paths import vault_paths_of

    paths = vault_paths_of(session.region, application)
    neighbour = session.vault.token_for((naming.NEIGHBOUR_PROBE_POLICY,), ttl_seconds=TOKEN_SECONDS)
    own_policy = naming.host_role(application.id, hosts_of(application)[0])
    own = session.vault.token_for((own_policy,), ttl_seconds=TOKEN_SECONDS)
    try:
        refused = {
            f"{method} {path}": session.vault.attempt(neighbour, method, path, body) for method, path, body in paths
        }
        allowed = {
            f"{method} {path}": session.vault.attempt(own, method, path, body)
            for method, path, body in paths
            if method in {"GET", "LIST"}
        }
    finally:
        session.vault.revoke(neighbour)
        session.vault.revoke(own)
    return [judge(application.id, refused, allowed)]


def judge(application: str, neighbour: Mapping[str, int], own: Mapping[str, int]) -> Proof:
    """Say whether the neighbour was refused everywhere, while the application's own token gets somewhere."""
    subject = f"application {application}"
    observed: dict[str, Json] = {"neighbour": dict(neighbour), "own": dict(own)}
    passed = sorted(path for path, status in neighbour.items() if status != REFUSED)
    if passed:
        answers = ", ".join(f"{path} answered {neighbour[path]}" for path in passed)
        return Proof(NAME, subject, Verdict.BROKEN, f"a neighbour's token was not refused: {answers}", observed)
    if REFUSED in own.values() and not any(status < REFUSED for status in own.values()):
        sentence = "the application's own token is refused everywhere too, so the neighbour's refusals show nothing"
        return Proof(NAME, subject, Verdict.BROKEN, sentence, observed)
    sentence = f"a neighbour's token was refused on all {len(neighbour)} paths of the application in the vault"
    return Proof(NAME, subject, Verdict.HELD, sentence, observed)
