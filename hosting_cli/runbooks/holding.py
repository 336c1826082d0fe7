"""Hold a run's lease in the vault: taken before each step, given back in the end."""

from hosting_cli.errors import HostingError, RefusedError
from hosting_cli.runbooks.leases import Lease, ended, next_lease
from hosting_cli.session import Session


class Hold:
    """The lease of one run, for as long as this process goes on with it."""

    def __init__(self, session: Session, name: str, run: str, *, take_over: bool) -> None:
        self._session = session
        self._name = name
        self._run = run
        self._take_over = take_over
        self._held: Lease | None = None

    def take(self, seconds: int) -> None:
        """Take the lease for so many seconds; raise ``RefusedError`` while, or as soon as, somebody else has it."""
        session = self._session
        found = session.vault.lease(self._name)
        if self._held is not None and (found is None or found.version != self._held.version):
            holder = found.holder if found else "somebody"
            raise RefusedError(f"run {self._run[:12]}", f"{holder} has taken it over", "Ask them how far they are.")
        wanted = next_lease(
            found,
            holder=session.identity,
            run=self._run,
            seconds=seconds,
            now=session.clock(),
            take_over=self._take_over and self._held is None,
        )
        kept = session.vault.take_lease(self._name, wanted) if wanted is not None else None
        if kept is None:
            raise _taken(self._run, found)
        self._held = kept

    def release(self) -> None:
        """Give the lease back; where the vault does not take it, it ends by itself."""
        if self._held is None:
            return
        try:
            self._session.vault.take_lease(self._name, ended(self._held, self._session.clock()))
        except HostingError as error:
            self._session.progress(f"the lease stays until {_minute(self._held)}: {error.what}")
        self._held = None


def _taken(run: str, found: Lease | None) -> RefusedError:
    if found is None:
        return RefusedError(f"run {run[:12]}", "somebody began the same at this moment", "Run it again to see who.")
    what = f"{found.holder} is at the same, run {found.run[:12]}, until {_minute(found)} at the latest"
    remedy = "Ask them first. If they are gone: hosting runbook resume, with --take-over and --reason."
    return RefusedError(f"run {run[:12]}", what, remedy)


def _minute(lease: Lease) -> str:
    return lease.until.isoformat(timespec="seconds")
