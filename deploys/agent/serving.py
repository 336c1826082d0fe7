"""Run the server of an application's databases with its files on the encrypted volume, and make what is missing.

The server is Debian's own, under Debian's own unit; what is ours is where its files are, and that it waits for them.
"""

from pathlib import Path
from typing import Any

from .databases import POSTGRESQL, newest
from .mounts import mounts
from .processes import run, run_as
from .settings import AgentError, application

CLUSTER = "hosting"
CONFIGURATIONS = Path("/etc/postgresql")


def serve(name: str) -> None:
    """Start the server of *name*'s databases, and make those that it lacks, each with an account of its name.

    Raise ``AgentError`` while the volume is not mounted: a database is never made in clear.
    """
    for database in application(name)["backup"]["databases"]:
        if database["mount_point"] not in mounts():
            raise AgentError(f"{database['mount_point']} is not mounted: nothing is made in clear below it")
        _START[database["engine"]](database)


def stop(name: str) -> None:
    """Stop the server before its volume goes."""
    for database in application(name)["backup"]["databases"]:
        _STOP[database["engine"]](database)


# -- PostgreSQL -----------------------------------------------------------------------------------------------------


def _start_postgresql(database: dict[str, Any]) -> None:
    data = Path(database["data_directory"])
    version = _version_of(data) or str(newest())
    if not (CONFIGURATIONS / version / CLUSTER / "postgresql.conf").exists():
        _make_cluster(version, data)
    run(["systemctl", "start", f"postgresql@{version}-{CLUSTER}.service"])
    _make_database(database["name"])


def _version_of(data: Path) -> str | None:
    """Read which version made the files: no other can read them."""
    try:
        return (data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        return None


def _make_cluster(version: str, data: Path) -> None:
    if data.exists() and any(data.iterdir()):
        what = "holds files of a server that this host has no configuration of"
        raise AgentError(f"{data} {what}: nothing is done to them; move them away, and bring a dump back")
    authentication = ["--auth-local=peer", "--auth-host=scram-sha-256", "--data-checksums"]
    place = [f"--datadir={data}", "--start-conf=manual", "--encoding=UTF8", "--locale=C.UTF-8"]
    run(["pg_createcluster", version, CLUSTER, *place, "--", *authentication])


def _make_database(name: str) -> None:
    """Make the account and the database *name*, where they are missing."""
    if name not in _known("SELECT rolname FROM pg_roles"):
        run_as(POSTGRESQL.account, ["createuser", name])
    if name not in _known("SELECT datname FROM pg_database"):
        run_as(POSTGRESQL.account, ["createdb", f"--owner={name}", name])


def _known(query: str) -> list[str]:
    psql = ["psql", "--no-psqlrc", "--no-password", "--quiet", "--tuples-only", "--no-align", "--dbname=postgres"]
    return run_as(POSTGRESQL.account, [*psql, f"--command={query}"]).split()


def _stop_postgresql(database: dict[str, Any]) -> None:
    version = _version_of(Path(database["data_directory"]))
    if version is not None:
        run(["systemctl", "stop", f"postgresql@{version}-{CLUSTER}.service"])


_START = {"postgresql": _start_postgresql}
_STOP = {"postgresql": _stop_postgresql}
