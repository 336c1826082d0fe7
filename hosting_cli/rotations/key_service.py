"""The secret-ids of object stores: each store's administrator gets a second one; the first go when stores use that.

The platform cannot write a store's configuration, so this takes two runs of the same command.  In between, the store's
administrator takes the new secret-id out of its wrapping and restarts the store.  The vault counts the logins with it,
which is how the second run knows.  All stores share one role: none of its secret-ids ends before all stores are over.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from hosting_cli.console import show_once
from hosting_cli.errors import EngineError, HostingError, WaitingError
from hosting_cli.keys.values import SERVER_NOTE, SecretId
from hosting_cli.procedure import Observed, Step, proof
from hosting_cli.rotations.objects import ProofObjects, of_data_buckets
from hosting_cli.session import Session
from inventory.resource import Json, Subject

HAND_OVER_SECONDS = 24 * 3600
"""How long a wrapped secret-id waits for the store's administrator."""

ROTATION_NOTE = "rotation"
"""Under which name a secret-id says which rotation made it."""


def goal(session: Session) -> Mapping[str, Json]:
    """Ask that the store use a secret-id made from now on; each time anew, so it names the entry that it follows."""
    return {"after_entry": len(session.journal.lines())}


@dataclass(frozen=True)
class Rotation:
    """The replacement of the secret-ids by which the key services of object stores log in."""

    session: Session
    role: str
    procedure: str

    @property
    def subject(self) -> Subject:
        """Name the role."""
        return Subject("app-role", self.role)

    def steps(self) -> Iterator[Step]:
        """Yield the steps; until the last, the vault takes the old ones and the new ones."""
        servers = self._servers()
        for server, stores in servers.items():
            subject, sentence = Subject("object-store", stores), "show its administrator a second one, wrapped"
            yield Step(subject, sentence, partial(self._make, server, stores), partial(self._is_made, server))
        for server, stores in servers.items():
            subject = Subject("object-store", stores)
            yield proof(subject, "see that it has logged in with that", partial(self._look, server, subject))
        for item in self._buckets():
            yield proof(item.subject, "put an object and read it", item.prove)
            yield Step(item.subject, "remove the object", item.remove, item.is_clean)
        yield Step(self.subject, "destroy every other secret-id of the role", self._destroy_others, self._is_alone)

    def _servers(self) -> dict[str, str]:
        """Name the stores that each server is; two stores may be one server, which logs in with one secret-id."""
        found: dict[str, list[str]] = {}
        for store, access in sorted(self.session.environment.object_stores.items()):
            found.setdefault(access.endpoint, []).append(store)
        return {server: ", ".join(stores) for server, stores in found.items()}

    def _buckets(self) -> tuple[ProofObjects, ...]:
        """Choose one bucket of each server: the role wraps the keys of all that are there, or of none."""
        chosen: dict[str, ProofObjects] = {}
        for application in self.session.region.applications:
            for item in of_data_buckets(self.session, application, self.procedure):
                chosen.setdefault(self.session.environment.object_stores[item.store].endpoint, item)
        return tuple(chosen.values())

    def _ours(self) -> dict[str, SecretId]:
        """Give the secret-id that this rotation made for each server."""
        listed = self.session.vault.secret_ids(self.role)
        return {item.note[SERVER_NOTE]: item for item in listed if item.note.get(ROTATION_NOTE) == self.procedure}

    def _is_made(self, server: str) -> bool:
        return server in self._ours()

    def _make(self, server: str, stores: str) -> None:
        """Make one and show its wrapping token; where it cannot be shown, nobody has it, so it is destroyed."""
        note = {ROTATION_NOTE: self.procedure, SERVER_NOTE: server}
        token, accessor = self.session.vault.wrapped_secret_id(
            self.role, ttl_seconds=HAND_OVER_SECONDS, note=note, counted=True
        )
        try:
            show_once(_said(stores, self.role, token.reveal(), self.session.environment.vault.address))
        except HostingError:
            self.session.vault.destroy_secret_id(self.role, accessor)
            raise

    def _look(self, server: str, subject: Subject) -> Observed:
        found = self._ours()[server]
        if not found.uses:
            what = f"it has not logged in with the new one ({found.accessor[:8]}) yet"
            remedy = (
                "When its administrator has configured and restarted it, run the same command again. "
                "If nobody has it, call this off with `hosting key withdraw`, and rotate anew."
            )
            raise WaitingError(str(subject), what, remedy)
        return {"accessor": found.accessor, "logins": found.uses}

    def _kept(self) -> set[str]:
        return {item.accessor for item in self._ours().values()}

    def _destroy_others(self) -> None:
        kept = self._kept()
        if len(kept) < len(self._servers()):
            raise EngineError(str(self.subject), "a new one is gone", "Call this off, and rotate anew.")
        for accessor in self.session.vault.secret_id_accessors(self.role):
            if accessor not in kept:
                self.session.vault.destroy_secret_id(self.role, accessor)

    def _is_alone(self) -> bool:
        kept = self._kept()
        return len(kept) == len(self._servers()) and set(self.session.vault.secret_id_accessors(self.role)) == kept


def _said(stores: str, role: str, token: str, vault: str) -> tuple[str, ...]:
    return (
        "",
        f"A new secret-id for the object store {stores}, of the role {role}, wrapped:",
        "",
        f"    {token}",
        "",
        f"The store's administrator unwraps it once, within a day (VAULT_ADDR={vault} bao unwrap -field=secret_id),",
        "puts it into the configuration of the store's key service, and restarts the store.  If it was unwrapped",
        "before, somebody else has it: say so at once.  Hand it over, then press Enter: it is shown once and wiped.",
    )
