"""What gateways publish of their ends of tunnels of WireGuard: the public halves of keys that never leave them."""

from deploys import flows, wireguard
from deploys.desired_wireguard import interface
from deploys.resources import HostWireguard
from deploys.tunnels import Link
from hosting_cli.errors import EngineError, RefusedError, UnreadableError
from hosting_cli.session import Session
from hosting_cli.survey import read_hosts
from inventory.tunnels import is_public_key


def gateway_key(session: Session, link: Link) -> str:
    """Read the public key of our end; raise ``HostingError`` if the gateway cannot tell, or has none yet."""
    host = link.tunnel.gateways[0].host
    found = held(session, link)
    if found is None:
        what = "has no interface for it yet, and so no key"
        raise RefusedError(f"host {host}", what, "Bring the gateway to its files first: hosting plan.")
    if found.public_key is None or not is_public_key(found.public_key):
        raise EngineError(f"host {host}", f"{found.interface} holds no key", "hosting plan, then apply, makes one.")
    return found.public_key


def held(session: Session, link: Link) -> HostWireguard | None:
    """Read our end as the kernel of its gateway holds it; raise ``UnreadableError`` if that cannot be told."""
    host = link.tunnel.gateways[0].host
    (end,) = wireguard.of_gateway(flows.topology(link.region), link, host)
    wanted = interface(host, end)
    (reading,) = read_hosts(session, {wanted.subject: wanted}, [host])
    if reading.resources is None:
        raise UnreadableError(f"host {host}", reading.reason or "was not read", "Is it up? hosting status tells.")
    found = reading.resources.get(wanted.subject)
    return found if isinstance(found, HostWireguard) else None
