"""Write and remove files: each replaced in one step, with its final mode before it has its name.

    {"pending": directory, "files": [{"path", "content" or null to remove it, "mode", "user", "group", "notifies"}]}

Answers ``{path: reason}`` for those that failed, and fails if there are any.
"""

from __future__ import annotations

import json
import os
import sys

from deploys.programs.parts.written import note_pending, write


def main(text: str) -> None:
    """Carry the request in *text* out, file by file; one that fails does not stop the next."""
    request = json.loads(text)
    os.umask(0o022)
    failed = {}
    for entry in request["files"]:
        try:
            note_pending(request["pending"], entry["notifies"])
            write(entry)
        except (OSError, KeyError) as error:
            failed[entry["path"]] = f"{type(error).__name__}: {error}"
    sys.stdout.write(json.dumps(failed))
    sys.exit(1 if failed else 0)
