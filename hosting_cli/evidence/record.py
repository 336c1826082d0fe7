"""A record of evidence: what it says, how it is written, and what its parts are called where it is kept.  Pure.

How a record is *read* stands in ``programs/verify.py`` alone, which auditors run without us.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hosting_cli.canonical import canonical
from hosting_cli.evidence.programs import verify
from hosting_cli.keys.values import Signature
from inventory.resource import Json

ALGORITHM = "Ed25519"


@dataclass(frozen=True)
class Part:
    """Something that a record was made from: what it is to the record, and the name that its bytes give it."""

    role: str
    digest: str
    size_bytes: int

    @staticmethod
    def of(role: str, content: bytes) -> "Part":
        """Name *content*."""
        return Part(role, verify.sha256(content), len(content))

    @property
    def name(self) -> str:
        """Name it where it is kept."""
        return verify.OBJECTS + self.digest

    def to_json(self) -> dict[str, Json]:
        """Give what a record says of it."""
        return {"role": self.role, "digest": self.digest, "size": self.size_bytes}


@dataclass(frozen=True, kw_only=True)
class Record:
    """One link of the chain.

    ``previous`` is the digest of the record before it, and ``previous_stored`` when the store says it took that: so
    that the store's clock is signed as well, one record later.  ``journal_sequence`` and ``journal_digest`` say how
    long the journal was, which ties the two chains together.
    """

    region: str
    environment: str
    sequence: int
    previous: str
    previous_stored: str | None
    time: str
    who: str
    kind: str
    journal_sequence: int
    journal_digest: str
    parts: tuple[Part, ...]
    data: Mapping[str, Json]

    @property
    def name(self) -> str:
        """Name it where it is kept: its number, so that there is only one of each."""
        return verify.record_name(self.sequence)

    def message(self) -> bytes:
        """Give the bytes that are signed."""
        return canonical(
            {
                "format": verify.RECORD_FORMAT,
                "region": self.region,
                "environment": self.environment,
                "sequence": self.sequence,
                "previous": self.previous,
                "previous_stored": self.previous_stored,
                "time": self.time,
                "who": self.who,
                "kind": self.kind,
                "journal": {"sequence": self.journal_sequence, "digest": self.journal_digest},
                "objects": [part.to_json() for part in self.parts],
                "data": dict(self.data),
            }
        )


def signed(message: bytes, signature: Signature) -> bytes:
    """Write what was signed and, below it, its signature."""
    below: dict[str, Json] = {
        "algorithm": ALGORITHM,
        "key": signature.key,
        "public_key": signature.public_key,
        "signature": signature.value,
    }
    return message + b"\n" + canonical(below) + b"\n"
