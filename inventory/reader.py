"""Read files as models, one after the other, and keep account of what is wrong and what therefore stays unknown."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TypeAlias, TypeVar, cast

from pydantic import BaseModel

from inventory.compliance import Exclusion, Statement, Waiver
from inventory.controls import ControlSheet
from inventory.documents import Document
from inventory.folder import FOLDERS, HELD, HOMES, KINDS, SHEETS, Found, read
from inventory.located import Kind, Placed
from inventory.models import Application, Host, Member, Profile
from inventory.problems import Problem, Words, quoted
from inventory.providers import Provider
from inventory.shapes import fit

Fitted = TypeVar("Fitted", bound=BaseModel)
Named: TypeAlias = Host | Member | Application | Statement | Exclusion | Waiver | Profile | Provider | ControlSheet
"""What has a file of its own, which is called like it."""


class Reader:
    """Read and fit files one after the other; remember what is wrong and what could not be known."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.broken: set[tuple[Kind, str]] = set()
        self.unreadable: set[Kind] = set()

    def sheet(self, found: Sequence[Found], name: str, model: type[Fitted]) -> Placed[Fitted] | None:
        """Read the file *name* at the top of the region, if it is there."""
        paths = [file.path for file in found if not file.folder and file.path.name == name]
        place = self.file(paths[0], model) if paths else None
        if place is None:
            self.unreadable |= HELD[model]
        return place

    def folder(self, found: Sequence[Found], folder: str, model: type[Fitted]) -> tuple[Placed[Fitted], ...]:
        """Read every file of one folder of the region."""
        read_ones = [(file, self.file(file.path, model)) for file in found if file.folder == folder]
        for file, place in read_ones:
            if place is None:
                self._note_broken(folder, file.identifier)
            else:
                self.problems += _check_name(place, file.identifier)
        return tuple(place for _, place in read_ones if place is not None)

    def file(self, path: Path, model: type[Fitted]) -> Placed[Fitted] | None:
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
            if file.path.name in FOLDERS:
                self.unreadable |= HELD[FOLDERS[file.path.name]]
            else:
                self._note_broken(file.folder, file.identifier)

    def _note_broken(self, folder: str, identifier: str) -> None:
        if folder in KINDS:
            self.broken.add((KINDS[folder], identifier))
        elif folder in FOLDERS:
            self.unreadable |= HELD[FOLDERS[folder]]


def _check_name(place: Placed[BaseModel], identifier: str) -> list[Problem]:
    """Require that a file is called what it describes: one place to look, and no two files for one thing."""
    own = cast(Named, place.value).id
    if own == identifier:
        return []
    why = f"the file is called {identifier}.yaml and one name leads to the other"
    return [place.problem(("id",), Words(f"the id is {quoted(own)}", why, "rename the file or the id"))]


def _stranger(document: Document, model: type[BaseModel]) -> type[BaseModel] | None:
    """Recognise, by the keys it has, a file that describes something else than its place promises."""
    keys = document.root.value.keys()
    if _required(model) <= keys:
        return None
    others = [other for other in (*SHEETS.values(), *FOLDERS.values()) if _required(other) <= keys]
    return others[0] if len(others) == 1 else None


def _elsewhere(model: type[BaseModel], other: type[BaseModel]) -> Words:
    why = f"it stands where {HOMES[model]} should"
    return Words(f"the file reads like one of {HOMES[other]}", why, f"move it to {HOMES[other]}")


@cache
def _required(model: type[BaseModel]) -> frozenset[str]:
    return frozenset(name for name, field in model.model_fields.items() if field.is_required())
