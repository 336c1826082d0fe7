"""How long keys and secrets may serve, and who says so: an operator's policy, with defaults.

Neither the HDS framework nor ISO/IEC 27001 (A.8.24: keys are managed by rules) gives a figure.  So every default is
marked as the operator's own; whoever takes over a figure from a text names that text as its source.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field

from inventory.identifiers import NonEmpty

Days = Annotated[int, Field(ge=1)]

OWN = "the operator's own"
"""What a limit comes from that no text asks for."""

OURS_OF_LINKS = "our own choice: docs/tunnels.md"
"""What the limits of certificates come from, which are issued for so long and no longer."""


class KeyKind(StrEnum):
    """The kinds of keys and secrets that wear out."""

    TRANSIT_KEY = "transit-key"
    LUKS_PASSPHRASE = "luks-passphrase"  # noqa: S105 a kind, not a passphrase
    LUKS_RECOVERY = "luks-recovery"
    RESTIC_PASSWORD = "restic-password"  # noqa: S105 a kind, not a password
    S3_CREDENTIALS = "s3-credentials"
    SECRET_ID = "secret-id"  # noqa: S105 a kind, not a secret
    SSH_AUTHORITY = "ssh-authority"
    PKI_AUTHORITY = "pki-authority"
    LINK_CERTIFICATE = "link-certificate"
    PEER_CERTIFICATE = "peer-certificate"
    WIREGUARD_KEY = "wireguard-key"


class KeyLimit(BaseModel, frozen=True, extra="forbid"):
    """After how many days a key is overdue, and which text or decision says so."""

    days: Days
    source: NonEmpty = OWN


class KeyLimits(BaseModel, frozen=True, extra="forbid"):
    """The limit of each kind.

    A certificate ends when it does, whatever longer limit somebody writes: a gateway's after 30 days, a peer's after
    365.
    """

    transit_key: KeyLimit = KeyLimit(days=365)
    luks_passphrase: KeyLimit = KeyLimit(days=365)
    luks_recovery: KeyLimit = KeyLimit(days=730)
    restic_password: KeyLimit = KeyLimit(days=365)
    s3_credentials: KeyLimit = KeyLimit(days=180)
    secret_id: KeyLimit = KeyLimit(days=180)
    ssh_authority: KeyLimit = KeyLimit(days=1095)
    pki_authority: KeyLimit = KeyLimit(days=1825)
    link_certificate: KeyLimit = KeyLimit(days=30, source=OURS_OF_LINKS)
    peer_certificate: KeyLimit = KeyLimit(days=365, source=OURS_OF_LINKS)
    wireguard_key: KeyLimit = KeyLimit(days=365)

    def of(self, kind: KeyKind) -> KeyLimit:
        """Give the limit of *kind*."""
        limit: KeyLimit = getattr(self, kind.replace("-", "_"))
        return limit


class KeyPolicy(BaseModel, frozen=True, extra="forbid"):
    """How keys age and end: their limits, when one is said to be due, and how long a destruction waits.

    A destruction waits for 21 days unless the operator writes another number (SecNumCloud 19.4 gives formal notice of
    21 days before a client's data is erased), and never for less than one: whoever sees it coming must have a night.
    """

    limits: KeyLimits = KeyLimits()
    notice_days: Days = 30
    destruction_days: Days = 21
