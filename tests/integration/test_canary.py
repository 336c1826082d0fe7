"""No secret leaves memory except into the vault: plant some, then look everywhere."""

import base64
import json
import logging
import os
import traceback
from collections.abc import Iterable
from pathlib import Path

import pytest
from canaries import files, leaks
from engines_lab import STORE, Engines, data_user

from hosting_cli.doors.objects import ObjectStoreDoor
from hosting_cli.doors.openbao import OpenBao
from hosting_cli.errors import HostingError
from hosting_cli.resources import SecretEntry, SecretPurpose
from hosting_cli.secret import Secret
from inventory import naming
from inventory.models import Application

CANARY = "canary-9d1f-4b5a-secret-value"
PLAIN = SecretEntry(
    name="test/canary/stored",
    owner="test",
    purpose=SecretPurpose.S3_CREDENTIALS,
    wrapped_by="hosting-imagerie-beaune-volumes",
)
MADE = SecretEntry(
    name="test/canary/made",
    owner="test",
    purpose=SecretPurpose.LUKS_PASSPHRASE,
    wrapped_by="hosting-imagerie-beaune-volumes",
)


@pytest.fixture
def role(application: Application, host: str) -> str:
    return naming.host_role(application.id, host)


@pytest.fixture
def private_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder in which every temporary file of this process would be made."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_no_secret_is_found_anywhere(  # noqa: PLR0917 fixtures
    engines: Engines,
    vault_door: OpenBao,
    store_door: ObjectStoreDoor,
    role: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    private_tmp: Path,
) -> None:
    caplog.set_level(logging.DEBUG)
    secrets, failures = [CANARY], []
    vault_door.replace_secret(PLAIN, Secret(CANARY), note={"access-key-id": "A"})
    vault_door.make_secret(MADE)
    secrets.append(vault_door.reveal_secret(MADE).reveal())
    assert vault_door.reveal_secret(PLAIN) == Secret(CANARY)

    user = data_user("hosting-canary", "bfc-canary")
    store_door.write(user)
    key_id, secret = store_door.create_access_key(user.name)
    secrets.append(secret.reveal())
    vault_door.replace_secret(PLAIN, secret, note={"access-key-id": key_id})
    secrets.append(json.loads(engines.store.provisioner().reveal())["secret_access_key"])

    wrapped, accessor = vault_door.wrapped_secret_id(role, ttl_seconds=60, note={})
    secrets += [wrapped.reveal(), vault_door.unwrapped(wrapped).reveal()]
    token = vault_door.token_for((role,), ttl_seconds=60)
    secrets.append(token.reveal())

    broken = ObjectStoreDoor(
        engines.store_access(),
        lambda: Secret(json.dumps({"access_key_id": "X", "secret_access_key": CANARY})),
        store=STORE,
        region="any",
    )
    for failing in (
        lambda: vault_door.unwrapped(wrapped),
        lambda: vault_door.replace_secret(
            SecretEntry(
                name="test/canary/x", owner="t", purpose=SecretPurpose.S3_CREDENTIALS, wrapped_by="hosting-no-key"
            ),
            Secret(CANARY),
            note={},
        ),
        lambda: broken.put_object("bfc-none", "x", b"x"),
        lambda: broken.create_access_key("nobody"),
    ):
        with pytest.raises(HostingError) as caught:
            failing()
        failures.append("".join(traceback.format_exception(caught.value)) + repr(vars(caught.value)))
    vault_door.revoke(token)
    vault_door.destroy_secret_id(role, accessor)
    store_door.delete(user)

    shown = capfd.readouterr()
    places = [
        ("exceptions", "\n".join(failures).encode()),
        ("log", caplog.text.encode()),
        ("standard output and error", (shown.out + shown.err).encode()),
        ("printed secret", repr([Secret(CANARY)]).encode()),
        *files(private_tmp),
        *((path.name, path.read_bytes()) for path in logs(engines)),
        *processes_of(engines),
    ]
    assert len(failures) == 4
    assert "POST" in caplog.text  # the log was on, at its most talkative
    assert leaks(places, secrets) == []


def logs(engines: Engines) -> tuple[Path, ...]:
    # Not what SeaweedFS stores: its users' secret keys lie there in the clear, as it needs them to check requests.
    vault, store = engines.vault.directory, engines.store.directory
    return vault / "openbao.log", vault / "audit.jsonl", store / "seaweedfs.log"


def processes_of(engines: Engines) -> Iterable[tuple[str, bytes]]:
    for pid in (os.getpid(), *(process.pid for process in engines.running.values())):
        for file in ("cmdline", "environ"):
            yield f"/proc/{pid}/{file}", Path(f"/proc/{pid}/{file}").read_bytes()


def test_the_audit_log_names_who_did_what_and_holds_values_as_hmac_only(engines: Engines, vault_door: OpenBao) -> None:
    vault_door.replace_secret(PLAIN, Secret(CANARY), note={})
    lines = [json.loads(line) for line in (engines.vault.directory / "audit.jsonl").read_text().splitlines()]
    encrypted = [
        line for line in lines if line["type"] == "request" and line["request"]["path"].startswith("transit/encrypt/")
    ]
    assert encrypted
    assert all(line["request"]["data"]["plaintext"].startswith("hmac-sha256:") for line in encrypted)
    assert {line["auth"]["display_name"] for line in encrypted} >= {"token-operations"}


def test_the_vault_stores_the_canary_as_ciphertext_only(engines: Engines, vault_door: OpenBao) -> None:
    vault_door.replace_secret(PLAIN, Secret(CANARY), note={})
    assert leaks(files(engines.vault.directory), [CANARY]) == []
    shown = json.dumps(engines.as_root("GET", f"kv/data/hosting/{PLAIN.name}"))
    assert leaks([("kv", shown.encode())], [CANARY]) == []


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "leak").write_bytes(b"x" + base64.b64encode(CANARY.encode()))
    assert leaks(files(tmp_path), [CANARY]) == [str(tmp_path / "leak")]
