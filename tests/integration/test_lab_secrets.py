"""What opens a lab's vault lies in a file, because it is a lab; the file says so, and is its owner's alone."""

import json
from pathlib import Path

from engines_lab import Engines


def holding(directory: Path, value: str) -> set[Path]:
    """Find the files that hold *value* as it is."""
    return {path for path in directory.rglob("*") if path.is_file() and value.encode() in path.read_bytes()}


def test_the_unseal_file_says_that_it_is_a_labs_and_is_read_by_its_owner_alone(engines: Engines) -> None:
    file = engines.vault.unseal_file
    assert file.stat().st_mode & 0o777 == 0o600
    content = json.loads(file.read_text())
    assert "LAB" in content["warning"]
    assert "A production vault's unseal keys are never kept together" in content["warning"]


def test_what_opens_the_vault_is_in_no_file_that_others_may_read(engines: Engines) -> None:
    content = json.loads(engines.vault.unseal_file.read_text())
    (key,) = content["keys"]
    assert holding(engines.directory, key) == {engines.vault.unseal_file}
    with_token = holding(engines.directory, content["root_token"])
    assert engines.vault.unseal_file in with_token
    assert {path for path in with_token if path.stat().st_mode & 0o077} == set()
