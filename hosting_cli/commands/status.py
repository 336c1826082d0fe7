"""How the region stands, on one screen."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from hosting_cli import console
from hosting_cli.commands.backup_tables import duration
from hosting_cli.errors import HostingError
from hosting_cli.result import Block, ExitStatus, Result, Table, text
from hosting_cli.session import Session

if TYPE_CHECKING:
    from hosting_cli.alerts import Alert
    from hosting_cli.overview import Due, Overview, Protected

Answer = TypeVar("Answer")

SHOWN = 10
"""How many rows of a table make the screen; programs get all."""

WatchOption = Annotated[
    float | None,
    typer.Option("--watch", min=1, metavar="SECONDS", help="Look again and again, that far apart, until interrupted."),
]


def status(session: Session, watch: WatchOption = None) -> Result:
    """Show on one screen how the region stands, and what is due.

    Which alerts there are, since when, and the runbook of each; whether vault, object stores and hosts answer; every
    application, the worst first, with its continuity class, how old its last backup is and may become, and when it was
    last restored for real; keys;
    evidence; what is due within a month, and what waits for a second person.  It asks Prometheus, Alertmanager and the
    journal and nobody else, in a moment, and needs no token: it works while the vault is sealed.  What they cannot tell
    is unknown.  Exit status 0 when all is in order, 3 when an alert fires or something is overdue, 4 when something is
    unknown.
    """
    if watch is not None:
        return console.watch(lambda: _looked(session), watch)
    return _looked(session)


def _looked(session: Session) -> Result:
    from hosting_cli.overview import overview

    monitoring = session.monitoring
    alerts, figures = _told(monitoring.alerts), _told(monitoring.figures)
    found = overview(session.region, session.clock(), alerts, figures, session.journal.entries())
    return Result("status", found.to_json(), tuple(_blocks(found)), _status(found), found.unread)


def _told(ask: Callable[[], Answer]) -> Answer | HostingError:
    """Give the answer, or the reason why there is none."""
    try:
        return ask()
    except HostingError as error:
        return error


def _status(found: "Overview") -> ExitStatus:
    if not found.is_known:
        return ExitStatus.UNKNOWN
    return ExitStatus.PENDING if found.firing or found.is_overdue else ExitStatus.DONE


def _blocks(found: "Overview") -> Iterator[Block]:
    yield text(f"{found.name}, {found.now:%F %H:%M} UTC", _in_a_sentence(found))
    shown = (*found.firing, *found.coming)
    if shown:
        rows = tuple(_alert_row(alert, found.now) for alert in shown)
        yield _table("alerts", ("", "for", "what", "runbook"), rows)
    yield Table("", ("state", "engine", ""), tuple((item.word, item.name, item.more) for item in found.engines))
    rows = tuple(_application_row(item, found.now) for item in found.applications)
    yield _table(_classes(found), ("state", "", "application", "host", "backup", "allowed", "restored"), rows)
    if found.due:
        yield _table("due", ("", "when", "what", "how"), tuple(_due_row(item, found.now) for item in found.due))


def _in_a_sentence(found: "Overview") -> str:
    if found.alerts is None:
        return "Nobody can tell which alerts there are."
    critical = sum(alert.severity == "critical" for alert in found.firing)
    fire = f"{_count(len(found.firing), 'alert')}, {critical} critical" if found.firing else "No alert"
    soon = f", {len(found.coming)} about to be" if found.coming else ""
    return f"{fire}{soon}; keys: {_of_keys(found)}."


def _of_keys(found: "Overview") -> str:
    if found.keys is None:
        return "unknown"
    counts = [f"{number} {word}" for word, number in found.keys.items() if number]
    return ", ".join(counts) or "none"


def _alert_row(alert: "Alert", now: datetime) -> tuple[str, ...]:
    runbook = alert.runbook.removeprefix("runbooks/").removesuffix(".md")
    muted = f" ({alert.muted})" if alert.muted else ""
    summary = f"{alert.summary}{muted}"
    if alert.is_firing:
        return alert.severity, duration(now - alert.since), summary, runbook
    return "about to", f"in {duration(max(alert.fires_from - now, timedelta()))}", summary, runbook


def _classes(found: "Overview") -> str:
    """Say how many applications of each class are in order."""
    worst: dict[tuple[str, str], str] = {}
    for item in found.applications:  # the worst of each comes first
        worst.setdefault((item.continuity, item.application), item.state.value)
    counts = Counter((code, state) for (code, _), state in worst.items())
    codes = sorted({code for code, _ in counts})
    said = [
        f"{code}: " + ", ".join(f"{number} {state}" for (of, state), number in counts.items() if of == code)
        for code in codes
    ]
    return "applications   " + "   ".join(said)


def _application_row(item: "Protected", now: datetime) -> tuple[str, ...]:
    named = (item.state.value, item.continuity, item.application)
    if item.host is None or item.allowed_age is None:
        return (*named, "", "not asked for", "", "")
    backup = duration(now - item.last_backup) if item.last_backup else _absent("none yet", item.is_backup_told)
    restored = f"{item.last_restore:%F}" if item.last_restore else _absent("never", item.is_restore_told)
    return (*named, item.host, backup, duration(item.allowed_age), restored)


def _absent(word: str, is_told: bool) -> str:
    return word if is_told else "unknown"


def _due_row(item: "Due", now: datetime) -> tuple[str, ...]:
    if item.when is None:
        return "due", "now", item.what, item.how
    late = item.when <= now
    return "overdue" if late else "due", f"{item.when:%F}", item.what, item.how


def _table(title: str, columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> Table:
    more = f" (the first {SHOWN} of {len(rows)}; --output json has all)" if len(rows) > SHOWN else ""
    return Table(f"{title}{more}", columns, rows[:SHOWN])


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
