"""The certificates of one lab: an authority, and a server certificate for everything on the loopback interface."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALIDITY = timedelta(days=365)

SUITES = (
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
)
"""What engines take of clients of TLS 1.2: an ephemeral key and authenticated encryption (ANSSI, TLS R6 to R10)."""

NAMES = ("localhost",)
# Loopback for the controller; the two others are how a guest sees the engines through its user network.
ADDRESSES = (IPv4Address("127.0.0.1"), IPv4Address("10.0.2.100"), IPv4Address("10.0.2.101"))


@dataclass(frozen=True)
class Certificates:
    """Where a lab's PEM files are."""

    authority: Path
    certificate: Path
    key: Path


def certificates(directory: Path, *, now: datetime | None = None) -> Certificates:
    """Give the certificates in *directory*, making them first when they are not all there (EC P-384, one year).

    The authority's private key is forgotten at once: nobody can add a certificate to a lab.
    """
    found = Certificates(directory / "ca.pem", directory / "server.pem", directory / "server.key")
    if not all(path.exists() for path in (found.authority, found.certificate, found.key)):
        directory.mkdir(parents=True, exist_ok=True)
        _make(found, now or datetime.now(UTC))
    return found


def _make(wanted: Certificates, now: datetime) -> None:
    authority_key, server_key = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP384R1())
    authority = _authority(authority_key, now)
    server = _server(server_key.public_key(), authority, authority_key, now)
    _write(wanted.key, _private_pem(server_key))
    _write(wanted.certificate, _pem(server) + _pem(authority))
    # Last, because with it the set is complete.
    _write(wanted.authority, _pem(authority))


def _authority(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    name = _name("hosting lab authority")
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        _builder(name, name, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA384())
    )


def _server(
    key: ec.EllipticCurvePublicKey, authority: x509.Certificate, signer: ec.EllipticCurvePrivateKey, now: datetime
) -> x509.Certificate:
    alternatives = [*map(x509.DNSName, NAMES), *map(x509.IPAddress, ADDRESSES)]
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    return (
        _builder(_name("hosting lab engines"), authority.subject, key, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(identifier, critical=False)
        .sign(signer, hashes.SHA384())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        # Guests restored from a template start with a clock that is behind.
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + VALIDITY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes) -> None:
    """Write *path* whole or not at all, readable by its owner only."""
    draft = path.with_name(path.name + ".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    draft.replace(path)
