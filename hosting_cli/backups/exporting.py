"""What an export of a repository is: which one it holds, what is in it, and how it is opened.  Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hosting_cli.backups.places import Place
from hosting_cli.backups.repository import Snapshot
from inventory.resource import Json

EXPORT_VERSION = 1

REPOSITORY = "repository"
"""The folder of an export that restic opens."""

BEGUN, MANIFEST = "export.json", "manifest.json"
"""What says whose export a folder is, from its beginning on; and what it holds, once it is whole."""

WRITTEN_INTO, READ_BACK = "write it into ", "read it back"
"""The sentences of its steps, by which the journal tells later that there is an export, and where."""

NAMED = 5
"""How many files a finding names."""


@dataclass(frozen=True)
class Held:
    """A file of an export: its digest and its size."""

    sha256: str
    size_bytes: int


def begun(region: str, place: Place, as_of: datetime | None) -> dict[str, Json]:
    """Say whose export it is: a folder that says otherwise, or holds anything without saying so, is left alone."""
    return {
        "export": EXPORT_VERSION,
        "region": region,
        "application": place.application,
        "host": place.host,
        "as_of": as_of.isoformat() if as_of else None,
    }


def taken(snapshots: Iterable[Snapshot], as_of: datetime | None) -> tuple[Snapshot, ...]:
    """Choose the snapshots that the store had at *as_of*, or all."""
    return tuple(one for one in snapshots if as_of is None or (one.stored is not None and one.stored <= as_of))


def manifest(
    identity: Mapping[str, Json],
    snapshots: Iterable[Snapshot],
    files: Mapping[str, Held],
    *,
    at: datetime,
    restic: str,
    password: str,
) -> dict[str, Json]:
    """Describe a whole export; *password* is the name of the vault's entry, never what it holds."""
    return {
        **identity,
        "exported_at": at.isoformat(timespec="seconds"),
        "restic": restic,
        "snapshots": [
            {
                "id": one.id,
                "stored": one.stored.isoformat() if one.stored else None,
                "paths": [*one.paths],
                "size_bytes": one.size_bytes,
            }
            for one in snapshots
        ],
        "files": {name: {"sha256": held.sha256, "bytes": held.size_bytes} for name, held in sorted(files.items())},
        "how_to_open": [
            f"restic --repo {REPOSITORY} --no-lock snapshots",
            f"restic --repo {REPOSITORY} --no-lock restore SNAPSHOT --target FOLDER --verify",
            f"It asks for the password that the vault kept as {password} at that time.",
            f"Without the vault, its holders give it back: hosting key recovery join {password}",
        ],
    }


def held_by(document: Mapping[str, Any]) -> dict[str, Held]:
    """Read back which files a manifest promises."""
    return {name: Held(item["sha256"], item["bytes"]) for name, item in document["files"].items()}


def findings(promised: Mapping[str, Held], found: Mapping[str, Held]) -> tuple[str, ...]:
    """Say what separates a folder from its manifest; nothing when it is whole."""
    lacking = sorted(promised.keys() - found.keys())
    foreign = sorted(found.keys() - promised.keys())
    changed = sorted(name for name in promised.keys() & found.keys() if promised[name] != found[name])
    kinds = (("lacking", lacking), ("not in the manifest", foreign), ("changed", changed))
    return tuple(f"{len(names)} files are {kind}: {_some(names)}" for kind, names in kinds if names)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
