"""Whose token a request carries: what was named for this run comes first, what stands in a file last."""

from pathlib import Path

import pytest

from hosting_cli.doors.vault_client import VaultClient
from hosting_cli.errors import UnreadableError
from inventory.environment import VaultAccess


def written(path: Path, token: str) -> Path:
    path.write_text(token + "\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def access(tmp_path: Path) -> VaultAccess:
    file = written(tmp_path / "environments", "of the environment's file")
    return VaultAccess(address="https://127.0.0.1:1", certificate_authority="/none/ca.pem", token_file=file)


@pytest.mark.parametrize(
    ("given", "token"),
    [
        pytest.param((True, "of the variable"), "of the named file", id="--token-file wins over VAULT_TOKEN"),
        pytest.param((True, None), "of the named file", id="--token-file wins over the environment's file"),
        pytest.param((False, "of the variable"), "of the variable", id="VAULT_TOKEN wins over the environment's file"),
        pytest.param((False, None), "of the environment's file", id="the environment's file when nothing else is said"),
        pytest.param((False, ""), "of the environment's file", id="an empty VAULT_TOKEN is none"),
    ],
)
def test_the_token_that_was_asked_for(
    access: VaultAccess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: tuple[bool, str | None], token: str
) -> None:
    is_named, variable = given
    monkeypatch.delenv("VAULT_TOKEN", raising=False)
    if variable is not None:
        monkeypatch.setenv("VAULT_TOKEN", variable)
    named = written(tmp_path / "named", "of the named file") if is_named else None
    assert VaultClient(access, named)._token().reveal() == token


def test_a_named_file_that_is_not_there_is_never_made_up_for(
    access: VaultAccess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "of the variable")
    with pytest.raises(UnreadableError, match=r"token file .*/none is not readable .* or name another"):
        VaultClient(access, tmp_path / "none")._token()
