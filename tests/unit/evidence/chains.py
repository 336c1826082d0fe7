"""Chains and packs of evidence made without engines: a key in memory signs, and a dictionary keeps."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hosting_cli.canonical import canonical
from hosting_cli.evidence.pack import zipped
from hosting_cli.evidence.programs import verify
from hosting_cli.evidence.record import Part, Record, signed
from hosting_cli.journal import GENESIS, timestamp
from hosting_cli.keys.values import Signature
from inventory.resource import Json

START = datetime(2026, 11, 20, 6, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass
class Signer:
    """A key like the vault's, in memory."""

    private: Ed25519PrivateKey = field(default_factory=lambda: Ed25519PrivateKey.from_private_bytes(b"\x07" * 32))

    @property
    def public(self) -> str:
        return base64.b64encode(self.private.public_key().public_bytes_raw()).decode()

    def __call__(self, message: bytes) -> bytes:
        value = base64.b64encode(self.private.sign(message)).decode()
        return signed(message, Signature("hosting-platform-signing", self.public, value))


SIGNER = Signer()
INTRUDER = Signer(Ed25519PrivateKey.from_private_bytes(b"\x08" * 32))


@dataclass(frozen=True)
class Made:
    """A chain by names, what it was made from, and what the store says of both."""

    records: Mapping[str, bytes]
    objects: Mapping[str, bytes]
    stored: Mapping[str, str]


def chain(
    length: int = 3,
    *,
    signer: Signer = SIGNER,
    moved: Mapping[int, timedelta] | None = None,
    stored: Mapping[str, str] | None = None,
) -> Made:
    """Make a chain of a record a day; *moved* dates some otherwise, and *stored* is what the store says anyhow."""
    records: dict[str, bytes] = {}
    objects: dict[str, bytes] = {}
    seen = dict(stored or {})
    previous, previous_stored = GENESIS, None
    for number in range(1, length + 1):
        content = canonical({"reading": number})
        part = Part.of("readings", content)
        objects[part.name] = content
        time = START + number * DAY + (moved or {}).get(number, timedelta())
        record = Record(
            region="bourgogne-franche-comte",
            environment="lab",
            sequence=number,
            previous=previous,
            previous_stored=previous_stored,
            time=timestamp(time),
            who="token-operations",
            kind="collection",
            journal_sequence=0,
            journal_digest=GENESIS,
            parts=(part,),
            data={"unknown": number},
        )
        records[record.name] = signer(record.message())
        seen.setdefault(record.name, timestamp(time + timedelta(seconds=2)))
        seen.setdefault(part.name, timestamp(time))
        previous, previous_stored = verify.sha256(records[record.name]), seen[record.name]
    return Made(records, objects, seen)


def contents_of(made: Made, *, extra: Mapping[str, bytes] | None = None) -> dict[str, bytes]:
    """Give the files of a pack but its manifest, in their order."""
    kept = {**made.records, **made.objects}
    said: list[Json] = [
        {"name": name, "version": "1", "stored": made.stored[name], "locked_until": None} for name in sorted(kept)
    ]
    return {
        **(extra or {"report.html": b"<p>conforme</p>"}),
        verify.STORE: canonical(said),
        **dict(sorted(kept.items())),
    }


def manifest_of(contents: Mapping[str, bytes], *, signer: Signer = SIGNER, days: tuple[int, int] = (0, 10)) -> bytes:
    """Sign a manifest of *contents*."""
    last = max((name for name in contents if name.startswith(verify.RECORDS)), default="")
    body: dict[str, Json] = {
        "format": verify.PACK_FORMAT,
        "region": "bourgogne-franche-comte",
        "environment": "lab",
        "period": {"since": timestamp(START + days[0] * DAY), "until": timestamp(START + days[1] * DAY)},
        "made_at": timestamp(START + 10 * DAY),
        "made_by": "token-operations",
        "head": {"name": last, "digest": verify.sha256(contents.get(last, b""))},
        "keys": [{"version": 1, "made_at": timestamp(START), "public_key": signer.public}],
        "files": [
            {"name": name, "sha256": verify.sha256(content), "size": len(content)} for name, content in contents.items()
        ],
    }
    return signer(canonical(body))


def pack(contents: Mapping[str, bytes], manifest: bytes | None = None) -> bytes:
    """Make a pack as the command does."""
    return zipped({verify.MANIFEST: manifest_of(contents) if manifest is None else manifest, **contents})
