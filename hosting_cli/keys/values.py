"""What is known of a key or a secret: everything but its value."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from inventory.key_policy import KeyKind


@dataclass(frozen=True, kw_only=True)
class Key:
    """A key or secret as its engine describes it.

    ``made_at`` is when the value in use was made, which wrapping it anew does not change; ``None`` is unknown, and
    ``unknown`` says why.  ``rotated_at`` is the same time when another value was in use before.
    """

    kind: KeyKind
    name: str
    owner: str
    made_at: datetime | None
    rotated_at: datetime | None = None
    version: int | None = None
    wrapped_by: str | None = None
    wrapped_version: int | None = None
    """By which version of the transit key ``wrapped_by`` it is encrypted."""
    lowest_version: int | None = None
    """Of a transit key: the oldest version that still decrypts."""
    expires_at: datetime | None = None
    beside: int = 0
    """How many others there are in its place, where there is one but for the time of a rotation."""
    former: bool = False
    """Of an authority: whether it only verifies what it issued before another took its place."""
    disabled: bool = False
    unknown: str = ""


SERVER_NOTE = "server"
"""Under which name a secret-id says for which server it was made, where several share a role."""


@dataclass(frozen=True)
class SecretId:
    """A secret-id as the vault lists it, with what was noted when it was made.

    ``uses`` is how often somebody logged in with it, where it was made to be counted; ``None`` where it was not.
    """

    accessor: str
    made_at: datetime
    note: Mapping[str, str]
    uses: int | None = None


@dataclass(frozen=True)
class KeyVersions:
    """Which versions a transit key has: the latest encrypts, those from ``lowest`` on decrypt."""

    latest: int
    lowest: int


@dataclass(frozen=True)
class PublicKey:
    """The public half of a version of a key that signs (base64), and when the version was made."""

    version: int
    made_at: datetime
    value: str


@dataclass(frozen=True)
class Signature:
    """A signature by the vault: of which key, that key's public half (base64), and the signature itself (base64)."""

    key: str
    public_key: str
    value: str


@dataclass(frozen=True)
class KeysSeen:
    """The keys that could be read, and why those of a kind could not."""

    keys: tuple[Key, ...]
    unread: Mapping[KeyKind, str]


def with_times(seen: KeysSeen, made_at: Mapping[KeyKind, datetime]) -> KeysSeen:
    """Give the keys whose engine does not tell their age the time that somebody else recorded for their kind."""
    keys = (
        replace(key, made_at=made_at[key.kind], unknown="") if key.made_at is None and key.kind in made_at else key
        for key in seen.keys
    )
    return replace(seen, keys=tuple(keys))


def together(one: KeysSeen, other: KeysSeen) -> KeysSeen:
    """Join what two readings saw."""
    return KeysSeen((*one.keys, *other.keys), {**one.unread, **other.unread})


@dataclass(frozen=True)
class SealState:
    """Whether the vault is sealed; how many shares open it, and how many it was given."""

    sealed: bool
    needed: int
    given: int
