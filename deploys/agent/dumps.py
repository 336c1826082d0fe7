"""Copy databases consistently while they are in use, so that a snapshot of the files holds a copy that can be restored.

A dump is written into a folder of the encrypted volume, read back, and removed again when the snapshot was taken: it
is never in clear, and never an old one.  A dump that fails fails the backup.  Nothing here knows a password: the
engine's own account comes in by its local socket.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .databases import ENGINES, Engine, refuse_to_fill
from .processes import run_as
from .settings import AgentError

FOLDER = ".hosting-dumps"
"""Where dumps are, at the top of a volume."""


OTHERS = "others.sql"
"""What lies outside of any database, beside the dumps."""


def file_of(top: str, database: dict[str, Any]) -> Path:
    """Name the dump of *database* below *top*: a volume, or where one was restored."""
    return Path(f"{top}/{FOLDER}/{database['engine']}/{database['name']}.dump")


@contextmanager
def dumped(databases: list[dict[str, Any]], mount_points: list[str]) -> Iterator[list[dict[str, Any]]]:
    """Have a fresh dump of each of *databases* on its volume for as long as the block lasts; give what each came to.

    Raise ``AgentError`` when one cannot be made, or would fill its volume.
    """
    _clear(mount_points)  # what a killed backup has left
    try:
        yield [_dump(database) for database in databases]
    finally:
        _clear(mount_points)


def _clear(mount_points: list[str]) -> None:
    for mount_point in mount_points:
        shutil.rmtree(Path(mount_point) / FOLDER, ignore_errors=True)


def _dump(database: dict[str, Any]) -> dict[str, Any]:
    engine, name = ENGINES[database["engine"]], database["name"]
    began = time.monotonic()
    try:
        file = file_of(database["mount_point"], database)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        refuse_to_fill(file.parent, int(run_as(engine.account, engine.size(name))))
        _write(engine, engine.dump(name), file)
        _write(engine, engine.others, file.with_name(OTHERS))
        with file.open("rb") as source:
            run_as(engine.account, engine.read, source=source)
    except (AgentError, OSError, ValueError) as error:
        raise AgentError(f"database {name} ({database['engine']}) could not be dumped: {error}") from error
    return {
        "engine": database["engine"],
        "database": name,
        "bytes": file.stat().st_size,
        "seconds": round(time.monotonic() - began, 1),
    }


def _write(engine: Engine, argv: list[str], file: Path) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as target:
        run_as(engine.account, argv, target=target)
