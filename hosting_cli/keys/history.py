"""What the journal knows of a key and its engine does not tell.  Pure: journal entries in."""

from collections.abc import Iterable
from datetime import datetime

from hosting_cli.journal import Entry
from hosting_cli.resources import SshAuthority
from inventory.key_policy import KeyKind

RECORDED = {SshAuthority.kind: KeyKind.SSH_AUTHORITY}
"""Which kind of key a resource is whose making stands in the journal only."""


def times_made(entries: Iterable[Entry]) -> dict[KeyKind, datetime]:
    """Say when the last of each kind was made."""
    found: dict[KeyKind, datetime] = {}
    for entry in entries:
        subject = entry.data.get("subject")
        kind = RECORDED.get(str(subject.get("kind"))) if isinstance(subject, dict) else None
        if kind is not None and entry.kind == "done" and entry.data.get("action") == "create":
            found[kind] = datetime.fromisoformat(entry.time)
    return found
