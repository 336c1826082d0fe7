"""How a volume's header stands: whether it is whole, and the copies that it needs on the day it is not.  Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hosting_cli.journal import Entry, timestamp
from hosting_cli.volumes.reading import Header, Seen
from inventory.resource import Json


class HeaderState(StrEnum):
    """What a volume's header and its copies call for."""

    IN_ORDER = "in order"
    STALE = "stale"
    LOST = "lost"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class SealedCopy:
    """A copy in the evidence: of which header, and since when."""

    name: str
    checksum: str
    stored: datetime


@dataclass(frozen=True)
class Standing:
    """What was seen of a volume, its sealed copies (the oldest first), and when one last opened."""

    seen: Seen
    copies: tuple[SealedCopy, ...]
    tested: datetime | None
    unknown: str | None = None
    """Why nobody can tell which copies there are."""

    @property
    def last(self) -> SealedCopy | None:
        """Give the newest sealed copy."""
        return self.copies[-1] if self.copies else None

    @property
    def reasons(self) -> tuple[str, ...]:
        """Say what is not as it should be, each with what mends it."""
        name = self.seen.place.name
        if self.seen.lost is not None:
            return (f"{self.seen.lost}: hosting volume header restore {name}",)
        unknown = tuple(filter(None, (self.seen.unknown, self.unknown)))
        return unknown or (tuple(self._stale(self.seen.header)) if self.seen.header else ())

    def _stale(self, header: Header) -> Iterable[str]:
        save = f"hosting volume header save {self.seen.place.name}"
        if not header.is_saved:
            yield f"the copy on the host is not of this header: {save}"
        if self.last is None:
            yield f"the evidence holds no copy: {save}"
        elif self.last.checksum != header.checksum:
            yield f"the copy in the evidence is of an earlier header: {save}"

    @property
    def state(self) -> HeaderState:
        """Say in a word how it stands; what is not known is never in order."""
        if self.seen.lost is not None:
            return HeaderState.LOST
        if self.seen.unknown is not None or self.unknown is not None:
            return HeaderState.UNKNOWN
        return HeaderState.STALE if self.reasons else HeaderState.IN_ORDER

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


def last_opened(entries: Iterable[Entry], proof: str) -> dict[str, datetime]:
    """Say when the last copy of each volume's header was last opened, by the name of the volume."""
    return {
        str(entry.data["subject"]).removeprefix("volume "): datetime.fromisoformat(entry.time)
        for entry in entries
        if entry.kind == "proof" and entry.data["proof"] == proof and entry.data["verdict"] == "held"
    }
