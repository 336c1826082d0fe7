"""Read a region or an environment from its files: a frozen value, or every problem of every file at once."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TypeVar, cast

from pydantic import BaseModel

from inventory.documents import Document
from inventory.folder import CATALOGUE, FOLDERS, HELD, HOMES, KINDS, SHEETS, Found, read, search_others, survey
from inventory.located import Kind, LocatedRegion, Placed
from inventory.models import (
    Application,
    Environment,
    Host,
    Member,
    NetworkSheet,
    Profile,
    Protocols,
    Region,
    RegionSheet,
)
from inventory.problems import InventoryError, Problem, Words, quoted
from inventory.rules import ENVIRONMENT_RULES, RULES
from inventory.shapes import fit

Fitted = TypeVar("Fitted", bound=BaseModel)


def load_region(folder: Path, today: date | None = None) -> Region:
    """Read the region in *folder* with the shared catalogue.

    With *today*, whatever has a last day (flows, the operator's certificate) must not be past it; without, days are
    not judged.  Raises InventoryError with everything that is wrong.
    """
    located, problems = locate_region(folder, today)
    if problems:
        raise InventoryError(problems)
    return located.region()


def locate_region(folder: Path, today: date | None = None) -> tuple[LocatedRegion, list[Problem]]:
    """Read what can be read of the region in *folder*, and everything that is wrong with it."""
    with _collector_at_rest():
        return _locate_region(folder, today)


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Keep the garbage collector away while many values are made and none is thrown away: a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _locate_region(folder: Path, today: date | None) -> tuple[LocatedRegion, list[Problem]]:
    files = survey(folder)
    reader = _Reader()
    reader.note_astray(files.astray)
    found = files.found
    located = LocatedRegion(
        sheet=reader.sheet(found, "region.yaml", RegionSheet),
        network=reader.sheet(found, "network.yaml", NetworkSheet),
        catalogue=reader.sheet([Found("", CATALOGUE / "protocols.yaml")], "protocols.yaml", Protocols),
        hosts=reader.folder(found, "hosts", Host),
        members=reader.folder(found, "members", Member),
        applications=reader.folder(found, "applications", Application),
        profiles=reader.folder(_profiles(), "profiles", Profile),
        broken=frozenset(reader.broken),
        unreadable=frozenset(reader.unreadable),
        today=today,
    )
    of_files = [*files.problems, *reader.problems, *search_others(files)]
    return located, of_files + [problem for rule in RULES for problem in rule(located)]


def _profiles() -> list[Found]:
    return [Found("profiles", path) for path in sorted((CATALOGUE / "profiles").glob("*.yaml"))]


class _Reader:
    """Read and fit files one after the other; remember what is wrong and what could not be known."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.broken: set[tuple[Kind, str]] = set()
        self.unreadable: set[Kind] = set()

    def sheet(self, found: Sequence[Found], name: str, model: type[Fitted]) -> Placed[Fitted] | None:
        """Read the file *name* at the top of the region, if it is there."""
        paths = [file.path for file in found if not file.folder and file.path.name == name]
        place = self.placed(paths[0], model) if paths else None
        if place is None:
            self.unreadable |= HELD[model]
        return place

    def folder(self, found: Sequence[Found], folder: str, model: type[Fitted]) -> tuple[Placed[Fitted], ...]:
        """Read every file of one folder of the region."""
        read_ones = [(file, self.placed(file.path, model)) for file in found if file.folder == folder]
        for file, place in read_ones:
            if place is None:
                self._note_broken(folder, file.identifier)
            else:
                self.problems += _check_name(place, file.identifier)
        return tuple(place for _, place in read_ones if place is not None)

    def placed(self, path: Path, model: type[Fitted]) -> Placed[Fitted] | None:
        """Read one file as a *model*."""
        document, problems = read(path)
        self.problems += problems
        if document is None:
            return None
        if other := _stranger(document, model):
            self.unreadable |= HELD[other]
            self.problems.append(document.problem((), _elsewhere(model, other)))
            return None
        value, problems = fit(document, model)
        self.problems += problems
        return None if value is None else Placed(value, document)

    def note_astray(self, astray: Sequence[Found]) -> None:
        """Remember what files that are not read, for where or what they are, would have told."""
        for file in astray:
            self._note_broken(file.folder, file.identifier)

    def _note_broken(self, folder: str, identifier: str) -> None:
        if folder in KINDS:
            self.broken.add((KINDS[folder], identifier))
        elif folder in FOLDERS:
            self.unreadable |= HELD[FOLDERS[folder]]


def _check_name(place: Placed[BaseModel], identifier: str) -> list[Problem]:
    """Require that a file is called what it describes: one place to look, and no two files for one thing."""
    own = cast(Host | Member | Application | Profile, place.value).id
    if own == identifier:
        return []
    why = f"the file is called {identifier}.yaml and one name leads to the other"
    return [place.problem(("id",), Words(f"the id is {quoted(own)}", why, "rename the file or the id"))]


def _stranger(document: Document, model: type[BaseModel]) -> type[BaseModel] | None:
    """Recognise, by the keys it has, a file that describes something else than its place promises."""
    keys = document.root.value.keys()
    others = [other for other in (*SHEETS.values(), *FOLDERS.values()) if _required(other) <= keys]
    return others[0] if len(others) == 1 and not _required(model) <= keys else None


def _elsewhere(model: type[BaseModel], other: type[BaseModel]) -> Words:
    why = f"it stands where {HOMES[model]} should"
    return Words(f"the file reads like one of {HOMES[other]}", why, f"move it to {HOMES[other]}")


def _required(model: type[BaseModel]) -> set[str]:
    return {name for name, field in model.model_fields.items() if field.is_required()}


def load_environment(path: Path, region: Region | None = None) -> Environment:
    """Read the environment file at *path*, which names the engines that a region is carried out on.

    Relative paths in it are taken from its folder.  With *region*, it must know every host of it and no other.
    Raises InventoryError with everything that is wrong.
    """
    reader = _Reader()
    place = reader.placed(path, Environment)
    problems = reader.problems
    if place is not None:
        environment = _resolve(place.value, path.parent)
        resolved = Placed(environment, place.document)
        problems += [problem for rule in ENVIRONMENT_RULES for problem in rule(resolved, region)]
        if not problems:
            return environment
    raise InventoryError(problems)


def _resolve(environment: Environment, folder: Path) -> Environment:
    """Take the paths of an environment from the folder of its file."""

    def resolved(path: Path) -> Path:
        return folder.absolute() / path

    def with_key(name: str) -> dict[str, Path]:
        key = environment.hosts[name].bootstrap_key
        return {} if key is None else {"bootstrap_key": resolved(key)}

    vault, store = environment.vault, environment.object_store
    return environment.model_copy(
        update={
            "vault": vault.model_copy(
                update={
                    "certificate_authority": resolved(vault.certificate_authority),
                    "token_file": resolved(vault.token_file),
                }
            ),
            "object_store": store.model_copy(update={"certificate_authority": resolved(store.certificate_authority)}),
            "hosts": {name: host.model_copy(update=with_key(name)) for name, host in environment.hosts.items()},
            "journal": resolved(environment.journal),
        }
    )
