"""Keys by which tunnels are proven, as their holders or the vault tell of them.  Pure.

A gateway's are told by the gateway, a peer's by the vault, which issued them; its firewall shows us nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from cryptography import x509

from hosting_cli.keys.values import Key
from inventory.key_policy import KeyKind
from inventory.resource import PLATFORM
from inventory.tunnels import RiskAcceptance


@dataclass(frozen=True)
class IssuedCertificate:
    """A certificate as the vault lists it: ``is_revoked`` whoever it was issued for."""

    x509: x509.Certificate
    is_revoked: bool

    @property
    def identity(self) -> str:
        """Give the one name that roles of links certify."""
        found = self.x509.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        return str(found[0].value) if found else ""

    def is_valid(self, now: datetime) -> bool:
        """Tell whether somebody who has heard of every revocation believes it at *now*."""
        return not self.is_revoked and now < self.x509.not_valid_after_utc


def latest(issued: Iterable[IssuedCertificate], identity: str) -> IssuedCertificate | None:
    """Find the last certificate of *identity* that is not revoked, ended or not."""
    found = [item for item in issued if item.identity == identity and not item.is_revoked]
    return max(found, key=_begins, default=None)


def _begins(item: IssuedCertificate) -> datetime:
    return item.x509.not_valid_before_utc


def of_gateway(name: str, identity: str, certificate: str | None, issued: Iterable[IssuedCertificate]) -> Key:
    """Describe the *certificate* that a gateway shows its peers; raise ``ValueError`` for what is none."""
    if certificate is None:
        why = "the gateway has no certificate: hosting-link.service has it certified"
        return unknown(KeyKind.LINK_CERTIFICATE, name, PLATFORM, why)
    shown = x509.load_pem_x509_certificate(certificate.encode())
    plain = Key(kind=KeyKind.LINK_CERTIFICATE, name=name, owner=PLATFORM, made_at=None)
    return _described(plain, shown, identity, issued)


def of_peer(name: str, identity: str, owner: str, issued: Iterable[IssuedCertificate]) -> Iterator[Key]:
    """Describe the last certificate that was issued to a peer; there is none until somebody has asked for it."""
    known = tuple(issued)
    last = latest(known, identity)
    if last is not None:
        plain = Key(kind=KeyKind.PEER_CERTIFICATE, name=name, owner=owner, made_at=None)
        yield _described(plain, last.x509, identity, known)


def _described(key: Key, shown: x509.Certificate, identity: str, issued: Iterable[IssuedCertificate]) -> Key:
    """Add to *key* what its certificate says, and whether there was another before."""
    made_at = shown.not_valid_before_utc
    had_another = any(item.identity == identity and _begins(item) < made_at for item in issued)
    rotated_at = made_at if had_another else None
    return replace(key, made_at=made_at, rotated_at=rotated_at, expires_at=shown.not_valid_after_utc)


def of_wireguard(name: str, found: Mapping[str, Any] | None, risk: RiskAcceptance) -> Key:
    """Describe the key of an interface by what its gateway *found*; it ends with the acceptance of its risk.

    Raise ``LookupError``, ``TypeError`` or ``ValueError`` for an answer that is none.
    """
    if found is None:
        why = "the gateway has no interface for it yet"
        return unknown(KeyKind.WIREGUARD_KEY, name, PLATFORM, why)
    told = found["key"]["made_at"]
    if told is None:
        why = "the gateway holds a key that is in no file of its agent"
        return unknown(KeyKind.WIREGUARD_KEY, name, PLATFORM, why)
    made_at = datetime.fromtimestamp(float(told), UTC)
    return Key(
        kind=KeyKind.WIREGUARD_KEY,
        name=name,
        owner=PLATFORM,
        made_at=made_at,
        rotated_at=made_at if found["key"]["replaces_another"] else None,
        expires_at=datetime.combine(risk.until + timedelta(days=1), time(), UTC),
    )


def unknown(kind: KeyKind, name: str, owner: str, why: str) -> Key:
    """Name a key of which nobody can tell anything, with the reason: it is not to be taken for absent."""
    return Key(kind=kind, name=name, owner=owner, made_at=None, unknown=why)
