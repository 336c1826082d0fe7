"""Assess a region: read everything, put every check to it, and judge every control of the catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from hosting_cli.checks.collect import collect
from hosting_cli.checks.observation import Collected
from hosting_cli.checks.registry import run
from hosting_cli.controls.judgement import judge
from hosting_cli.controls.verdict import ControlVerdict
from hosting_cli.session import Session
from inventory.control_catalogue import load_controls
from inventory.controls import Control
from inventory.models import Region


@dataclass(frozen=True)
class Assessment:
    """What was observed, and the verdict of every control, in the order of the catalogue."""

    collected: Collected
    verdicts: tuple[ControlVerdict, ...]

    @property
    def by_control(self) -> Mapping[str, ControlVerdict]:
        """Give the verdicts by the ids of their controls."""
        return {verdict.control.id: verdict for verdict in self.verdicts}

    def supporting(self, control: Control) -> tuple[ControlVerdict, ...]:
        """Give the verdicts of what supports *control* from the layer below: to be shown beside it, never counted."""
        return tuple(item for item in self.verdicts if control.id in item.control.supports)


def assess(session: Session) -> Assessment:
    """Read and judge everything, live; raise what ``collect`` raises."""
    return assessed(session.region, run(collect(session)), session.clock())


def assessed(region: Region, collected: Collected, now: datetime) -> Assessment:
    """Judge what was collected, then or earlier, as of *now*.  Pure but for the catalogue, which never changes."""
    return Assessment(collected, judge(load_controls().values(), region, collected.observations, now))
