"""A file that is replaced in one step, with its final mode before it has its name."""

from __future__ import annotations

import grp
import os
import pwd

TYPE_CHECKING = False  # what type checkers take for true; importing `typing` for it would cost a tenth of the run
if TYPE_CHECKING:
    from typing import Any


def write(entry: dict[str, Any]) -> None:
    """Write the file that *entry* describes, or remove it if it has no content; raise ``OSError`` or ``KeyError``."""
    path = entry["path"]
    if entry["content"] is None:
        if os.path.lexists(path):
            os.unlink(path)
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    fresh = f"{path}.hosting-new"
    if os.path.lexists(fresh):
        os.unlink(fresh)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(entry["content"].encode())
        stream.flush()
        os.fchown(descriptor, pwd.getpwnam(entry["user"]).pw_uid, grp.getgrnam(entry["group"]).gr_gid)
        os.fchmod(descriptor, int(entry["mode"], 8))
        os.fsync(descriptor)
    os.replace(fresh, path)


def note_pending(directory: str, units: list[str]) -> None:
    """Note, before the change, who must take note of it: so they are told even if we are killed in between."""
    for unit in units:
        os.makedirs(directory, exist_ok=True)
        os.close(os.open(f"{directory}/{unit}", os.O_WRONLY | os.O_CREAT, 0o644))
