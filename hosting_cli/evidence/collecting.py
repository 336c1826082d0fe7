"""What a collection keeps: observations, the raw readings that they were made from, and the catalogue.  Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hosting_cli.canonical import canonical
from hosting_cli.checks.observation import Collected, Observation, Outcome, RawReading, Sentence
from inventory.resource import Json

KIND = "collection"
READINGS, OBSERVATIONS, CATALOGUE = "readings", "observations", "catalogue"


def parts(collected: Collected, catalogue: Json) -> dict[str, tuple[bytes, ...]]:
    """Give what is kept of a collection, by its roles; a reading's digest is the one that observations name it by."""
    return {
        READINGS: tuple(canonical(reading.to_json()) for reading in collected.readings.values()),
        OBSERVATIONS: (canonical([item.to_json() for item in collected.observations]),),
        CATALOGUE: (canonical(catalogue),),
    }


def counts(collected: Collected) -> dict[str, Json]:
    """Count what was seen, for the record itself."""
    outcomes = [item.outcome for item in collected.observations]
    return {outcome.value: outcomes.count(outcome) for outcome in Outcome}


@dataclass(frozen=True)
class Read:
    """A collection as it was kept: the observations, and every raw reading by its digest."""

    observations: tuple[Observation, ...]
    readings: Mapping[str, RawReading]


def read(observations: bytes, readings: Mapping[str, bytes]) -> Read:
    """Read back what ``parts`` gave."""
    return Read(
        tuple(map(_observation, json.loads(observations))),
        {digest: _reading(json.loads(content)) for digest, content in readings.items()},
    )


def _observation(found: Mapping[str, Any]) -> Observation:
    return Observation(
        check=found["check"],
        subject=found["subject"],
        outcome=Outcome(found["outcome"]),
        observed=found["observed"],
        sentence=Sentence(**found["sentence"]),
        source=found["source"],
        command=found["command"],
        read_at=datetime.fromisoformat(found["read_at"]),
        maximum_age=timedelta(seconds=found["maximum_age_seconds"]),
        reading=found["reading"],
    )


def _reading(found: Mapping[str, Any]) -> RawReading:
    return RawReading(
        found["source"],
        found["command"],
        datetime.fromisoformat(found["read_at"]),
        found["content"],
        found["reason"],
    )
