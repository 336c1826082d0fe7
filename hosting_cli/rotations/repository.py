"""A repository's password: a second one is added, tried, stored, read back and tried again; then the first one goes.

At every moment what the vault keeps opens the repository, and its second copy, to which the key comes before the vault
has its password.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from hosting_cli.backups.copying_steps import Way, bring_keys, bringing_keys, hiding_keys, lacks_keys
from hosting_cli.backups.guard import doubts
from hosting_cli.backups.opened import case_of, pair_of, readings
from hosting_cli.backups.places import Pair, Place, places
from hosting_cli.backups.repository import in_order
from hosting_cli.errors import EngineError, RefusedError
from hosting_cli.procedure import Observed, Step, proof
from hosting_cli.session import Session
from inventory.models import Application
from inventory.resource import Json, Subject

if TYPE_CHECKING:
    from hosting_cli.doors.repositories import RepositoryKey

LABEL_DIGITS = 12


def place_of(session: Session, application: Application, name: str) -> Place:
    """Find the repository that the vault's entry *name* opens; raise ``RefusedError`` where no file asks for one."""
    for place in places(session.region, application):
        if place.password.name == name:
            return place
    remedy = "Only repositories that the region's files ask for are given new passwords."
    raise RefusedError(f"restic-password {name}", "no file of the region asks for it", remedy)


def goal(session: Session, place: Place) -> Mapping[str, Json]:
    """Say which key of the repository is to be replaced, that of the password which the vault keeps, and which end.

    Those are all that it has now: of a rotation that was called off, or added by whoever had the password, as a
    host has.  Whoever approves names them all.
    """
    found = session.repositories.keys(place)
    return {"replaces": _current(place, found), "ends": ", ".join(sorted(key.id for key in found))}


def rotation(session: Session, place: Place, goal: Mapping[str, Json], digest: str) -> "Rotation":
    """Give the rotation that was asked for with *goal*, under the digest of its request."""
    return Rotation(session, place, str(goal["replaces"]), tuple(str(goal["ends"]).split(", ")), digest)


def _current(place: Place, keys: "Iterable[RepositoryKey]") -> str:
    found = [key.id for key in keys if key.current]
    if not found:
        raise EngineError(f"repository {place.name}", "restic does not say which key opened it", "Which restic is it?")
    return found[0]


@dataclass(frozen=True)
class Rotation:
    """The replacement of the password of one repository."""

    session: Session
    place: Place
    replaces: str
    ends: tuple[str, ...]
    procedure: str

    @property
    def subject(self) -> Subject:
        """Name the repository."""
        return Subject("repository", self.place.name)

    def steps(self) -> Iterator[Step]:
        """Yield the steps."""
        pair, way = self._copy()
        make = partial(self._make, pair, way)
        yield Step(self.subject, "add a second password, try it, store it, read it back", make, self._is_made)
        sentence = "restore a file of its newest snapshot, into nothing, with what the vault now holds"
        yield proof(self.subject, sentence, partial(self._restore, self.place))
        if pair and way:
            yield bringing_keys(pair, way)
            copy = Subject("repository", pair.second.name)
            yield proof(copy, "restore a file of the copy with it", partial(self._restore_copy, pair))
        for key in self.ends:
            whose = "the key of the first one" if key == self.replaces else "a key that nobody needs"
            remove = partial(self.session.repositories.remove_key, self.place, key)
            yield Step(self.subject, f"remove {key}, {whose}", remove, partial(self._is_removed, key))
        if pair and way:
            yield hiding_keys(pair, way)

    def _copy(self) -> tuple[Pair | None, Way | None]:
        """Give the second copy, if somebody asks for one, and the way to it."""
        pair = pair_of(self.session, self.place)
        return pair, self.session.copies.way(pair, as_pruner=True) if pair else None

    @property
    def _label(self) -> str:
        return f"rotation-{self.procedure[:LABEL_DIGITS]}"

    def _is_made(self) -> bool:
        return _current(self.place, self._keys()) != self.replaces

    def _is_removed(self, key: str) -> bool:
        return key not in {found.id for found in self._keys()}

    def _keys(self) -> "tuple[RepositoryKey, ...]":
        return self.session.repositories.keys(self.place)

    def _make(self, pair: Pair | None, way: Way | None) -> None:
        """Add and store; a key that a killed run added and did not store opens nothing for anybody, and goes first."""
        repositories = self.session.repositories
        for key in self._keys():
            if key.label == self._label and not key.current:
                repositories.remove_key(self.place, key.id)
        password = self.session.vault.new_value(self.place.password)
        repositories.add_password(self.place, password, label=self._label)
        if pair and way and lacks_keys(way):
            bring_keys(pair, way)
        self.session.vault.replace_secret(self.place.password, password, note={})

    def _restore_copy(self, pair: Pair) -> Observed:
        if not self.session.copies.is_begun(pair.second):
            return {"copy": "nothing was copied yet"}
        return self._restore(pair.second)

    def _restore(self, place: Place) -> Observed:
        """Restore from the newest snapshot that can be believed; from the newest of all where none can."""
        ((_, repository),) = readings(
            self.session, place.application, place.host, as_pruner=True, store=place.store, measured=False
        )
        snapshots = in_order(repository.snapshots)
        if not snapshots:
            return {"restored": "nothing: it holds no snapshot yet"}
        case = case_of(self.session, place, repository)
        believed = [snapshot for snapshot in snapshots if not doubts(snapshot, case)]
        chosen = (believed or snapshots)[-1]
        found = self.session.repositories.restore_into_nothing(place, chosen.id)
        seen: dict[str, Json] = {
            "snapshot": chosen.id,
            "believed": bool(believed),
            "files": found.files,
            "bytes": found.size_bytes,
        }
        if found.restored_bytes is None:
            return {**seen, "restored": "nothing: no file of it has any bytes"}
        return {**seen, "restored_bytes": found.restored_bytes}
