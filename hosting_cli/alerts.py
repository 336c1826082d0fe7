"""Alerts, as Prometheus tells them: which fire, since when, and which runbook answers them.  Values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hosting_cli.journal import timestamp
from inventory.resource import Json


class AlertState(StrEnum):
    """Whether somebody is woken, or will be if it goes on."""

    FIRING = "firing"
    PENDING = "pending"


@dataclass(frozen=True)
class Alert:
    """One alert about one thing; ``labels`` say which, ``muted`` that Alertmanager wakes nobody for it, and why.

    What it is about has been so ``since``; if it stays so it fires from ``fires_from`` on.
    """

    name: str
    severity: str
    state: AlertState
    labels: Mapping[str, str]
    summary: str
    runbook: str
    since: datetime
    fires_from: datetime
    muted: str | None = None

    @property
    def is_firing(self) -> bool:
        """Tell whether it fires."""
        return self.state is AlertState.FIRING

    def to_json(self) -> dict[str, Json]:
        """Give it for programs."""
        return {
            "name": self.name,
            "severity": self.severity,
            "state": self.state.value,
            "labels": dict(self.labels),
            "summary": self.summary,
            "runbook": self.runbook,
            "since": timestamp(self.since),
            "fires_from": timestamp(self.fires_from),
            "muted": self.muted,
        }
