"""The door of TLS endpoints: which versions and suites each takes, and the certificate that it shows.  Plain sockets.

A handshake is all that happens, and one page that is asked for as anybody might, to know whether somebody serves.
Certificates are verified by the authority that the environment names wherever a version that counts is tried; the old
ones are tried only to be refused.
"""

import socket
import ssl
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hosting_cli.checks.seen import Endpoint, ServedCertificate
from hosting_cli.errors import UnreadableError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

TIMEOUT_SECONDS = 10

OLD = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)
PRESENT = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
NAMES = {
    ssl.TLSVersion.TLSv1: "TLSv1",
    ssl.TLSVersion.TLSv1_1: "TLSv1.1",
    ssl.TLSVersion.TLSv1_2: "TLSv1.2",
    ssl.TLSVersion.TLSv1_3: "TLSv1.3",
}

WEAK_SUITES = "kRSA:SHA1:SHA256:SHA384:!AESGCM:!CHACHA20:!aNULL:@SECLEVEL=0"
"""Suites of 1.2 without an ephemeral key, or whose integrity does not come with the encryption."""

STATIC_SUITES = "kRSA:@SECLEVEL=0"


class Endpoints:
    """Greet whoever serves at an address, in every version of TLS."""

    def read(self, address: str, authority: Path) -> Endpoint:
        """Try every version on *address*; raise ``UnreadableError`` when nobody answers, or nobody whom we trust."""
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port or 443
        with _explained(address):
            versions = {NAMES[version]: _suite(host, port, _old(version)) for version in OLD}
            shown = b""
            for version in PRESENT:
                suite, certificate = _greeted(host, port, _trusting(authority, version))
                versions[NAMES[version]] = suite
                shown = shown or certificate
            if not shown:
                raise UnreadableError(f"endpoint {address}", "takes neither TLS 1.2 nor 1.3", "See what answers there.")
            return Endpoint(address, versions, tuple(_weak(host, port)), _certificate(shown))

    def asked(self, address: str, authority: Path) -> int:
        """Ask for the page at the root as anybody might, and give the status of the answer.

        Raise ``UnreadableError`` when nobody answers, or nobody whom we trust.
        """
        parts = urlsplit(address)
        context = ssl.create_default_context(cafile=str(authority))
        connection = HTTPSConnection(parts.hostname or "", parts.port or 443, context=context, timeout=TIMEOUT_SECONDS)
        with _explained(address), closing(connection):
            try:
                connection.request("GET", "/")
                return connection.getresponse().status
            except HTTPException as error:
                what = f"does not answer as HTTP does ({type(error).__name__})"
                raise UnreadableError(f"endpoint {address}", what, "See what answers there.") from None


@contextmanager
def _explained(address: str) -> Iterator[None]:
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        what = f"shows a certificate that the environment's authority did not sign ({error.verify_message})"
        raise UnreadableError(f"endpoint {address}", what, "Check the address and the file.") from None
    except OSError as error:
        what = f"does not answer ({error.strerror or error})"
        raise UnreadableError(f"endpoint {address}", what, "Is it running?") from None


def _old(version: ssl.TLSVersion) -> ssl.SSLContext:
    """Make what greets by an old version as anybody might; what answers is not believed, only that it answers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():  # that these versions are deprecated is what this is about
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    return context


def _trusting(authority: Path, version: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=str(authority))
    context.minimum_version = context.maximum_version = version
    return context


def _suite(host: str, port: int, context: ssl.SSLContext) -> str | None:
    return _greeted(host, port, context)[0]


def _greeted(host: str, port: int, context: ssl.SSLContext) -> tuple[str | None, bytes]:
    """Give the suite that was agreed on and the certificate; nothing where the other end refuses to talk like that."""
    with socket.create_connection((host, port), timeout=TIMEOUT_SECONDS) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=host) as secured:
                cipher = secured.cipher()
                return (cipher[0] if cipher else None), secured.getpeercert(binary_form=True) or b""
        except ssl.SSLCertVerificationError:
            raise
        except (ssl.SSLError, ConnectionResetError):
            return None, b""


def _weak(host: str, port: int) -> Iterator[str]:
    """Yield suites of 1.2 that the endpoint would take although it should not."""
    for suites in (STATIC_SUITES, WEAK_SUITES):
        context = _old(ssl.TLSVersion.TLSv1_2)
        context.set_ciphers(suites)
        if (suite := _suite(host, port, context)) is not None:
            yield suite


def _certificate(encoded: bytes) -> ServedCertificate:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    found = x509.load_der_x509_certificate(encoded)
    key, bits = _key(found.public_key())
    signed = found.signature_hash_algorithm
    try:
        alternatives = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = tuple(str(item.value) for item in alternatives)
    except x509.ExtensionNotFound:
        names = ()
    return ServedCertificate(
        subject=found.subject.rfc4514_string(),
        issuer=found.issuer.rfc4514_string(),
        names=names,
        key=key,
        key_bits=bits,
        signature_hash=signed.name if signed is not None else "ed25519",
        not_before=found.not_valid_before_utc.astimezone(UTC),
        not_after=found.not_valid_after_utc.astimezone(UTC),
        sha256=found.fingerprint(hashes.SHA256()).hex(),
    )


def _key(key: "PublicKeyTypes") -> tuple[str, int]:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    match key:
        case rsa.RSAPublicKey():
            return "RSA", key.key_size
        case ec.EllipticCurvePublicKey():
            return "EC", key.curve.key_size
        case ed25519.Ed25519PublicKey():
            return "Ed25519", 256
    return type(key).__name__, 0
