"""Read every key and secret of a region: what the vault tells, what gateways do, and what stands in the journal."""

from collections.abc import Sequence

from hosting_cli.journal import Entry
from hosting_cli.keys.history import times_made
from hosting_cli.keys.values import KeysSeen, together, with_times
from hosting_cli.session import Session
from hosting_cli.tunnels import keys


def keys_of_vault(session: Session, entries: Sequence[Entry]) -> KeysSeen:
    """Read the keys that the vault tells of, as whoever may log in nowhere can; what cannot be read is unknown."""
    return together(with_times(session.vault.keys(), times_made(entries)), keys.of_peers(session))


def every_key(session: Session, entries: Sequence[Entry]) -> KeysSeen:
    """Read these, and those that gateways keep: for that each is asked."""
    return together(keys_of_vault(session, entries), keys.of_gateways(session))
