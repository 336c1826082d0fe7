"""Run things on hosts for proofs: every command is checked, and a failure says which it was."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploys import names
from hosting_cli.errors import EngineError
from hosting_cli.secret import Secret
from hosting_cli.session import Session

if TYPE_CHECKING:
    from hosting_cli.doors.hosts import Shell


@dataclass(frozen=True)
class Hand:
    """A hand on a host: one connection, over which a proof does all it has to do there."""

    host: str
    shell: "Shell"

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: Secret | str | None = None,
        timeout_seconds: float = 120,
        on_line: Callable[[str], None] | None = None,
    ) -> str:
        """Run *argv* and give its output; raise ``EngineError`` with its last words when it fails."""
        done = self.shell.run(argv, stdin=stdin, timeout_seconds=timeout_seconds, on_line=on_line)
        if done.status != 0:
            words = (done.errors or done.output).strip()[-400:]
            what = f"`{' '.join(argv[:3])}` failed ({done.status}): {words}"
            raise EngineError(f"host {self.host}", what, "See its journal.")
        return done.output

    def attempt(self, argv: Sequence[str], *, timeout_seconds: float = 60) -> None:
        """Run *argv*, whatever its status: to clean up what may not be there."""
        self.shell.run(argv, timeout_seconds=timeout_seconds)

    def digest(self, path: str) -> str:
        """Give the SHA-256 of a file."""
        return self.run(["sha256sum", "--", path]).split()[0]


def as_unit(application: str) -> tuple[str, ...]:
    """Begin a command that runs the agent in a unit of its own, with the credential that units of *application* get."""
    credential = f"--property=LoadCredentialEncrypted={names.credential(application)}"
    return ("systemd-run", "--quiet", "--wait", "--pipe", "--collect", credential, names.AGENT)


@contextmanager
def hand_on(session: Session, host: str) -> Iterator[Hand]:
    """Give a hand on *host* for as long as the block lasts."""
    with session.hosts.shell(host) as shell:
        yield Hand(host, shell)
