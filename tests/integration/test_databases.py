"""Databases in backups, on a real PostgreSQL and a real restic: the host's agent dumps, copies, restores and tries."""

import json
import os
import pwd
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deploys.agent import backup, check, databases, dumps, locks, processes, record, serving, settings, trial
from deploys.agent.settings import AgentError

ACCOUNT = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
"""Whose the server is: it refuses to run as root."""

PASSWORD = "test-password"
SECRETS = {"password": PASSWORD, "credentials": json.dumps({"access_key_id": "id", "secret_access_key": "key"})}


@dataclass(frozen=True)
class Machine:
    """A host with a volume, a server on it, and what its agent is told."""

    root: Path

    @property
    def volume(self) -> Path:
        return self.root / "srv"

    def sql(self, text: str) -> str:
        return processes.run_as(
            ACCOUNT, ["psql", "--no-psqlrc", "-v", "ON_ERROR_STOP=1", "-qAt", "imagerie", "-c", text]
        )

    def restic(self, *arguments: str) -> str:
        environment = {**os.environ, "RESTIC_PASSWORD": PASSWORD}
        argv = ["restic", f"--repo={self.root}/repository", "--no-cache", *arguments]
        return subprocess.run(argv, env=environment, capture_output=True, text=True, check=True).stdout

    def snapshots(self) -> int:
        return len(json.loads(self.restic("snapshots", "--json")) or ())


@contextmanager
def reachable_folder() -> Iterator[Path]:
    """Give a folder that the server's account reaches too, and short enough for its socket."""
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with reachable_folder() as root, pytest.MonkeyPatch.context() as patch:
        made = Machine(root)
        (made.volume / "studies").mkdir(parents=True)
        (made.volume / "studies" / "study.dcm").write_bytes(b"image")
        describe(made, patch)
        made.restic("init")
        with server(made, patch):
            yield made


def describe(made: Machine, patch: pytest.MonkeyPatch) -> None:
    """Tell the agent where everything is; its vault gives the secrets of this test."""
    top = str(made.volume)
    database = {"engine": "postgresql", "name": "imagerie", "mount_point": top, "data_directory": f"{top}/postgresql"}
    known = {
        "repository": f"{made.root}/repository",
        "object_store_region": "",
        "password_secret": "password",
        "credentials_secret": "credentials",
        "mount_points": [top],
        "databases": [database],
        "check": None,
        "check_days": 1,
        "check_parts": 2,
        "marker": f"{made.root}/marker.json",
    }
    engines = {
        "host": "host",
        "vault": "",
        "certificate_authority": "/etc/ssl/certs/ca-certificates.crt",
    }
    (made.root / "applications").mkdir()
    (made.root / "applications" / "imagerie.json").write_text(json.dumps({"volumes": {}, "backup": known}))
    (made.root / "engines.json").write_text(json.dumps(engines))
    patch.setattr(settings, "APPLICATIONS", made.root / "applications")
    patch.setattr(settings, "ENGINES", made.root / "engines.json")
    patch.setattr(locks, "LOCKS", made.root / "locks")
    patch.setattr(record, "METRICS", made.root / "metrics")
    patch.setattr(backup, "_CACHE", str(made.root / "cache"))
    patch.setattr(backup, "login", lambda name: revealing())
    patch.setattr(backup, "mounts", lambda: {top: "/dev/mapper/x"})
    own = {"postgresql": replace(databases.POSTGRESQL, account=ACCOUNT)}
    patch.setattr(dumps, "ENGINES", own)
    patch.setattr(trial, "ENGINES", own)


@contextmanager
def revealing() -> Iterator[Any]:
    yield SimpleNamespace(reveal=SECRETS.__getitem__)


@contextmanager
def server(made: Machine, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run the application's server on the volume, with a database in which two tables agree after each transaction."""
    folder, programs = made.volume / "postgresql", databases._programs()
    socket = made.root / "socket"
    for path in (folder, socket):
        path.mkdir()
        shutil.chown(path, ACCOUNT)
    patch.setitem(processes.PATH, "PGHOST", str(socket))
    processes.run_as(ACCOUNT, [f"{programs}/initdb", "-D", str(folder), "-U", ACCOUNT, "-A", "peer", "--no-sync"])
    control = [f"{programs}/pg_ctl", "-D", str(folder), "-s", "-w", "-l", str(socket / "log")]
    processes.run_as(ACCOUNT, [*control, "-o", f"-k {socket} -c listen_addresses= -c fsync=off", "start"])
    try:
        processes.run_as(ACCOUNT, ["createuser", "reader"])
        processes.run_as(ACCOUNT, ["createdb", "imagerie"])
        made.sql(
            "CREATE TABLE study (id serial); CREATE TABLE image (id serial, study int); GRANT SELECT ON study TO reader"
        )
        yield
    finally:
        processes.run_as(ACCOUNT, [*control, "-m", "immediate", "stop"])


@contextmanager
def writing(made: Machine) -> Iterator[None]:
    """Go on adding a study and its image, in one transaction each, while the block lasts."""
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            made.sql("BEGIN; INSERT INTO study DEFAULT VALUES; INSERT INTO image (study) VALUES (1); COMMIT")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def restored(made: Machine, name: str) -> tuple[Path, Path]:
    """Restore the last snapshot as a drill does, below a folder of its own; give that, and the volume's copy in it."""
    scratch = made.root / name
    scratch.mkdir(mode=0o755)
    made.restic("restore", "latest", f"--target={scratch}")
    return scratch, Path(f"{scratch}{made.volume}")


COUNTS = (
    "SELECT (SELECT count(*) FROM study), (SELECT count(*) FROM image),"
    " (SELECT count(*) FROM pg_roles WHERE rolname = 'reader')"
)


def counting(found: list[str]) -> Callable[..., int]:
    """Have the counts of both tables noted, beside what a restore does."""

    def restore(engine: databases.Engine, dump: Path, others: Path, folder: Path) -> int:
        real = databases.run_as

        def noting(account: str, argv: list[str], **files: Any) -> str:
            if argv[-1].startswith("--command="):
                found.append(real(account, [*argv[:-1], f"--command={COUNTS}"]).strip())
            return real(account, argv, **files)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(databases, "run_as", noting)
            return databases._restore_postgresql(engine, dump, others, folder)

    return restore


def test_a_database_that_is_written_to_is_copied_consistently_and_comes_back(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with writing(machine):
        outcome = backup.back_up("imagerie")
    (dump,) = outcome["dumps"]
    assert dump["database"] == "imagerie"
    assert not (machine.volume / dumps.FOLDER).exists()
    scratch, folder = restored(machine, "scratch")
    assert not (folder / "postgresql").exists()  # files that a server writes to are no copy
    assert (folder / "studies" / "study.dcm").read_bytes() == b"image"
    counts: list[str] = []
    own = replace(databases.POSTGRESQL, account=ACCOUNT, restore=counting(counts))
    monkeypatch.setattr(trial, "ENGINES", {"postgresql": own})
    found = trial.try_restored("imagerie", str(scratch))
    assert found["files"] == {"same": 1, "different": 0, "changed": 0, "gone": 0}
    (tried,) = found["databases"]
    assert (tried["reason"], tried["tables"]) == (None, 2)
    studies, images, roles = counts[0].split("|")
    assert (studies, roles) == (images, "1")
    assert int(studies) > 0
    assert [path.name for path in scratch.iterdir()] == [machine.root.parts[1]]  # no server is left
    shutil.rmtree(scratch)


def test_a_dump_that_is_damaged_does_not_come_back(machine: Machine) -> None:
    backup.back_up("imagerie")
    scratch, folder = restored(machine, "damaged")
    file = dumps.file_of(str(folder), {"engine": "postgresql", "name": "imagerie"})
    file.write_bytes(file.read_bytes()[:-200])
    (tried,) = trial.try_restored("imagerie", str(scratch))["databases"]
    assert "pg_restore failed" in tried["reason"]
    assert [path.name for path in scratch.iterdir()] == [machine.root.parts[1]]
    shutil.rmtree(scratch)


def test_a_database_that_does_not_answer_fails_the_backup_and_leaves_no_snapshot(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = machine.snapshots()
    monkeypatch.setitem(processes.PATH, "PGHOST", str(machine.root))  # where no server listens
    with pytest.raises(AgentError, match=r"database imagerie .* could not be dumped: psql failed"):
        backup.back_up("imagerie")
    assert machine.snapshots() == before
    assert "could not be dumped" in record.read("imagerie")["last_attempt"]["reason"]


def test_no_dump_is_readable_by_others_while_it_is_there(machine: Machine) -> None:
    database = {"engine": "postgresql", "name": "imagerie", "mount_point": str(machine.volume)}
    with dumps.dumped([database], [str(machine.volume)]):
        modes = [path.stat().st_mode & 0o077 for path in (machine.volume / dumps.FOLDER).rglob("*")]
    assert modes == [0, 0, 0]


def test_a_database_and_its_account_are_made_once(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "POSTGRESQL", replace(databases.POSTGRESQL, account=ACCOUNT))
    for _ in range(2):
        serving._make_database("another")
    owner = "SELECT rolname FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba WHERE datname = 'another'"
    assert machine.sql(owner).strip() == "another"


def test_checks_by_the_host_read_all_data_in_turn_and_find_what_is_damaged(machine: Machine) -> None:
    backup.back_up("imagerie")
    assert [check.check("imagerie")["part"] for _ in range(2)] == [1, 2]
    assert check.check_if_due("imagerie") is None
    (largest, *_) = sorted((machine.root / "repository" / "data").rglob("*/*"), key=lambda path: -path.stat().st_size)
    content = largest.read_bytes()
    largest.chmod(0o600)
    largest.write_bytes(content[:100] + b"damage" + content[106:])
    with pytest.raises(AgentError, match="restic check failed"):
        for _ in range(2):
            check.check("imagerie")
    state = record.read("imagerie")
    assert (state["last_check"]["outcome"], state["last_good_check"]["outcome"]) == ("failed", "done")
    largest.write_bytes(content)
