"""Keys and secrets: how old each is, and what its age calls for."""

from collections import Counter
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated

import typer

from hosting_cli.errors import UnreadableError, UsageError
from hosting_cli.result import ExitStatus, Result, Table, text
from hosting_cli.session import Session
from inventory.resource import Json

if TYPE_CHECKING:
    from hosting_cli.keys.judgement import Judged
    from hosting_cli.keys.values import KeysSeen

OwnerOption = Annotated[
    str | None,
    typer.Option("--application", "-a", metavar="ID", help="Only what this application owns; `platform` is an owner."),
]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The key's name, as `hosting key list` shows it.")]


def list_(session: Session, application: OwnerOption = None) -> Result:
    """List every key and secret with its age and its limit.

    And with what that calls for: transit keys, LUKS passphrases, restic passwords, S3 credentials, secret-ids of
    hosts, authorities; never a value.  A secret that was wrapped anew keeps its age.  What could not be read is
    unknown.  Exit status 0 when nothing is overdue, 3 when something is, 4 when something is unknown: fit for a timer.
    """
    judged, seen = _judged(session)
    shown = [item for item in judged if application in {None, item.key.owner}]
    errors = tuple(
        UnreadableError(f"keys of kind {kind.value}", f"could not be read: {reason}", "Mend that, and list them again.")
        for kind, reason in sorted(seen.unread.items())
    )
    counts = Counter(item.state.value for item in shown)
    summary = ", ".join(f"{count} {state}" for state, count in counts.items()) or "there is none that could be read"
    data: dict[str, Json] = {
        "keys": [item.to_json() for item in shown],
        "unread": {kind.value: reason for kind, reason in seen.unread.items()},
    }
    return Result("key list", data, (_table(shown), text(f"{summary}.")), _status(shown, errors), errors)


def show(session: Session, name: NameArgument) -> Result:
    """Show everything that is known of one key but its value."""
    judged, seen = _judged(session)
    found = next((item for item in judged if item.key.name == name), None)
    if found is None:
        close = get_close_matches(name, [item.key.name for item in judged], n=1, cutoff=0.4)
        unread = f"; keys of kind {', '.join(sorted(seen.unread))} could not be read" if seen.unread else ""
        remedy = f"Did you mean {close[0]}?" if close else "Run `hosting key list`."
        raise UsageError(f"key {name}", f"is not among those that were read{unread}", remedy)
    known = found.to_json()
    rows = tuple((label.replace("_", " "), str(value)) for label, value in known.items() if value not in {None, ""})
    return Result("key show", known, (Table("", ("what", "value"), rows),), _status([found], ()))


def policy(session: Session) -> Result:
    """Show how long each kind of key may serve, and who says so.

    The limits stand under `key_policy` in region.yaml, each with the text or the decision that it comes from; where
    nothing is written there, a default holds.  None is a figure of the HDS framework, which gives none.
    """
    from inventory.key_policy import KeyKind

    wanted = session.region.key_policy
    limits = {kind: wanted.limits.of(kind) for kind in KeyKind}
    rows = tuple((kind.value, str(limit.days), limit.source) for kind, limit in limits.items())
    data: dict[str, Json] = {
        "notice_days": wanted.notice_days,
        "limits": {kind.value: {"days": limit.days, "source": limit.source} for kind, limit in limits.items()},
    }
    said = text(f"A key is due {wanted.notice_days} days before its limit, and overdue from that day on.")
    return Result("key policy", data, (Table("", ("kind", "limit in days", "where it comes from"), rows), said))


def _judged(session: Session) -> "tuple[tuple[Judged, ...], KeysSeen]":
    """Read every key, and hold it against the policy as of now."""
    from hosting_cli.keys.history import times_made
    from hosting_cli.keys.judgement import judge
    from hosting_cli.keys.values import with_times

    recorded = times_made(session.journal.entries())
    with session.progress.stage("reading what the vault tells of keys"):
        seen = with_times(session.vault.keys(), recorded)
    return judge(seen.keys, session.region.key_policy, session.clock()), seen


def _status(shown: "list[Judged]", errors: tuple[UnreadableError, ...]) -> ExitStatus:
    """Say in one status how keys stand: unknown outweighs overdue, for more may be overdue there."""
    from hosting_cli.keys.judgement import KeyState

    states = {item.state for item in shown}
    if errors or KeyState.UNKNOWN in states:
        return ExitStatus.UNKNOWN
    return ExitStatus.PENDING if KeyState.OVERDUE in states else ExitStatus.DONE


def _table(shown: "list[Judged]") -> Table:
    rows = tuple(
        (
            item.state.value,
            item.key.kind.value,
            item.key.name,
            item.key.owner,
            "" if item.age_days is None else str(item.age_days),
            str(item.limit.days),
            "" if item.key.rotated_at is None else str(item.key.rotated_at.date()),
            item.reason,
        )
        for item in shown
    )
    return Table("", ("state", "kind", "name", "owner", "days old", "limit", "last rotated", "why"), rows)
