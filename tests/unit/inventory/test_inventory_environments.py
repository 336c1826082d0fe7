"""An environment names engines and hosts, and nothing that is wrong with it goes untold."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inventory_edits import HERE, SAMPLE, TODAY, apply_edits, problems_of_environment, read_cases

from inventory.environment import LuksProfile
from inventory.load import load_environment, load_region
from inventory.problems import InventoryError


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    shutil.copy(HERE / "environment.yaml", tmp_path)
    (tmp_path / "tls").mkdir()
    (tmp_path / "tls" / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    return tmp_path


@pytest.mark.parametrize("case", [pytest.param(c, id=c["case"]) for c in read_cases("invalid_environments.yaml")])
def test_what_is_wrong_is_told_exactly(case: dict[str, Any], lab: Path, fingerprint: Callable[[Path], str]) -> None:
    apply_edits(lab, case["edits"])
    before = fingerprint(lab)

    assert problems_of_environment(lab) == case["problems"]
    assert fingerprint(lab) == before


def test_an_environment_is_read_with_paths_from_its_folder(lab: Path) -> None:
    environment = load_environment(lab / "environment.yaml", load_region(SAMPLE, TODAY))

    assert environment.luks_profile is LuksProfile.LAB
    assert environment.vault.certificate_authority == lab / "tls" / "ca.pem"
    assert environment.vault.token_file == lab / "tokens" / "operations.token"
    assert environment.object_stores["dijon-objects"].certificate_authority == lab / "tls" / "ca.pem"
    assert environment.hosts["dijon-app-1"].bootstrap_key == lab / "bootstrap_key"
    assert environment.journal == lab / "journal.jsonl"
    assert environment.hosts["dijon-app-1"].port == 40022


def test_paths_are_absolute_whatever_the_current_folder(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(lab)

    assert load_environment(Path("environment.yaml")) == load_environment(lab / "environment.yaml")


def test_an_absolute_path_stays_what_it_is(lab: Path) -> None:
    apply_edits(lab, [{"file": "environment.yaml", "old": "journal.jsonl", "new": "/var/lib/hosting/journal.jsonl"}])

    assert load_environment(lab / "environment.yaml").journal == Path("/var/lib/hosting/journal.jsonl")


def test_without_a_region_any_hosts_will_do(lab: Path) -> None:
    apply_edits(lab, [{"file": "environment.yaml", "old": "  dijon-gateway-1:", "new": "  elsewhere-1:"}])

    assert "elsewhere-1" in load_environment(lab / "environment.yaml").hosts
    with pytest.raises(InventoryError):
        load_environment(lab / "environment.yaml", load_region(SAMPLE))
