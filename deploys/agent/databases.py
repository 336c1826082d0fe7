"""The kinds of databases: how each is copied while it is in use, and brought back beside the live one.

A kind that comes later is a value more in ``ENGINES``, of the name that manifests give it.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .processes import run_as
from .settings import AgentError


@dataclass(frozen=True)
class Engine:
    """A kind of database: the account that may read all of it, and the programs that copy it.

    ``size`` prints how many bytes a database has, ``dump`` writes a consistent copy to its output, ``others`` what lies
    outside of any database (roles), ``read`` reads a dump from its input and fails if it is none.  ``restore`` brings a
    dump back on a server of its own, in a folder that is removed with it, and gives how many tables came of it.
    """

    account: str
    size: Callable[[str], list[str]]
    dump: Callable[[str], list[str]]
    others: list[str]
    read: list[str]
    restore: "Callable[[Engine, Path, Path, Path], int]"


# -- PostgreSQL -----------------------------------------------------------------------------------------------------

_POSTGRESQL_PROGRAMS = Path("/usr/lib/postgresql")
_QUIET = ("--no-psqlrc", "--no-password", "--quiet", "--tuples-only", "--no-align")
_TABLES = (
    "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace::regnamespace::text !~ '^pg_|^info'"
)


def _restore_postgresql(engine: Engine, dump: Path, others: Path, folder: Path) -> int:
    """Restore on a server that listens nowhere but in *folder*, which is its account's alone."""
    with _server(engine.account, folder) as programs:
        psql = [f"{programs}/psql", *_QUIET, f"--host={folder}"]
        with others.open("rb") as source:
            # The account that the server is made with is among the roles: that one is there already is no error.
            run_as(engine.account, [*psql, "--dbname=postgres"], source=source)
        run_as(engine.account, [f"{programs}/createdb", f"--host={folder}", "restored"])
        with dump.open("rb") as source:
            restore = [f"{programs}/pg_restore", "--exit-on-error", f"--host={folder}", "--dbname=restored"]
            run_as(engine.account, restore, source=source)
        return int(run_as(engine.account, [*psql, "--dbname=restored", f"--command={_TABLES}"]))


@contextmanager
def _server(account: str, folder: Path) -> Iterator[Path]:
    """Run a server in the new *folder* for as long as the block lasts; give where its programs are."""
    programs, data = _programs(), folder / "data"
    shutil.rmtree(folder, ignore_errors=True)  # what a killed trial has left
    folder.mkdir(mode=0o700)
    shutil.chown(folder, account)
    try:
        make = ["--auth-local=peer", "--auth-host=reject", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"]
        run_as(account, [f"{programs}/initdb", f"--pgdata={data}", f"--username={account}", *make])
        control = [f"{programs}/pg_ctl", f"--pgdata={data}", "--wait", "--timeout=300", "--silent"]
        # What is tried is thrown away: it need not survive a crash, and should take little room.
        options = f"-k {folder} -c listen_addresses= -c fsync=off -c max_wal_size=64MB -c autovacuum=off"
        run_as(account, [*control, f"--options={options}", f"--log={folder}/log", "start"])
        try:
            yield programs
        finally:
            run_as(account, [*control, "--mode=immediate", "stop"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def newest() -> int:
    """Find the newest version that is installed; raise ``AgentError`` if none is."""
    found = [int(path.parts[-3]) for path in _POSTGRESQL_PROGRAMS.glob("[0-9]*/bin/initdb")]
    if not found:
        raise AgentError(f"there is no server of PostgreSQL in {_POSTGRESQL_PROGRAMS}")
    return max(found)


def _programs() -> Path:
    return _POSTGRESQL_PROGRAMS / str(newest()) / "bin"


POSTGRESQL = Engine(
    account="postgres",
    size=lambda name: [
        *("psql", *_QUIET, f"--dbname={name}", "--command=SELECT pg_database_size(current_database())"),
    ],
    # restic compresses, and finds again what did not change: both are lost on what is compressed already.
    dump=lambda name: ["pg_dump", "--format=custom", "--compress=0", "--no-password", f"--dbname={name}"],
    others=["pg_dumpall", "--globals-only", "--no-password"],
    read=["pg_restore", "--list"],
    restore=_restore_postgresql,
)

SERVER_BYTES = 256 << 20
"""What an empty server takes."""

ENGINES: Mapping[str, Engine] = {"postgresql": POSTGRESQL}
"""Every engine, by the name that manifests give it."""


def refuse_to_fill(folder: Path, needed_bytes: int) -> None:
    """Hold what is needed against the room: a full volume would stop the application."""
    free = os.statvfs(folder)
    free_bytes = free.f_bavail * free.f_frsize
    if needed_bytes > free_bytes:
        raise AgentError(f"it may take {needed_bytes >> 20} MiB and the volume has {free_bytes >> 20} MiB left")
