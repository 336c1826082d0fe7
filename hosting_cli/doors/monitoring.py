"""The door of the monitoring: Prometheus says which alerts and figures there are, Alertmanager what wakes nobody."""

import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.client import HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

from hosting_cli.alerts import Alert, AlertState
from hosting_cli.errors import UnreadableError
from hosting_cli.figures import Sample
from inventory.environment import MonitoringAccess

TIMEOUT_SECONDS = 10

OURS = "Hosting"
"""What the names of our alerts begin with; others may be watched by the same Prometheus."""


FIGURES = '{__name__=~"hosting_.+|up", job=~"hosting-.+"}'
"""All that hosts and the controller last said of themselves, and whether each was reached."""


class Monitoring:
    """Ask what Prometheus knows.  One that does not evaluate our rules knows of no alert, and is not believed."""

    def __init__(self, access: MonitoringAccess) -> None:
        self._access = access

    def figures(self) -> tuple[Sample, ...]:
        """Give every figure as it was last scraped; raise ``UnreadableError`` when Prometheus does not answer."""
        answer = self._asked(self._access.prometheus, "prometheus", f"/api/v1/query?{urlencode({'query': FIGURES})}")
        return tuple(
            Sample(str(item["metric"].pop("__name__")), item["metric"], float(item["value"][1]))
            for item in answer["data"]["result"]
        )

    def alerts(self) -> tuple[Alert, ...]:
        """Give every alert that fires or is about to, the worst and oldest first.

        Raise ``UnreadableError`` when Prometheus or Alertmanager does not answer, or Prometheus does not evaluate a
        rule of ours: no alert is then no good sign.
        """
        rules = [rule for rule in self._rules() if rule["name"].startswith(OURS)]
        subject = f"prometheus {self._access.prometheus}"
        if not rules:
            remedy = "Give it what `hosting metrics configure` writes, and have it reload."
            raise UnreadableError(subject, "has no rules of ours", remedy)
        for rule in rules:
            if rule["health"] != "ok":
                why = rule.get("lastError") or "it has not come to it yet"
                raise UnreadableError(subject, f"does not evaluate {rule['name']} ({why})", "Look at its log.")
        muted = self._muted()
        found = [_alert(rule, alert, muted) for rule in rules for alert in rule["alerts"]]
        return tuple(sorted(found, key=lambda it: (not it.is_firing, it.severity, it.since, it.name)))

    def _rules(self) -> Iterator[Mapping[str, Any]]:
        answer = self._asked(self._access.prometheus, "prometheus", "/api/v1/rules?type=alert")
        yield from (rule for group in answer["data"]["groups"] for rule in group["rules"])

    def _muted(self) -> dict[frozenset[tuple[str, str]], str]:
        """Give why Alertmanager wakes nobody, by the labels of each alert of which that is so."""
        alerts = self._asked(self._access.alertmanager, "alertmanager", "/api/v2/alerts?active=false")
        return {
            frozenset(alert["labels"].items()): "silenced" if alert["status"]["silencedBy"] else "said by another"
            for alert in alerts
        }

    def _asked(self, address: str, name: str, path: str) -> Any:
        parts = urlsplit(address)
        subject = f"{name} {address}"
        try:
            context = ssl.create_default_context(cafile=str(self._access.certificate_authority))
            connection = HTTPSConnection(
                parts.hostname or "", parts.port or 443, context=context, timeout=TIMEOUT_SECONDS
            )
            with closing(connection):
                connection.request("GET", path)
                answer = connection.getresponse()
                if answer.status != 200:
                    raise UnreadableError(subject, f"answers with {answer.status}", "Look at its log.")
                return json.loads(answer.read())
        except (OSError, HTTPException, ValueError) as error:
            what = f"cannot be asked ({getattr(error, 'strerror', None) or error})"
            raise UnreadableError(subject, what, "Is it running, and does the authority fit?") from None


def _alert(rule: Mapping[str, Any], found: Mapping[str, Any], muted: Mapping[frozenset[tuple[str, str]], str]) -> Alert:
    labels = dict(found["labels"])
    plain = {name: value for name, value in labels.items() if name not in {"alertname", "severity"}}
    since = datetime.fromisoformat(found["activeAt"]).astimezone(UTC).replace(microsecond=0)
    alert = Alert(
        name=str(rule["name"]),
        severity=labels.get("severity", ""),
        state=AlertState(found["state"]),
        labels=plain,
        summary=found["annotations"].get("summary", ""),
        runbook=found["annotations"].get("runbook", ""),
        since=since,
        fires_from=since + timedelta(seconds=float(rule["duration"])),
    )
    return replace(alert, muted=muted.get(frozenset(labels.items())))
