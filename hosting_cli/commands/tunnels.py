"""Tunnels to establishments: what our gateways are told, how they stand, and what the other end is sent."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hosting_cli.errors import RefusedError, UsageError
from hosting_cli.result import ExitStatus, Result, Table, text
from hosting_cli.session import Session
from hosting_cli.tunnels.sheet import Language
from inventory.resource import Json
from inventory.tunnels import TunnelKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from deploys.tunnels import Link
    from hosting_cli.tunnels.charge import GatewayCharge
    from hosting_cli.tunnels.standing import TunnelStanding
    from inventory.network import GatewayPair
    from inventory.tunnels import RiskAcceptance


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
    typer.Option("--into", metavar="FOLDER", help="Write all that the peer is sent into this folder."),
]


NextOption = Annotated[
    bool,
    typer.Option("--next", help="Of WireGuard: the peer's part for the gateway's next key, before that is used."),
]


def tunnel(
    session: Session,
    action: ActionArgument,
    name: TunnelArgument = None,
    *,
    lang: LanguageOption = Language.FRENCH,
    into: IntoOption = None,
    next_key: NextOption = False,
) -> Result:
    """Show what tunnels are told, how they stand, or a peer's part.

    `show` prints the configuration of each gateway of ours, from the files alone.  `status` asks every gateway: whether
    the tunnel is up, since when, with what was negotiated, and until when the gateway's certificate is valid; of two
    gateways one is enough.  Of a pair of gateways it also says which one is in charge: whose kernel holds the addresses
    that both share; without a tunnel's name, of all pairs.  Exit status 0 up, 3 down or not as it should be, as when
    both gateways of a pair hold an address or neither does, 4 unknown.  `peer` prints what the
    establishment's firewall team is sent: a data sheet, in French unless --lang says otherwise, the configuration of a
    strongSwan firewall, the authorities of links and the lists of what these have revoked, as the vault has them; with
    --into all are written as files.  None holds a secret.  After a gateway was revoked, send each peer the new lists.

    Of a tunnel of WireGuard, which follows no note of ANSSI, `show` and `peer` say so, and until when its risk is
    accepted.  For its peer the gateway is asked for its public key, which is made there; with --next for that of the
    key that `hosting key rotate` has made and nobody uses yet.
    """
    if action is Action.STATUS:
        return _status(session, name)
    if name is None:
        raise UsageError(f"network tunnel {action}", "needs a tunnel", f"There is: {_there(_known(session))}.")
    link = _link(session, name)
    return _show(session, link) if action is Action.SHOW else _peer(session, link, lang, into, next_key=next_key)


def _known(session: Session) -> "dict[str, Link]":
    from deploys import flows, tunnels

    region = session.region
    return {link.tunnel.id: link for link in tunnels.links(flows.topology(region), region)}


def _there(known: "dict[str, Link]") -> str:
    return ", ".join(known) or "none"


def _link(session: Session, name: str) -> "Link":
    known = _known(session)
    if name not in known:
        raise UsageError(f"tunnel {name}", "is not in the region", f"There is: {_there(known)}.")
    link = known[name]
    if not link.carries:
        raise RefusedError(f"tunnel {name}", "no flow leads through it, so it would carry nothing", "Write a flow.")
    return link


def _status(session: Session, name: str | None) -> Result:
    from hosting_cli.tunnels import charge, standing

    asked = (
        [link for link in _known(session).values() if link.tunnel.kind is TunnelKind.IPSEC and link.carries]
        if name is None
        else [_link(session, name)]
    )
    if asked and asked[0].tunnel.kind is TunnelKind.WIREGUARD:
        what = "is WireGuard, which negotiates nothing that could be told"
        raise RefusedError(f"tunnel {name}", what, "hosting plan holds its interface against the files.")
    with session.progress.stage("asking the gateways"):
        found = standing.read(session, asked)
        charges = charge.read(session, _pairs(session, None if name is None else asked))
    header = ("standing", "tunnel", "gateway", "since (UTC)", "certificate until", "negotiated, or why not")
    rows = tuple(
        (
            each.standing.value,
            each.tunnel,
            each.gateway,
            f"{each.since:%Y-%m-%d %H:%M}" if each.since else "",
            f"{each.certificate_until:%Y-%m-%d}" if each.certificate_until else "",
            each.why or " · ".join((f"IKE {each.ike}", *(f"ESP {esp}" for esp in each.esp))),
        )
        for each in found
    )
    data = {"tunnels": [each.to_json() for each in found], "gateways": [each.to_json() for each in charges]}
    blocks = [Table("", header, rows) if rows else text("No tunnel carries anything.")]
    if charges:
        blocks.append(_charges_table(charges))
    return Result("network tunnel", data, tuple(blocks), _exit_status(found, charges))


def _pairs(session: Session, links: "Sequence[Link] | None") -> "list[GatewayPair]":
    """Give the pairs on whose gateways the tunnels *links* end, or all there are."""
    hosts = None if links is None else {end.host for link in links for end in link.tunnel.gateways}
    return [pair for pair in session.region.gateway_pairs if hosts is None or hosts & {*pair.gateways}]


def _charges_table(charges: "Sequence[GatewayCharge]") -> Table:
    from hosting_cli.tunnels.charge import Charge

    header = ("standing", "pair", "gateway", "addresses held in")
    rows = tuple(
        (
            each.charge.value,
            each.pair,
            each.gateway,
            each.why
            or ", ".join(each.held or ("none",))
            + (f"; not in {', '.join(each.lacking)}" if each.charge is Charge.SPLIT else ""),
        )
        for each in charges
    )
    return Table("Gateways that take each other's place", header, rows)


def _exit_status(found: "Sequence[TunnelStanding]", charges: "Sequence[GatewayCharge]") -> ExitStatus:
    """Sum up: what is unknown outweighs what is down, and a tunnel is up if it is at one of its gateways."""
    from hosting_cli.tunnels.charge import Charge, is_in_order
    from hosting_cli.tunnels.standing import Standing

    standings = {each.standing for each in found}
    if Standing.UNKNOWN in standings or Charge.UNKNOWN in {each.charge for each in charges}:
        return ExitStatus.UNKNOWN
    up = {each.tunnel for each in found if each.standing is Standing.UP}
    all_up = up == {each.tunnel for each in found}
    is_right = all_up and Standing.WEAKER not in standings and is_in_order(charges)
    return ExitStatus.DONE if is_right else ExitStatus.PENDING


def _show(session: Session, link: "Link") -> Result:
    from deploys import swanctl, tunnels

    terms = link.tunnel.wireguard
    if terms is None:
        found = {end.host: swanctl.render([tunnels.of_gateway(link, end.host)]) for end in link.tunnel.gateways}
    else:
        found = {end.host: _told(link, end.host) for end in link.tunnel.gateways}
    blocks = [text(f"{host}:", *content.splitlines()) for host, content in found.items()]
    data: dict[str, Json] = {"tunnel": link.tunnel.id, "kind": link.tunnel.kind.value, "gateways": dict(found)}
    if terms is not None:
        risk = terms.accepted_risk
        days = (risk.until - session.today).days
        blocks.insert(0, text(*_exception(risk, days)))
        data |= {"follows_anssi_note": False, "accepted_until": str(risk.until), "accepted_by": risk.accepted_by}
    return Result("network tunnel", data, tuple(blocks))


def _exception(risk: "RiskAcceptance", days: int) -> "Iterator[str]":
    """Say what a tunnel of WireGuard is not, and what becomes of it."""
    yield "WireGuard, by way of exception: this tunnel does not follow ANSSI's note on IPsec (DAT-NT-003)."
    yield f"Its risk is accepted by {risk.accepted_by} until {risk.until}, for {days} more days."
    yield "After that day the files are refused, and the gateway takes the interface down by itself."


def _told(link: "Link", host: str) -> str:
    from deploys import flows, wireguard

    lines = []
    for end in wireguard.of_gateway(flows.topology(link.region), link, host):
        lines += [end.interface, *(f"  {key}: {value}" for key, value in end.words.items())]
    return "\n".join([*lines, ""])


def _peer(session: Session, link: "Link", language: Language, into: Path | None, *, next_key: bool) -> Result:
    from deploys import swanctl, tunnels, wireguard
    from hosting_cli.tunnels import sheet, trust
    from hosting_cli.tunnels.gateway_keys import next_key as next_gateway_key
    from hosting_cli.tunnels.keys import key_of_tunnel
    from hosting_cli.tunnels.published import gateway_key

    if link.tunnel.kind is TunnelKind.IPSEC:
        if next_key:
            raise UsageError(f"tunnel {link.tunnel.id}", "has no key of WireGuard", "Leave --next out.")
        key, configuration, believed = None, swanctl.render(tunnels.of_peer(link)), trust.files(session)
    else:
        key = next_gateway_key(session, key_of_tunnel(link)) if next_key else gateway_key(session, link)
        configuration, believed = wireguard.of_peer(link, key), {}
    files = {
        sheet.sheet_name(link, language): sheet.render(link, language, key),
        sheet.configuration_name(link): configuration,
        **believed,
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
