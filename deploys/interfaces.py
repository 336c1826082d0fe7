"""Say which interfaces a host makes for itself, and write what systemd-networkd is told of them.  Pure.

A trunk carries frames of several segments, each under its VLAN, and has no address: what comes without a tag is in no
segment.  Where the hypervisor tags, a host has plain cards, which whoever makes the machine configures.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from deploys import names
from deploys.templates import render
from inventory.models import Host
from inventory.network import Segment


@dataclass(frozen=True)
class Vlan:
    """An interface of a segment on a trunk, as the kernel is to have it."""

    name: str
    parent: str
    number: int
    address: str


@dataclass(frozen=True)
class Trunk:
    """A card and the VLANs that it carries."""

    name: str
    vlans: tuple[Vlan, ...]


def trunks(host: Host, segments: Mapping[str, Segment]) -> tuple[Trunk, ...]:
    """Give the trunks of *host*; raise ``ValueError`` for a segment without a number (the inventory's rules refuse)."""
    return tuple(Trunk(name, tuple(_vlans(host, name, segments))) for name in host.trunks)


def _vlans(host: Host, trunk: str, segments: Mapping[str, Segment]) -> Iterator[Vlan]:
    for interface in host.interfaces:
        if interface.parent == trunk:
            number = segments[interface.segment].vlan
            if number is None:
                raise ValueError(f"segment {interface.segment} has no VLAN")
            yield Vlan(interface.name, trunk, number, str(interface.address))


def trunk_files(trunk: Trunk) -> tuple[tuple[str, str], ...]:
    """Give the files that describe a trunk, by path and content."""
    content = render("trunk.network", interface=trunk.name, vlans=tuple(vlan.name for vlan in trunk.vlans))
    return ((names.network_file(trunk.name), content),)


def vlan_files(vlan: Vlan) -> tuple[tuple[str, str], ...]:
    """Give the files that describe a VLAN, by path and content."""
    return (
        (names.device_file(vlan.name), render("vlan.netdev", interface=vlan.name, number=vlan.number)),
        (names.network_file(vlan.name), render("vlan.network", interface=vlan.name, address=vlan.address)),
    )
