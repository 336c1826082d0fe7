"""Read the keys by which tunnels are proven: gateways tell of theirs, the vault of those that it issued to peers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deploys import desired_tunnels, flows, names, tunnels, wireguard
from deploys.answers import UnknownError, part
from deploys.flows import Topology
from deploys.reading import TIMEOUT_SECONDS
from deploys.tunnels import Link
from hosting_cli.desired_links import gateways_with_tunnels
from hosting_cli.errors import HostingError, RefusedError, UnreadableError
from hosting_cli.keys import links
from hosting_cli.keys.links import IssuedCertificate
from hosting_cli.keys.values import Key, KeysSeen
from hosting_cli.session import Session
from inventory import naming
from inventory.key_policy import KeyKind
from inventory.models import Region
from inventory.resource import PLATFORM, Json
from inventory.tunnels import TunnelKind

Answers = Mapping[str, Any]


@dataclass(frozen=True)
class GatewayKey:
    """A key of WireGuard that the files ask for: at which gateway, for which tunnel."""

    host: str
    interface: str
    link: Link

    @property
    def name(self) -> str:
        """Name the key as plans name its interface."""
        return f"{self.host}:{self.interface}"


def wireguard_keys(region: Region) -> tuple[GatewayKey, ...]:
    """Name every key of WireGuard that the files ask for."""
    places = flows.topology(region)
    links_of_region = tunnels.links(places, region)
    asked = [link for link in links_of_region if link.tunnel.kind is TunnelKind.WIREGUARD and link.carries]
    return tuple(key for link in asked for key in _keys_of(places, link))


def key_of_tunnel(link: Link) -> GatewayKey:
    """Name the key of our one end of a tunnel of WireGuard; raise ``RefusedError`` if no gateway has that end."""
    found = tuple(_keys_of(flows.topology(link.region), link))
    if not found:
        what = "no gateway has an interface in its segment"
        raise RefusedError(f"tunnel {link.tunnel.id}", what, "Write one: docs/tunnels.md, WireGuard.")
    return found[0]


def _keys_of(places: Topology, link: Link) -> Iterator[GatewayKey]:
    for end in link.tunnel.gateways:
        for leg in wireguard.of_gateway(places, link, end.host):
            yield GatewayKey(end.host, leg.interface, link)


def of_peers(session: Session) -> KeysSeen:
    """Read what the vault has issued to peers; raise nothing: what cannot be read is unknown."""
    asked = [tunnel for tunnel in session.region.tunnels if tunnel.kind is TunnelKind.IPSEC]
    if not asked:
        return KeysSeen((), {})
    try:
        issued = session.vault.pki.issued()
    except HostingError as error:
        return KeysSeen((), {KeyKind.PEER_CERTIFICATE: str(error)})
    found = (
        key
        for tunnel in asked
        for key in links.of_peer(
            naming.peer_role(tunnel.id), naming.peer_identity(session.region, tunnel.id), tunnel.peer.contact, issued
        )
    )
    return KeysSeen(tuple(found), {})


def of_gateways(session: Session) -> KeysSeen:
    """Ask every gateway for its certificate and keys; one that is away hides its own only, each unknown by its name.

    Whether a certificate took another's place, the vault tells.
    """
    region, ours = session.region, wireguard_keys(session.region)
    certified = gateways_with_tunnels(region)
    if not certified and not ours:
        return KeysSeen((), {})
    asked: dict[str, dict[str, Json]] = {}
    for host in certified:
        asked.setdefault(host, {"timeout_seconds": TIMEOUT_SECONDS})["tunnels"] = desired_tunnels.READING
    for key in ours:
        asked.setdefault(key.host, {"timeout_seconds": TIMEOUT_SECONDS})["wireguard"] = names.WIREGUARD_GROUP
    answers, issued = _answers(session, asked), _issued(session) if certified else ()
    found = (
        *(_of_gateway(region, host, answers, issued) for host in certified),
        *(_of_wireguard(key, answers) for key in ours),
    )
    return KeysSeen(found, {})


def _answers(session: Session, asked: Mapping[str, Json]) -> Answers:
    try:
        return session.hosts.read(asked)
    except HostingError as error:  # not even a certificate to log in with: no host could be asked
        return dict.fromkeys(asked, error)


def _issued(session: Session) -> tuple[IssuedCertificate, ...] | HostingError:
    try:
        return session.vault.pki.issued()
    except HostingError as error:
        return error


def _part(answers: Answers, host: str, name: str) -> Any:
    """Give a part of what a host answered; raise ``UnreadableError`` where it could not be read."""
    answer = answers[host]
    if isinstance(answer, HostingError):
        raise UnreadableError(f"host {host}", f"could not be read: {answer.what}", answer.remedy)
    try:
        return part(answer, name)
    except UnknownError as error:
        raise UnreadableError(f"host {host}", f"could not be read: {error}", "Mend that.") from error


def _of_gateway(
    region: Region, host: str, answers: Answers, issued: tuple[IssuedCertificate, ...] | HostingError
) -> Key:
    name, identity = naming.gateway_role(host), naming.gateway_identity(region, host)
    try:
        if isinstance(issued, HostingError):
            raise issued
        return links.of_gateway(name, identity, _part(answers, host, "tunnels")["certificate"], issued)
    except (HostingError, LookupError, ValueError, TypeError) as error:
        return links.unknown(KeyKind.LINK_CERTIFICATE, name, PLATFORM, _why(error))


def _of_wireguard(key: GatewayKey, answers: Answers) -> Key:
    risk = wireguard.terms_of(key.link).accepted_risk
    try:
        return links.of_wireguard(key.name, _part(answers, key.host, "wireguard").get(key.interface), risk)
    except (HostingError, LookupError, ValueError, TypeError) as error:
        return links.unknown(KeyKind.WIREGUARD_KEY, key.name, PLATFORM, _why(error))


def _why(error: Exception) -> str:
    return error.what if isinstance(error, HostingError) else f"what the gateway answers is not understood ({error!r})"
