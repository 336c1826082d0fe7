"""What only checks look at, and no plan compares: how endpoints speak TLS, how hosts stand, who has rights."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True)
class Part(Generic[Value]):
    """One part of a reading: a value, or the reason why there is none."""

    value: Value | None
    unknown: str | None = None


# -- TLS ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ServedCertificate:
    """The certificate that an endpoint shows."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    key: str
    key_bits: int
    signature_hash: str
    not_before: datetime
    not_after: datetime
    sha256: str


@dataclass(frozen=True)
class Endpoint:
    """How an endpoint answered: for each version of TLS the suite it chose, ``None`` where it refused.

    ``weak`` are suites without an ephemeral key or without authenticated encryption that it would have taken.
    """

    address: str
    versions: Mapping[str, str | None]
    weak: tuple[str, ...]
    certificate: ServedCertificate


# -- hosts --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Clock:
    """What chrony says: the source it follows, how far it is off, whether it is together with it."""

    reference: str
    stratum: int
    offset_seconds: float
    leap: str


@dataclass(frozen=True)
class Patches:
    """Which packages wait for a newer version by apt's own lists, which of those for security; how old the lists are.

    Nothing is fetched for this.
    """

    pending: tuple[str, ...]
    security: tuple[str, ...]
    listed_at: datetime | None


@dataclass(frozen=True)
class HostPosture:
    """How a host stands: what its sshd really goes by, its clock, its patches."""

    sshd: Part[Mapping[str, str]]
    clock: Part[Clock]
    patches: Part[Patches]


# -- vault --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AuditDevice:
    """A place that the vault writes every request to before it answers."""

    path: str
    type: str
    raw: bool
    """Whether secrets stand there as they are, which they must not."""


@dataclass(frozen=True)
class Token:
    """A token that somebody has, by what it allows; never the token."""

    name: str
    policies: tuple[str, ...]
    ends: datetime | None
    renewable: bool


@dataclass(frozen=True)
class VaultPosture:
    """Who could use the vault now, and who would know of it."""

    audit: Part[tuple[AuditDevice, ...]]
    tokens: Part[tuple[Token, ...]]
