"""Dumps, checks and the word that the host's agent leaves of them, with tools that only pretend."""

import getpass
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from agent_machine import Machine, mounted

from deploys.agent import backup, check, databases, dumps, record, serving
from deploys.agent.settings import AgentError

DUMPED = {"imagerie.dump": "dump of imagerie\n", "others.sql": "CREATE ROLE imagerie;\n"}


@pytest.fixture
def volume(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the machine a volume with a database, whose server's account is whoever runs the tests."""
    top = machine.root / "srv" / "imagerie"
    (top / "postgresql").mkdir(parents=True)
    mounted(machine)
    own = replace(databases.POSTGRESQL, account=getpass.getuser())
    monkeypatch.setattr(dumps, "ENGINES", {"postgresql": own})
    machine.tell(
        databases=[
            {
                "engine": "postgresql",
                "name": "imagerie",
                "mount_point": str(top),
                "data_directory": f"{top}/postgresql",
            }
        ]
    )
    return top


def metrics(machine: Machine) -> dict[str, float]:
    lines = (machine.root / "metrics" / "hosting-imagerie.prom").read_text().splitlines()
    found = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in found.items()}


def of(metric: str, more: str = "") -> str:
    return f'{metric}{{application="imagerie",host="host"{more}}}'


# -- dumps ----------------------------------------------------------------------------------------------------------


def test_a_snapshot_holds_a_fresh_dump_and_not_the_files_of_the_server(machine: Machine, volume: Path) -> None:
    (volume / dumps.FOLDER).mkdir()
    (volume / dumps.FOLDER / "left by a killed run").touch()
    outcome = backup.back_up("imagerie")
    assert json.loads((machine.root / "dumps.json").read_text()) == DUMPED
    assert f"--exclude={volume}/postgresql" in machine.calls()[-1].split()
    assert not (volume / dumps.FOLDER).exists()
    (dump,) = outcome["dumps"]
    assert (dump["engine"], dump["database"], dump["bytes"]) == ("postgresql", "imagerie", 17)


def test_a_dump_that_fails_fails_the_backup_with_its_reason(machine: Machine, volume: Path) -> None:
    backup.back_up("imagerie")
    machine.log.write_text("")
    (machine.root / "no_database").touch()
    reason = r'database imagerie \(postgresql\) could not be dumped: pg_dump failed \(1\): database "imagerie" does'
    with pytest.raises(AgentError, match=reason):
        backup.back_up("imagerie")
    assert not [call for call in machine.calls() if call.startswith("restic") and " backup " in call]
    assert not (volume / dumps.FOLDER).exists()
    state = record.read("imagerie")
    assert (state["last_attempt"]["outcome"], state["last_success"]["outcome"]) == ("failed", "done")
    assert metrics(machine)[of("hosting_backup_last_attempt_success")] == 0


def test_a_dump_that_cannot_be_read_back_is_none(
    machine: Machine, volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = replace(dumps.ENGINES["postgresql"], dump=lambda name: ["echo", name])
    monkeypatch.setattr(dumps, "ENGINES", {"postgresql": broken})
    with pytest.raises(AgentError, match="does not appear to be a valid archive"):
        backup.back_up("imagerie")


def test_a_dump_does_not_fill_the_volume(machine: Machine, volume: Path) -> None:
    (machine.root / "database_size").write_text(str(1 << 60))
    with pytest.raises(AgentError, match=r"it may take .* MiB and the volume has .* left"):
        backup.back_up("imagerie")
    assert "pg_dump" not in " ".join(machine.calls())


def test_an_account_that_does_not_exist_is_told(
    machine: Machine, volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dumps, "ENGINES", {"postgresql": replace(databases.POSTGRESQL, account="nobody-of-that-name")})
    with pytest.raises(AgentError, match="psql cannot be run as nobody-of-that-name"):
        backup.back_up("imagerie")


# -- checks ---------------------------------------------------------------------------------------------------------


def checked(machine: Machine) -> list[str]:
    return [word for call in machine.calls() for word in call.split() if word.startswith("--read-data-subset")]


def test_each_check_reads_the_next_part_without_a_lock(machine: Machine) -> None:
    assert [check.check("imagerie")["part"] for _ in range(4)] == [1, 2, 3, 1]
    assert checked(machine) == [f"--read-data-subset={part}/3" for part in (1, 2, 3, 1)]
    assert all("--no-lock" in call for call in machine.calls())


def test_a_check_is_due_as_the_class_asks(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [time.time()]
    monkeypatch.setattr("time.time", lambda: now[0])
    days = []
    for day in range(15):
        if check.check_if_due("imagerie"):
            days.append(day)
        now[0] += check.DAY_SECONDS - 60
    assert days == [0, 7, 14]


def test_damage_is_recorded_and_the_same_part_is_read_again_the_next_day(machine: Machine) -> None:
    check.check("imagerie")
    (machine.root / "damaged").touch()
    with pytest.raises(AgentError, match="pack 1234 is damaged"):
        check.check("imagerie")
    assert metrics(machine)[of("hosting_backup_check_last_attempt_success")] == 0
    (machine.root / "damaged").unlink()
    assert check.check("imagerie")["part"] == 2
    assert metrics(machine)[of("hosting_backup_check_last_attempt_success")] == 1


# -- the word that is left --------------------------------------------------------------------------------------------


def test_the_word_of_a_backup_and_that_of_a_check_leave_each_other_alone(machine: Machine) -> None:
    mounted(machine)
    backup.back_up("imagerie")
    check.check("imagerie")
    machine.mounted = {}
    with pytest.raises(AgentError):
        backup.back_up("imagerie")
    state = record.read("imagerie")
    assert {key: state[key]["outcome"] for key in state} == {
        "last_attempt": "failed",
        "last_success": "done",
        "last_check": "done",
        "last_good_check": "done",
    }


def test_metrics_say_what_is_on_record(machine: Machine, volume: Path) -> None:
    before = time.time()
    backup.back_up("imagerie")
    check.check("imagerie")
    found = metrics(machine)
    assert found[of("hosting_backup_last_attempt_success")] == 1
    assert int(before) <= found[of("hosting_backup_data_timestamp_seconds")] <= time.time()
    database = ',engine="postgresql",database="imagerie"'
    assert found[of("hosting_database_dump_size_bytes", database)] == 17
    of_backups = {name for name in record.HELP if not name.startswith(("hosting_volume_", "hosting_link_"))}
    assert {name.partition("{")[0] for name in found} == of_backups


STATE: dict[str, Any] = {"last_attempt": {"outcome": "failed", "time": 1000, "began": 990, "reason": "no"}}


def test_metrics_of_what_never_succeeded_do_not_invent_a_success() -> None:
    text = record.metrics("imagerie", "host", STATE)
    assert text == (
        "# HELP hosting_backup_last_attempt_success Whether the last backup was made.\n"
        "# TYPE hosting_backup_last_attempt_success gauge\n"
        'hosting_backup_last_attempt_success{application="imagerie",host="host"} 0\n'
        "# HELP hosting_backup_last_attempt_timestamp_seconds When the last backup ended, good or bad.\n"
        "# TYPE hosting_backup_last_attempt_timestamp_seconds gauge\n"
        'hosting_backup_last_attempt_timestamp_seconds{application="imagerie",host="host"} 1000\n'
    )


# -- the server -----------------------------------------------------------------------------------------------------


@pytest.fixture
def server(machine: Machine, volume: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the machine the programs of a server, and no configuration of one; give where its files belong."""
    programs = machine.root / "programs"
    (programs / "17" / "bin").mkdir(parents=True)
    (programs / "17" / "bin" / "initdb").touch()
    monkeypatch.setattr(databases, "_POSTGRESQL_PROGRAMS", programs)
    monkeypatch.setattr(serving, "CONFIGURATIONS", machine.root / "etc")
    monkeypatch.setattr(serving, "mounts", lambda: machine.mounted)
    monkeypatch.setattr(serving, "POSTGRESQL", replace(databases.POSTGRESQL, account=getpass.getuser()))
    (machine.root / "known").write_text("postgres\n")
    return volume / "postgresql"


def test_a_server_is_made_on_the_volume_and_has_the_database(machine: Machine, server: Path) -> None:
    serving.serve("imagerie")
    made = [call for call in machine.calls() if call.split()[0] != "psql"]
    assert made[0].startswith(f"pg_createcluster 17 hosting --datadir={server} --start-conf=manual")
    assert "--auth-local=peer" in made[0]
    assert made[1:] == [
        "systemctl start postgresql@17-hosting.service",
        "createuser imagerie",
        "createdb --owner=imagerie imagerie",
    ]


def test_a_server_that_is_there_is_started_by_the_version_that_made_its_files(machine: Machine, server: Path) -> None:
    (server / "PG_VERSION").write_text("15\n")
    (machine.root / "etc" / "15" / "hosting").mkdir(parents=True)
    (machine.root / "etc" / "15" / "hosting" / "postgresql.conf").touch()
    (machine.root / "known").write_text("postgres\nimagerie\n")
    serving.serve("imagerie")
    serving.stop("imagerie")
    assert [call for call in machine.calls() if call.split()[0] != "psql"] == [
        "systemctl start postgresql@15-hosting.service",
        "systemctl stop postgresql@15-hosting.service",
    ]


def test_files_of_a_server_that_nobody_knows_are_left_alone(machine: Machine, server: Path) -> None:
    (server / "base").touch()
    with pytest.raises(AgentError, match="nothing is done to them"):
        serving.serve("imagerie")
    assert machine.calls() == []


def test_a_database_is_never_made_in_clear(machine: Machine, server: Path) -> None:
    machine.mounted = {}
    with pytest.raises(AgentError, match="nothing is made in clear"):
        serving.serve("imagerie")
    assert machine.calls() == []
