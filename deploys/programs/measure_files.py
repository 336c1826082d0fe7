"""Say how much the files of a mounted folder hold, and whether a file in it says that it is not whole.

    {"folder": path, "leave_out": [path], "mark": path}

What other file systems hold below the folder is none of it.
"""

from __future__ import annotations

import json
import os
import stat
import sys


def main(text: str) -> None:
    """Carry the request in *text* out."""
    request = json.loads(text)
    folder = request["folder"]
    answer = {
        "mounted": os.path.ismount(folder),
        "marked": os.path.lexists(request["mark"]),
        "bytes": _bytes_below(folder, set(request["leave_out"])) if os.path.isdir(folder) else 0,
    }
    sys.stdout.write(json.dumps(answer))


def _bytes_below(folder: str, left_out: set[str]) -> int:
    device, found = os.lstat(folder).st_dev, 0
    for directory, folders, files in os.walk(folder):
        inside = {name: os.path.join(directory, name) for name in folders}
        folders[:] = [name for name, path in inside.items() if path not in left_out and _device(path) == device]
        for name in files:
            about = os.lstat(os.path.join(directory, name))
            found += about.st_size if stat.S_ISREG(about.st_mode) else 0
    return found


def _device(path: str) -> int:
    return os.lstat(path).st_dev
