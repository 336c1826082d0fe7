"""Figures for the monitoring: what the engines and the journal say of backups, drills, keys, volumes, gateways.

A figure that could not be read is left out, never made up: the alert on what is missing is for that.  Names and times
of things, never a value of a secret, nothing of a patient.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from hosting_cli.backups.history import Drill
from hosting_cli.backups.standing import Rpo, Standing
from hosting_cli.keys.judgement import Judged
from hosting_cli.tunnels.charge import GatewayCharge, holders
from hosting_cli.volumes.standing import Standing as HeaderStanding

DAY_SECONDS = 24 * 3600

HELP = {
    "hosting_controller_run_timestamp_seconds": "When the controller last looked.",
    "hosting_repository_readable": "Whether a repository of backups could be read.",
    "hosting_stored_backup_timestamp_seconds": "When the object store took the newest snapshot, by its own clock.",
    "hosting_stored_backup_rpo_met": "Whether no more would be lost now than the continuity class allows.",
    "hosting_stored_backup_size_bytes": "How much a repository takes in the object store.",
    "hosting_stored_backup_snapshots": "How many snapshots a repository has.",
    "hosting_stored_check_timestamp_seconds": "When a repository was last checked from the controller.",
    "hosting_stored_check_success": "Whether that check found the repository whole.",
    "hosting_second_copy_waiting_seconds": "For how long the oldest snapshot that the second copy lacks has waited.",
    "hosting_drill_last_success_timestamp_seconds": "When a drill was last good; 0 if none ever was.",
    "hosting_drill_last_attempt_success": "Whether the last drill was good, and in time.",
    "hosting_drill_duration_seconds": "How long the last drill took until everything was back.",
    "hosting_key_age_seconds": "How old the value of a key or secret is.",
    "hosting_key_limit_seconds": "How old it may become.",
    "hosting_shared_address_holders": "How many gateways of a pair hold the address that they share in a segment.",
    "hosting_volume_header_saved": "Whether the header of a volume is kept as it is, on its host and in the evidence.",
}
"""Every figure, with what it says; all are gauges."""


@dataclass(frozen=True)
class Sample:
    """One figure of one thing."""

    name: str
    labels: Mapping[str, str]
    value: float


def of_backups(standings: Iterable[Standing], drills: Iterable[Drill], now: datetime) -> tuple[Sample, ...]:
    """Give what is known of backups, their checks and drills.  Pure."""
    made = tuple(drills)
    found = [_run("backups", now)]
    for standing in standings:
        found += _of_backup(standing)
        found += _of_drills(standing, [drill for drill in made if drill.repository == standing.place.name])
    return tuple(found)


def of_keys(judged: Iterable[Judged], now: datetime) -> tuple[Sample, ...]:
    """Give what is known of the ages of keys and secrets.  Pure."""
    return (_run("keys", now), *(sample for item in judged for sample in _of_key(item)))


def of_volumes(standings: Iterable[HeaderStanding], now: datetime) -> tuple[Sample, ...]:
    """Give what is known of the copies of headers.  Pure."""
    found = [_run("volumes", now)]
    for standing in standings:
        if standing.is_saved is not None:
            volume = standing.seen.place.volume
            labels = {"application": volume.application, "host": volume.host, "volume": volume.volume}
            found.append(Sample("hosting_volume_header_saved", labels, float(standing.is_saved)))
    return tuple(found)


def of_gateways(charges: Iterable[GatewayCharge], now: datetime) -> tuple[Sample, ...]:
    """Give what is known of who holds the addresses that pairs of gateways share.  Pure."""
    found = [_run("gateways", now)]
    for (pair, segment), count in holders(charges).items():
        found.append(Sample("hosting_shared_address_holders", {"pair": pair, "segment": segment}, float(count)))
    return tuple(found)


def _run(part: str, now: datetime) -> Sample:
    return Sample("hosting_controller_run_timestamp_seconds", {"part": part}, now.timestamp())


def _of_backup(standing: Standing) -> Iterator[Sample]:
    labels, seen, check = _labels(standing), standing.repository, standing.last_check
    yield Sample("hosting_repository_readable", labels, float(standing.error is None))
    if standing.rpo is not Rpo.UNKNOWN:
        yield Sample("hosting_stored_backup_rpo_met", labels, float(standing.rpo is Rpo.MET))
    if standing.last is not None:
        yield Sample("hosting_stored_backup_timestamp_seconds", labels, standing.last.timestamp())
    if seen is not None:
        yield Sample("hosting_stored_backup_size_bytes", labels, seen.size_bytes)
        yield Sample("hosting_stored_backup_snapshots", labels, len(seen.snapshots))
    if standing.lag is not None:
        since = standing.lag.waiting_since
        waiting = (standing.now - since).total_seconds() if since else 0.0
        yield Sample("hosting_second_copy_waiting_seconds", labels, waiting)
    if check is not None:
        yield Sample("hosting_stored_check_timestamp_seconds", labels, check.time.timestamp())
        yield Sample("hosting_stored_check_success", labels, float(check.damage is None))


def _of_drills(standing: Standing, drills: list[Drill]) -> Iterator[Sample]:
    labels = _labels(standing)
    good = [drill.time.timestamp() for drill in drills if drill.is_met]
    yield Sample("hosting_drill_last_success_timestamp_seconds", labels, max(good, default=0.0))
    if drills:
        yield Sample("hosting_drill_last_attempt_success", labels, float(drills[-1].is_met))
        yield Sample("hosting_drill_duration_seconds", labels, drills[-1].seconds)


def _labels(standing: Standing) -> dict[str, str]:
    return {"application": standing.place.application, "host": standing.place.host}


def _of_key(judged: Judged) -> Iterator[Sample]:
    labels = {"kind": judged.key.kind.value, "name": judged.key.name, "owner": judged.key.owner}
    if judged.age_days is not None:
        yield Sample("hosting_key_age_seconds", labels, judged.age_days * DAY_SECONDS)
        yield Sample("hosting_key_limit_seconds", labels, judged.limit.days * DAY_SECONDS)


def exposition(found: Iterable[Sample]) -> str:
    """Write *found* in Prometheus's text form."""
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry()
    gauges: dict[str, Gauge] = {}
    for sample in found:
        if sample.name not in gauges:
            gauges[sample.name] = Gauge(sample.name, HELP[sample.name], list(sample.labels), registry=registry)
        gauge = gauges[sample.name]
        gauge.labels(**sample.labels).set(sample.value)
    return generate_latest(registry).decode()
