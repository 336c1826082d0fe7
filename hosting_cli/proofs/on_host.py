"""Run things on hosts for proofs: every command is checked, and a failure says which it was."""

from collections.abc import Sequence

from hosting_cli.errors import EngineError
from hosting_cli.session import Session


def run(
    session: Session, host: str, argv: Sequence[str], *, stdin: str | None = None, timeout_seconds: float = 120
) -> str:
    """Run *argv* on *host* and give its output; raise ``EngineError`` with its last words when it fails."""
    done = session.hosts.run(host, argv, stdin=stdin, timeout_seconds=timeout_seconds)
    if done.status != 0:
        words = (done.errors or done.output).strip()[-400:]
        raise EngineError(f"host {host}", f"`{' '.join(argv[:3])}` failed ({done.status}): {words}", "See its journal.")
    return done.output


def digest(session: Session, host: str, path: str) -> str:
    """Give the SHA-256 of a file on *host*."""
    return run(session, host, ["sha256sum", "--", path]).split()[0]
