"""Try what a drill has restored: against the live files, as databases, and by the application's own check.

Nothing is said here about what is in a file, nor what it is called: a name may be a patient's.  It is counted.
"""

import filecmp
import os
import stat
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .databases import ENGINES, SERVER_BYTES, refuse_to_fill
from .dumps import FOLDER, OTHERS, file_of
from .processes import attempt
from .settings import AgentError, application

_SERVER = ".hosting-server"
"""The folder beside the restored volumes in which databases are brought back, one after the other."""

_SAID_CHARACTERS = 200


def try_restored(name: str, folder: str) -> dict[str, Any]:
    """Try the volumes of *name* that were restored below *folder*; give what was found.

    What fails is part of what was found: only what could not be tried raises ``AgentError``.
    """
    known = application(name)["backup"]
    restored = {top: f"{folder}{top}" for top in known["mount_points"]}
    counts: Counter[str] = Counter()
    for top, place in restored.items():
        counts += compare(Path(top), Path(place))
    return {
        "files": {kind: counts[kind] for kind in KINDS},
        "databases": [
            _try_database(database, restored[database["mount_point"]], Path(folder) / _SERVER)
            for database in known["databases"]
        ],
        "check": _try_check(known["check"], restored) if known["check"] else None,
    }


# -- files ----------------------------------------------------------------------------------------------------------

KINDS = ("same", "different", "changed", "gone")
"""What a restored file is beside the live one; a ``different`` one has its time and its size, and not its bytes."""


def compare(live: Path, restored: Path) -> "Counter[str]":
    """Count the restored files by what they are beside those below *live*."""
    return Counter(_kind(live / file.relative_to(restored), file) for file in _files(restored))


def _files(restored: Path) -> Iterator[Path]:
    for directory, folders, files in os.walk(restored):
        if Path(directory) == restored and FOLDER in folders:
            folders.remove(FOLDER)
        yield from (Path(directory, file) for file in files)


def _kind(live: Path, restored: Path) -> str:
    try:
        before = _identity(live)
        if before != _identity(restored):
            return "changed"
        is_regular = stat.S_ISREG(live.lstat().st_mode)
        is_same = filecmp.cmp(live, restored, shallow=False) if is_regular else True
        # Written to while it was read, it proves nothing.
        return "same" if is_same else "different" if _identity(live) == before else "changed"
    except FileNotFoundError:
        return "gone"


def _identity(path: Path) -> tuple[int, int, int]:
    found = path.lstat()
    return stat.S_IFMT(found.st_mode), found.st_size, found.st_mtime_ns


# -- databases ------------------------------------------------------------------------------------------------------


def _try_database(database: dict[str, Any], restored: str, folder: Path) -> dict[str, Any]:
    engine, began, dump = ENGINES[database["engine"]], time.monotonic(), file_of(restored, database)
    found: dict[str, Any] = {"engine": database["engine"], "database": database["name"], "reason": None}
    try:
        refuse_to_fill(folder.parent, 2 * dump.stat().st_size + SERVER_BYTES)
        found["tables"] = engine.restore(engine, dump, dump.with_name(OTHERS), folder)
    except (AgentError, OSError, ValueError) as error:
        found["reason"] = str(error)
    return {**found, "seconds": round(time.monotonic() - began, 1)}


# -- the application's own check ------------------------------------------------------------------------------------

_HIDDEN = (
    *("/etc/credstore.encrypted", "/etc/hosting", "/etc/shadow", "/etc/ssh", "/run/credentials", "/run/dbus"),
    *("/run/hosting", "/var/lib/hosting", "/var/lib/systemd", "/var/cache/hosting"),
)


def sandboxed(check: dict[str, Any], restored: dict[str, str]) -> list[str]:
    """Give the command that runs *check* where it sees the restored files in place of the live ones, and little else.

    It is nobody's account, may read files whoever owns them, write none, and reach nobody.
    """
    properties = (
        "DynamicUser=yes",
        "CapabilityBoundingSet=CAP_DAC_READ_SEARCH",
        "AmbientCapabilities=CAP_DAC_READ_SEARCH",
        "NoNewPrivileges=yes",
        "PrivateNetwork=yes",
        "RestrictAddressFamilies=~AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET AF_VSOCK",
        "PrivateDevices=yes",
        "ProtectHome=yes",
        "ProtectProc=invisible",
        "TemporaryFileSystem=/srv:ro",
        *(f"BindReadOnlyPaths={place}:{top}" for top, place in restored.items()),
        *(f"InaccessiblePaths=-{path}" for path in _HIDDEN),
        "LimitCORE=0",
        "TasksMax=256",
        f"RuntimeMaxSec={check['timeout_seconds']}",
    )
    options = (f"--property={one}" for one in properties)
    start = ["systemd-run", "--quiet", "--pipe", "--wait", "--collect", "--service-type=exec"]
    return [*start, *options, "--", check["program"], *check["arguments"]]


def _try_check(check: dict[str, Any], restored: dict[str, str]) -> dict[str, Any]:
    began = time.monotonic()
    done = attempt(sandboxed(check, restored))
    said = " ".join((done.stdout.strip() or done.stderr.strip())[-_SAID_CHARACTERS:].split())
    return {"status": done.returncode, "seconds": round(time.monotonic() - began, 1), "said": said}
