"""Say what each end of a tunnel is told: our gateways and, from the same values, the peer.  Pure.

A tunnel carries what joins two segments of which a flow leads from one to the other, and their whole networks: which
host and which port, the firewall of our gateways says.  So a host more in a tier, or a port more in a flow, asks
nothing of the establishment, and what no flow joins is in no tunnel.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, collapse_addresses

from deploys.flows import Topology
from deploys.swanctl import Connection, Revocation, Start
from inventory import naming
from inventory.models import Region
from inventory.tunnels import Tunnel, TunnelKind

CERTIFICATE = "hosting-link.pem"
"""The file of a gateway's certificate, in strongSwan's own folder."""

PEER_CERTIFICATE = "hosting-peer.pem"

IKE_PORTS = (500, 4500)
"""IKE, and IKE and ESP inside UDP: all that a gateway and a peer say to each other outside their tunnel."""


@dataclass(frozen=True)
class Link:
    """A tunnel with its words looked up."""

    region: Region
    tunnel: Tunnel
    ours: tuple[IPv4Network, ...]
    theirs: tuple[IPv4Network, ...]

    @property
    def carries(self) -> bool:
        """Tell whether any flow leads through the tunnel."""
        return bool(self.ours)

    @cached_property
    def peer_identity(self) -> str:
        """Give the name in the peer's certificate."""
        return naming.peer_identity(self.region, self.tunnel.id)

    def gateway_identity(self, host: str) -> str:
        """Give the name in the certificate of a gateway of ours."""
        return naming.gateway_identity(self.region, host)

    @property
    def interface_id(self) -> int:
        """Give the number of the tunnel's interface on our gateways: no two segments begin at the same address."""
        return int(self.segment_network.network_address)

    @cached_property
    def segment_network(self) -> IPv4Network:
        """Give the network of the segment that the tunnel comes out in."""
        return next(item.network for item in self.region.segments if item.id == self.tunnel.segment)


def links(places: Topology, region: Region) -> tuple[Link, ...]:
    """Give the tunnels of *region*."""
    return tuple(_link(places, region, tunnel) for tunnel in region.tunnels)


def _link(places: Topology, region: Region, tunnel: Tunnel) -> Link:
    joined: set[str] = set()
    for exchange in places.exchanges[tunnel.gateways[0].host]:
        if exchange.leg.segment == tunnel.segment:
            joined |= {flow.destination.segment for flow in exchange.sent}
            joined |= {flow.source.segment for flow in exchange.received}
    ours = (network for segment in joined - {tunnel.segment} for network in places.segments[segment].networks)
    return Link(region, tunnel, _merged(ours), _merged(places.segments[tunnel.segment].networks))


def _merged(networks: Iterable[IPv4Network]) -> tuple[IPv4Network, ...]:
    return tuple(sorted(collapse_addresses(networks)))


def of_gateway(link: Link, host: str) -> Connection:
    """Say what our gateway *host* is told; with two, the peer decides to which it talks."""
    return Connection(
        name=link.tunnel.id,
        local_addresses=(address_of(link.tunnel, host),),
        remote_addresses=link.tunnel.peer.addresses,
        local_identity=link.gateway_identity(host),
        remote_identity=link.peer_identity,
        certificate=CERTIFICATE,
        local_networks=link.ours,
        remote_networks=link.theirs,
        key_exchange=link.tunnel.ipsec_terms.key_exchange,
        ike_rekey_seconds=link.tunnel.ipsec_terms.ike_rekey_seconds,
        child_rekey_seconds=link.tunnel.ipsec_terms.child_rekey_seconds,
        interface_id=link.interface_id,
    )


def of_peer(link: Link) -> tuple[Connection, ...]:
    """Say what the peer is told, one connection a gateway of ours.

    Of two, the first is kept up and used while it is there.  The other's trap holds whatever the first does not take,
    and calls the second gateway: so nothing leaves in clear in between.
    """
    ends = link.tunnel.gateways
    return tuple(
        Connection(
            name=f"{link.region.short}-{link.tunnel.id}-{number}",
            local_addresses=link.tunnel.peer.addresses,
            remote_addresses=(end.address,),
            local_identity=link.peer_identity,
            remote_identity=link.gateway_identity(end.host),
            certificate=PEER_CERTIFICATE,
            local_networks=link.theirs,
            remote_networks=link.ours,
            key_exchange=link.tunnel.ipsec_terms.key_exchange,
            ike_rekey_seconds=link.tunnel.ipsec_terms.ike_rekey_seconds,
            child_rekey_seconds=link.tunnel.ipsec_terms.child_rekey_seconds,
            revocation=Revocation.IF_NAMED,
            start=Start.ALWAYS if len(ends) > 1 and number == 1 else Start.TRAP,
            priority=1000 * number if len(ends) > 1 else None,
        )
        for number, end in enumerate(ends, start=1)
    )


@dataclass(frozen=True)
class Outside:
    """What carries a tunnel: packets between an address of a gateway and those of the peer."""

    tunnel: str
    ours: tuple[IPv4Network, ...]
    theirs: tuple[IPv4Network, ...]
    ports: tuple[int, ...]


def outside(places: Topology, host: str) -> tuple[Outside, ...]:
    """Give what carries the tunnels that *host* ends."""
    return tuple(
        Outside(
            tunnel.id,
            (IPv4Network(address_of(tunnel, host)),),
            tuple(IPv4Network(address) for address in tunnel.peer.addresses),
            IKE_PORTS if tunnel.wireguard is None else (tunnel.wireguard.port,),
        )
        for tunnel in places.tunnels.get(host, ())
    )


def ended_by(places: Topology, region: Region, host: str, kind: TunnelKind) -> tuple[Link, ...]:
    """Give the tunnels of *kind* that *host* ends and that carry anything, in the order of their names."""
    found = (link for link in links(places, region) if link.tunnel.kind is kind and link.carries)
    return tuple(
        sorted(
            (link for link in found if any(end.host == host for end in link.tunnel.gateways)),
            key=lambda link: link.tunnel.id,
        )
    )


def address_of(tunnel: Tunnel, host: str) -> IPv4Address:
    """Give the address at which the peer reaches the gateway *host*."""
    return next(end.address for end in tunnel.gateways if end.host == host)
