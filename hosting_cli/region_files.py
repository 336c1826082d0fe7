"""Change a file of the region: shown before, written whole or not at all, and only if it is still what it was."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from hosting_cli.errors import RefusedError


@dataclass(frozen=True)
class FileChange:
    """What a file of the region holds, and what it would hold."""

    path: Path
    before: str
    after: str

    @property
    def is_needed(self) -> bool:
        """Tell whether there is anything to write."""
        return self.before != self.after

    def difference(self) -> Iterator[str]:
        """Give the change as people compare texts."""
        name = self.path.name
        return unified_diff(self.before.splitlines(), self.after.splitlines(), name, name, lineterm="")

    def write(self) -> None:
        """Write it, unless the file has changed since."""
        if self.is_needed:
            replace(self.path, self.before.encode(), self.after.encode())


def replace(path: Path, before: bytes, after: bytes) -> None:
    """Replace what *path* holds, by a file that has its rights and is on the disk before it takes its name.

    A link stays one: the file that it leads to is replaced.
    """
    path = path.resolve(strict=True)
    if path.read_bytes() != before:
        raise RefusedError(str(path), "somebody has just changed it", "Nothing was written; run the command again.")
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(after)
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(path.stat().st_mode & 0o7777)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
