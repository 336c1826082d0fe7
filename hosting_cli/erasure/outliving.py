"""What outlives an application's keys, because it left the platform before: shares in people's hands, exports.  Pure.

No key that ends here closes it.  So it is told to whoever asks and approves, and stands in the record as a limit.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from hosting_cli.backups.exporting import READ_BACK, WRITTEN_INTO
from hosting_cli.journal import Entry, timestamp
from inventory import naming
from inventory.resource import Json

SHARES = "recovery-shares"
"""The kind of the journal's entries on shares that are handed out."""


@dataclass(frozen=True)
class ShareSet:
    """Shares of a passphrase or password that holders were shown, all of them or some."""

    secret: str
    set_id: str
    holders: int
    needed: int
    handed_out: datetime
    of_present_value: bool | None
    """Whether what they give back is what the vault keeps now; ``None`` where nobody can tell."""

    def __str__(self) -> str:
        """Say what they open, and what to do about it."""
        what = (
            "the volume, by any copy of its header from their time"
            if naming.volume_of_secret(self.secret) is not None
            else "every copy of the repository that left the object store"
        )
        value = {True: "", False: ", of an earlier value", None: ", of a value of unknown age"}[self.of_present_value]
        return (
            f"set {self.set_id} of {self.secret} ({self.needed} of {self.holders} holders, "
            f"handed out on {self.handed_out.date()}{value}) still opens {what}: collect and burn the shares"
        )

    def to_json(self) -> dict[str, Json]:
        """Give it as the record holds it."""
        return {
            "kind": "share-set",
            "of": self.secret,
            "set": self.set_id,
            "holders": self.holders,
            "needed": self.needed,
            "since": timestamp(self.handed_out),
            "of_present_value": self.of_present_value,
        }


@dataclass(frozen=True)
class OfflineExport:
    """A repository that was written into a folder; ``manifest`` is the digest of what a finished one holds."""

    repository: str
    into: str
    begun: datetime
    manifest: str | None

    def __str__(self) -> str:
        """Say what opens it, and what to do about it."""
        state = f"manifest {self.manifest[:12]}" if self.manifest else "not finished"
        return (
            f"the export of {self.repository} into {self.into} ({self.begun.date()}, {state}) lies outside of the "
            f"platform and opens with the password of its time: destroy the medium, or have its keeper answer for it"
        )

    def to_json(self) -> dict[str, Json]:
        """Give it as the record holds it."""
        begun = timestamp(self.begun)
        return {"kind": "export", "of": self.repository, "into": self.into, "since": begun, "manifest": self.manifest}


Outliving = ShareSet | OfflineExport


def outliving(
    application: str, entries: Iterable[Entry], made_at: Mapping[str, datetime | None]
) -> tuple[Outliving, ...]:
    """Collect what outlives the keys of *application*; *made_at* says since when each secret has its value.

    Shares count from the first that was shown on, and an export from its first byte on, finished or not.
    """
    sets: dict[tuple[str, str], ShareSet] = {}
    exports: dict[tuple[str, str, str], OfflineExport] = {}
    for entry in entries:
        if entry.kind == SHARES and str(entry.data["subject"]).startswith(f"{application}/"):
            made = _share_set(entry, made_at)
            sets.setdefault((made.secret, made.set_id), made)
        elif entry.kind in {"intent", "done"} and _repository(entry).startswith(f"{application}/"):
            _note_export(entry, exports)
    return (*sets.values(), *exports.values())


def _share_set(entry: Entry, made_at: Mapping[str, datetime | None]) -> ShareSet:
    data = cast("Mapping[str, Any]", entry.data)
    handed_out, made = datetime.fromisoformat(entry.time), made_at.get(data["subject"])
    # The vault tells times to the nanosecond and the journal to the millisecond.
    present = None if made is None else timestamp(made) <= timestamp(handed_out)
    return ShareSet(data["subject"], data["set"], data["holders"], data["needed"], handed_out, present)


def _repository(entry: Entry) -> str:
    subject = entry.data.get("subject")
    return str(subject["name"]) if isinstance(subject, dict) and subject["kind"] == "repository" else ""


def _note_export(entry: Entry, found: dict[tuple[str, str, str], OfflineExport]) -> None:
    repository, sentence = _repository(entry), str(entry.data.get("sentence"))
    procedure = str(entry.data.get("procedure"))
    if entry.kind == "intent" and sentence.startswith(WRITTEN_INTO):
        into = sentence.removeprefix(WRITTEN_INTO)
        begun = OfflineExport(repository, into, datetime.fromisoformat(entry.time), None)
        found.setdefault((repository, procedure, into), begun)
    elif entry.kind == "done" and sentence == READ_BACK:
        for key, known in _of_procedure(procedure, repository, found):
            observed = cast("Mapping[str, Any]", entry.data.get("observed", {}))
            found[key] = OfflineExport(repository, known.into, known.begun, observed.get("manifest_sha256"))


def _of_procedure(
    procedure: str, repository: str, found: Mapping[tuple[str, str, str], OfflineExport]
) -> Iterator[tuple[tuple[str, str, str], OfflineExport]]:
    return iter([(key, known) for key, known in found.items() if key[:2] == (repository, procedure)])
