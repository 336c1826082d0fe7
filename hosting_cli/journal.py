"""The journal: what was planned, approved, intended, done and proven; it only grows.

One entry a line, canonical JSON, each holding the SHA-256 of the line before.  An entry is written with one call and
synced before its step begins, under a lock, so that a kill at any moment leaves whole entries and at most one torn
tail.  A torn tail was never an entry: the next writer sets it aside *in an entry*, so that nothing disappears.
"""

import base64
import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from hosting_cli.canonical import canonical
from hosting_cli.errors import EngineError, UnreadableError
from inventory.resource import Json

GENESIS = "0" * 64
"""What the first entry holds in place of the digest of an entry before it."""


@dataclass(frozen=True)
class Entry:
    """One line of the journal; ``time`` is RFC 3339 in UTC, ``who`` the identity that the vault attests."""

    sequence: int
    time: str
    who: str
    kind: str
    data: Mapping[str, Json]
    previous: str

    def line(self) -> bytes:
        """Give the canonical line, without its line end."""
        return canonical(
            {
                "sequence": self.sequence,
                "time": self.time,
                "who": self.who,
                "kind": self.kind,
                "data": dict(self.data),
                "previous": self.previous,
            }
        )

    @property
    def digest(self) -> str:
        """Name this entry as the next one will."""
        return hashlib.sha256(self.line()).hexdigest()


@dataclass(frozen=True)
class Break:
    """Where the chain does not hold, and why."""

    line: int
    reason: str


def parse(line: bytes) -> Entry:
    """Read one line; raise ``ValueError`` unless it is exactly what an entry would write."""
    found = json.loads(line)
    entry = Entry(**found) if isinstance(found, dict) and set(found) == set(Entry.__dataclass_fields__) else None
    if entry is None or entry.line() != line:
        raise ValueError("not a canonical journal entry")
    return entry


def examined(lines: Iterable[bytes], *, first: int = 1, previous: str = GENESIS) -> Iterator[Entry | Break]:
    """Yield every entry in *lines*, and every place where one was changed, removed, added or reordered.

    *first* is the number of the first line, and *previous* the digest of the line before it.
    """
    sequence = first - 1
    for number, line in enumerate(lines, start=first):
        digest = hashlib.sha256(line).hexdigest()
        try:
            entry = parse(line)
        except (ValueError, TypeError) as error:
            yield Break(number, f"is no journal entry ({error})")
            previous, sequence = digest, sequence + 1
            continue
        if entry.previous != previous:
            yield Break(number, "does not follow from the entry before it: one of them was changed, removed or moved")
        if entry.sequence != sequence + 1:
            yield Break(number, f"is numbered {entry.sequence} where {sequence + 1} should stand")
        yield entry
        previous, sequence = digest, entry.sequence


def breaks(lines: list[bytes], *, head: str | None = None) -> Iterator[Break]:
    """Yield every place where *lines* do not hold.

    Cutting whole entries off the end leaves a chain that holds: only *head*, the digest of the last entry as somebody
    noted it elsewhere, shows that.
    """
    yield from (found for found in examined(lines) if isinstance(found, Break))
    if head is not None and head not in {hashlib.sha256(line).hexdigest() for line in lines}:
        yield Break(len(lines), f"does not lead to {head}: entries were cut off its end, or this is another journal")


class Journal:
    """Append to and read the journal at *path*; *now* gives the time and *who* the identity written into entries."""

    def __init__(self, path: Path, *, now: Callable[[], datetime], who: Callable[[], str]) -> None:
        self.path = path
        self._now = now
        self._who = who
        self._known: tuple[bytes, tuple[Entry, ...]] = (b"", ())

    def append(self, kind: str, data: Mapping[str, Json]) -> Entry:
        """Write one entry and return once the disk has it; raise ``EngineError`` when it cannot be written."""
        who = self._who()
        try:
            with self._locked() as file:
                previous, sequence = self._tail(file)
                entry = Entry(sequence + 1, timestamp(self._now()), who, kind, data, previous)
                write_line(file, entry.line())
                return entry
        except OSError as error:
            raise EngineError(
                f"journal {self.path}", f"cannot be written ({error.strerror})", "Nothing is done without a record."
            ) from error

    def lines(self) -> list[bytes]:
        """Read the whole lines of the journal; none when it does not exist yet."""
        return self._content().split(b"\n")[:-1]

    def entries(self) -> tuple[Entry, ...]:
        """Read every entry; raise ``UnreadableError`` where the chain does not hold.

        What was read before and still stands there, byte by byte, is not examined again: the journal only grows.
        """
        content = self._content()
        known, entries = self._known
        if not content.startswith(known):
            known, entries = b"", ()
        previous = hashlib.sha256(known[:-1].rpartition(b"\n")[2]).hexdigest() if known else GENESIS
        lines = content[len(known) :].split(b"\n")[:-1]
        found = list(entries)
        for each in examined(lines, first=len(entries) + 1, previous=previous):
            if isinstance(each, Break):
                raise UnreadableError(
                    f"journal {self.path}:{each.line}",
                    each.reason,
                    "Run `hosting journal verify`, and bring the journal back from its copy before anything else.",
                )
            found.append(each)
        self._known = (content, tuple(found))
        return self._known[1]

    def _content(self) -> bytes:
        """Read the journal up to the end of its last whole line."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise UnreadableError(f"journal {self.path}", f"cannot be read ({error.strerror})", "Mend it.") from error
        return content[: content.rfind(b"\n") + 1]

    @contextmanager
    def _locked(self) -> Iterator[BinaryIO]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "rb+", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file  # closing the file releases the lock

    def _tail(self, file: BinaryIO) -> tuple[str, int]:
        """Give the digest and number of the last entry, setting aside a torn line that a kill has left."""
        last_line, torn = last_lines(file)
        last = parse(last_line) if last_line else None
        previous, sequence = (last.digest, last.sequence) if last else (GENESIS, 0)
        if not torn:
            return previous, sequence
        kept: dict[str, Json] = {"base64": base64.b64encode(torn).decode()}
        entry = Entry(sequence + 1, timestamp(self._now()), "hosting", "torn-line", kept, previous)
        file.truncate(file.seek(0, os.SEEK_END) - len(torn))
        write_line(file, entry.line())
        return entry.digest, entry.sequence


def last_lines(file: BinaryIO, *, block_bytes: int = 1 << 16) -> tuple[bytes, bytes]:
    """Give the last whole line and what stands behind it, reading from the end so that appending never slows."""
    start = file.seek(0, os.SEEK_END)
    tail = b""
    while start > 0 and tail.count(b"\n") < 2:
        size = min(block_bytes, start)
        start = file.seek(start - size)
        tail = file.read(size) + tail
    whole, _, torn = tail.rpartition(b"\n")
    return whole.rpartition(b"\n")[2], torn


def write_line(file: BinaryIO, line: bytes) -> None:
    """Append *line* whole or raise; the disk has it when this returns."""
    whole = line + b"\n"
    if file.write(whole) != len(whole):
        raise OSError(28, "No space left on device")
    os.fsync(file.fileno())


def timestamp(moment: datetime) -> str:
    """Write *moment*, which knows its time zone, as RFC 3339 in UTC, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
