# ruff: noqa: PTH105, PTH108, PTH120, PTH103 (importing pathlib would cost a tenth of the run)
"""Write and remove files: each replaced in one step, with its final mode before it has its name.

    {"pending": directory, "files": [{"path", "content" or null to remove it, "mode", "user", "group", "notifies"}]}

Answers ``{path: reason}`` for those that failed, and fails if there are any.
"""

from __future__ import annotations

import grp
import json
import os
import pwd
import sys

TYPE_CHECKING = False  # what type checkers take for true; importing `typing` for it would cost a tenth of the run
if TYPE_CHECKING:
    from typing import Any


def main(text: str) -> None:
    """Carry the request in *text* out, file by file; one that fails does not stop the next."""
    request = json.loads(text)
    os.umask(0o022)
    failed = {}
    for entry in request["files"]:
        try:
            _note_pending(request["pending"], entry["notifies"])
            _write(entry)
        except (OSError, KeyError) as error:
            failed[entry["path"]] = f"{type(error).__name__}: {error}"
    sys.stdout.write(json.dumps(failed))
    sys.exit(1 if failed else 0)


def _note_pending(directory: str, units: list[str]) -> None:
    """Note, before the change, who must take note of it: so they are told even if we are killed in between."""
    for unit in units:
        os.makedirs(directory, exist_ok=True)
        os.close(os.open(f"{directory}/{unit}", os.O_WRONLY | os.O_CREAT, 0o644))


def _write(entry: dict[str, Any]) -> None:
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
