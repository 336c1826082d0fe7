"""Figures for the monitoring: what the engines and the journal say of what is watched from the controller.

A figure that could not be read is left out, never made up: the alert on what is missing is for that.  Names and times
of things, never a value of a secret, nothing of a patient.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from hosting_cli.backups.history import Drill
from hosting_cli.backups.standing import Rpo, Standing
from hosting_cli.keys.judgement import Judged
from hosting_cli.keys.values import SealState
from hosting_cli.network.proving import HostProof
from hosting_cli.network.proving import Standing as NetworkStanding
from hosting_cli.tunnels.charge import GatewayCharge, holders
from hosting_cli.volumes.standing import Standing as HeaderStanding

if TYPE_CHECKING:
    from prometheus_client import Metric

DAY_SECONDS = 24 * 3600

HELP = {
    "hosting_reading_age_seconds": "For how long nothing has been read of a part; since it is served where never.",
    "hosting_reading_limit_seconds": "How old a reading of a part may become; its figures are left out from then on.",
    "hosting_reading_duration_seconds": "How long the last reading of a part took.",
    "hosting_reading_unread": "Of how many things of a part the last reading could tell nothing.",
    "hosting_vault_reachable": "Whether the vault answered.",
    "hosting_vault_sealed": "Whether the vault said that it is sealed.",
    "hosting_store_reachable": "Whether an object store answered, and not that it is broken.",
    "hosting_certificate_end_timestamp_seconds": "When the certificate ends that an engine shows.",
    "hosting_firewall_as_declared": "Whether the kernel of a host lets through what the files say, and no more.",
    "hosting_evidence_last_record_timestamp_seconds": "When the store took the newest record; 0 if there is none.",
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


def of_vault(seal: SealState | None) -> tuple[Sample, ...]:
    """Give what the vault said of itself; ``None`` when it did not answer.  Pure."""
    if seal is None:
        return (Sample("hosting_vault_reachable", {}, 0.0),)
    return Sample("hosting_vault_reachable", {}, 1.0), Sample("hosting_vault_sealed", {}, float(seal.sealed))


def of_store(store: str, reachable: bool) -> tuple[Sample, ...]:
    """Give whether an object store answered.  Pure."""
    return (Sample("hosting_store_reachable", {"store": store}, float(reachable)),)


def of_certificate(engine: str, end: datetime) -> tuple[Sample, ...]:
    """Give when the certificate of an engine ends.  Pure."""
    return (Sample("hosting_certificate_end_timestamp_seconds", {"engine": engine}, end.timestamp()),)


def of_firewalls(proofs: Iterable[HostProof]) -> tuple[Sample, ...]:
    """Give whether hosts let through what the files say; of an unknown one nothing.  Pure."""
    return tuple(
        Sample("hosting_firewall_as_declared", {"host": proof.host}, float(proof.standing is NetworkStanding.PROVEN))
        for proof in proofs
        if proof.standing is not NetworkStanding.UNKNOWN
    )


def of_evidence(last_record: datetime | None) -> tuple[Sample, ...]:
    """Give when the newest record was taken.  Pure."""
    taken = 0.0 if last_record is None else last_record.timestamp()
    return (Sample("hosting_evidence_last_record_timestamp_seconds", {}, taken),)


def of_backups(standings: Iterable[Standing], drills: Iterable[Drill]) -> tuple[Sample, ...]:
    """Give what is known of backups, their checks and drills.  Pure."""
    made, found = tuple(drills), list[Sample]()
    for standing in standings:
        found += _of_backup(standing)
        found += _of_drills(standing, [drill for drill in made if drill.repository == standing.place.name])
    return tuple(found)


def of_keys(judged: Iterable[Judged]) -> tuple[Sample, ...]:
    """Give what is known of the ages of keys and secrets.  Pure."""
    return tuple(sample for item in judged for sample in _of_key(item))


def of_volumes(standings: Iterable[HeaderStanding]) -> tuple[Sample, ...]:
    """Give what is known of the copies of headers.  Pure."""
    found = list[Sample]()
    for standing in standings:
        if standing.is_saved is not None:
            volume = standing.seen.place.volume
            labels = {"application": volume.application, "host": volume.host, "volume": volume.volume}
            found.append(Sample("hosting_volume_header_saved", labels, float(standing.is_saved)))
    return tuple(found)


def of_gateways(charges: Iterable[GatewayCharge]) -> tuple[Sample, ...]:
    """Give what is known of who holds the addresses that pairs of gateways share.  Pure."""
    return tuple(
        Sample("hosting_shared_address_holders", {"pair": pair, "segment": segment}, float(count))
        for (pair, segment), count in holders(charges).items()
    )


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


class Figures:
    """A collector, as Prometheus's library calls it, of whatever *samples* gives at the moment of asking."""

    def __init__(self, samples: Callable[[], Iterable[Sample]]) -> None:
        self._samples = samples

    def collect(self) -> "Iterable[Metric]":
        """Sort the samples into families."""
        from prometheus_client.core import GaugeMetricFamily

        families: dict[str, GaugeMetricFamily] = {}
        for sample in self._samples():
            if sample.name not in families:
                families[sample.name] = GaugeMetricFamily(sample.name, HELP[sample.name], labels=list(sample.labels))
            families[sample.name].add_metric(list(sample.labels.values()), sample.value)
        return families.values()


def exposition(found: Iterable[Sample]) -> str:
    """Write *found* in Prometheus's text form."""
    from prometheus_client import generate_latest

    return generate_latest(Figures(lambda: found)).decode()
