"""Say to Prometheus whom to ask, and to Alertmanager what to do with what it is told.  Pure."""

from pathlib import Path
from typing import Any

import yaml

from inventory.environment import Environment, MonitoringAccess
from inventory.models import Region
from monitoring.render import rules

ALERTMANAGER = Path(__file__).parent / "alertmanager.yaml"

EVERY_SECONDS = 15

HOSTS, CONTROLLER = "hosting-hosts", "hosting-controller"
"""The jobs, as rules know them."""

HEAD = "# Written by `hosting metrics configure` from the region's and the environment's files: change those.\n"


def files(region: Region, environment: Environment, monitoring: MonitoringAccess) -> dict[str, str]:
    """Give the text of each file by its name: what Prometheus is told, its rules, what Alertmanager is told."""
    told = yaml.safe_dump(_prometheus(region, environment, monitoring), sort_keys=False, width=120)
    return {
        "prometheus.yaml": HEAD + told,
        "rules.yaml": rules(region),
        "alertmanager.yaml": ALERTMANAGER.read_text(),
    }


def _prometheus(region: Region, environment: Environment, monitoring: MonitoringAccess) -> dict[str, Any]:
    authority = {"ca_file": str(monitoring.certificate_authority)}
    return {
        "global": {f"{what}_interval": f"{EVERY_SECONDS}s" for what in ("scrape", "evaluation")},
        "rule_files": ["rules.yaml"],
        "alerting": {"alertmanagers": [_target(monitoring.alertmanager, authority)]},
        "scrape_configs": [
            {"job_name": CONTROLLER, **_target(monitoring.figures, authority)},
            {"job_name": HOSTS, "static_configs": _hosts(region, environment)},
        ],
    }


def _target(address: str, authority: dict[str, str]) -> dict[str, Any]:
    scheme, _, place = address.partition("://")
    secured = {"tls_config": authority} if scheme == "https" else {}
    return {"scheme": scheme, **secured, "static_configs": [{"targets": [place]}]}


def _hosts(region: Region, environment: Environment) -> list[dict[str, Any]]:
    """Give the node exporter of each host that the environment reaches; the others have an alert."""
    sites = {host.id: host.site for host in region.hosts}
    return [
        {"targets": [f"{access.address}:{access.metrics_port}"], "labels": {"host": name, "site": sites[name]}}
        for name, access in environment.hosts.items()
    ]
