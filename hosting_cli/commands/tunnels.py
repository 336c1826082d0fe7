"""Tunnels to establishments: what our gateways are told, how they stand, and what the other end is sent."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hosting_cli.errors import RefusedError, UsageError
from hosting_cli.result import ExitStatus, Result, Table, text
from hosting_cli.session import Session
from hosting_cli.tunnels.sheet import Language

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploys.tunnels import Link
    from hosting_cli.tunnels.standing import TunnelStanding


class Action(StrEnum):
    """What is wanted of a tunnel."""

    SHOW = "show"
    STATUS = "status"
    PEER = "peer"


ActionArgument = Annotated[
    Action,
    typer.Argument(
        metavar="show|status|peer",
        help="Show what our gateways are told, ask them how it stands, or make the peer's part.",
    ),
]
TunnelArgument = Annotated[
    str | None,
    typer.Argument(metavar="TUNNEL", help="The tunnel's id in network.yaml; status asks about all without one."),
]
LanguageOption = Annotated[Language, typer.Option("--lang", help="The language of the data sheet.")]
IntoOption = Annotated[
    Path | None,
    typer.Option("--into", metavar="FOLDER", help="Write the peer's configuration and data sheet into this folder."),
]


def tunnel(
    session: Session,
    action: ActionArgument,
    name: TunnelArgument = None,
    *,
    lang: LanguageOption = Language.FRENCH,
    into: IntoOption = None,
) -> Result:
    """Show what tunnels are told, how they stand, or a peer's part.

    `show` prints the configuration of each gateway of ours.  `status` asks every gateway: whether the tunnel is up,
    since when, with what was negotiated, and until when the gateway's certificate is valid; of two gateways one is
    enough.  Exit status 0 up, 3 down or not as it should be, 4 unknown.  `peer` prints what the establishment's
    firewall team is sent: a data sheet, in French unless --lang says otherwise, and the configuration of a strongSwan
    firewall; with --into both are written as files.  Neither holds a secret, and no engine is asked.
    """
    if action is Action.STATUS:
        return _status(session, name)
    if name is None:
        raise UsageError(f"network tunnel {action}", "needs a tunnel", f"There is: {_there(_known(session))}.")
    link = _link(session, name)
    return _show(link) if action is Action.SHOW else _peer(link, lang, into)


def _known(session: Session) -> "dict[str, Link]":
    from deploys import flows, tunnels

    region = session.region
    return {link.tunnel.id: link for link in tunnels.links(flows.topology(region), region)}


def _there(known: "dict[str, Link]") -> str:
    return ", ".join(known) or "none"


def _link(session: Session, name: str) -> "Link":
    from inventory.tunnels import TunnelKind

    known = _known(session)
    if name not in known:
        raise UsageError(f"tunnel {name}", "is not in the region", f"There is: {_there(known)}.")
    link = known[name]
    if link.tunnel.kind is not TunnelKind.IPSEC:
        what = "is WireGuard, which follows no note of ANSSI: its configuration is not written by us"
        raise RefusedError(f"tunnel {name}", what, "Make it IPsec, the reference profile, as soon as its peer can.")
    if not link.carries:
        raise RefusedError(f"tunnel {name}", "no flow leads through it, so it would carry nothing", "Write a flow.")
    return link


def _status(session: Session, name: str | None) -> Result:
    from hosting_cli.tunnels import standing
    from inventory.tunnels import TunnelKind

    asked = (
        [link for link in _known(session).values() if link.tunnel.kind is TunnelKind.IPSEC and link.carries]
        if name is None
        else [_link(session, name)]
    )
    with session.progress.stage("asking the gateways"):
        found = standing.read(session, asked)
    header = ("standing", "tunnel", "gateway", "since (UTC)", "negotiated", "certificate until", "why")
    rows = tuple(
        (
            each.standing.value,
            each.tunnel,
            each.gateway,
            f"{each.since:%Y-%m-%d %H:%M}" if each.since else "",
            " · ".join(filter(None, (each.ike and f"IKE {each.ike}", *(f"ESP {esp}" for esp in each.esp)))),
            f"{each.certificate_until:%Y-%m-%d}" if each.certificate_until else "",
            each.why,
        )
        for each in found
    )
    data = {"tunnels": [each.to_json() for each in found]}
    block = Table("", header, rows) if rows else text("No tunnel carries anything.")
    return Result("network tunnel", data, (block,), _exit_status(found))


def _exit_status(found: "Sequence[TunnelStanding]") -> ExitStatus:
    """Sum up: what is unknown outweighs what is down, and a tunnel is up if it is at one of its gateways."""
    from hosting_cli.tunnels.standing import Standing

    standings = {each.standing for each in found}
    if Standing.UNKNOWN in standings:
        return ExitStatus.UNKNOWN
    up = {each.tunnel for each in found if each.standing is Standing.UP}
    all_up = up == {each.tunnel for each in found}
    return ExitStatus.DONE if all_up and Standing.WEAKER not in standings else ExitStatus.PENDING


def _show(link: "Link") -> Result:
    from deploys import swanctl, tunnels

    found = {end.host: swanctl.render([tunnels.of_gateway(link, end.host)]) for end in link.tunnel.gateways}
    blocks = (text(f"{host}:", *content.splitlines()) for host, content in found.items())
    return Result("network tunnel", {"tunnel": link.tunnel.id, "gateways": found}, tuple(blocks))


def _peer(link: "Link", language: Language, into: Path | None) -> Result:
    from deploys import swanctl, tunnels
    from hosting_cli.tunnels import sheet

    files = {
        sheet.sheet_name(link, language): sheet.render(link, language),
        sheet.configuration_name(link): swanctl.render(tunnels.of_peer(link)),
    }
    data = {"tunnel": link.tunnel.id, "language": language.value, "files": files}
    if into is None:
        blocks = (text(f"{name}:", *content.splitlines()) for name, content in files.items())
        return Result("network tunnel", data, tuple(blocks))
    for name, content in files.items():
        _write(into / name, content)
    return Result("network tunnel", data, (text(*(f"{into / name} was written." for name in files)),))


def _write(path: Path, content: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"file {path}", f"cannot be written ({error.strerror})", "Give another folder.") from None
