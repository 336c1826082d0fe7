"""Say to Prometheus what the region's files promise, beside the rules that hold the world against it.  Pure.

The rules are files of their own in ``rules/``; here come the figures that they compare with, a recording rule each.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import yaml

from inventory.backups import backed_up_hosts, class_of, longest_age_minutes, rhythm_of
from inventory.models import Region

RULES = Path(__file__).parent / "rules"

DAY_SECONDS = 24 * 3600


def rules(region: Region) -> str:
    """Give one file of rules for the whole of *region*."""
    promises = [*_promises(region), *_hosts(region), *_accepted_risks(region)]
    groups = [{"name": "hosting-promises", "rules": promises}]
    for path in sorted(RULES.glob("*.yaml")):
        groups += yaml.safe_load(path.read_text())["groups"]
    head = "# Written by `hosting metrics configure` from the region's files: change those.\n"
    return head + yaml.safe_dump({"groups": groups}, sort_keys=False, allow_unicode=True, width=120)


def _promises(region: Region) -> Iterator[dict[str, Any]]:
    """Give a rule for each figure of each application on each host that holds a volume to be copied."""
    for application in region.applications:
        promise, rhythm = class_of(region, application), rhythm_of(region, application)
        figures = {
            "hosting:promised_rpo:seconds": promise.rpo_minutes * 60,
            "hosting:promised_backup_age:seconds": longest_age_minutes(region, application) * 60,
            "hosting:promised_check_interval:seconds": rhythm.check_days * DAY_SECONDS,
            "hosting:promised_drill_interval:seconds": rhythm.drill_days * DAY_SECONDS,
        }
        for host in backed_up_hosts(application):
            labels = {"application": application.id, "host": host, "continuity": promise.code}
            for name, seconds in figures.items():
                yield {"record": name, "expr": f"vector({seconds})", "labels": dict(labels)}


def _hosts(region: Region) -> Iterator[dict[str, Any]]:
    """Give a rule for each host that there should be."""
    for host in region.hosts:
        labels = {"host": host.id, "site": host.site}
        yield {"record": "hosting:promised_host:info", "expr": "vector(1)", "labels": labels}


def _accepted_risks(region: Region) -> Iterator[dict[str, Any]]:
    """Give a rule for the end of each risk that somebody accepted: the day after its last one begins, in UTC."""
    for tunnel in region.tunnels:
        if tunnel.wireguard is not None:
            risk = tunnel.wireguard.accepted_risk
            end = datetime.combine(risk.until + timedelta(days=1), time(), UTC)
            labels = {"tunnel": tunnel.id, "accepted_by": risk.accepted_by}
            expression = f"vector({int(end.timestamp())})"
            yield {"record": "hosting:accepted_risk_end:timestamp_seconds", "expr": expression, "labels": labels}
