"""What a collection keeps, and how it is read back: what checks saw, and what it was judged by."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from hosting_cli.canonical import canonical
from hosting_cli.checks.observation import Collected, Observation, Outcome, RawReading, Sentence
from hosting_cli.controls.assessment import Assessment
from hosting_cli.controls.history import RecordSeen
from hosting_cli.controls.summary import summary
from hosting_cli.evidence.chain import Recorded, record
from hosting_cli.evidence.period import Period
from hosting_cli.evidence.programs import verify
from hosting_cli.evidence.verifying import Chain, fetched
from hosting_cli.session import Session
from inventory.control_catalogue import load_sheets
from inventory.models import Region
from inventory.resource import Json

KIND = "collection"
READINGS, OBSERVATIONS, VERDICTS, CATALOGUE, DECLARED = "readings", "observations", "verdicts", "catalogue", "declared"


def kept(session: Session, found: Assessment) -> Recorded:
    """Record what was seen and how it was judged; raise ``EngineError`` when the evidence or the vault refuses."""
    data: dict[str, Json] = {
        "files": session.files_digest,
        "outcomes": _outcomes(found.collected),
        "verdicts": [count.to_json() for count in summary(found.verdicts)],
    }
    return record(session, KIND, parts(session.region, found), data)


def parts(region: Region, found: Assessment) -> dict[str, tuple[bytes, ...]]:
    """Give what is kept of a collection, by its roles; a reading's digest is the one that observations name it by."""
    verdicts: list[Json] = [{"control": it.control.id, "verdict": it.verdict.value} for it in found.verdicts]
    return {
        READINGS: tuple(canonical(reading.to_json()) for reading in found.collected.readings.values()),
        OBSERVATIONS: (canonical([item.to_json() for item in found.collected.observations]),),
        VERDICTS: (canonical(verdicts),),
        CATALOGUE: (catalogue(),),
        DECLARED: (declared(region),),
    }


def catalogue() -> bytes:
    """Give what is judged by: every control of every layer."""
    return canonical([sheet.model_dump(mode="json") for sheet in load_sheets()])


def declared(region: Region) -> bytes:
    """Give what a region's files declare: documents, exclusions and waivers."""
    return canonical(region.model_dump(mode="json", include={"statements", "exclusions", "waivers"}))


def _outcomes(collected: Collected) -> dict[str, Json]:
    outcomes = [item.outcome for item in collected.observations]
    return {outcome.value: outcomes.count(outcome) for outcome in Outcome}


# -- read back -----------------------------------------------------------------------------------------------------


def earlier(session: Session, chain: Chain, names: Sequence[str]) -> tuple[RecordSeen, ...]:
    """Read how controls stood by each of some records."""
    content = fetched(session, chain, {part for name in names for part in chain.parts(name, VERDICTS)})
    return tuple(
        RecordSeen(
            name,
            verify.sha256(chain.contents[name]),
            verify.moment(chain.records[name].body["time"]),
            chain.records[name].body["who"],
            {
                item["control"]: item["verdict"]
                for part in chain.parts(name, VERDICTS)
                for item in json.loads(content[part])
            },
        )
        for name in names
    )


def collections(chain: Chain, period: Period) -> tuple[str, ...]:
    """Name the collections of a period that the platform signed, the oldest first."""
    return tuple(
        name
        for name, found in sorted(chain.records.items())
        if found.body["kind"] == KIND and period.holds(verify.moment(found.body["time"])) and chain.is_ours(name)
    )


def collected(session: Session, chain: Chain, name: str) -> Collected:
    """Read back what was seen in a collection."""
    observations = fetched(session, chain, chain.parts(name, OBSERVATIONS))
    readings = fetched(session, chain, chain.parts(name, READINGS))
    return Collected(
        tuple(_observation(item) for content in observations.values() for item in json.loads(content)),
        {part.removeprefix(verify.OBJECTS): _reading(json.loads(content)) for part, content in readings.items()},
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
