"""What bad luck with the vault looks like: unknown, never absent, and with what to do."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from engines_lab import Engines, secret_entries

from hosting_cli.doors.openbao import OpenBao
from hosting_cli.errors import EngineError, RefusedError, UnreadableError
from hosting_cli.lab import processes, tls
from hosting_cli.resources import TransitKey
from inventory import naming
from inventory.environment import VaultAccess
from inventory.models import Region

KEY = TransitKey(name="hosting-fault-objects", owner="fault")


@pytest.fixture
def sealed(engines: Engines, vault_door: OpenBao) -> Iterator[OpenBao]:
    engines.vault.seal()
    yield vault_door
    engines.vault.open(engines.running["vault"])


def test_a_sealed_vault_is_unknown_and_says_how_to_unseal_it(sealed: OpenBao, region: Region) -> None:
    reading = sealed.read()
    assert reading.resources is None
    assert "sealed" in str(reading.reason)
    with pytest.raises(UnreadableError, match="bao operator unseal"):
        sealed.write(KEY)
    with pytest.raises(UnreadableError, match="sealed"):
        sealed.reveal_secret(secret_entries(region)[0])
    with pytest.raises(UnreadableError, match="sealed"):
        sealed.trusted_ssh_keys()
    with pytest.raises(UnreadableError, match="sealed"):
        sealed.secret_id_accessors("hosting-s3-kms")


def test_after_unsealing_everything_is_as_it_was(engines: Engines, vault_door: OpenBao) -> None:
    before = vault_door.read().resources
    engines.vault.seal()
    engines.vault.open(engines.running["vault"])
    assert vault_door.read().resources == before


def test_a_killed_vault_comes_back_with_all_that_it_acknowledged(engines: Engines, vault_door: OpenBao) -> None:
    vault_door.write(KEY)
    before = vault_door.read().resources
    processes.stop(engines.running["vault"], grace_seconds=0)
    reading = vault_door.read()
    assert reading.resources is None
    assert "does not answer" in str(reading.reason)
    engines.running["vault"] = engines.vault.start()
    engines.vault.open(engines.running["vault"])
    assert vault_door.read().resources == before


def test_a_wrong_authority_is_named_and_nothing_is_sent(
    operations_access: VaultAccess, vault_door: OpenBao, region: Region, tmp_path: Path
) -> None:
    other = tls.certificates(tmp_path / "other").authority
    access = operations_access.model_copy(update={"certificate_authority": other})
    reading = OpenBao(access, region=region.id).read()
    assert reading.resources is None
    assert f"its certificate is not signed by {other}" in str(reading.reason)
    with pytest.raises(UnreadableError, match="not signed by"):
        OpenBao(access, region=region.id).write(KEY)


def test_an_authority_that_is_not_there_is_named(
    operations_access: VaultAccess, region: Region, tmp_path: Path
) -> None:
    access = operations_access.model_copy(update={"certificate_authority": tmp_path / "none.pem"})
    with pytest.raises(UnreadableError, match=r"no certificate authority .*none\.pem"):
        OpenBao(access, region=region.id).identity()


def test_nobody_listening_is_unknown(operations_access: VaultAccess, region: Region) -> None:
    access = operations_access.model_copy(update={"address": f"https://127.0.0.1:{processes.free_port()}"})
    assert OpenBao(access, region=region.id).read().resources is None


def test_a_token_that_is_not_valid_says_to_log_in(
    operations_access: VaultAccess, vault_door: OpenBao, region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "s.nobody")
    reading = OpenBao(operations_access, region=region.id).read()
    assert reading.resources is None
    assert "Log in again" in str(reading.reason)


def test_the_token_of_the_environment_wins_over_the_file(
    operations_access: VaultAccess, engines: Engines, region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", engines.vault.root_token().reveal())
    assert OpenBao(operations_access, region=region.id).identity() == "root"


def test_a_file_that_is_named_wins_over_the_token_of_the_environment(
    operations_access: VaultAccess, engines: Engines, region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", engines.vault.root_token().reveal())
    door = OpenBao(operations_access, region=region.id, token_file=operations_access.token_file)
    assert door.identity() == "token-operations"


def test_a_token_file_that_others_may_read_is_refused(
    operations_access: VaultAccess, region: Region, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VAULT_TOKEN", raising=False)
    path = tmp_path / "token"
    path.write_text("s.x")
    path.chmod(0o640)
    with pytest.raises(RefusedError, match="chmod 600"):
        OpenBao(operations_access.model_copy(update={"token_file": path}), region=region.id).identity()


def test_a_token_file_that_is_not_there_is_unknown(
    operations_access: VaultAccess, region: Region, tmp_path: Path
) -> None:
    access = operations_access.model_copy(update={"token_file": tmp_path / "none"})
    reading = OpenBao(access, region=region.id).read()
    assert reading.resources is None
    assert "token file" in str(reading.reason)


def test_too_few_rights_are_an_error_that_names_the_right(root_door: OpenBao, engines: Engines, region: Region) -> None:
    token = root_door.issue_token("few", (naming.APPROVER_POLICY,), period_seconds=60)
    door = OpenBao(engines.vault_access(engines.token_file("few", token)), region=region.id)
    reading = door.read()
    assert reading.resources is None
    assert "must allow `read` on `sys/mounts`" in str(reading.reason)
    with pytest.raises(EngineError, match=r"must allow `create or update` on `transit/keys/hosting-fault-objects`"):
        door.write(KEY)


def test_disabling_a_key_that_does_not_exist_is_an_error(vault_door: OpenBao) -> None:
    with pytest.raises(EngineError, match="there is no such key"):
        vault_door.set_key_enabled("hosting-nobody-objects", False)
