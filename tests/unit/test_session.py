"""What a run works with, and what it says when it was not told."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import cast

import pytest
from fake_doors import FakeVault
from sample import FOLDER, NOW, write_environment

from hosting_cli.app import LazyDoors
from hosting_cli.doors.openbao import OpenBao
from hosting_cli.errors import InvalidFilesError, UsageError
from hosting_cli.session import DoorMaker, Session, now
from inventory.environment import VaultAccess


class NoDoors:
    """Fails a test that opens a door which nobody needed."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"the door {name} was opened")


def session(
    region: Path | None = FOLDER,
    environment: Path | None = None,
    *,
    token_file: Path | None = None,
    doors: object | None = None,
) -> Session:
    return Session(region, environment, token_file, cast("DoorMaker", doors or NoDoors()), clock=lambda: NOW)


# -- what must be named -------------------------------------------------------------------------------------------


def test_a_region_that_was_not_named() -> None:
    with pytest.raises(UsageError, match=r"region: none was named\. Give --region PATH or set HOSTING_REGION\."):
        _ = session(None).region


def test_an_environment_that_was_not_named() -> None:
    with pytest.raises(UsageError, match=r"environment: none was named\. Give --environment PATH or set HOSTING_ENV"):
        _ = session().environment


def test_a_region_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidFilesError) as found:
        _ = session(tmp_path / "nowhere").region
    assert "there is no such folder" in str(found.value.problems[0])


def test_an_environment_that_is_not_there_is_a_problem_of_files(tmp_path: Path) -> None:
    with pytest.raises(InvalidFilesError) as found:
        _ = session(FOLDER, tmp_path / "nowhere.yaml").environment
    assert "nowhere.yaml" in str(found.value.problems[0])


def test_an_environment_of_another_region(tmp_path: Path) -> None:
    file = write_environment(tmp_path, hosts={})
    with pytest.raises(InvalidFilesError) as found:
        _ = session(FOLDER, file).environment
    assert {"host dijon-app-1 has no entry", "host dijon-gateway-1 has no entry"} <= {
        problem.what for problem in found.value.problems
    }


# -- files --------------------------------------------------------------------------------------------------------


def test_files_are_read_once_and_open_no_door(tmp_path: Path) -> None:
    made = session(FOLDER, write_environment(tmp_path))
    assert made.region is made.region
    assert made.environment.hosts.keys() == {host.id for host in made.region.hosts}


def test_days_are_held_against_the_day_of_the_run(tmp_path: Path) -> None:
    late = session(FOLDER)
    late.clock = lambda: datetime(2040, 1, 1, tzinfo=UTC)
    assert late.today == date(2040, 1, 1)
    with pytest.raises(InvalidFilesError):
        _ = late.region


def test_the_clock_knows_its_time_zone() -> None:
    assert now().tzinfo is UTC


# -- whose token --------------------------------------------------------------------------------------------------


Opened = list[tuple[VaultAccess, str, Path | None]]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    """Note with what the door of the vault is opened."""
    found: Opened = []

    def note(_door: OpenBao, access: VaultAccess, *, region: str, token_file: Path | None) -> None:
        found.append((access, region, token_file))

    monkeypatch.setattr(OpenBao, "__init__", note)
    return found


def test_the_door_is_that_of_the_environment(tmp_path: Path, opened: Opened) -> None:
    made = session(FOLDER, write_environment(tmp_path), doors=LazyDoors())
    _ = made.vault
    assert opened == [(made.environment.vault, "bourgogne-franche-comte", None)]


def test_another_environment_in_the_name_of_another_token(tmp_path: Path, opened: Opened) -> None:
    first = session(FOLDER, None, doors=LazyDoors())
    other = first.for_environment(write_environment(tmp_path), tmp_path / "officer")
    _ = other.vault
    assert opened == [(other.environment.vault, "bourgogne-franche-comte", tmp_path / "officer")]
    assert (other.progress, other.clock, other.region_folder) == (first.progress, first.clock, FOLDER)


def test_journal_entries_carry_the_identity_that_the_vault_attests(tmp_path: Path) -> None:
    vault = FakeVault()
    made = session(FOLDER, write_environment(tmp_path))
    vars(made)["vault"] = vault
    entries = [made.journal.append("proof", {"number": number}) for number in range(2)]
    assert [entry.who for entry in entries] == ["token-tester", "token-tester"]
    assert vault.calls == ["identity"], "asked once a run"
    assert (tmp_path / "journal.jsonl").stat().st_mode & 0o777 == 0o600
