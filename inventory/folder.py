"""The folder of a region: which file says what, and everything in it that has no place there.

::

    region.yaml               who operates, whom to call, sites, object stores
    network.yaml              the address plan: address space and segments
    hosts/<id>.yaml           one machine a file
    members/<id>.yaml         one member a file, with its establishments and contacts
    applications/<id>.yaml    one application a file
    statements/<id>.yaml      one document a file, that answers for controls
    exclusions/<id>.yaml      controls that do not apply, one justification a file
    waivers/<id>.yaml         one deviation a file, accepted for a while
    environments/             addresses of real engines; read by `load_environment`, not as part of the region

A YAML file anywhere else is an error: in a folder with a misspelt name, an application would silently cease to
exist.  Names that start with a dot, and files that are not YAML, are left alone (but searched for patients' numbers).
"""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from pydantic import BaseModel

from inventory.compliance import Exclusion, Statement, Waiver
from inventory.controls import ControlSheet
from inventory.documents import Document, read_document
from inventory.located import Kind
from inventory.models import Application, ContinuityClasses, Host, Member, Profile, RegionSheet
from inventory.network import NetworkSheet, Protocols
from inventory.problems import Problem, Words, quoted
from inventory.providers import Provider
from inventory.text import check_patients

SHEETS: dict[str, type[BaseModel]] = {"region.yaml": RegionSheet, "network.yaml": NetworkSheet}
FOLDERS: dict[str, type[BaseModel]] = {
    "hosts": Host,
    "members": Member,
    "applications": Application,
    "statements": Statement,
    "exclusions": Exclusion,
    "waivers": Waiver,
}
ELSEWHERE = "environments"
CATALOGUE = Path(__file__).parent / "catalogue"

KINDS = {"hosts": Kind.HOST, "applications": Kind.APPLICATION, "profiles": Kind.PROFILE, "providers": Kind.PROVIDER}
"""Of what is referred to by the name of its file, a broken file leaves its name."""

HELD: dict[type[BaseModel], frozenset[Kind]] = {
    RegionSheet: frozenset({Kind.SITE, Kind.STORE, Kind.CONTACT}),
    NetworkSheet: frozenset({Kind.SEGMENT, Kind.GROUP}),
    Member: frozenset({Kind.CONTACT, Kind.ESTABLISHMENT}),
    Host: frozenset({Kind.HOST}),
    Application: frozenset({Kind.APPLICATION}),
    Statement: frozenset(),
    Exclusion: frozenset(),
    Waiver: frozenset(),
}
"""What the files of a model hold: unknown when one of them cannot be read."""
HOMES: dict[type[BaseModel], str] = {
    **{model: name for name, model in SHEETS.items()},
    **{model: f"{name}/" for name, model in FOLDERS.items()},
    Protocols: "catalogue/protocols.yaml",
    Profile: "catalogue/profiles/",
    Provider: "catalogue/providers/",
    ContinuityClasses: "catalogue/continuity.yaml",
    ControlSheet: "catalogue/controls/",
}

YAML = ".yaml"
ALMOST_YAML = frozenset({".yml", ".json"})
BINARY_PROBE_BYTES = 8192


@dataclass(frozen=True)
class Found:
    """A file that stands where it should: the folder it belongs to (``""`` for the top) and its path."""

    folder: str
    path: Path

    @property
    def identifier(self) -> str:
        """Give the identifier that the file's name promises."""
        return self.path.stem


@dataclass(frozen=True)
class Survey:
    """What a region's folder has: files that are read, files and folders that are not but should be, and every file."""

    folder: Path
    found: tuple[Found, ...]
    astray: tuple[Found, ...]
    visible: tuple[Path, ...]
    problems: tuple[Problem, ...]


def survey(folder: Path) -> Survey:
    """List the files of a region in order, and say what is misplaced, missing or leads out of the folder."""
    if not os.path.isdir(folder):  # noqa: PTH112 - Path.is_dir raises for a folder that must not be entered
        words = Words("there is no such folder", "a region is a folder of YAML files", "give the folder of a region")
        return Survey(folder, (), (), (), (Problem(str(folder), 1, 1, *words),))
    visible, closed = _list_visible(folder)
    found: list[Found] = []
    astray = [Found(_home(folder, Path(error.filename)), Path(error.filename)) for error in closed]
    problems = [_closed(error) for error in closed]
    for path in visible:
        misplaced = list(_check_place(folder, path.relative_to(folder)))
        problems += misplaced
        if misplaced:
            astray.append(Found(_home(folder, path), path))
        elif _has_a_place(path.relative_to(folder)):
            found.append(Found(path.parent.name if path.parent != folder else "", path))
    return Survey(folder, tuple(found), tuple(astray), tuple(visible), (*problems, *_missing(folder, found)))


def _home(folder: Path, path: Path) -> str:
    """Guess in which folder of a region something would be in its place."""
    return _nearest(path.relative_to(folder).parts[0], FOLDERS) or "" if path != folder else ""


def _list_visible(folder: Path) -> tuple[list[Path], list[OSError]]:
    """List every file whose name does not start with a dot, and what kept us from entering a folder."""
    visible: list[Path] = []
    closed: list[OSError] = []
    for parent, folders, files in os.walk(folder, onerror=closed.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        # A link to a folder is not walked into: it is looked at like a file, and refused like one.
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        visible += [Path(parent) / name for name in sorted([*files, *links]) if not name.startswith(".")]
    return visible, closed


def _closed(error: OSError) -> Problem:
    why = f"the system says {error.strerror}"
    return Problem(str(error.filename), 1, 1, "the folder cannot be read", why, "make it readable")


def _has_a_place(relative: Path) -> bool:
    if len(relative.parts) == 1:
        return relative.name in SHEETS
    return len(relative.parts) == 2 and relative.parts[0] in FOLDERS and relative.suffix == YAML


def _check_place(folder: Path, relative: Path) -> Iterator[Problem]:
    path = folder / relative
    if path.is_symlink() and not _stays_inside(folder, path):
        why = "what a region says must be in its folder and its history"
        yield Problem(str(path), 1, 1, "the link leads out of the region", why, "put the file itself here")
    elif path.is_symlink() and path.is_dir():
        yield Problem(
            str(path), 1, 1, "the folder is a link", "links to folders are not followed", "put the files here"
        )
    elif relative.parts[0] != ELSEWHERE and not _has_a_place(relative):
        yield from _check_suffix(path, relative)


def _check_suffix(path: Path, relative: Path) -> Iterator[Problem]:
    suffix = relative.suffix
    if suffix == YAML:
        yield Problem(str(path), 1, 1, *_misplaced(relative))
    elif suffix.lower() in (YAML, *ALMOST_YAML):
        why = f"files of a region end in {YAML}"
        yield Problem(str(path), 1, 1, f"the name ends in {suffix}", why, f"rename it to {relative.stem}{YAML}")


def _stays_inside(folder: Path, path: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def _misplaced(relative: Path) -> Words:
    places = [*SHEETS, *(f"{name}/<id>.yaml" for name in FOLDERS)]
    why = f"a region consists of {', '.join(places)}"
    if len(relative.parts) > 2 and relative.parts[0] in FOLDERS:
        return Words("the file is in a folder too deep", why, f"move it to {relative.parts[0]}/{relative.name}")
    meant = _nearest(relative.parts[0], SHEETS if len(relative.parts) == 1 else FOLDERS)
    remedy = f"write {meant}" if meant else "move it to where it belongs, or rename it if it is no part of the region"
    return Words(f"{quoted(relative.parts[0])} has no place here", why, remedy)


def _nearest(name: str, names: Iterable[str]) -> str | None:
    return next(iter(get_close_matches(name, names, n=1, cutoff=0.8)), None)


def _missing(folder: Path, found: list[Found]) -> Iterator[Problem]:
    names = {file.path.name for file in found if not file.folder}
    for name in SHEETS:
        if name not in names:
            why = "every region has one"
            yield Problem(str(folder / name), 1, 1, "the file is missing", why, "write it, the sample region shows how")


def read(path: Path) -> tuple[Document | None, list[Problem]]:
    """Read one YAML file; whatever keeps it from being read is a problem, never an exception."""
    content = read_bytes(path)
    if isinstance(content, Problem):
        return None, [content]
    return read_document(str(path), content)


def read_bytes(path: Path) -> bytes | Problem:
    """Read a regular file whole; a pipe or a device would make us wait."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return Problem(str(path), 1, 1, "this is not a file", "only plain files are read", "put a plain file here")
        return path.read_bytes()
    except OSError as error:
        remedy = "write the file" if isinstance(error, FileNotFoundError) else "make it readable"
        return Problem(str(path), 1, 1, "the file cannot be read", f"the system says {error.strerror}", remedy)


def search_others(region: Survey) -> Iterator[Problem]:
    """Search the region's other texts (notes, lists) and every name for numbers shaped like a NIR."""
    read_anyway = {file.path for file in region.found}
    for path in region.visible:
        yield from _search_name(region.folder, path)
        if path not in read_anyway and path.is_file():
            yield from _search_text(path)


def _search_name(folder: Path, path: Path) -> Iterator[Problem]:
    for problem in check_patients(str(path), path.relative_to(folder).as_posix()):
        yield Problem(problem.file, 1, 1, problem.what, problem.why, "rename it")


def _search_text(path: Path) -> Iterator[Problem]:
    content = read_bytes(path)
    if isinstance(content, bytes) and b"\0" not in content[:BINARY_PROBE_BYTES]:
        yield from check_patients(str(path), content.decode("utf-8", errors="replace"))
