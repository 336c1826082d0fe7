"""The systemd units by which the controller looks after everything by itself.  Pure.

What it does, always or when, stands in ``timers/schedule.yaml``; how a unit is written, in the templates beside it.
"""

import re
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel, ConfigDict, Field

TIMERS = Path(__file__).parent / "timers"

_WORD = re.compile(r"[A-Za-z0-9/._-]+")


class Job(BaseModel):
    """Something that the controller does by itself, one command after the other."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    says: str
    calendar: str
    limit: str
    tolerates: tuple[int, ...] = ()
    commands: Annotated[tuple[str, ...], Field(min_length=1)]


class Watch(BaseModel):
    """Something that the controller does all the time, in one command."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    says: str
    command: str


class Schedule(BaseModel):
    """All that it does by itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    watches: tuple[Watch, ...]
    jobs: tuple[Job, ...]


@dataclass(frozen=True)
class Controller:
    """Where things are on the machine that looks after everything, and as whom it does."""

    program: str
    region: str
    environment: str
    user: str

    def __post_init__(self) -> None:
        """Refuse with ``ValueError`` what systemd would read as more than one word, or as a specifier of its own."""
        for name, value in asdict(self).items():
            if not _WORD.fullmatch(value):
                raise ValueError(f"{name} is {value!r}: use letters, digits, and / . _ - only")


@cache
def schedule() -> Schedule:
    """Read what there is to do."""
    return Schedule.model_validate(yaml.safe_load((TIMERS / "schedule.yaml").read_text()))


def units(controller: Controller) -> dict[str, str]:
    """Give the text of each unit by its file name: a service a watch, a service and a timer a job."""
    templates = Environment(
        loader=FileSystemLoader(TIMERS),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 these are unit files, not HTML
    )
    places = asdict(controller)
    found = {}
    for watch in schedule().watches:
        found[f"{watch.name}.service"] = templates.get_template("watch.j2").render(**places, **watch.model_dump())
    for job in schedule().jobs:
        for kind in ("service", "timer"):
            found[f"{job.name}.{kind}"] = templates.get_template(f"{kind}.j2").render(**places, **job.model_dump())
    return found
