"""The chain of records: the next link, whoever else adds one at the same moment.

A record's name is its number, and the evidence keeps the *first* word under a name.  So of several collectors one gets
a number; the others find it taken, look again, and sign a record that follows from the winner's.  What a record was
made from is added before it: killed in between, a run leaves parts that no record names yet, and no half record.
"""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hosting_cli.errors import EngineError
from hosting_cli.evidence.programs import verify
from hosting_cli.evidence.record import Part, Record, signed
from hosting_cli.journal import GENESIS, timestamp
from hosting_cli.session import Session
from inventory.resource import Json
from vault_policies import render

if TYPE_CHECKING:
    from hosting_cli.doors.evidence import Kept

TRIES = 50
"""How many others may be faster before something is wrong."""

AT_ONCE = 8
"""How many parts are under way at once."""

JOURNAL_KIND = "evidence"
"""The kind of the journal's entries that name a record: so whoever changes one chain contradicts the other."""


@dataclass(frozen=True)
class Recorded:
    """A record that is kept, and the name that its bytes give it."""

    record: Record
    digest: str
    kept: "Kept"


def record(session: Session, kind: str, parts: Mapping[str, Iterable[bytes]], data: Mapping[str, Json]) -> Recorded:
    """Keep *parts*, by their roles, then sign and keep a record of them, then note it in the journal.

    Safe to kill anywhere, and to run twice at once.  Raise ``EngineError`` when the evidence or the vault refuses.
    """
    named = {Part.of(role, content): content for role, contents in parts.items() for content in contents}
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        list(pool.map(lambda part: session.evidence.add(part.name, named[part]), named))
    for _ in range(TRIES):
        made = _next(session, kind, tuple(named), data)
        message = made.message()
        content = signed(message, session.vault.sign(render.SIGNING_KEY, message))
        kept = session.evidence.claim(made.name, content)
        if kept is not None:
            found = Recorded(made, verify.sha256(content), kept)
            session.journal.append(JOURNAL_KIND, {"record": found.digest, "name": made.name, "subject": kind})
            return found
    remedy = "See who collects so often, and run the same command again."
    raise EngineError("evidence", f"somebody else was faster {TRIES} times", remedy)


def _next(session: Session, kind: str, parts: tuple[Part, ...], data: Mapping[str, Json]) -> Record:
    before = last(session)
    lines = session.journal.lines()
    return Record(
        region=session.region.id,
        environment=session.environment.environment,
        sequence=1 if before is None else int(before.name.removeprefix(verify.RECORDS).removesuffix(".json")) + 1,
        previous=GENESIS if before is None else verify.sha256(session.evidence.get(before)),
        previous_stored=None if before is None else timestamp(before.stored),
        time=timestamp(session.clock()),
        who=session.identity,
        kind=kind,
        journal_sequence=len(lines),
        journal_digest=verify.sha256(lines[-1]) if lines else GENESIS,
        parts=parts,
        data=data,
    )


def last(session: Session) -> "Kept | None":
    """Find what the next record follows: the last one that the platform signed, and whatever lies right behind it.

    Whoever stole the right to add could put anything under any number.  It cannot be removed, so the chain goes on
    past it where it is in the way, and ``verify`` says what it is; far ahead of the chain it is in nobody's way.
    """
    kept = {item.name: item for item in session.evidence.kept(verify.RECORDS)}
    if not kept:  # then nobody has signed yet, and there may be no key to do it with
        return None
    keys = {key.value for key in session.vault.public_keys(render.SIGNING_KEY)}
    ours = next((name for name in sorted(kept, reverse=True) if _is_ours(session, kept[name], keys)), None)
    number = 0 if ours is None else int(ours.removeprefix(verify.RECORDS).removesuffix(".json"))
    while verify.record_name(number + 1) in kept:
        number += 1
    return kept[verify.record_name(number)] if number else None


def _is_ours(session: Session, kept: "Kept", keys: set[str]) -> bool:
    try:
        found = verify.read_record(session.evidence.get(kept))
    except (ValueError, TypeError, KeyError, AttributeError):
        return False
    return found.holds() and found.public_key in keys and verify.record_name(found.body["sequence"]) == kept.name
