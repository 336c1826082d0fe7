import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from dying import Killed
from engines_lab import CREDENTIALS, Engines, limit

from hosting_cli.doors.openbao import OpenBao
from hosting_cli.doors.vault_client import VaultClient
from hosting_cli.errors import EngineError, RefusedError
from hosting_cli.resources import SecretEntry, SecretPurpose
from hosting_cli.secret import Secret
from inventory.environment import VaultAccess
from inventory.models import Region

KEY = "hosting-imagerie-beaune-volumes"
NAMES = (f"test/secrets/{number}" for number in count())


def entry(purpose: SecretPurpose = SecretPurpose.LUKS_PASSPHRASE) -> SecretEntry:
    return SecretEntry(name=next(NAMES), owner="test", purpose=purpose, wrapped_by=KEY)


def kv(engines: Engines, name: str) -> dict[str, Any]:
    found: dict[str, Any] = engines.as_root("GET", f"kv/data/hosting/{name}")["data"]
    return found


def test_only_ciphertext_and_our_mark_are_stored(vault_door: OpenBao, engines: Engines, region: Region) -> None:
    made = entry()
    vault_door.make_secret(made)
    stored = kv(engines, made.name)
    assert list(stored["data"]) == ["ciphertext"]
    assert stored["data"]["ciphertext"].startswith("vault:v1:")
    assert stored["metadata"]["custom_metadata"] == {
        "managed-by": "hosting",
        "region": region.id,
        "owner": "test",
        "purpose": "luks-passphrase",
        "wrapped-by": KEY,
    }


def test_secrets_are_long_and_never_the_same(vault_door: OpenBao) -> None:
    made = [entry(purpose) for purpose in SecretPurpose if purpose is not SecretPurpose.S3_CREDENTIALS]
    for item in made:
        vault_door.make_secret(item)
    values = {vault_door.reveal_secret(item).reveal() for item in made}
    assert len(values) == len(made)
    assert min(len(value) for value in values) >= 47


def test_a_secret_is_never_made_over_another(vault_door: OpenBao) -> None:
    made = entry()
    vault_door.make_secret(made)
    first = vault_door.reveal_secret(made)
    vault_door.make_secret(made)
    assert vault_door.reveal_secret(made) == first


def test_of_several_runs_at_once_one_makes_the_secret(vault_door: OpenBao, engines: Engines) -> None:
    made = entry()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: vault_door.make_secret(made), range(8)))
    assert kv(engines, made.name)["metadata"]["version"] == 1
    assert vault_door.reveal_secret(made).reveal()


def test_a_writer_that_comes_second_is_refused_by_the_vault_itself(vault_door: OpenBao, engines: Engines) -> None:
    made = entry()
    vault_door.make_secret(made)
    with pytest.raises(EngineError, match="check-and-set parameter did not match"):
        engines.as_root("POST", f"kv/data/hosting/{made.name}", {"data": {"ciphertext": "x"}, "options": {"cas": 0}})


@pytest.mark.parametrize("requests", range(8))
def test_making_can_be_killed_after_any_request(
    operations_access: VaultAccess, region: Region, requests: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, door = entry(), OpenBao(operations_access, region=region.id)
    with monkeypatch.context() as patched:
        limit(patched, requests)
        with contextlib.suppress(Killed):
            door.make_secret(made)
    listed = made.subject in (door.read().resources or {})
    before = door.reveal_secret(made) if listed else None
    door.make_secret(made)
    assert before is None or door.reveal_secret(made) == before
    assert made.subject in (door.read().resources or {})


def test_what_a_killed_run_left_without_a_value_is_not_read_as_existing(
    vault_door: OpenBao, operations_access: VaultAccess, region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = entry()
    with monkeypatch.context() as patched:
        limit(patched, 3)  # metadata was read, written, the value was encrypted, and not stored
        with pytest.raises(Killed):
            OpenBao(operations_access, region=region.id).make_secret(made)
    assert made.subject not in (vault_door.read().resources or {})
    assert vault_door.secret_notes(made.name) == {}
    with pytest.raises(EngineError, match="it has no value"):
        vault_door.reveal_secret(made)


def test_a_secret_that_reads_back_differently_is_an_error(vault_door: OpenBao, monkeypatch: pytest.MonkeyPatch) -> None:
    from hosting_cli.doors import vault_secrets

    monkeypatch.setattr(vault_secrets, "reveal", lambda client, item: Secret("another"))
    with pytest.raises(EngineError, match="reads back differently"):
        vault_door.make_secret(entry())


def test_a_deleted_version_is_not_silently_replaced(vault_door: OpenBao, engines: Engines) -> None:
    made = entry()
    vault_door.make_secret(made)
    engines.as_root("POST", f"kv/delete/hosting/{made.name}", {"versions": [1]})
    assert made.subject not in (vault_door.read().resources or {})
    with pytest.raises(EngineError, match="undelete its last version"):
        vault_door.make_secret(made)


def test_a_given_value_is_stored_with_its_note_and_keeps_its_history(vault_door: OpenBao, engines: Engines) -> None:
    stored = entry(SecretPurpose.S3_CREDENTIALS)
    vault_door.replace_secret(stored, Secret("first"), note={"access-key-id": "A"})
    vault_door.replace_secret(stored, Secret("second"), note={"access-key-id": "B"})
    assert vault_door.reveal_secret(stored) == Secret("second")
    assert vault_door.secret_notes(stored.name)["access-key-id"] == "B"
    assert kv(engines, stored.name)["metadata"]["version"] == 2


@pytest.mark.parametrize("requests", range(9))
def test_a_note_never_speaks_of_a_value_that_is_not_stored(
    vault_door: OpenBao,
    operations_access: VaultAccess,
    region: Region,
    requests: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stored = entry(SecretPurpose.S3_CREDENTIALS)
    vault_door.replace_secret(stored, Secret("A"), note={"access-key-id": "A"})
    with monkeypatch.context() as patched:
        limit(patched, requests)
        with contextlib.suppress(Killed):
            OpenBao(operations_access, region=region.id).replace_secret(
                stored, Secret("B"), note={"access-key-id": "B"}
            )
    if vault_door.secret_notes(stored.name)["access-key-id"] == "B":
        assert vault_door.reveal_secret(stored) == Secret("B")
    vault_door.replace_secret(stored, Secret("C"), note={"access-key-id": "C"})
    assert vault_door.reveal_secret(stored) == Secret("C")
    assert vault_door.secret_notes(stored.name)["access-key-id"] == "C"


def test_replacing_refuses_when_somebody_was_faster(vault_door: OpenBao, monkeypatch: pytest.MonkeyPatch) -> None:
    stored, raw = entry(SecretPurpose.S3_CREDENTIALS), VaultClient.raw
    vault_door.replace_secret(stored, Secret("A"), note={})
    faster = [True]

    def meanwhile(self: VaultClient, method: str, path: str, *arguments: object, **options: object) -> object:
        if path.startswith("transit/encrypt") and faster.pop() if faster else False:
            vault_door.replace_secret(stored, Secret("faster"), note={})
        return raw(self, method, path, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(VaultClient, "raw", meanwhile)
    with pytest.raises(EngineError, match="somebody else replaced it"):
        vault_door.replace_secret(stored, Secret("slower"), note={})
    assert vault_door.reveal_secret(stored) == Secret("faster")


def test_credentials_are_not_made_here(vault_door: OpenBao) -> None:
    with pytest.raises(RefusedError, match="s3-credentials are not made here"):
        vault_door.make_secret(entry(SecretPurpose.S3_CREDENTIALS))


def test_a_key_that_does_not_exist_is_not_made_by_using_it(vault_door: OpenBao) -> None:
    orphan = replace(entry(), wrapped_by="hosting-nobody-volumes")
    with pytest.raises(EngineError):
        vault_door.make_secret(orphan)
    assert not [s for s in vault_door.read().resources or {} if s.name == "hosting-nobody-volumes"]


@pytest.mark.usefixtures("store_door")
def test_the_provisioner_credentials_come_from_the_vault(vault_door: OpenBao, engines: Engines) -> None:
    assert vault_door.provisioner_credentials(CREDENTIALS) == engines.store.provisioner()
    with pytest.raises(EngineError, match="no such entry with our mark"):
        vault_door.provisioner_credentials("platform/nothing")
