"""Certificates as evidence: what one says, whether it leads to its authority, whether that has revoked it.  Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import DNSName
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from hosting_cli.errors import EngineError, UsageError
from hosting_cli.keys.authorities import FORMER, NEXT

WEAK = (hashes.MD5, hashes.SHA1)
"""What no signature of ours is made with (ANSSI, Guide des mécanismes cryptographiques: SHA-1 is not to be used)."""


@dataclass(frozen=True)
class LinkAuthority:
    """An authority of the engine of certificates: ``is_default`` is the one that issues."""

    id: str
    name: str
    key_id: str
    certificate: str
    is_default: bool

    @cached_property
    def x509(self) -> x509.Certificate:
        """Give its certificate."""
        return x509.load_pem_x509_certificate(self.certificate.encode())

    @property
    def is_former(self) -> bool:
        """Tell whether it only verifies what it issued before another took its place."""
        return self.name.startswith(FORMER) and not self.is_default

    @property
    def is_next(self) -> bool:
        """Tell whether a rotation made it that has not come to its end."""
        return self.name.startswith(NEXT) and not self.is_default

    @property
    def algorithm(self) -> str:
        """Say in a word how it signs."""
        key, digest = self.x509.public_key(), self.x509.signature_hash_algorithm
        curve = f"ecdsa-{key.curve.name}" if isinstance(key, ec.EllipticCurvePublicKey) else type(key).__name__
        return f"{curve}-{digest.name if digest else 'unknown'}"


@dataclass(frozen=True)
class Candidate:
    """A key pair in memory that asks for a certificate of one name."""

    name: str
    request: str


def ask_for(name: str) -> Candidate:
    """Make a key that is forgotten at once, and the request for its certificate."""
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    request = builder.sign(ec.generate_private_key(ec.SECP384R1()), hashes.SHA384())
    return Candidate(name, request.public_bytes(Encoding.PEM).decode())


def expect_chain(chain: str, request: str, now: datetime) -> None:
    """Hold what a root gave for *request* against what an authority needs; raise ``UsageError`` with every misfit."""
    try:
        found = x509.load_pem_x509_certificates(chain.encode())
    except ValueError as error:
        raise UsageError("certificate", f"the file holds none ({error})", _CHAIN) from None
    problems = [*_misfits(found[0], x509.load_pem_x509_csr(request.encode()), now), *_gaps(found)]
    if problems:
        raise UsageError("certificate", "; ".join(problems), _CHAIN)


_CHAIN = "Give the certificate of the request, then those above it up to the root, in PEM."


def _misfits(certificate: x509.Certificate, request: x509.CertificateSigningRequest, now: datetime) -> Iterator[str]:
    if certificate.public_key() != request.public_key():
        yield "the first one is not for the key of the request"
    if not _is_authority(certificate):
        yield "the first one is not that of an authority"
    if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
        yield "the first one is not valid now"


def _gaps(chain: list[x509.Certificate]) -> Iterator[str]:
    for place, (certificate, above) in enumerate(zip(chain, [*chain[1:], chain[-1]], strict=True), start=1):
        if isinstance(certificate.signature_hash_algorithm, WEAK):
            yield f"number {place} is signed with a weak digest"
        try:
            certificate.verify_directly_issued_by(above)
        except (ValueError, TypeError, InvalidSignature):
            yield f"number {place} is not signed by " + ("the next one" if place < len(chain) else "itself: no root")


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def verify(certificate: str, name: str, authority: LinkAuthority, bundle: tuple[str, ...], now: datetime) -> str:
    """Verify that *certificate* is of *name* and leads to the roots in *bundle* by *authority*; give its serial number.

    Raise ``EngineError`` when it does not, or when it was signed with a weak digest.
    """
    leaf = x509.load_pem_x509_certificate(certificate.encode())
    roots = [x509.load_pem_x509_certificate(pem.encode()) for pem in bundle]
    subject = f"pki-authority {authority.name or authority.id}"
    try:
        leaf.verify_directly_issued_by(authority.x509)
        verifier = PolicyBuilder().store(Store(roots)).time(now).build_server_verifier(DNSName(name))
        verifier.verify(leaf, [authority.x509])
    except (ValueError, TypeError, InvalidSignature, VerificationError) as error:
        what = f"what it issued does not verify ({type(error).__name__}: {error})"
        raise EngineError(subject, what, "Let nothing rely on it.") from error
    if isinstance(leaf.signature_hash_algorithm, WEAK):
        raise EngineError(subject, "it signs with a weak digest", "Let nothing rely on it.")
    return serial(leaf)


def serial(certificate: x509.Certificate) -> str:
    """Write a serial number as the vault does."""
    digits = f"{certificate.serial_number:x}"
    digits = digits.zfill(len(digits) + len(digits) % 2)
    return ":".join(digits[place : place + 2] for place in range(0, len(digits), 2))


def is_revoked(revocations: str, authority: LinkAuthority, number: str, now: datetime) -> bool:
    """Tell whether the list of *authority* names a serial number; raise ``EngineError`` for one that proves nothing."""
    found = x509.load_pem_x509_crl(revocations.encode())
    key = authority.x509.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)  # noqa: S101 what we have made, or refused to take
    ends = found.next_update_utc
    if not found.is_signature_valid(key) or ends is None or ends < now:
        what = "its list of revocations is not signed by it, or has ended"
        raise EngineError(f"pki-authority {authority.name}", what, "Have the vault make it anew (`pki/crl/rotate`).")
    return found.get_revoked_certificate_by_serial_number(int(number.replace(":", ""), 16)) is not None


def is_issued_by(certificate: x509.Certificate, authority: LinkAuthority) -> bool:
    """Tell whether *authority* issued *certificate*: by its key, since authorities of one engine may share a name."""
    if certificate.issuer != authority.x509.subject:
        return False
    own = x509.SubjectKeyIdentifier.from_public_key(authority.x509.public_key()).digest
    try:
        named = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        return True
    return named in {None, own}
