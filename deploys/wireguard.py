"""Say what both ends of a tunnel of WireGuard are told, and write the peer's part.  Pure.

No note of ANSSI names WireGuard, so nothing here has a source to follow: what such a tunnel may carry, and that nothing
passes beside it, is as strict as of the reference profile (`deploys.tunnels`).  Private keys are made where they are
used, and are no value of this module.
"""

from dataclasses import dataclass
from datetime import date
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from deploys.flows import Topology
from deploys.tunnels import Link, address_of
from inventory.resource import Json
from inventory.tunnels import Wireguard, is_public_key

KEEPALIVE_SECONDS = 25
"""How often the peer speaks at least, so that what translates addresses before it keeps the way back to it."""

_LAST = 4000
"""The metric of routes that are used when there is no other."""


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """Our end: an interface that believes one peer, of its networks alone, on the days of the acceptance.

    ``routes`` are what is behind the peer and not in the interface's own network.
    """

    interface: str
    address: IPv4Interface
    port: int
    peer_key: str
    peer_addresses: tuple[IPv4Address, ...]
    networks: tuple[IPv4Network, ...]
    routes: tuple[IPv4Network, ...]
    accepted_since: date
    accepted_until: date

    @property
    def accepted(self) -> str:
        """Give the days of the acceptance as the interface carries them."""
        return f"risk accepted from {self.accepted_since} to {self.accepted_until}"

    @property
    def told(self) -> dict[str, Json]:
        """Give what the agent on the gateway is told of the interface."""
        return {
            "address": str(self.address),
            "port": self.port,
            "peer": self.peer_key,
            "endpoint": f"{self.peer_addresses[0]}:{self.port}",
            "networks": [str(network) for network in self.networks],
            "routes": [str(network) for network in self.routes],
            "accepted": self.accepted,
            "since": self.accepted_since.isoformat(),
            "until": self.accepted_until.isoformat(),
        }

    @property
    def words(self) -> dict[str, str]:
        """Give the same for people."""
        return {
            "address": str(self.address),
            "UDP port": str(self.port),
            "peer": f"{self.peer_key} at {', '.join(map(str, self.peer_addresses))}",
            "allowed": ", ".join(map(str, self.networks)),
            "routes": ", ".join(map(str, self.routes)),
            "days": self.accepted,
        }


def terms_of(link: Link) -> Wireguard:
    """Give the terms of a tunnel of WireGuard; raise ``ValueError`` for one of another kind."""
    if link.tunnel.wireguard is None:
        raise ValueError(f"tunnel {link.tunnel.id} is not WireGuard")
    return link.tunnel.wireguard


def of_gateway(places: Topology, link: Link, host: str) -> tuple[Gateway, ...]:
    """Say what our gateway *host* is told: an interface, or none where the host has no leg in the tunnel's segment."""
    terms = terms_of(link)
    return tuple(
        Gateway(
            interface=leg.name,
            address=IPv4Interface((leg.address, leg.network.prefixlen)),
            port=terms.port,
            peer_key=terms.peer_public_key,
            peer_addresses=link.tunnel.peer.addresses,
            networks=link.theirs,
            routes=tuple(network for network in link.theirs if network != leg.network),
            accepted_since=terms.accepted_risk.since,
            accepted_until=terms.accepted_risk.until,
        )
        for leg in places.legs[host]
        if leg.segment == link.tunnel.segment
    )


_LONGEST_NAME = 15
"""How many characters Linux allows the name of an interface."""


def peer_interface(link: Link) -> str:
    """Name the interface that `wg-quick` of the peer makes, and so its files."""
    return f"wg-{link.tunnel.id}"[:_LONGEST_NAME].rstrip("-")


def of_peer(link: Link, gateway_key: str) -> str:
    """Write what `wg-quick` of the peer loads; raise ``ValueError`` if *gateway_key* is no public key.

    Addresses are the peer's own affair: those of the networks on its side are its hosts', and none is the firewall's.
    """
    if not is_public_key(gateway_key):
        raise ValueError(f"{gateway_key!r} is no public key of WireGuard")
    terms, end = terms_of(link), link.tunnel.gateways[0]
    risk = terms.accepted_risk
    return "\n".join(
        [
            "# Written by `hosting`.  This tunnel does not follow ANSSI's note on IPsec (DAT-NT-003).  Its risk is",
            f"# accepted by the role {risk.accepted_by} from {risk.since} to {risk.until}; our end is down after that.",
            "[Interface]",
            f"ListenPort = {terms.port}",
            "# The private key is made on the firewall, never leaves it, and stands in no file that we send.",
            "PostUp = wg set %i private-key /etc/wireguard/%i.key",
            "# What is for the tunnel and finds it down goes nowhere, and least of all out in clear.",
            *(f"PreUp = ip route replace blackhole {network} metric {_LAST}" for network in link.ours),
            "",
            "[Peer]",
            f"# {link.gateway_identity(end.host)}",
            f"PublicKey = {gateway_key}",
            f"Endpoint = {address_of(link.tunnel, end.host)}:{terms.port}",
            "# What is no flow's end is in no tunnel.",
            f"AllowedIPs = {', '.join(map(str, link.ours))}",
            f"PersistentKeepalive = {KEEPALIVE_SECONDS}",
            "",
        ]
    )
