"""Certificates of both ends of a tunnel by an authority of the moment, for where no vault takes part."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from deploys import tunnels


def files_of_ends(identities: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
    """Give, by identity, what swanctl loads: key, certificate, the authority's, and its empty list of revocations."""
    key, now = ec.generate_private_key(ec.SECP384R1()), datetime.now(UTC)
    issuer = _named("links")
    begin, end = now - timedelta(minutes=5), now + timedelta(hours=1)
    origin = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())

    def certificate(name: x509.Name, public: ec.EllipticCurvePublicKey, extension: x509.ExtensionType) -> str:
        builder = x509.CertificateBuilder(issuer, name, public, x509.random_serial_number(), begin, end)
        identifier = x509.SubjectKeyIdentifier.from_public_key(public)
        for each in (extension, origin, identifier):
            builder = builder.add_extension(each, critical=each is extension)
        return builder.sign(key, hashes.SHA384()).public_bytes(Encoding.PEM).decode()

    authority = certificate(issuer, key.public_key(), x509.BasicConstraints(ca=True, path_length=0))
    revocations = x509.CertificateRevocationListBuilder(issuer, begin, end)
    for each in (origin, x509.CRLNumber(1)):
        revocations = revocations.add_extension(each, critical=False)
    revoked = revocations.sign(key, hashes.SHA384()).public_bytes(Encoding.PEM).decode()

    found = {}
    for identity in identities:
        own = ec.generate_private_key(ec.SECP384R1())
        leaf = certificate(_named(identity), own.public_key(), x509.SubjectAlternativeName([x509.DNSName(identity)]))
        found[identity] = {
            "private/key.pem": own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
            "x509ca/authority.pem": authority,
            "x509crl/list.pem": revoked,
            f"x509/{tunnels.CERTIFICATE}": leaf,
            f"x509/{tunnels.PEER_CERTIFICATE}": leaf,
        }
    return found


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
