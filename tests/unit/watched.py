"""What the monitoring says of the sample when all is well, and what of it can be said otherwise."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from sample import APPLICATION, HOST, NOW, region

from hosting_cli.alerts import Alert, AlertState
from hosting_cli.errors import HostingError
from hosting_cli.figures import Sample

BACKED_UP = {"application": APPLICATION, "host": HOST}
DAY = 24 * 3600


def alert(name: str, severity: str = "critical", *, minutes: int = 5, **changes: object) -> Alert:
    """Give an alert that fires, and is about nothing in particular."""
    found = Alert(
        name=name,
        severity=severity,
        state=AlertState.FIRING,
        labels={},
        summary=f"what {name} says",
        runbook="runbooks/vault-sealed.md",
        since=NOW - timedelta(minutes=minutes),
        fires_from=NOW,
    )
    return Alert(**{**vars(found), **changes})


def key(name: str, age_days: float, limit_days: float = 365) -> tuple[Sample, Sample]:
    """Give the figures of a key."""
    labels = {"kind": "transit-key", "name": name, "owner": APPLICATION}
    return (
        Sample("hosting_key_age_seconds", labels, age_days * DAY),
        Sample("hosting_key_limit_seconds", labels, limit_days * DAY),
    )


def ago(**since: float) -> float:
    """Give a moment before now, as figures have it."""
    return (NOW - timedelta(**since)).timestamp()


WELL: tuple[Sample, ...] = (
    Sample("hosting_vault_reachable", {}, 1),
    Sample("hosting_vault_sealed", {}, 0),
    Sample("hosting_certificate_end_timestamp_seconds", {"engine": "vault"}, ago(days=-200)),
    *(Sample("hosting_store_reachable", {"store": store.id}, 1) for store in region().stores),
    *(Sample("up", {"job": "hosting-hosts", "host": host.id}, 1) for host in region().hosts),
    Sample("hosting_evidence_last_record_timestamp_seconds", {}, ago(hours=5)),
    Sample("hosting_repository_readable", BACKED_UP, 1),
    Sample("hosting_stored_backup_timestamp_seconds", BACKED_UP, ago(minutes=20)),
    Sample("hosting_drill_last_success_timestamp_seconds", BACKED_UP, ago(days=20)),
    Sample("hosting_backup_check_last_success_timestamp_seconds", BACKED_UP, ago(hours=3)),
    *key("hosting-objects", 10),
)


def changed(figures: Iterable[Sample] = WELL, **values: float | None) -> tuple[Sample, ...]:
    """Give figures with other values for all samples of a name; ``None`` leaves them out."""
    found: Mapping[str, float | None] = {f"hosting_{name}" if name != "up" else name: v for name, v in values.items()}
    return tuple(
        Sample(sample.name, sample.labels, found.get(sample.name, sample.value) or 0)
        for sample in figures
        if found.get(sample.name, 0) is not None
    )


class FakeMonitoring:
    """A monitoring that knows what it is told to, or cannot be asked."""

    def __init__(self) -> None:
        self.known: tuple[Alert, ...] | HostingError = ()
        self.told: tuple[Sample, ...] | HostingError = WELL

    def alerts(self) -> tuple[Alert, ...]:
        if isinstance(self.known, HostingError):
            raise self.known
        return self.known

    def figures(self) -> tuple[Sample, ...]:
        if isinstance(self.told, HostingError):
            raise self.told
        return self.told
