"""The units by which the controller looks after everything by itself."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from hosting_cli.errors import UsageError
from hosting_cli.result import Result, Table, text
from hosting_cli.session import Session
from hosting_cli.whole_files import replace_file
from inventory.resource import Json

IntoOption = Annotated[
    Path | None,
    typer.Option("--into", metavar="FOLDER", help="Write the units there, like /etc/systemd/system; else show them."),
]
UserOption = Annotated[str, typer.Option("--user", metavar="ACCOUNT", help="As whom they run; it reads the region.")]


def schedule(session: Session, into: IntoOption = None, user: UserOption = "hosting") -> Result:
    """Write the units by which the controller looks by itself.

    A systemd service for what Prometheus asks (`hosting metrics serve`), and a service and a timer each for what must
    not wait for somebody to think of it: second copies of backups, evidence, checks of repositories, and drills, as the
    continuity classes ask for them.  Without
    --into they are only shown.  They run as --user, on this region and environment, with the token that the environment
    names.
    """
    from monitoring.schedule import Controller, units
    from monitoring.schedule import schedule as scheduled

    environment, file = session.environment, session.environment_file
    assert environment and file  # noqa: S101 it was loaded from there
    program = Path(sys.argv[0]).resolve()
    if not os.access(program, os.X_OK):
        raise UsageError("schedule", f"systemd could not start {program}", "Run this by its name: hosting schedule.")
    try:
        controller = Controller(
            program=str(program),
            region=str(session.folder.resolve()),
            environment=str(file.resolve()),
            user=user,
        )
    except ValueError as error:
        raise UsageError("schedule", str(error), "Put it into a folder of such a name.") from error
    written = units(controller)
    data: dict[str, Json] = {"units": dict(written)}
    if into is None:
        blocks = tuple(text(f"# {name}", *content.splitlines(), "") for name, content in written.items())
        return Result("schedule", data, blocks)
    for name, content in written.items():
        replace_file(into / name, content.encode(), remedy="Give another --into.")
    rows = (
        *((f"{watch.name}.service", "always", watch.says) for watch in scheduled().watches),
        *((f"{job.name}.timer", job.calendar, job.says) for job in scheduled().jobs),
    )
    then = text(f"Now: systemctl daemon-reload && systemctl enable --now {' '.join(unit for unit, *_ in rows)}")
    return Result("schedule", data, (Table("", ("unit", "when", "what"), rows), then))
