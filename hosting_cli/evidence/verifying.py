"""Verify the evidence where it is kept: the chain, signatures, digests, locks, and what the journal says of it.

What a chain must be is decided by ``programs/verify.py``, the program that auditors run without us.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hosting_cli.evidence.chain import AT_ONCE, JOURNAL_KIND
from hosting_cli.evidence.programs import verify
from hosting_cli.journal import breaks, timestamp
from hosting_cli.keys.values import PublicKey
from hosting_cli.session import Session
from vault_policies import render

if TYPE_CHECKING:
    from hosting_cli.doors.evidence import Kept


@dataclass(frozen=True)
class Fault:
    """Something that does not hold: where, and what."""

    where: str
    what: str


@dataclass(frozen=True)
class Chain:
    """What is kept, as it was read: the signed records by name, what they were made from, and when all was stored."""

    records: Mapping[str, Any]
    contents: Mapping[str, bytes]
    kept: Mapping[str, "Kept"]
    locked_until: Mapping[str, datetime | None]
    keys: tuple[PublicKey, ...]

    @property
    def head(self) -> tuple[str, str] | None:
        """Give the name and the digest of the last record; ``None`` while there is none."""
        last = max(self.records, default=None)
        return None if last is None else (last, verify.sha256(self.contents[last]))

    def parts(self, role: str, record: str) -> tuple[bytes, ...]:
        """Give what a record was made from in one role."""
        named = self.records[record].body["objects"]
        return tuple(self.contents[verify.OBJECTS + item["digest"]] for item in named if item["role"] == role)


@dataclass(frozen=True)
class Verified:
    """A chain, and what does not hold of it."""

    chain: Chain
    faults: tuple[Fault, ...]


def verified(session: Session, head: str | None = None) -> Verified:
    """Read and verify all that is kept; *head* is the digest of a record that somebody noted elsewhere.

    Raise ``UnreadableError`` when the store, the vault or the journal cannot be asked.
    """
    kept = {item.name: item for prefix in (verify.RECORDS, verify.OBJECTS) for item in session.evidence.kept(prefix)}
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        contents = dict(zip(kept, pool.map(session.evidence.get, kept.values()), strict=True))
        locks = dict(zip(kept, pool.map(session.evidence.locked_until, kept.values()), strict=True))
    keys = session.vault.public_keys(render.SIGNING_KEY)
    records = {name: content for name, content in contents.items() if name.startswith(verify.RECORDS)}
    objects = {name: content for name, content in contents.items() if name.startswith(verify.OBJECTS)}
    stored = {name: timestamp(item.stored) for name, item in kept.items()}
    found, read = verify.chain_faults(records, {key.value for key in keys}, stored)
    named = {verify.OBJECTS + item["digest"] for record in read.values() for item in record.body["objects"]}
    # What no record names is of a run that was killed, or that is at work right now.
    found += verify.object_faults(read, {name: objects[name] for name in objects.keys() & named}, lambda body: True)
    lines = session.journal.lines()
    broken = [f"line {item.line} {item.reason}" for item in breaks(lines)]
    found += [] if broken else list(verify.journal_faults(read, lines))
    if head is not None and head not in map(verify.sha256, records.values()):
        found.append(verify.Fault(head, "noted-head"))
    faults = [
        *(Fault(item.where, item.sentence("en")) for item in found),
        *(Fault(f"journal {session.journal.path}", reason) for reason in broken),
        *([] if broken else _unkept(session, records.values())),
        *_unlocked(locks, session.clock(), named | records.keys()),
        *_covered(session),
    ]
    return Verified(Chain(read, contents, kept, locks, keys), tuple(faults))


def _unlocked(locks: Mapping[str, datetime | None], now: datetime, of_records: set[str]) -> Iterator[Fault]:
    for name in sorted(of_records & locks.keys()):
        until = locks[name]
        if until is None:
            yield Fault(name, "the store does not lock it: it can be removed")
        elif until <= now:
            yield Fault(name, f"its lock ended on {until:%Y-%m-%d}: it can be removed")


def _covered(session: Session) -> Iterator[Fault]:
    for prefix in (verify.RECORDS, verify.OBJECTS):
        for name in session.evidence.covered(prefix):
            yield Fault(name, "something was put on top of it, or it was hidden; what was kept first is still there")


def _unkept(session: Session, records: Any) -> Iterator[Fault]:
    """Find records that the journal knows and the evidence does not hold."""
    digests = set(map(verify.sha256, records))
    for entry in session.journal.entries():
        if entry.kind == JOURNAL_KIND and entry.data["record"] not in digests:
            what = f"names the record {entry.data['record']} as {entry.data['name']}, which is not kept"
            yield Fault(f"journal entry {entry.sequence}", what)
