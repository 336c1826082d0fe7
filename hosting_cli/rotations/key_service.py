"""The object store's secret-id: its administrator gets a second one; the first goes when the store logs in with that.

The platform cannot write the store's configuration, so this takes two runs of the same command.  In between, the
store's administrator takes the new secret-id out of its wrapping and restarts the store.  The vault counts the logins
with it, which is how the second run knows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from hosting_cli.console import show_once
from hosting_cli.errors import EngineError, HostingError, WaitingError
from hosting_cli.keys.values import SecretId
from hosting_cli.procedure import Observed, Step, proof
from hosting_cli.rotations.objects import ProofObjects, of_data_buckets
from hosting_cli.session import Session
from inventory.resource import Json, Subject

HAND_OVER_SECONDS = 24 * 3600
"""How long a wrapped secret-id waits for the store's administrator."""

ROTATION_NOTE = "rotation"


def goal(session: Session) -> Mapping[str, Json]:
    """Ask that the store use a secret-id made from now on; each time anew, so it names the entry that it follows."""
    return {"after_entry": len(session.journal.lines())}


@dataclass(frozen=True)
class Rotation:
    """The replacement of the secret-id by which the object store's key service logs in."""

    session: Session
    role: str
    procedure: str

    @property
    def subject(self) -> Subject:
        """Name the role."""
        return Subject("app-role", self.role)

    def steps(self) -> Iterator[Step]:
        """Yield the steps; until the last, the vault takes the old one and the new one."""
        yield Step(
            self.subject,
            "make a second one, and show it wrapped to the store's administrator",
            self._make,
            self._is_made,
        )
        yield proof(self.subject, "see that the store has logged in with it", self._look)
        for item in self._bucket():
            yield proof(item.subject, "put an object and read it", item.prove)
            yield Step(item.subject, "remove the object", item.remove, item.is_clean)
        yield Step(self.subject, "destroy every other secret-id of the role", self._destroy_others, self._is_alone)

    def _bucket(self) -> tuple[ProofObjects, ...]:
        """Choose one bucket to try: the role wraps the keys of all of them, or of none."""
        buckets = (
            item
            for application in self.session.region.applications
            for item in of_data_buckets(self.session, application, self.procedure)
        )
        return tuple(islice(buckets, 1))

    def _ours(self) -> tuple[SecretId, ...]:
        listed = self.session.vault.secret_ids(self.role)
        return tuple(item for item in listed if item.note.get(ROTATION_NOTE) == self.procedure)

    def _is_made(self) -> bool:
        return bool(self._ours())

    def _make(self) -> None:
        """Make one and show its wrapping token; where it cannot be shown, nobody has it, so it is destroyed."""
        token, accessor = self.session.vault.wrapped_secret_id(
            self.role, ttl_seconds=HAND_OVER_SECONDS, note={ROTATION_NOTE: self.procedure}, counted=True
        )
        try:
            show_once(_said(self.role, token.reveal(), self.session.environment.vault.address))
        except HostingError:
            self.session.vault.destroy_secret_id(self.role, accessor)
            raise

    def _look(self) -> Observed:
        (found, *_) = self._ours()
        if not found.uses:
            what = f"the object store has not logged in with the new one ({found.accessor[:8]}) yet"
            remedy = (
                "When its administrator has configured and restarted it, run the same command again. "
                "If nobody has it, call this off with `hosting key withdraw`, and rotate anew."
            )
            raise WaitingError(str(self.subject), what, remedy)
        return {"accessor": found.accessor, "logins": found.uses}

    def _destroy_others(self) -> None:
        kept = {item.accessor for item in self._ours()}
        if not kept:
            raise EngineError(str(self.subject), "the new one is gone", "Call this off, and rotate anew.")
        for accessor in self.session.vault.secret_id_accessors(self.role):
            if accessor not in kept:
                self.session.vault.destroy_secret_id(self.role, accessor)

    def _is_alone(self) -> bool:
        ours = {item.accessor for item in self._ours()}
        return bool(ours) and set(self.session.vault.secret_id_accessors(self.role)) == ours


def _said(role: str, token: str, vault: str) -> tuple[str, ...]:
    return (
        "",
        f"A new secret-id for the object store's role {role}, wrapped:",
        "",
        f"    {token}",
        "",
        f"The store's administrator unwraps it once, within a day (VAULT_ADDR={vault} bao unwrap -field=secret_id),",
        "puts it into the configuration of the store's key service, and restarts the store.  If it was unwrapped",
        "before, somebody else has it: say so at once.  Hand it over, then press Enter: it is shown once and wiped.",
    )
