import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from hosting_cli.errors import EngineError
from hosting_cli.lab import openbao, tls
from hosting_cli.lab.seaweedfs import KeyService, SeaweedServer
from hosting_cli.secret import Secret

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def test_certificates_are_made_once(tmp_path: Path) -> None:
    first = tls.certificates(tmp_path / "tls", now=NOW)
    content = first.authority.read_bytes()
    assert tls.certificates(tmp_path / "tls") == first
    assert first.authority.read_bytes() == content


def test_a_half_made_set_is_made_anew(tmp_path: Path) -> None:
    found = tls.certificates(tmp_path, now=NOW)
    found.authority.unlink()
    tls.certificates(tmp_path, now=NOW)
    context = ssl.create_default_context(cafile=str(found.authority))
    context.load_cert_chain(found.certificate, found.key)


def test_the_server_certificate_is_for_loopback_and_for_how_guests_see_it(tmp_path: Path) -> None:
    found = tls.certificates(tmp_path, now=NOW)
    certificate = x509.load_pem_x509_certificate(found.certificate.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert {str(ip) for ip in names.get_values_for_type(x509.IPAddress)} == {"127.0.0.1", "10.0.2.100", "10.0.2.101"}
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert isinstance(key.curve, ec.SECP384R1)
    assert certificate.not_valid_after_utc - NOW == timedelta(days=365)


def test_the_key_is_for_its_owner_and_the_authoritys_is_kept_nowhere(tmp_path: Path) -> None:
    found = tls.certificates(tmp_path, now=NOW)
    assert found.key.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {"ca.pem", "server.pem", "server.key"}
    assert [path.name for path in tmp_path.iterdir() if b"PRIVATE KEY" in path.read_bytes()] == ["server.key"]


def keys(secret_id: str) -> KeyService:
    return KeyService("https://127.0.0.1:1", Path("/ca.pem"), "hosting-s3-kms", Secret(secret_id))


def test_the_stores_configuration_is_private_and_keeps_its_own_credentials(tmp_path: Path) -> None:
    certificates = tls.Certificates(tmp_path / "ca", tmp_path / "crt", tmp_path / "key")
    server = SeaweedServer(tmp_path / "s", certificates, tuple(range(1, 9)))
    server.configure(keys("one"))
    provisioner = server.provisioner()
    tokens = (tmp_path / "s" / "security.toml").read_text()
    server.configure(keys("two"))
    assert server.provisioner() == provisioner
    assert (tmp_path / "s" / "security.toml").read_text() == tokens
    assert '"two"' in (tmp_path / "s" / "s3.json").read_text()
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "s").iterdir() if path.is_file()} == {0o600}


def test_no_data_key_outlives_its_transit_key_in_the_stores_memory(tmp_path: Path) -> None:
    certificates = tls.Certificates(tmp_path / "ca", tmp_path / "crt", tmp_path / "key")
    server = SeaweedServer(tmp_path / "s", certificates, tuple(range(1, 9)))
    server.configure(keys("one"))
    assert '"cache_enabled": false' in (tmp_path / "s" / "s3.json").read_text()


def test_a_store_that_does_not_come_up_ends_with_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "weed"
    fake.write_text("#!/bin/sh\necho 'the vault refused the role' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("HOSTING_WEED", str(fake))
    certificates = tls.certificates(tmp_path / "tls", now=NOW)
    server = SeaweedServer(tmp_path / "s", certificates, tuple(range(20001, 20009)))
    server.configure(keys("one"))
    with pytest.raises(EngineError, match="the vault refused the role"):
        server.start()


def test_a_vault_that_does_not_come_up_ends_with_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "bao"
    fake.write_text("#!/bin/sh\necho 'address already in use' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("HOSTING_BAO", str(fake))
    certificates = tls.certificates(tmp_path / "tls", now=NOW)
    server = openbao.OpenBaoServer(tmp_path / "o", tmp_path / "unseal.json", certificates, 20001, 20002)
    with pytest.raises(EngineError, match="address already in use"):
        server.start()


def test_a_vault_whose_unseal_key_was_lost_says_to_remove_the_lab(tmp_path: Path) -> None:
    certificates = tls.Certificates(tmp_path / "ca", tmp_path / "crt", tmp_path / "key")
    server = openbao.OpenBaoServer(tmp_path / "o", tmp_path / "unseal.json", certificates, 1, 2)
    with pytest.raises(EngineError, match="hosting lab down"):
        server.root_token()
