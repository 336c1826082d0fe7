"""Hold a region's files against the models and the rules."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hosting_cli.result import Result, Table, text
from hosting_cli.session import Session

if TYPE_CHECKING:
    from inventory.models import Region
    from inventory.resource import Json


def validate(
    session: Session,
    folder: Annotated[
        Path | None, typer.Argument(metavar="FOLDER", help="The region's folder; --region does the same.")
    ] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schemas for editors instead.")] = False,
) -> Result:
    """Check a region's files, and say every problem at once.

    Each with its file, line and remedy.  Nothing is read but the files, and nothing is changed.
    """
    if schema:
        return _schemas()
    session.region_folder = folder or session.region_folder
    region = session.region
    counts = {
        "sites": len(region.sites),
        "hosts": len(region.hosts),
        "members": len(region.members),
        "applications": len(region.applications),
        "flows": sum(len(application.flows) for application in region.applications),
    }
    rows = tuple((name, str(count)) for name, count in counts.items())
    accepted = tuple(_accepted(region, session.today))
    return Result(
        "validate",
        {"region": region.id, **counts, "accepted_risks": [dict(risk) for risk in accepted]},
        (
            text(f"{region.name}: the files are in order."),
            Table("", ("what", "how many"), rows),
            *([text(*map(_in_words, accepted))] if accepted else []),
        ),
    )


def _accepted(region: "Region", today: date) -> "Iterator[dict[str, Json]]":
    """Tell what is in order only for as long as somebody accepts its risk."""
    for tunnel in region.tunnels:
        if tunnel.wireguard is not None:
            risk = tunnel.wireguard.accepted_risk
            days_left = (risk.until - today).days
            yield {"tunnel": tunnel.id, "by": risk.accepted_by, "until": str(risk.until), "days_left": days_left}


def _in_words(risk: "dict[str, Json]") -> str:
    accepted = f"accepted by {risk['by']} until {risk['until']}, for {risk['days_left']} more days"
    return f"tunnel {risk['tunnel']} is WireGuard and does not follow ANSSI's note: its risk is {accepted}."


def _schemas() -> Result:
    import json

    from inventory.schema import schemas

    found = schemas()
    return Result("validate", dict(found), (text(json.dumps(found, ensure_ascii=False, indent=2)),))
