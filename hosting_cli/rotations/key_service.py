"""The secret-ids of object stores: each store's administrator gets a second one; the first go when stores use that.

The platform cannot write a store's configuration, so this takes two runs of the same command.  In between, the store's
administrator takes the new secret-id out of its wrapping and restarts the store.  The vault counts the logins with it,
which is how the second run knows.  All stores share one role: none of its secret-ids ends before all stores are over.

While one is shown, the vault holds a mark: a secret-id that nobody was given.  A run that finds it knows that an
earlier one was killed before anybody pressed Enter, and shows another; what may have been seen stays good until the
last step.
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

MARK_NOTE = "mark"
"""By which name in its notes a mark is told from what is shown."""

MARK_SECONDS = 1
"""How long the wrapping of a mark lasts, which nobody opens."""


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
        """Give the secret-id that this rotation made for each server: the one it uses, or the one shown last."""
        listed = [item for item in self._of_this_rotation() if MARK_NOTE not in item.note]
        best_last = sorted(listed, key=lambda item: (bool(item.uses), item.made_at))
        return {item.note[SERVER_NOTE]: item for item in best_last}

    def _marks(self, server: str) -> list[SecretId]:
        marks = [item for item in self._of_this_rotation() if MARK_NOTE in item.note]
        return [item for item in marks if item.note[SERVER_NOTE] == server]

    def _of_this_rotation(self) -> list[SecretId]:
        listed = self.session.vault.secret_ids(self.role)
        return [item for item in listed if item.note.get(ROTATION_NOTE) == self.procedure]

    def _is_made(self, server: str) -> bool:
        found = self._ours().get(server)
        return found is not None and (bool(found.uses) or not self._marks(server))

    def _make(self, server: str, stores: str) -> None:
        """Make one and show its wrapping token; where it cannot be shown, nobody has it, so it is destroyed."""
        vault, note = self.session.vault, {ROTATION_NOTE: self.procedure, SERVER_NOTE: server}
        again, being_shown = server in self._ours(), {**note, MARK_NOTE: "somebody is being shown another"}
        _, mark = vault.wrapped_secret_id(self.role, ttl_seconds=MARK_SECONDS, note=being_shown)
        token, accessor = vault.wrapped_secret_id(self.role, ttl_seconds=HAND_OVER_SECONDS, note=note, counted=True)
        try:
            show_once(_said(stores, self.role, token.reveal(), self.session.environment.vault.address, again=again))
        except HostingError:
            for made in (accessor, mark):
                vault.destroy_secret_id(self.role, made)
            raise
        for left in self._marks(server):
            vault.destroy_secret_id(self.role, left.accessor)

    def _look(self, server: str, subject: Subject) -> Observed:
        found = self._ours()[server]
        if not found.uses:
            what = f"it has not logged in with the new one ({found.accessor[:8]}) yet"
            remedy = (
                "When its administrator has configured and restarted it, run the same command again. "
                "If nobody has it any more, call this off with `hosting key withdraw`, and rotate anew."
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


def _said(stores: str, role: str, token: str, vault: str, *, again: bool) -> tuple[str, ...]:
    earlier = ("An earlier run was ended while it showed another one: throw that away.", "") if again else ()
    return (
        "",
        *earlier,
        f"A new secret-id for the object store {stores}, of the role {role}, wrapped:",
        "",
        f"    {token}",
        "",
        f"The store's administrator unwraps it once, within a day (VAULT_ADDR={vault} bao unwrap -field=secret_id),",
        "puts it into the configuration of the store's key service, and restarts the store.  If it was unwrapped",
        "before, somebody else has it: say so at once.  Hand it over, then press Enter: it is shown once and wiped.",
    )
