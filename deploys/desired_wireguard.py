"""Say what a gateway needs to end tunnels of WireGuard: an interface for each, and what keeps it to its days.  Pure."""

from collections.abc import Iterator
from ipaddress import IPv4Network

from deploys import names, tunnels, wireguard
from deploys.resources import HostFile, HostFirewall, HostPackages, HostResource, HostWireguard
from deploys.templates import render
from deploys.view import View, agent_files, as_json
from deploys.wireguard import Gateway
from inventory.models import HostRole
from inventory.resource import PLATFORM, Subject
from inventory.tunnels import TunnelKind

PACKAGES = ("wireguard-tools",)


def ended(view: View) -> tuple[Gateway, ...]:
    """Give the ends of tunnels of WireGuard that the host has."""
    if view.host.role is not HostRole.GATEWAY:
        return ()
    links = tunnels.ended_by(view.places, view.region, view.host.id, TunnelKind.WIREGUARD)
    return tuple(end for link in links for end in wireguard.of_gateway(view.places, link, view.host.id))


def resources(view: View) -> Iterator[HostResource]:
    """Ask for the interfaces, and for what raises them at boot and takes them down after the last day of each."""
    ends = ended(view)
    if not ends:
        return
    told = view.file(names.WIREGUARD, as_json({end.interface: end.told for end in ends}))
    yield told
    service, timer = names.WIREGUARD_SERVICE, names.WIREGUARD_TIMER
    yield view.file(names.unit_file(service), render("wireguard.service", agent=names.AGENT), notifies=(timer,))
    yield view.file(names.unit_file(timer), render("wireguard.timer"), notifies=(timer,))
    required = (
        told.subject,
        view.subject(HostPackages, "packages"),
        # What comes out of a tunnel comes out where the firewall is there already.
        view.subject(HostFirewall, "firewall"),
        *(view.subject(HostFile, path) for path, _ in agent_files()),
    )
    interfaces = [interface(view.host.id, end, requires=required) for end in ends]
    yield from interfaces
    yield view.unit(timer, requires=tuple(interface.subject for interface in interfaces))


def interface(host: str, end: Gateway, *, requires: tuple[Subject, ...] = ()) -> HostWireguard:
    """Say what the kernel of *host* is to hold for its end of a tunnel."""
    return HostWireguard(
        host=host,
        name=f"{host}:{end.interface}",
        owner=PLATFORM,
        interface=end.interface,
        addresses=(str(end.address),),
        port=end.port,
        peers=(end.peer_key,),
        peer_addresses=tuple(map(str, end.peer_addresses)),
        networks=_sorted(end.networks),
        routes=_sorted(end.routes),
        accepted=end.accepted,
        requires=requires,
    )


def _sorted(networks: tuple[IPv4Network, ...]) -> tuple[str, ...]:
    return tuple(sorted(map(str, networks)))
