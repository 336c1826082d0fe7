"""How the region stands as one value: from the files, what the monitoring knows, and the journal.  Pure.

What the monitoring cannot tell is unknown here, and counts as that: never as in order.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from hosting_cli.alerts import Alert
from hosting_cli.errors import HostingError
from hosting_cli.figures import Sample
from hosting_cli.journal import Entry, timestamp
from hosting_cli.request import asked
from inventory.backups import backed_up_hosts, class_of, longest_age_minutes, rhythm_of
from inventory.models import Application, Region
from inventory.resource import Json

SOON = timedelta(minutes=15)
"""An alert that would fire within that is shown; one that must last for hours yet is nobody's business."""

NOTICE = timedelta(days=30)
"""What is due within that is shown."""


EVIDENCE_STALE = "HostingEvidenceStale"
"""The alert that says when evidence is late: how late is said in the rules alone."""


class State(StrEnum):
    """How one thing stands, the worst first."""

    CRITICAL = "critical"
    LATE = "late"
    WARNING = "warning"
    UNKNOWN = "unknown"
    IN_ORDER = "in order"


WORST_FIRST = tuple(State)


@dataclass(frozen=True)
class Protected:
    """An application on one of the hosts whose volumes are backed up; without a host, one that asks for no backup.

    Without a last backup or restore there never was one if somebody has told so, and else nobody can tell.
    """

    state: State
    continuity: str
    application: str
    host: str | None
    last_backup: datetime | None
    allowed_age: timedelta | None
    last_restore: datetime | None
    is_backup_told: bool = False
    is_restore_told: bool = False

    def to_json(self) -> dict[str, Json]:
        """Give it for programs."""
        return {
            "state": self.state.value,
            "continuity": self.continuity,
            "application": self.application,
            "host": self.host,
            "last_backup": _written(self.last_backup),
            "allowed_age_seconds": None if self.allowed_age is None else round(self.allowed_age.total_seconds()),
            "last_restore": _written(self.last_restore),
        }


@dataclass(frozen=True)
class Engine:
    """The vault, a store, the hosts, the evidence: how it stands in a word, and more of it in some."""

    name: str
    word: str
    more: str

    def to_json(self) -> dict[str, Json]:
        """Give it for programs."""
        return {"name": self.name, "state": self.word, "more": self.more}


@dataclass(frozen=True)
class Due:
    """What somebody has to do to what, by when (``None`` is at once), and by which command."""

    when: datetime | None
    what: str
    subject: str
    how: str

    def to_json(self) -> dict[str, Json]:
        """Give it for programs."""
        return {"when": _written(self.when), "what": self.what, "subject": self.subject, "how": self.how}


@dataclass(frozen=True)
class Overview:
    """All of it, as of ``now``; ``alerts`` are ``None`` where nobody can tell which there are."""

    region: str
    name: str
    now: datetime
    alerts: tuple[Alert, ...] | None
    engines: tuple[Engine, ...]
    applications: tuple[Protected, ...]
    keys: Mapping[str, int] | None
    due: tuple[Due, ...]
    unread: tuple[HostingError, ...]

    @property
    def firing(self) -> tuple[Alert, ...]:
        """Give the alerts that fire."""
        return tuple(alert for alert in self.alerts or () if alert.is_firing)

    @property
    def coming(self) -> tuple[Alert, ...]:
        """Give the alerts that will fire soon if nothing changes."""
        return tuple(it for it in self.alerts or () if not it.is_firing and it.fires_from - self.now <= SOON)

    @property
    def is_known(self) -> bool:
        """Tell whether everything could be told."""
        words = [engine.word for engine in self.engines] + [item.state.value for item in self.applications]
        return self.alerts is not None and self.keys is not None and State.UNKNOWN.value not in words

    @property
    def is_overdue(self) -> bool:
        """Tell whether something should have been done by now."""
        return any(item.when is None or item.when <= self.now for item in self.due)

    def to_json(self) -> dict[str, Json]:
        """Give it for programs."""
        return {
            "region": self.region,
            "time": timestamp(self.now),
            "alerts": None if self.alerts is None else [alert.to_json() for alert in self.alerts],
            "engines": [engine.to_json() for engine in self.engines],
            "applications": [item.to_json() for item in self.applications],
            "keys": None if self.keys is None else dict(self.keys),
            "due": [item.to_json() for item in self.due],
        }


class Told:
    """Figures by their names and labels; those of a part that is read too late are not among them."""

    def __init__(self, figures: Iterable[Sample]) -> None:
        self._by_name: dict[str, list[Sample]] = {}
        for sample in figures:
            self._by_name.setdefault(sample.name, []).append(sample)

    def all(self, name: str, **labels: str) -> list[Sample]:
        """Give every sample of *name* that has *labels*."""
        return [s for s in self._by_name.get(name, ()) if labels.items() <= s.labels.items()]

    def last(self, name: str, **labels: str) -> float | None:
        """Give the greatest value of *name* with *labels*, as the rules do; ``None`` where nobody tells."""
        return max((sample.value for sample in self.all(name, **labels)), default=None)


def overview(
    region: Region,
    now: datetime,
    alerts: tuple[Alert, ...] | HostingError,
    figures: tuple[Sample, ...] | HostingError,
    entries: Iterable[Entry],
) -> Overview:
    """Hold what is known against what the files promise."""
    known = None if isinstance(alerts, HostingError) else alerts
    told = Told(() if isinstance(figures, HostingError) else figures)
    rows = [row for item in region.applications for row in _protected(region, item, known, told, now)]
    due = [*_due_in_figures(region, told, now), *_due_in_journal(entries)]
    unread = tuple(error for error in (alerts, figures) if isinstance(error, HostingError))
    return Overview(
        region=region.id,
        name=region.name,
        now=now,
        alerts=known,
        engines=tuple(_engines(region, known or (), told, now)),
        applications=tuple(
            sorted(rows, key=lambda it: (WORST_FIRST.index(it.state), it.continuity, it.application, it.host or ""))
        ),
        keys=_keys(told),
        due=tuple(sorted(due, key=lambda item: (item.when is not None, item.when or now, item.what))),
        unread=unread,
    )


# -- applications -----------------------------------------------------------------------------------------------------


def _protected(
    region: Region, application: Application, alerts: tuple[Alert, ...] | None, told: Told, now: datetime
) -> Iterator[Protected]:
    code = class_of(region, application).code
    hosts = backed_up_hosts(application)
    own = frozenset(host for tier in application.tiers for host in tier.hosts)
    if not hosts:
        state = State.UNKNOWN if alerts is None else _worst(alerts, application.id, own)
        yield Protected(state, code, application.id, None, None, None, None)
    allowed = timedelta(minutes=longest_age_minutes(region, application)) if hosts else None
    for host in hosts:
        labels = {"application": application.id, "host": host}
        backup = _moment(told.last("hosting_stored_backup_timestamp_seconds", **labels))
        restored = told.last("hosting_drill_last_success_timestamp_seconds", **labels)
        readable = told.last("hosting_repository_readable", **labels) == 1
        state = State.UNKNOWN if alerts is None else _worst(alerts, application.id, frozenset({host}))
        if state is State.IN_ORDER and backup is None:
            state = State.LATE if readable else State.UNKNOWN
        elif state is State.IN_ORDER and backup is not None and allowed is not None and now - backup > allowed:
            state = State.LATE
        restore = _moment(restored)
        yield Protected(state, code, application.id, host, backup, allowed, restore, readable, restored is not None)


def _worst(alerts: Iterable[Alert], application: str, hosts: frozenset[str]) -> State:
    """Give the severity of the worst alert that fires about an application on these hosts, or about one of them."""
    found = {
        State(alert.severity)
        for alert in alerts
        if alert.is_firing
        and alert.labels.get("application", application) == application
        and alert.labels.get("host") in hosts
    }
    return min(found, key=WORST_FIRST.index, default=State.IN_ORDER)


# -- engines ----------------------------------------------------------------------------------------------------------


def _engines(region: Region, alerts: Iterable[Alert], told: Told, now: datetime) -> Iterator[Engine]:
    sealed = told.last("hosting_vault_sealed")
    reachable = told.last("hosting_vault_reachable")
    yield Engine("vault", _word(reachable, sealed), _certificate(told, "vault", now))
    for store in region.stores:
        answers = told.last("hosting_store_reachable", store=store.id)
        yield Engine(f"store {store.id}", _word(answers), _certificate(told, store.id, now))
    up = {sample.labels["host"]: sample.value for sample in told.all("up", job="hosting-hosts")}
    down = [host.id for host in region.hosts if up.get(host.id) != 1]
    if not up:
        yield Engine("hosts", State.UNKNOWN, "")
    else:
        missing = f"; not: {_some(down)}" if down else ""
        said = f"{len(region.hosts) - len(down)} of {len(region.hosts)} answer{missing}"
        yield Engine("hosts", "away" if down else "answers", said)
    if region.evidence is not None:
        stale = any(alert.is_firing and alert.name == EVIDENCE_STALE for alert in alerts)
        yield _evidence(told.last("hosting_evidence_last_record_timestamp_seconds"), stale)


def _word(reachable: float | None, sealed: float | None = None) -> str:
    if reachable is None:
        return State.UNKNOWN
    if sealed:
        return "sealed"
    return "answers" if reachable else "away"


def _certificate(told: Told, engine: str, now: datetime) -> str:
    end = _moment(told.last("hosting_certificate_end_timestamp_seconds", engine=engine))
    return "" if end is None else f"certificate until {end:%F}" + ("" if end - now > NOTICE else ", which is soon")


def _evidence(seconds: float | None, stale: bool) -> Engine:
    if seconds is None:
        return Engine("evidence", State.UNKNOWN, "")
    last = _moment(seconds)
    if last is None:
        return Engine("evidence", State.LATE, "never recorded")
    return Engine("evidence", State.LATE if stale else State.IN_ORDER, f"last recorded {last:%F %H:%M}")


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


# -- keys, and what is due --------------------------------------------------------------------------------------------


def _keys(told: Told) -> dict[str, int] | None:
    """Count keys by how they stand; ``None`` where nobody tells of any."""
    left = _seconds_left(told)
    if not left:
        return None
    overdue = sum(seconds <= 0 for seconds in left.values())
    soon = sum(0 < seconds <= NOTICE.total_seconds() for seconds in left.values())
    return {"overdue": overdue, "due": soon, "in order": len(left) - overdue - soon}


def _seconds_left(told: Told) -> dict[tuple[str, str], float]:
    """Say for how long each key may still serve, by kind and name."""
    limits = {_key(sample): sample.value for sample in told.all("hosting_key_limit_seconds")}
    ages = {_key(sample): sample.value for sample in told.all("hosting_key_age_seconds")}
    return {key: limits[key] - age for key, age in ages.items() if key in limits}


def _key(sample: Sample) -> tuple[str, str]:
    return sample.labels.get("kind", ""), sample.labels.get("name", "")


def _due_in_figures(region: Region, told: Told, now: datetime) -> Iterator[Due]:
    until = now + NOTICE
    for (kind, name), seconds in _seconds_left(told).items():
        when = now + timedelta(seconds=seconds)
        if when <= until:
            yield Due(when, "rotate", f"{kind} {name}", f"hosting key rotate {name}")
    for sample in told.all("hosting_certificate_end_timestamp_seconds"):
        end = _moment(sample.value)
        if end is not None and end <= until:
            engine = sample.labels.get("engine", "")
            yield Due(end, f"certificate of {engine}", engine, "hosting runbook show certificate-ending")
    for application in region.applications:
        yield from _due_of(region, application, told, until)


def _due_of(region: Region, application: Application, told: Told, until: datetime) -> Iterator[Due]:
    """Give the drills and checks of an application that are due by then; one that never was is due at once."""
    rhythm = rhythm_of(region, application)
    work: tuple[tuple[str, str, int, Callable[[str], str]], ...] = (
        (
            "hosting_drill_last_success_timestamp_seconds",
            "restore for real",
            rhythm.drill_days,
            lambda host: f"hosting drill run {application.id} --host {host}",
        ),
        (
            "hosting_backup_check_last_success_timestamp_seconds",
            "check",
            rhythm.check_days,
            lambda host: f"hosting backup check {application.id} --host {host}",
        ),
    )
    for host in backed_up_hosts(application):
        for figure, what, days, how in work:
            seconds = told.last(figure, application=application.id, host=host)
            if seconds is None:
                continue
            last = _moment(seconds)
            when = None if last is None else last + timedelta(days=days)
            # What comes round every few days is worth a line when it is late, not when it is near.
            if when is None or when <= (until if days > NOTICE.days else until - NOTICE):
                yield Due(when, what, f"backup of {application.id} on {host}", how(host))


def _due_in_journal(entries: Iterable[Entry]) -> Iterator[Due]:
    """Give what was asked for and is not ended: it waits for a second person, or for whoever began to go on."""
    for digest, item in asked(entries).items():
        if item.ended:
            continue
        short, subject = digest[:12], f"{item.request.procedure} {item.request.subject}"
        if not item.is_approved:
            yield Due(None, "second person", subject, f"hosting approve {short}")
        elif item.begun:
            yield Due(None, "go on", subject, f"what began {short}: hosting journal show")


def _moment(seconds: float | None) -> datetime | None:
    """Give the moment that a figure tells; none where there is none, or where it is 0: it never was."""
    return datetime.fromtimestamp(seconds, tz=UTC) if seconds else None


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else timestamp(moment)
