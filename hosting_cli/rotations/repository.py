"""A repository's password: a second one is added, tried, stored, read back and tried again; then the first one goes."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial

from hosting_cli.backups.copying_steps import bringing_keys, hiding_keys
from hosting_cli.backups.opened import pair_of
from hosting_cli.backups.places import Pair, Place, places
from hosting_cli.errors import EngineError, RefusedError
from hosting_cli.procedure import Observed, Step, proof
from hosting_cli.session import Session
from inventory.models import Application
from inventory.resource import Json, Subject

LABEL_DIGITS = 12


def place_of(session: Session, application: Application, name: str) -> Place:
    """Find the repository that the vault's entry *name* opens; raise ``RefusedError`` where no file asks for one."""
    for place in places(session.region, application):
        if place.password.name == name:
            return place
    remedy = "Only repositories that the region's files ask for are given new passwords."
    raise RefusedError(f"restic-password {name}", "no file of the region asks for it", remedy)


def goal(session: Session, place: Place) -> Mapping[str, Json]:
    """Say which key of the repository is to be replaced: the one of the password that the vault keeps."""
    return {"replaces": _current(session, place)}


def _current(session: Session, place: Place) -> str:
    found = [key.id for key in session.repositories.keys(place) if key.current]
    if not found:
        raise EngineError(f"repository {place.name}", "restic does not say which key opened it", "Which restic is it?")
    return found[0]


@dataclass(frozen=True)
class Rotation:
    """The replacement of the password of one repository."""

    session: Session
    place: Place
    replaces: str
    procedure: str

    @property
    def subject(self) -> Subject:
        """Name the repository."""
        return Subject("repository", self.place.name)

    def steps(self) -> Iterator[Step]:
        """Yield the steps."""
        yield Step(self.subject, "add a second password, try it, store it, read it back", self._make, self._is_made)
        yield proof(self.subject, "read its newest snapshot with what the vault now holds", self._try)
        pair = pair_of(self.session, self.place)
        way = self.session.copies.way(pair, as_pruner=True) if pair else None
        if pair and way:
            yield bringing_keys(pair, way)
            yield proof(Subject("repository", pair.second.name), "open the copy with it", partial(self._try_copy, pair))
        remove = partial(self.session.repositories.remove_key, self.place, self.replaces)
        yield Step(self.subject, f"remove {self.replaces}, the key of the first one", remove, self._is_removed)
        if pair and way:
            yield hiding_keys(pair, way)

    @property
    def _label(self) -> str:
        return f"rotation-{self.procedure[:LABEL_DIGITS]}"

    def _is_made(self) -> bool:
        return _current(self.session, self.place) != self.replaces

    def _is_removed(self) -> bool:
        return self.replaces not in {key.id for key in self.session.repositories.keys(self.place)}

    def _make(self) -> None:
        """Add and store; a key that a killed run added and did not store opens nothing for anybody, and goes first."""
        repositories = self.session.repositories
        for key in repositories.keys(self.place):
            if key.label == self._label and not key.current:
                repositories.remove_key(self.place, key.id)
        password = self.session.vault.new_value(self.place.password)
        repositories.add_password(self.place, password, label=self._label)
        self.session.vault.replace_secret(self.place.password, password, note={})

    def _try_copy(self, pair: Pair) -> Observed:
        if not self.session.copies.is_begun(pair.second):
            return {"copy": "nothing was copied yet"}
        return asdict(self.session.repositories.try_password(pair.second))

    def _try(self) -> Observed:
        return asdict(self.session.repositories.try_password(self.place))
