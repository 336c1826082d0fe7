"""Figures and rules for Prometheus."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hosting_cli.errors import EngineError
from hosting_cli.result import Result, status_of, text
from hosting_cli.session import Session
from inventory.resource import Json

if TYPE_CHECKING:
    from hosting_cli.errors import HostingError

IntoOption = Annotated[
    Path | None,
    typer.Option("--into", metavar="FILE", help="Replace this file in one step, for the node exporter to show."),
]
RulesOption = Annotated[
    bool, typer.Option("--rules", help="Not the figures, but the rules that Prometheus holds them against.")
]


def metrics(session: Session, into: IntoOption = None, rules: RulesOption = False) -> Result:
    """Print figures of backups, drills and keys for Prometheus.

    What the object store, the vault and the journal say, in Prometheus's text form: how old the newest backup of each
    application and host is by the store's own clock and whether its promise is met, the last check, the last good
    drill, the age and limit of each key.  What could not be read is left out, and said.  With --rules, the rules: what
    the region's files promise, and the alerts, each of which names its runbook; that takes nothing but the files.  Fit
    for a timer: exit status 0 when everything could be read, 4 when something could not.
    """
    if rules:
        return _rules(session, into)
    from hosting_cli.backups.history import drills
    from hosting_cli.commands.backup import standings_of
    from hosting_cli.commands.key import judged_keys, unread_errors
    from hosting_cli.figures import exposition, samples

    standings = standings_of(session, None)
    judged, seen = judged_keys(session)
    found = samples(standings, drills(session.journal.entries()), judged, session.clock())
    errors: list[HostingError] = [error for standing in standings for error in standing.errors]
    errors += unread_errors(seen)
    data: list[Json] = [{"name": item.name, "labels": dict(item.labels), "value": item.value} for item in found]
    return _given("figures", exposition(found), into, {"samples": data}, errors)


def _rules(session: Session, into: Path | None) -> Result:
    from monitoring.render import rules

    rendered = rules(session.region)
    return _given("rules", rendered, into, {"rules": rendered}, [])


def _given(noun: str, written: str, into: Path | None, data: dict[str, Json], errors: "list[HostingError]") -> Result:
    """Print what was written, or put it into a file."""
    if into is None:
        block = text(*written.splitlines())
    else:
        _replace(into, written)
        block = text(f"The {noun} are in {into}.")
    return Result("metrics", data, (block,), status_of(errors), tuple(errors))


def _replace(file: Path, content: str) -> None:
    """Replace *file* in one step, so that whoever reads it never sees half; raise ``EngineError`` if it cannot be."""
    fresh = file.with_name(f".{file.name}.new")
    try:
        fresh.write_text(content)
        fresh.chmod(0o644)
        fresh.replace(file)
    except OSError as error:
        raise EngineError(f"file {file}", f"cannot be written ({error.strerror})", "Give another --into.") from error
