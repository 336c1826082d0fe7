"""The authorities of one engine by which one takes the place of another, told apart by their names.  Pure.

A name begins with how far its authority has come, and ends with when it was made, which the vault tells of none of the
SSH engine.  Whatever is named otherwise was not made by a rotation.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

NEXT, PRESENT, FORMER = "next-", "hosting-", "former-"
DIGITS = 12
FORMER_DIGITS = 8


@dataclass(frozen=True)
class SshAuthorityKey:
    """An authority of the SSH engine: ``is_default`` is the one that signs."""

    id: str
    name: str
    public_key: str
    is_default: bool

    @property
    def made_at(self) -> datetime | None:
        """Say when it was made, if a rotation made it."""
        return made_at(self.name)


def next_name(procedure: str, now: datetime) -> str:
    """Name an authority that is made by the rotation with that digest, and takes nobody's place yet."""
    return f"{NEXT}{procedure[:DIGITS]}-{int(now.timestamp())}"


def present_name(name: str) -> str:
    """Name it when it has taken that place."""
    return PRESENT + name.removeprefix(NEXT)


def former_name(identifier: str) -> str:
    """Name an authority that another one takes the place of."""
    return FORMER + identifier[:FORMER_DIGITS]


def is_of(name: str, procedure: str) -> bool:
    """Tell whether the rotation with that digest made the authority called *name*."""
    return name.startswith((f"{NEXT}{procedure[:DIGITS]}-", f"{PRESENT}{procedure[:DIGITS]}-"))


def made_at(name: str) -> datetime | None:
    """Say when an authority was made, if its name does."""
    time = name.rpartition("-")[2]
    return datetime.fromtimestamp(int(time), UTC) if name.startswith((NEXT, PRESENT)) and time.isdecimal() else None


def trusted(authorities: Iterable[SshAuthorityKey]) -> tuple[str, ...]:
    """Give the keys that hosts must trust: of the one that signs, and of one that is about to.

    A former one is not among them: whoever plans or applies in the middle of a rotation goes the same way as it does.
    """
    chosen = (item for item in authorities if item.is_default or item.name.startswith(NEXT))
    return tuple(sorted(item.public_key for item in chosen))
