"""The door of exports: a repository in a folder, on a medium that is taken away."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from hosting_cli.backups.copying import CONFIG, FOLDERS, Listed
from hosting_cli.backups.exporting import BEGUN, MANIFEST, REPOSITORY, Held
from hosting_cli.backups.reading import SNAPSHOTS
from hosting_cli.backups.recovery import promised_digest
from hosting_cli.errors import RefusedError, UnreadableError, UsageError
from inventory.resource import Json

_PARTS = ".parts"
"""Where files are while they are written, so that none is ever there in part under its own name."""

_CHUNK_BYTES = 1 << 20


class Export:
    """The export in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._subject = f"export {folder}"

    def begin(self, identity: Mapping[str, Json]) -> None:
        """Take the folder for the export of *identity*, or go on with it; raise ``RefusedError`` for any other."""
        known = self._read(BEGUN)
        if known is not None and known != dict(identity):
            what = f"holds another export: {known.get('application')} on {known.get('host')}, as of {known['as_of']}"
            raise RefusedError(self._subject, what, "Name an empty folder: nothing there is overwritten.")
        if known is None:
            if self.folder.exists() and any(self.folder.iterdir()):
                raise RefusedError(self._subject, "holds something that is no export of ours", "Name an empty folder.")
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._write(self.folder / BEGUN, _text(identity))
        for name in ("", "data", "index", "keys", "locks", "snapshots"):  # without which restic opens nothing
            (self.folder / REPOSITORY / name).mkdir(mode=0o700, exist_ok=True)

    def free_bytes(self) -> int:
        """Say how much room the medium has."""
        return shutil.disk_usage(self.folder).free

    def listed(self, folders: Sequence[str]) -> tuple[Listed, ...]:
        """List the repository as it is in the folder."""
        return tuple(
            Listed(name, path.stat().st_size) for name, path in self._files() if name.startswith(tuple(folders))
        )

    def add(self, name: str, body: bytes) -> None:
        """Write an object of the repository, whole or not at all."""
        path = self.folder / REPOSITORY / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        self._write(path, body)

    def content(self, name: str) -> bytes:
        """Read an object of the repository."""
        return (self.folder / REPOSITORY / name).read_bytes()

    def finish(self, document: Mapping[str, Json]) -> str:
        """Write the manifest, last of all; give its SHA-256."""
        text = _text(document)
        self._write(self.folder / MANIFEST, text)
        shutil.rmtree(self.folder / _PARTS, ignore_errors=True)
        return hashlib.sha256(text).hexdigest()

    def manifest(self) -> tuple[dict[str, Any], str]:
        """Read the manifest and its SHA-256; raise ``UsageError`` where there is none: the export is not whole."""
        document = self._read(MANIFEST)
        if document is None:
            what = "has no manifest" if self.folder.is_dir() else "is no folder"
            raise UsageError(self._subject, what, "An export that was interrupted goes on with the same command.")
        return document, hashlib.sha256((self.folder / MANIFEST).read_bytes()).hexdigest()

    def held(self, tell: Callable[[str], None]) -> dict[str, Held]:
        """Read every file of the repository, and give its digest and size."""
        files = sorted(self._files())
        found = {}
        for number, (name, path) in enumerate(files, start=1):
            found[f"{REPOSITORY}/{name}"] = Held(_digest(path), path.stat().st_size)
            if number % 500 == 0:
                tell(f"{number} of {len(files)} files read")
        return found

    def _files(self) -> Iterable[tuple[str, Path]]:
        top = self.folder / REPOSITORY
        return ((path.relative_to(top).as_posix(), path) for path in top.rglob("*") if path.is_file())

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            document: dict[str, Any] = json.loads((self.folder / name).read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise UnreadableError(self._subject, f"{name} cannot be read ({error})", "Look at the medium.") from error
        return document

    def _write(self, path: Path, content: bytes) -> None:
        part = self.folder / _PARTS / hashlib.sha256(str(path).encode()).hexdigest()
        part.parent.mkdir(mode=0o700, exist_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)


class FolderWay:
    """The way from a repository in a store to a folder: of snapshots, those of *chosen* only."""

    def __init__(
        self,
        export: Export,
        listed: Callable[[Sequence[str]], tuple[Listed, ...]],
        get: Callable[[str], bytes],
        chosen: Collection[str],
    ) -> None:
        self._export = export
        self._listed = listed
        self._get = get
        self._chosen = {SNAPSHOTS + name for name in chosen}

    def first(self, folders: Sequence[str] = FOLDERS) -> tuple[Listed, ...]:
        """List what the store shows."""
        found = self._listed(folders)
        return tuple(item for item in found if not item.name.startswith(SNAPSHOTS) or item.name in self._chosen)

    def second(self, folders: Sequence[str] = FOLDERS) -> tuple[Listed, ...]:
        """List what the folder holds."""
        return self._export.listed(folders)

    def dates(self) -> Mapping[str, datetime]:
        """Say nothing: the manifest has the dates."""
        return {}

    def is_same_repository(self) -> bool:
        """Compare what makes each a repository."""
        return not self._export.listed((CONFIG,)) or self._export.content(CONFIG) == self._get(CONFIG)

    def carry(self, name: str) -> str | None:
        """Write an object into the folder; say why not, if its content has not the digest that its name promises."""
        body = self._get(name)
        if promised_digest(name) not in {None, hashlib.sha256(body).hexdigest()}:
            return "its content has not the digest that its name promises"
        self._export.add(name, body)
        return None

    def hide(self, name: str) -> None:
        """Refuse: an export only grows."""
        raise RefusedError(f"export {self._export.folder}", f"{name} is not removed from it", "Make another export.")


def _digest(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            found.update(chunk)
    return found.hexdigest()


def _text(document: Mapping[str, Json]) -> bytes:
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()
