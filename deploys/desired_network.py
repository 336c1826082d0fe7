"""Say what a host lets in, out and through, and how it reaches the other segments.  Pure."""

from collections.abc import Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network
from urllib.parse import urlsplit

from deploys import flows, interfaces, names, nftables, pairs, tunnels
from deploys.elements import Row, Transport
from deploys.flows import Topology
from deploys.nftables import Heartbeat, Rule, RuleSet
from deploys.resources import HostFirewall, HostInterface, HostResource, OnChange
from deploys.templates import render
from deploys.tunnels import Outside
from deploys.view import View, digest
from inventory.environment import Environment, HostAccess
from inventory.models import Host, HostRole
from inventory.resource import PLATFORM

NODE_EXPORTER_PORT = 9100
NTP_PORT = 123
PACKAGE_PORTS = (80, 443)
"""Debian signs what it publishes, so that a mirror may be asked without TLS."""

ROUTE_PROTOCOL = 104
"""The mark of our routes in the kernel's table; distributions and routing daemons use none above 42 but 186 to 192."""


def resources(view: View) -> Iterator[HostResource]:
    """Ask for the interfaces, the routes and the firewall."""
    yield from _interfaces(view)
    yield from _routes(view)
    emergency = nftables.render_emergency(view.environment.administration_sources)
    yield view.file(names.FIREWALL_EMERGENCY, emergency)
    yield view.file("/etc/nftables.conf", render("nftables.conf", rules_path=names.FIREWALL_RULES))
    yield view.file(names.unit_file("nftables.service.d/hosting.conf"), boot_unit())
    content = nftables.render(rule_set(view.places, view.environment, view.host))
    yield HostFirewall(
        host=view.host.id,
        name=view.name("firewall"),
        owner=PLATFORM,
        rules=digest(content),
        content=content,
    )


def boot_unit() -> str:
    """Write what is said of the unit that loads the rules at boot, beside what Debian says."""
    table = f"{nftables.FAMILY} {nftables.TABLE}"
    return render("nftables.service", table=table, emergency=names.FIREWALL_EMERGENCY, closed=nftables.render_closed())


def _interfaces(view: View) -> Iterator[HostResource]:
    found = interfaces.trunks(view.host, view.places.segments)
    if found:
        yield view.unit("systemd-networkd.service", on_change=OnChange.NOTHING)
    routes = (ROUTES,) if flows.routes(view.places, view.host) else ()
    role = pairs.role_of(view.places, view.host.id)
    shared = {one.interface: (str(one.address),) for one in role.shared} if role else {}
    for trunk in found:
        yield HostInterface(
            host=view.host.id,
            name=view.name(trunk.name),
            owner=PLATFORM,
            interface=trunk.name,
            form=CARD,
            files=interfaces.trunk_files(trunk),
        )
        for vlan in trunk.vlans:
            yield HostInterface(
                host=view.host.id,
                name=view.name(vlan.name),
                owner=PLATFORM,
                interface=vlan.name,
                form="vlan",
                parent=vlan.parent,
                vlan=vlan.number,
                addresses=(vlan.address,),
                files=interfaces.vlan_files(vlan),
                notifies=routes,
                shared=shared.get(vlan.name, ()),
            )


ROUTES = "hosting-routes.service"
CARD = "card"
"""What an interface is that no other carries."""


def _routes(view: View) -> Iterator[HostResource]:
    found = flows.routes(view.places, view.host)
    if not found:
        return
    path, unit = f"{names.DIRECTORY}/routes.batch", ROUTES
    yield view.file("/etc/systemd/networkd.conf.d/hosting.conf", render("networkd.conf"))
    yield view.file(path, _batch(found), notifies=(unit,))
    yield view.file(names.unit_file(unit), render("routes.service", routes_path=path), notifies=(unit,))
    yield view.unit(unit)


def _batch(routes: tuple[flows.Route, ...]) -> str:
    """Write the routes for `ip -batch`; those that were ours and are not among them go."""
    protocol = f"proto {ROUTE_PROTOCOL}"
    lines = [
        f"route replace {route.network} via {route.gateway} dev {route.interface} onlink {protocol}" for route in routes
    ]
    return "\n".join([f"route flush {protocol}", *lines, ""])


def rule_set(places: Topology, environment: Environment, host: Host) -> RuleSet:
    """Say which packets *host* lets in, out and through; raise ``ValueError`` if an engine is not named by address."""
    access = environment.hosts[host.id]
    is_gateway = host.role is HostRole.GATEWAY
    return RuleSet(
        administration=environment.administration_sources,
        trunks=host.trunks,
        behind=_behind(places, environment, host),
        serves=(*_administration(environment), *_peers_in(places, host)),
        uses=(
            *_engine_rules(access),
            *_time_rules(places, environment, host),
            *_package_rules(environment),
            *_peers_out(places, host),
        ),
        received=tuple(_time_service(places, environment, host)) if is_gateway else flows.received(places, host),
        sent=() if is_gateway else flows.sent(places, host),
        zones=flows.zones(places, host) if is_gateway else (),
        heartbeat=_heartbeat(places, host),
    )


def _heartbeat(places: Topology, host: Host) -> Heartbeat | None:
    role = pairs.role_of(places, host.id)
    if role is None:
        return None
    return Heartbeat(interface=role.own.name, own=role.own.address, other=role.other.address)


def _behind(places: Topology, environment: Environment, host: Host) -> dict[str, tuple[IPv4Network, ...]]:
    """Say what each interface leads to: the administration too, where we reach the host by an address in a segment."""
    found = flows.behind(places, host)
    for leg in places.legs[host.id]:
        if str(leg.address) == environment.hosts[host.id].address:
            found[leg.name] += environment.administration_sources
    return found


def _administration(environment: Environment) -> Iterator[Rule]:
    for comment, port in (("administration", nftables.SSH_PORT), ("node exporter", NODE_EXPORTER_PORT)):
        yield Rule(
            comment=comment,
            sources=environment.administration_sources,
            transport=Transport.TCP,
            ports=(port,),
        )


def _engine_rules(access: HostAccess) -> Iterator[Rule]:
    yield _engine_rule("vault", access.vault_address)
    for address in dict.fromkeys(access.object_stores.values()):
        yield _engine_rule("object store", address)


@lru_cache(maxsize=256)  # many hosts reach an engine at the same address
def _engine_rule(comment: str, address: str) -> Rule:
    parts = urlsplit(address)
    return Rule(
        comment=comment,
        destinations=(IPv4Network(IPv4Address(parts.hostname or "")),),
        transport=Transport.TCP,
        ports=(parts.port or 443,),
    )


def _time_rules(places: Topology, environment: Environment, host: Host) -> Iterator[Rule]:
    gateways = tuple(leg.address for leg in flows.time_sources(places, host))
    servers = environment.time_servers or gateways
    if servers:
        yield Rule(
            comment="time",
            destinations=tuple(IPv4Network(server) for server in servers),
            transport=Transport.UDP,
            ports=(NTP_PORT,),
        )


def _package_rules(environment: Environment) -> Iterator[Rule]:
    if environment.package_sources:
        yield Rule(
            comment="packages",
            destinations=environment.package_sources,
            transport=Transport.TCP,
            ports=PACKAGE_PORTS,
        )


def _peers_in(places: Topology, host: Host) -> Iterator[Rule]:
    """Let the peers of tunnels in, to the gateway itself: what comes out of a tunnel comes by its own interface."""
    for each in tunnels.outside(places, host.id):
        yield _carrying(each, each.theirs, each.ours)


def _peers_out(places: Topology, host: Host) -> Iterator[Rule]:
    for each in tunnels.outside(places, host.id):
        yield _carrying(each, each.ours, each.theirs)


def _carrying(each: Outside, sources: tuple[IPv4Network, ...], destinations: tuple[IPv4Network, ...]) -> Rule:
    return Rule(
        comment=f"tunnel {each.tunnel}",
        sources=sources,
        destinations=destinations,
        transport=Transport.UDP,
        ports=each.ports,
    )


def _time_service(places: Topology, environment: Environment, host: Host) -> Iterator[Row]:
    if not environment.time_servers:
        for leg in flows.time_clients(places, host):
            yield Row(
                comment="time",
                sources=(leg.network,),
                destinations=(leg.alone,),
                transport=Transport.UDP,
                ports=(NTP_PORT,),
            )
