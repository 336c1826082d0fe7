"""Say what a gateway needs to end tunnels: the daemon's files, an interface for each tunnel, a certificate.  Pure."""

from collections.abc import Iterator

from deploys import loaded_tunnels, names, swanctl, tunnels
from deploys.resources import HostFile, HostIdentity, HostResource, OnChange
from deploys.templates import render
from deploys.tunnels import Link
from deploys.view import View, agent_files, as_json
from inventory import naming
from inventory.models import HostRole
from inventory.resource import PLATFORM, Json, Subject
from inventory.tunnels import TunnelKind

PACKAGES = ("charon-systemd", "libstrongswan-standard-plugins", "openssl", "strongswan-swanctl")

RENEW_DAYS = 10
"""Of 30 that a gateway's certificate is valid: for so long the vault may be away before a tunnel is."""

INTERFACE_GROUP = 104
"""The mark of the interfaces that are ours, by which those of tunnels that are no more are found."""

_CERTIFICATE = f"/etc/swanctl/x509/{tunnels.CERTIFICATE}"

READING: dict[str, Json] = {"socket": "/run/charon.vici", "timeout_seconds": 20, "certificate": _CERTIFICATE}
"""What `facts/read_host.py` must know to ask the daemon."""

_DAEMON = "strongswan.service"
_INTERFACES = "hosting-tunnels.service"


def ended(view: View) -> tuple[Link, ...]:
    """Give the IPsec tunnels that the host ends."""
    if view.host.role is not HostRole.GATEWAY:
        return ()
    return tunnels.ended_by(view.places, view.region, view.host.id, TunnelKind.IPSEC)


def resources(view: View) -> Iterator[HostResource]:
    """Ask for everything that the tunnels of a gateway need."""
    links = ended(view)
    if not links:
        return
    yield view.file("/etc/strongswan.d/hosting.conf", render("strongswan.conf"), notifies=(_DAEMON,))
    connections = [tunnels.of_gateway(link, view.host.id) for link in links]
    yield view.file("/etc/swanctl/swanctl.conf", swanctl.render(connections), notifies=(_DAEMON,))
    yield from _interfaces(view, links)
    yield from _certificate(view, links[0])
    beside = render("strongswan.service", link=names.LINK_SERVICE, interfaces=_INTERFACES, certificate=_CERTIFICATE)
    yield view.file(names.unit_file(f"{_DAEMON}.d/hosting.conf"), beside)
    yield view.unit(
        _DAEMON,
        on_change=OnChange.RELOAD,
        loads=loaded_tunnels.told(connections),
        requires=(view.subject(HostIdentity, PLATFORM),),
    )


def _interfaces(view: View, links: tuple[Link, ...]) -> Iterator[HostResource]:
    path = f"{names.DIRECTORY}/tunnels.batch"
    yield view.file(path, _batch(view, links), notifies=(_INTERFACES,))
    unit = render("tunnels.service", batch_path=path, group=INTERFACE_GROUP)
    yield view.file(names.unit_file(_INTERFACES), unit, notifies=(_INTERFACES,))
    yield view.unit(_INTERFACES)


def _batch(view: View, links: tuple[Link, ...]) -> str:
    """Write the interfaces for `ip -batch`: one a tunnel, with the gateway's address in its segment and what is behind.

    What is sent to such an interface is encrypted or dropped, and nothing comes out of it that was not.
    """
    lines: list[str] = []
    for link in links:
        for leg in view.places.legs[view.host.id]:
            if leg.segment == link.tunnel.segment:
                add = f"link add name {leg.name} group {INTERFACE_GROUP} type xfrm dev lo if_id {link.interface_id}"
                # Without IPv6, which no tunnel carries, it has no address that we did not give it.
                lines += [add, f"link set dev {leg.name} addrgenmode none up"]
                lines.append(f"address replace {leg.address}/{leg.network.prefixlen} dev {leg.name}")
                lines += [f"route replace {found} dev {leg.name}" for found in link.theirs if found != leg.network]
    return "\n".join([*lines, ""])


def _certificate(view: View, link: Link) -> Iterator[HostResource]:
    """Ask for the gateway's identity in the vault, and for what renews its certificate by it."""
    file, role = names.application_file(PLATFORM), naming.host_role(PLATFORM, view.host.id)
    yield view.file(file, as_json(_told(view, link, role)))
    identity = HostIdentity(
        host=view.host.id,
        name=view.name(PLATFORM),
        owner=PLATFORM,
        application=PLATFORM,
        role=role,
        requires=(
            Subject("app-role", role),
            view.subject(HostFile, file),
            view.subject(HostFile, names.ENGINES),
            view.subject(HostFile, names.CERTIFICATE_AUTHORITY),
            *(view.subject(HostFile, path) for path, _ in agent_files()),
        ),
    )
    yield identity
    service, timer = names.LINK_SERVICE, names.LINK_TIMER
    content = render("link.service", agent=names.AGENT, credential=names.credential(PLATFORM))
    yield view.file(names.unit_file(service), content, notifies=(timer,))
    yield view.file(names.unit_file(timer), render("link.timer"), notifies=(timer,))
    yield view.unit(timer, requires=(identity.subject,))


def _told(view: View, link: Link, role: str) -> dict[str, Json]:
    """Say what the agent has to know of the platform's own identity; names, never a secret."""
    return {
        "application": PLATFORM,
        "role": role,
        "credential": names.credential(PLATFORM),
        "volumes": {},
        "backup": None,
        "link": {
            "identity": link.gateway_identity(view.host.id),
            "role": naming.gateway_role(view.host.id),
            "certificate": tunnels.CERTIFICATE,
            "renew_days": RENEW_DAYS,
        },
    }
