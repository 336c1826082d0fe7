"""Read what `ip -j address` says: which interfaces a host has, and which addresses they hold.  Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from hosting_cli.network.packets import LOOPBACK


@dataclass(frozen=True)
class HostInterfaces:
    """The IPv4 addresses of each interface of a host but its loopback."""

    addresses: Mapping[str, tuple[IPv4Address, ...]]

    @property
    def own(self) -> tuple[IPv4Address, ...]:
        """Give all addresses of the host."""
        return tuple(address for held in self.addresses.values() for address in held)


def interfaces(listing: Any) -> HostInterfaces:
    """Read a listing; raise ``ValueError`` if it is none."""
    try:
        return HostInterfaces(
            {
                link["ifname"]: tuple(
                    IPv4Address(held["local"]) for held in link["addr_info"] if held["family"] == "inet"
                )
                for link in listing
                if link["ifname"] != LOOPBACK
            }
        )
    except (LookupError, TypeError) as error:
        raise ValueError(f"not a listing of addresses: {type(error).__name__}: {error}") from error
