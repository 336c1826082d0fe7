"""A neighbour's token is refused on every path of an application."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from hosting_cli.desired import hosts_of
from hosting_cli.proofs.proof import Proof, Verdict
from hosting_cli.secret import Secret
from hosting_cli.session import Session
from inventory import naming
from inventory.models import Application
from inventory.resource import Json

NAME = "neighbour-refused"
REFUSED = 403
FIRST_ERROR = 400
NOT_PASSED = frozenset({REFUSED, *range(500, 600)})
"""Which answers let nobody through: a refusal, and a vault that fails."""

TOKEN_SECONDS = 120


def prove(session: Session, application: Application) -> list[Proof]:
    """Try every path of *application* with the token of a neighbour that owns nothing, and with one of its own.

    The neighbour's rights are rendered from the very template of every application's host, for a name that owns
    nothing; so what refuses it refuses every neighbour.  Where even one allowed request would destroy something,
    the vault is asked what the neighbour may do.
    """
    from vault_policies.paths import too_dangerous_to_try, vault_paths_of

    paths = vault_paths_of(session.region, application)
    own_policy = naming.host_role(application.id, hosts_of(application)[0])
    with _token(session, naming.NEIGHBOUR_PROBE_POLICY) as neighbour, _token(session, own_policy) as own:
        refused = {
            f"{method} {path}": session.vault.attempt(neighbour, method, path, body) for method, path, body in paths
        }
        rights = session.vault.capabilities_of(neighbour, too_dangerous_to_try(application))
        allowed = {
            f"{method} {path}": session.vault.attempt(own, method, path, body)
            for method, path, body in paths
            if method in {"GET", "LIST"}
        }
    return [judge(application.id, refused, rights, allowed)]


@contextmanager
def _token(session: Session, policy: str) -> Iterator[Secret]:
    """Lend a token with *policy* and nothing else."""
    token = session.vault.token_for((policy,), ttl_seconds=TOKEN_SECONDS)
    try:
        yield token
    finally:
        session.vault.revoke(token)


def judge(
    application: str, neighbour: Mapping[str, int], rights: Mapping[str, tuple[str, ...]], own: Mapping[str, int]
) -> Proof:
    """Say whether the neighbour was refused everywhere, while the application's own token gets somewhere.

    *rights* are what the neighbour might do where nothing was tried.  A vault that fails (5xx) has refused nothing.
    """
    subject = f"application {application}"
    observed: dict[str, Json] = {
        "neighbour": dict(neighbour),
        "neighbour_rights": {path: list[Json](allowed) for path, allowed in rights.items()},
        "own": dict(own),
    }
    passed = [f"{path} answered {status}" for path, status in sorted(neighbour.items()) if status not in NOT_PASSED]
    passed += [f"{path} allows {', '.join(found)}" for path, found in sorted(rights.items()) if found != ("deny",)]
    if passed:
        sentence = f"a neighbour's token was not refused: {', '.join(passed)}"
        return Proof(NAME, subject, Verdict.BROKEN, sentence, observed)
    failed = sorted(path for path, status in neighbour.items() if status != REFUSED)
    if failed:
        sentence = f"the vault itself failed, which refuses nobody: {', '.join(failed)}"
        return Proof(NAME, subject, Verdict.UNKNOWN, sentence, observed)
    if not any(status < FIRST_ERROR for status in own.values()):
        sentence = "the application's own token gets nowhere either, so the neighbour's refusals show nothing"
        return Proof(NAME, subject, Verdict.UNKNOWN, sentence, observed)
    count = len(neighbour) + len(rights)
    sentence = f"a neighbour's token was refused on all {count} paths of the application in the vault"
    return Proof(NAME, subject, Verdict.HELD, sentence, observed)
