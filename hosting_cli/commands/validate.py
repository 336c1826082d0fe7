"""Hold a region's files against the models and the rules."""

from pathlib import Path
from typing import Annotated

import typer

from hosting_cli.result import Result, Table, text
from hosting_cli.session import Session


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
    return Result(
        "validate",
        {"region": region.id, **counts},
        (text(f"{region.name}: the files are in order."), Table("", ("what", "how many"), rows)),
    )


def _schemas() -> Result:
    import json

    from inventory.schema import schemas

    found = schemas()
    return Result("validate", dict(found), (text(json.dumps(found, ensure_ascii=False, indent=2)),))
