"""What the tests of the proof are about: the sample's hosts, their rule sets as a kernel lists them, what is found."""

from ipaddress import IPv4Address
from typing import Any

from listed_rules import listed
from sample import environment, region

from deploys import flows, nftables
from deploys.desired_network import rule_set
from hosting_cli.network import listing
from hosting_cli.network.comparison import Judgement, judge
from hosting_cli.network.interfaces import HostInterfaces
from hosting_cli.network.permits import Position

MANAGEMENT = {"eth0": (IPv4Address("10.0.2.15"),)}
"""The interface by which the lab reaches a machine; no file names it."""

OUTSIDE = {"dijon-gateway-1": {"eth2": (IPv4Address("198.51.100.10"),)}}
"""The card that carries the tunnel; no file names it either."""


def position(host: str) -> Position:
    """Give a host of the sample with the interfaces that it should have."""
    places = flows.topology(region())
    legs = {leg.name: (leg.address,) for leg in places.legs[host]}
    return Position(
        places, environment(), places.hosts[host], HostInterfaces({**MANAGEMENT, **OUTSIDE.get(host, {}), **legs})
    )


def text(host: str) -> str:
    """Give the rules that are written for a host of the sample."""
    places = flows.topology(region())
    return nftables.render(rule_set(places, environment(), places.hosts[host]))


def judged(host: str, rules: str) -> Judgement:
    """Judge *host* with *rules* in its kernel."""
    return judge(listing.rule_set(listed(rules)), position(host))


def found(judgement: Judgement) -> list[tuple[str, str, str]]:
    """Give the direction, the hook and the packet of every difference."""
    return [(each.difference.name, each.hook.value, each.packet) for each in judgement.findings]


def described(entries: list[dict[str, Any]]) -> Any:
    """Give a listing that holds *entries*."""
    return {"nftables": entries}
