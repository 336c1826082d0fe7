"""The sample region with a tunnel to Beaune: on one gateway or two, IPsec on any terms or WireGuard."""

from datetime import date
from ipaddress import IPv4Address, IPv4Interface

from sample import GATEWAY, region

from inventory.models import Host, HostRole, Region
from inventory.network import Interface
from inventory.tunnels import Ipsec, KeyExchange, Peer, RiskAcceptance, Tunnel, TunnelEnd, TunnelKind, Wireguard

TUNNEL, SECOND = "beaune", "dijon-gateway-2"
RISK = RiskAcceptance(
    accepted_by="securite",
    reason="Le pare-feu de l'établissement n'a pas d'IKEv2 avant son remplacement",
    compensation="TLS de bout en bout",
    since=date(2026, 9, 1),
    until=date(2027, 3, 31),
)
PEER_KEY = "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="


def with_tunnel(
    kind: TunnelKind = TunnelKind.IPSEC,
    *,
    key_exchange: KeyExchange = KeyExchange.HYBRID_PREFERRED,
    gateways: int = 1,
    addresses: tuple[str, ...] = ("198.51.100.10", "198.51.100.11"),
    peer: str = "203.0.113.20",
) -> Region:
    """Give the sample with that tunnel."""
    sample = region()
    ends = tuple(
        TunnelEnd(host=host, address=IPv4Address(address))
        for host, address in zip((GATEWAY, SECOND)[:gateways], addresses, strict=False)
    )
    is_ipsec = kind is TunnelKind.IPSEC
    tunnel = Tunnel(
        id=TUNNEL,
        segment="tunnel-beaune",
        gateways=ends,
        peer=Peer(addresses=(IPv4Address(peer),), contact="beaune-dsi"),
        ipsec=Ipsec(key_exchange=key_exchange) if is_ipsec else None,
        wireguard=None if is_ipsec else Wireguard(peer_public_key=PEER_KEY, accepted_risk=RISK),
    )
    name = "ipsec1" if is_ipsec else "wg1"
    hosts = [host if host.id != GATEWAY else _ending(host, name) for host in sample.hosts]
    if gateways > 1:
        hosts.append(_second(name))
    return sample.model_copy(update={"hosts": tuple(hosts), "tunnels": (tunnel,)})


def _ending(host: Host, name: str) -> Host:
    interfaces = tuple(
        interface.model_copy(update={"name": name}) if interface.segment == "tunnel-beaune" else interface
        for interface in host.interfaces
    )
    return host.model_copy(update={"interfaces": interfaces})


def _second(name: str) -> Host:
    return Host(
        id=SECOND,
        site="dijon",
        role=HostRole.GATEWAY,
        interfaces=(
            Interface(name="eth1", segment="dijon-imagerie", address=IPv4Interface("10.21.10.2/24")),
            Interface(name=name, segment="tunnel-beaune", address=IPv4Interface("10.21.20.2/24")),
        ),
    )
