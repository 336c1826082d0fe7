"""How a volume's header stands: whether it is whole, and the copies that it needs on the day it is not.  Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from deploys import slots
from hosting_cli.journal import Entry, timestamp
from hosting_cli.proofs.proof import Proof, Verdict
from hosting_cli.volumes.reading import Header, Seen
from inventory.resource import Json

if TYPE_CHECKING:
    from hosting_cli.doors.evidence import Kept


SAVED = "header-saved"
"""The proof that a lost header could be brought back."""


class HeaderState(StrEnum):
    """What a volume's header and its copies call for."""

    IN_ORDER = "in order"
    STRAY = "stray slot"
    STALE = "stale"
    LOST = "lost"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class SealedCopy:
    """A copy in the evidence: of which header, and which version of the transit key it needs; its name says both."""

    kept: "Kept"
    checksum: str
    wrapped_version: int

    @property
    def name(self) -> str:
        """Give its name in the evidence."""
        return self.kept.name

    @property
    def stored(self) -> datetime:
        """Say since when it is there."""
        return self.kept.stored


def sealed_copies(kept: Iterable["Kept"]) -> tuple[SealedCopy, ...]:
    """Read what is kept of one volume, the oldest first; a name that is none of ours is left out."""
    named = ((item, _NAME.search(item.name)) for item in kept)
    found = [SealedCopy(item, name[1], int(name[2])) for item, name in named if name is not None]
    return tuple(sorted(found, key=lambda copy: (copy.stored, copy.wrapped_version)))


def present_or_last(copies: tuple[SealedCopy, ...], header: Header | None) -> SealedCopy | None:
    """Choose among *copies*, the oldest first: the newest of *header*, or else the newest of all."""
    present = [copy for copy in copies if header is not None and copy.checksum == header.checksum]
    chosen = present or copies
    return chosen[-1] if chosen else None


def is_of(copy: SealedCopy, checksum: str, lowest_version: int) -> bool:
    """Tell whether *copy* is of the header named *checksum*, and its transit key still opens it."""
    return copy.checksum == checksum and copy.wrapped_version >= lowest_version


def name_of(checksum: str, wrapped_version: int) -> str:
    """Name a copy, below what is its volume's."""
    return f"{checksum}-v{wrapped_version}.json"


_NAME = re.compile(r"/([0-9a-f]{64})-v(\d+)\.json$")


@dataclass(frozen=True)
class Standing:
    """What was seen of a volume, its sealed copies (the oldest first), and when one last opened.

    ``lowest_version`` is the oldest version of the transit key that still opens copies.
    """

    seen: Seen
    copies: tuple[SealedCopy, ...]
    tested: datetime | None
    lowest_version: int = 1
    unknown: str | None = None
    """Why nobody can tell which copies there are."""

    @property
    def last(self) -> SealedCopy | None:
        """Give the newest sealed copy, of the present header if there is one."""
        return present_or_last(self.copies, self.seen.header)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Say what is not as it should be, each with what mends it."""
        name = self.seen.place.name
        if self.seen.lost is not None:
            return (f"{self.seen.lost}: hosting volume header restore {name}",)
        unknown = tuple(filter(None, (self.seen.unknown, self.unknown)))
        header = self.seen.header
        return unknown or ((*self._stray(header), *self._stale(header)) if header else ())

    def _stray(self, header: Header) -> Iterable[str]:
        secret = self.seen.place.volume.active_secret
        for slot in slots.stray(header.slots):
            yield f"{slot}: nobody needs it, and a rotation ends it: hosting key rotate {secret}"

    def _stale(self, header: Header) -> Iterable[str]:
        save = f"hosting volume header save {self.seen.place.name}"
        if not header.is_saved:
            yield f"the copy on the host is not of this header: {save}"
        if self.last is None:
            yield f"the evidence holds no copy: {save}"
        elif self.last.checksum != header.checksum:
            yield f"the copy in the evidence is of an earlier header: {save}"
        elif self.last.wrapped_version < self.lowest_version:
            yield f"the copy in the evidence needs a version of its transit key that is retired: {save}"

    @property
    def state(self) -> HeaderState:
        """Say in a word how it stands; what is not known is never in order."""
        if self.seen.lost is not None:
            return HeaderState.LOST
        if self.seen.unknown is not None or self.unknown is not None:
            return HeaderState.UNKNOWN
        if self.seen.header is not None and slots.stray(self.seen.header.slots):
            return HeaderState.STRAY
        return HeaderState.STALE if self.reasons else HeaderState.IN_ORDER

    @property
    def is_saved(self) -> bool | None:
        """Tell whether both copies are of the header as it is; ``None`` when there is none, or nobody can tell."""
        if self.seen.header is None or self.unknown is not None:
            return None
        return not tuple(self._stale(self.seen.header))

    def to_json(self) -> dict[str, Json]:
        """Give everything that is known, for programs."""
        seen, header = self.seen, self.seen.header
        copies: list[Json] = [
            {"name": copy.name, "checksum": copy.checksum, "stored": timestamp(copy.stored)} for copy in self.copies
        ]
        return {
            "volume": seen.place.name,
            "host": seen.place.host,
            "state": self.state.value,
            "reasons": list(self.reasons),
            "size_gib": seen.size_gib,
            "uuid": header.uuid if header else None,
            "checksum": header.checksum if header else None,
            "saved_on_host": header.is_saved if header else None,
            "slots": {number: dict(slot) for number, slot in header.slots.items()} if header else None,
            "copies": copies,
            "tested_at": timestamp(self.tested) if self.tested else None,
        }


def judge_saved(found: Standing) -> Proof:
    """Say whether a lost header could be brought back today: both copies are of it, and one of the evidence opened."""
    told = found.to_json()
    kept: dict[str, Json] = {name: told[name] for name in ("state", "checksum", "saved_on_host", "copies", "tested_at")}
    subject, name = f"volume {found.seen.place.name}", found.seen.place.name
    if found.state is HeaderState.UNKNOWN:
        return Proof(SAVED, subject, Verdict.UNKNOWN, "; ".join(found.reasons), kept)
    if found.reasons:
        return Proof(SAVED, subject, Verdict.BROKEN, "; ".join(found.reasons), kept)
    if found.tested is None:
        sentence = f"no copy in the evidence was ever opened: hosting volume header test {name}"
        return Proof(SAVED, subject, Verdict.BROKEN, sentence, kept)
    sentence = f"its header is kept on its host and in the evidence, where a copy opened on {found.tested.date()}"
    return Proof(SAVED, subject, Verdict.HELD, sentence, kept)


def last_opened(entries: Iterable[Entry], proof: str) -> dict[str, datetime]:
    """Say when the last copy of each volume's header was last opened, by the name of the volume."""
    return {
        str(entry.data["subject"]).removeprefix("volume "): datetime.fromisoformat(entry.time)
        for entry in entries
        if entry.kind == "proof" and entry.data["proof"] == proof and entry.data["verdict"] == "held"
    }
