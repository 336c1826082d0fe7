"""Bring files back from a repository: beside what is there, or into a volume that is empty, with word of how far it is.

The repository is this host's own, or one that somebody granted for this once: what opens it then comes wrapped, works
once, and stays in memory.
"""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from .backup import RESTORING, Access, Restic, granted, opened
from .mounts import mounts
from .settings import AgentError, application, engines
from .vault import Vault

IN_PLACE = "/"
"""The target by which files go where they were, which only an empty volume takes."""

_EVERY_VOLUME_HAS = frozenset({"lost+found", RESTORING})


def restore(name: str, snapshot: str, path: str, target: str) -> None:
    """Bring *path* of a snapshot (``latest``: the last of this host) back below the directory *target*, and verify it.

    Raise ``AgentError`` when the snapshot does not hold it, which restic takes for a success, and when something is
    there already: nothing live is overwritten.
    """
    _refuse_to_overwrite(name, snapshot, path, target)
    with opened(name) as restic:
        _bring_back(restic, name, snapshot, path, target)


def restore_granted(name: str, snapshot: str, path: str, target: str, token: str) -> None:
    """Do the same from a repository that the wrapping *token* opens: of another host, or on another store."""
    _refuse_to_overwrite(name, snapshot, path, target)
    grant = Vault(engines()).unwrap(token, "sys/wrapping/wrap")
    with granted(Access(**grant)) as restic:
        _bring_back(restic, name, snapshot, path, target)


def _refuse_to_overwrite(name: str, snapshot: str, path: str, target: str) -> None:
    if target == IN_PLACE:
        _reserve(name, snapshot, path)
    elif os.path.lexists(f"{target}{path}"):
        raise AgentError(f"{target}{path} is there already: nothing is overwritten")


def _reserve(name: str, snapshot: str, path: str) -> None:
    """Make sure that *path* is an empty volume of the application, and leave word in it that it is being filled.

    A restore that was killed is gone on with, if it was of the same snapshot.
    """
    if path not in {volume["mount_point"] for volume in application(name)["volumes"].values()}:
        raise AgentError(f"{path} is not where a volume of {name} is mounted: only whole volumes are filled")
    if path not in mounts():
        raise AgentError(f"{path} is not mounted: what was restored there would lie in clear")
    word = Path(path) / RESTORING
    if word.exists() and word.read_text() == snapshot:
        return
    if _files(name, path) or word.exists():
        raise AgentError(f"{path} is not empty: nothing is overwritten")
    word.write_text(snapshot)
    os.sync()


def _bring_back(restic: Restic, name: str, snapshot: str, path: str, target: str) -> None:
    restic.follow(
        _tell,
        "restore",
        snapshot,
        f"--host={engines().host}",
        f"--include={path}",
        f"--target={target}",
        f"--tag={name}",
        "--verify",
        *restic.extra,
    )
    if target == IN_PLACE:
        if not _files(name, path):
            raise AgentError(f"snapshot {snapshot} holds nothing in {path}")
        (Path(path) / RESTORING).unlink()
    elif not os.path.lexists(f"{target}{path}"):
        _remove_empty(target)
        raise AgentError(f"snapshot {snapshot} does not hold {path}")


def _files(name: str, path: str) -> frozenset[str]:
    """Name what is in a volume besides what a new one has: the files of a database server are never in a backup."""
    servers = {Path(database["data_directory"]) for database in application(name)["backup"]["databases"]}
    found = frozenset(entry.name for entry in Path(path).iterdir() if entry not in servers)
    return found - _EVERY_VOLUME_HAS


def _tell(line: str) -> None:
    """Pass on how far restic is, one short document a line; some versions say other things between."""
    if not line.startswith("{"):
        return
    message: dict[str, Any] = json.loads(line)
    # A restore of a second says nothing on its way: what it says at its end is the last word on how far it is.
    if message.get("message_type") in {"status", "summary"} and message.get("total_bytes"):
        done = {"bytes": message.get("bytes_restored", 0), "of": message["total_bytes"]}
        print(json.dumps(done), flush=True)


def _remove_empty(target: str) -> None:
    """Remove the directories that restic makes on the way to what it then does not find."""
    for directory, _, _ in os.walk(target, topdown=False):
        with suppress(OSError):
            Path(directory).rmdir()
