"""Figures and rules for Prometheus."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hosting_cli.result import Result, status_of, text
from hosting_cli.session import Session
from hosting_cli.whole_files import replace_file
from inventory.resource import Json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hosting_cli.errors import HostingError
    from hosting_cli.figures import Sample


class Part(StrEnum):
    """What there are figures of."""

    BACKUPS = "backups"
    KEYS = "keys"
    VOLUMES = "volumes"
    GATEWAYS = "gateways"


OnlyOption = Annotated[
    Part | None, typer.Option("--only", help="Figures of these alone, for a token that may see no more.")
]
IntoOption = Annotated[
    Path | None,
    typer.Option("--into", metavar="FILE", help="Replace this file in one step, for the node exporter to show."),
]
RulesOption = Annotated[
    bool, typer.Option("--rules", help="Not the figures, but the rules that Prometheus holds them against.")
]


def metrics(session: Session, only: OnlyOption = None, into: IntoOption = None, rules: RulesOption = False) -> Result:
    """Print figures and rules for Prometheus.

    What the object store, the vault, hosts and the journal say, in Prometheus's text form: how old the newest backup of
    each application and host is by the store's own clock and whether its promise is met, the last check, the last good
    drill, the age and limit of each key, whether the header of each volume is saved, how many gateways of
    a pair hold each address that they share.  What could not be read is left out, and said.  A token with the policy
    hosting-metrics is enough for --only keys; backups take one that may open their repositories, volumes and gateways
    one that may log in to their hosts.  With --rules, the rules: what the region's files
    promise, and the alerts, each of which names its runbook; that takes nothing but the files.  Fit for a timer: exit
    status 0 when everything could be read, 4 when something could not.
    """
    if rules:
        return _rules(session, into)
    from hosting_cli.figures import exposition

    found: list[Sample] = []
    errors: list[HostingError] = []
    for read in _PARTS.values() if only is None else (_PARTS[only],):
        more, unread = read(session)
        found += more
        errors += unread
    data: list[Json] = [{"name": item.name, "labels": dict(item.labels), "value": item.value} for item in found]
    return _given("figures", exposition(found), into, {"samples": data}, errors)


def _backups(session: Session) -> "tuple[Sequence[Sample], Sequence[HostingError]]":
    from hosting_cli.backups.history import drills
    from hosting_cli.commands.backup import standings_of
    from hosting_cli.figures import of_backups

    standings = standings_of(session, None)
    found = of_backups(standings, drills(session.journal.entries()), session.clock())
    return found, [error for standing in standings for error in standing.errors]


def _keys(session: Session) -> "tuple[Sequence[Sample], Sequence[HostingError]]":
    from hosting_cli.commands.key import judged_keys, unread_errors
    from hosting_cli.figures import of_keys

    # Gateways tell the monitoring of theirs themselves, and whoever may see ages alone may log in on none.
    judged, seen = judged_keys(session, of_vault_only=True)
    return of_keys(judged, session.clock()), unread_errors(seen)


def _volumes(session: Session) -> "tuple[Sequence[Sample], Sequence[HostingError]]":
    from hosting_cli.errors import HostingError, UnreadableError
    from hosting_cli.figures import of_volumes
    from hosting_cli.volumes.copies import standings
    from hosting_cli.volumes.places import places
    from hosting_cli.volumes.standing import HeaderState

    if session.region.evidence is None:  # there is nowhere to keep a copy
        return of_volumes((), session.clock()), []
    try:
        found = standings(session, places(session.region, session.environment))
    except HostingError as error:  # not even a certificate to log in with: no host could be asked
        return of_volumes((), session.clock()), [error]
    unread = [
        UnreadableError(f"volume {item.seen.place.name}", "; ".join(item.reasons), "Mend that, and look again.")
        for item in found
        if item.state is HeaderState.UNKNOWN
    ]
    return of_volumes(found, session.clock()), unread


def _gateways(session: Session) -> "tuple[Sequence[Sample], Sequence[HostingError]]":
    from hosting_cli.errors import HostingError, UnreadableError
    from hosting_cli.figures import of_gateways
    from hosting_cli.tunnels import charge

    if not session.region.gateway_pairs:
        return of_gateways((), session.clock()), []
    try:
        found = charge.read(session, session.region.gateway_pairs)
    except HostingError as error:  # not even a certificate to log in with: no host could be asked
        return of_gateways((), session.clock()), [error]
    unread = [
        UnreadableError(f"gateway {each.gateway}", each.why, "Mend that, and look again.")
        for each in found
        if each.held is None
    ]
    return of_gateways(found, session.clock()), unread


_PARTS: "Mapping[Part, Callable[[Session], tuple[Sequence[Sample], Sequence[HostingError]]]]" = {
    Part.BACKUPS: _backups,
    Part.KEYS: _keys,
    Part.VOLUMES: _volumes,
    Part.GATEWAYS: _gateways,
}


def _rules(session: Session, into: Path | None) -> Result:
    from monitoring.render import rules

    rendered = rules(session.region)
    return _given("rules", rendered, into, {"rules": rendered}, [])


def _given(noun: str, written: str, into: Path | None, data: dict[str, Json], errors: "list[HostingError]") -> Result:
    """Print what was written, or put it into a file."""
    if into is None:
        block = text(*written.splitlines())
    else:
        replace_file(into, written.encode(), remedy="Give another --into.")
        block = text(f"The {noun} are in {into}.")
    return Result("metrics", data, (block,), status_of(errors), tuple(errors))
