"""Write a file of the region: whole or not at all, and only if it is still what the change was made from."""

import os
import tempfile
from pathlib import Path

from hosting_cli.errors import RefusedError


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
