"""Tunnels to establishments: what our gateways are told, and what the other end is sent."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hosting_cli.errors import RefusedError, UsageError
from hosting_cli.result import Result, text
from hosting_cli.session import Session
from hosting_cli.tunnels.sheet import Language

if TYPE_CHECKING:
    from deploys.tunnels import Link


class Action(StrEnum):
    """What is wanted of a tunnel."""

    SHOW = "show"
    PEER = "peer"


ActionArgument = Annotated[
    Action, typer.Argument(metavar="show|peer", help="Show what our gateways are told, or make the peer's part.")
]
TunnelArgument = Annotated[str, typer.Argument(metavar="TUNNEL", help="The tunnel's id in network.yaml.")]
LanguageOption = Annotated[Language, typer.Option("--lang", help="The language of the data sheet.")]
IntoOption = Annotated[
    Path | None,
    typer.Option("--into", metavar="FOLDER", help="Write the peer's configuration and data sheet into this folder."),
]


def tunnel(
    session: Session,
    action: ActionArgument,
    name: TunnelArgument,
    *,
    lang: LanguageOption = Language.FRENCH,
    into: IntoOption = None,
) -> Result:
    """Show what a tunnel's gateways are told, or make its peer's part.

    `show` prints the configuration of each gateway of ours.  `peer` prints what the establishment's firewall team is
    sent: a data sheet, in French unless --lang says otherwise, and the configuration of a strongSwan firewall; with
    --into both are written as files.  Neither holds a secret, and no engine is asked.
    """
    link = _link(session, name)
    return _show(link) if action is Action.SHOW else _peer(link, lang, into)


def _link(session: Session, name: str) -> "Link":
    from deploys import flows, tunnels
    from inventory.tunnels import TunnelKind

    region = session.region
    known = {link.tunnel.id: link for link in tunnels.links(flows.topology(region), region)}
    if name not in known:
        what, there = "is not in the region", ", ".join(known) or "none"
        raise UsageError(f"tunnel {name}", what, f"There is: {there}.")
    link = known[name]
    if link.tunnel.kind is not TunnelKind.IPSEC:
        what = "is WireGuard, which follows no note of ANSSI: its configuration is not written by us"
        raise RefusedError(f"tunnel {name}", what, "Make it IPsec, the reference profile, as soon as its peer can.")
    if not link.carries:
        raise RefusedError(f"tunnel {name}", "no flow leads through it, so it would carry nothing", "Write a flow.")
    return link


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
