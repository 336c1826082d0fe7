"""Verify the evidence where it is kept: the chain, signatures, digests, locks, and what the journal says of it.

What a chain must be is decided by ``programs/verify.py``, the program that auditors run without us.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from hosting_cli.errors import EngineError
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
    """The records as they are kept, and what does not hold of them; what they were made from is fetched when needed.

    ``records`` are those that can be read, by name, ``contents`` the bytes of all, and ``kept`` what the store lists.
    """

    records: Mapping[str, verify.Signed]
    contents: Mapping[str, bytes]
    kept: Mapping[str, "Kept"]
    keys: tuple[PublicKey, ...]
    faults: tuple[verify.Fault, ...]

    @property
    def head(self) -> tuple[str, str] | None:
        """Give the name and the digest of the last record; ``None`` while there is none."""
        last = max(self.records, default=None)
        return None if last is None else (last, verify.sha256(self.contents[last]))

    def is_ours(self, name: str) -> bool:
        """Tell whether a record is one that the platform signed."""
        found = self.records[name]
        return found.public_key in {key.value for key in self.keys} and found.holds()

    def parts(self, name: str, role: str | None = None) -> tuple[str, ...]:
        """Name what a record was made from, in one role or in all."""
        named = self.records[name].body["objects"]
        return tuple(verify.OBJECTS + item["digest"] for item in named if role in {None, item["role"]})


@dataclass(frozen=True)
class Verified:
    """A chain, and all that does not hold of the evidence."""

    chain: Chain
    faults: tuple[Fault, ...]


@contextmanager
def reading(session: Session) -> Iterator[None]:
    """Show that the evidence is read; a region that keeps none is told so before that."""
    _ = session.evidence
    with session.progress.stage("reading the evidence"):
        yield


def read(session: Session) -> Chain:
    """Read the records and hold each against the one before; raise ``UnreadableError`` when nobody can tell."""
    kept = {item.name: item for prefix in (verify.RECORDS, verify.OBJECTS) for item in session.evidence.kept(prefix)}
    keys = session.vault.public_keys(render.SIGNING_KEY)
    contents = _all(session, [item for name, item in kept.items() if name.startswith(verify.RECORDS)])
    stored = {name: timestamp(item.stored) for name, item in kept.items()}
    faults, records = verify.chain_faults(contents, {key.value for key in keys}, stored)
    return Chain(records, contents, kept, keys, tuple(faults))


def fetched(session: Session, chain: Chain, names: Collection[str]) -> dict[str, bytes]:
    """Fetch what records were made from; raise ``EngineError`` for what is not there, or not what its name says."""
    remedy = "Run `hosting evidence verify`, which says all that does not hold."
    missing = sorted(set(names) - chain.kept.keys())
    if missing:
        raise EngineError(f"evidence {missing[0]}", "a record names it, and it is not kept", remedy)
    found = _all(session, [chain.kept[name] for name in sorted(set(names))])
    for name, content in found.items():
        if name != verify.OBJECTS + verify.sha256(content):
            raise EngineError(f"evidence {name}", "it is not what its name says", remedy)
    return found


def verified(session: Session, head: str | None = None) -> Verified:
    """Read and verify all that is kept; *head* is the digest of a record that somebody noted elsewhere.

    Raise ``UnreadableError`` when the store, the vault or the journal cannot be asked.
    """
    chain = read(session)
    named = {part for name in chain.records for part in chain.parts(name)}
    # What no record names is of a run that was killed, or that is at work right now.
    objects = _all(session, [chain.kept[name] for name in sorted(named & chain.kept.keys())])
    found = [*chain.faults, *verify.object_faults(chain.records, objects, lambda body: True)]
    lines = session.journal.lines()
    broken = [f"line {item.line} {item.reason}" for item in breaks(lines)]
    if not broken:
        found += verify.journal_faults(chain.records, lines)
    if head is not None and head not in map(verify.sha256, chain.contents.values()):
        found.append(verify.Fault(head, "noted-head"))
    faults = [
        *(Fault(item.where, item.sentence("en")) for item in found),
        *(Fault(f"journal {session.journal.path}", reason) for reason in broken),
        *([] if broken else _unkept(session, chain.contents.values())),
        *_unlocked(locks(session, chain, named | chain.contents.keys()), session.clock()),
        *_covered(session),
    ]
    return Verified(chain, tuple(faults))


def locks(session: Session, chain: Chain, names: Collection[str]) -> dict[str, datetime | None]:
    """Ask until when each is locked, of what is kept."""
    kept = [chain.kept[name] for name in sorted(chain.kept.keys() & set(names))]
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        until = list(pool.map(session.evidence.locked_until, kept))
    return {item.name: found for item, found in zip(kept, until, strict=True)}


def _all(session: Session, kept: Iterable["Kept"]) -> dict[str, bytes]:
    wanted = list(kept)
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        contents = list(pool.map(session.evidence.get, wanted))
    return {item.name: content for item, content in zip(wanted, contents, strict=True)}


def _unlocked(until_by_name: Mapping[str, datetime | None], now: datetime) -> Iterator[Fault]:
    for name, until in until_by_name.items():
        if until is None:
            yield Fault(name, "the store does not lock it: it can be removed")
        elif until <= now:
            yield Fault(name, f"its lock ended on {until:%Y-%m-%d}: it can be removed")


def _covered(session: Session) -> Iterator[Fault]:
    for prefix in (verify.RECORDS, verify.OBJECTS):
        for name in session.evidence.covered(prefix):
            yield Fault(name, "something was put on top of it, or it was hidden; what was kept first is still there")


def _unkept(session: Session, records: Iterable[bytes]) -> Iterator[Fault]:
    """Find records that the journal knows and the evidence does not hold."""
    digests = set(map(verify.sha256, records))
    for entry in session.journal.entries():
        if entry.kind == JOURNAL_KIND and entry.data["record"] not in digests:
            what = f"names the record {entry.data['record']} as {entry.data['name']}, which is not kept"
            yield Fault(f"journal entry {entry.sequence}", what)
