"""What a host's answer means for interfaces of WireGuard.  Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from deploys.resources import HostWireguard
from inventory.resource import PLATFORM


def interface(found: Mapping[str, Any], wanted: HostWireguard) -> HostWireguard:
    """Give *wanted* as the kernel has it; that the peer was last heard from another of its addresses is no change."""
    seen = _seen(found)
    is_where_it_may_be = set(seen["peer_addresses"]) <= set(wanted.peer_addresses)
    at = {"peer_addresses": wanted.peer_addresses} if is_where_it_may_be else {}
    return replace(wanted, **{**seen, **at})


def interface_left(host: str, name: str, found: Mapping[str, Any]) -> HostWireguard:
    """Give an interface of ours that nobody asks for."""
    return HostWireguard(host=host, name=f"{host}:{name}", owner=PLATFORM, interface=name, **_seen(found))


def _seen(found: Mapping[str, Any]) -> dict[str, Any]:
    peers = found["peers"]
    ends = sorted({peer["endpoint"].rpartition(":")[0] for peer in peers.values() if peer["endpoint"]})
    return {
        "addresses": tuple(sorted(found["addresses"])),
        "port": found["port"],
        "peers": tuple(sorted(peers)),
        "peer_addresses": tuple(ends),
        "networks": tuple(sorted({network for peer in peers.values() for network in peer["networks"]})),
        "routes": tuple(sorted(found["routes"])),
        "accepted": found["alias"],
        "up": found["up"],
        "public_key": found["public_key"],
    }
