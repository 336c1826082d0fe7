"""A gateway that ends a tunnel: its peer alone is let in, and what would pass beside the tunnel is found."""

from ipaddress import IPv4Address

import pytest
from listed_rules import listed
from proven import MANAGEMENT
from sample import GATEWAY, environment
from with_tunnels import with_tunnel

from deploys import flows, nftables
from deploys.desired_network import rule_set
from hosting_cli.network import listing
from hosting_cli.network.comparison import Judgement, judge
from hosting_cli.network.interfaces import HostInterfaces
from hosting_cli.network.permits import Position
from inventory.tunnels import TunnelKind

PLACES = flows.topology(with_tunnel())
RULES = nftables.render(rule_set(PLACES, environment(), PLACES.hosts[GATEWAY]))
OUTER = IPv4Address("198.51.100.10")


WIREGUARD = flows.topology(with_tunnel(TunnelKind.WIREGUARD))
WIREGUARD_RULES = nftables.render(rule_set(WIREGUARD, environment(), WIREGUARD.hosts[GATEWAY]))


def judged(rules: str, places: flows.Topology = PLACES) -> Judgement:
    """Judge the gateway with *rules* in its kernel."""
    legs = {leg.name: (leg.address,) for leg in places.legs[GATEWAY]}
    kernel = HostInterfaces({**MANAGEMENT, "eth0": (*MANAGEMENT["eth0"], OUTER), **legs})
    return judge(listing.rule_set(listed(rules)), Position(places, environment(), places.hosts[GATEWAY], kernel))


def test_the_tunnel_is_an_interface_of_its_own_beside_which_its_networks_are_nowhere() -> None:
    lines = {line.strip() for line in RULES.splitlines()}
    assert '"ipsec1" . 172.20.21.0/24,' in lines
    assert '"ipsec1" : jump to-tunnel-beaune,' not in lines, "no flow leads there"
    assert [line for line in lines if "udp dport { 500, 4500 }" in line and "203.0.113.20" in line] != []


def test_what_is_written_for_it_is_proven() -> None:
    found = judged(RULES)
    assert (found.findings, found.not_understood) == ((), ())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ip saddr 203.0.113.20 ip daddr 198.51.100.10 udp", "ip daddr 198.51.100.10 udp"),
        ("ip saddr 203.0.113.20 ip daddr 198.51.100.10 udp", "ip saddr 203.0.113.0/24 ip daddr 198.51.100.10 udp"),
        ("ip daddr 198.51.100.10 udp dport { 500, 4500 }", "ip daddr 198.51.100.10 udp dport { 500, 4500, 4501 }"),
        ("ip daddr 203.0.113.20 udp dport { 500, 4500 }", "ip daddr 203.0.113.20 udp dport { 500 }"),
        ('"ipsec1" . 172.20.21.0/24,', '"ipsec1" . 172.20.21.0/24, "eth0" . 172.20.21.0/24,'),
    ],
)
def test_what_would_pass_beside_the_tunnel_or_no_longer_carry_it_is_found(old: str, new: str) -> None:
    assert RULES.count(old) == 1
    assert judged(RULES.replace(old, new)).findings != ()


def test_wireguard_is_let_in_on_its_port_and_no_other() -> None:
    assert "500, 4500" not in WIREGUARD_RULES
    assert '"wg1" . 172.20.21.0/24,' in WIREGUARD_RULES
    found = judged(WIREGUARD_RULES, WIREGUARD)
    assert (found.findings, found.not_understood) == ((), ())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ip saddr 203.0.113.20 ip daddr 198.51.100.10 udp", "ip daddr 198.51.100.10 udp"),
        ("ip daddr 198.51.100.10 udp dport 51820", "ip daddr 198.51.100.10 udp dport { 51820, 51821 }"),
        ("ip daddr 203.0.113.20 udp dport 51820", "ip daddr 203.0.113.20 udp dport 500"),
        ('"wg1" . 172.20.21.0/24,', '"wg1" . 172.20.21.0/24, "eth0" . 172.20.21.0/24,'),
    ],
)
def test_what_would_pass_beside_wireguard_or_no_longer_carry_it_is_found(old: str, new: str) -> None:
    assert WIREGUARD_RULES.count(old) == 1
    assert judged(WIREGUARD_RULES.replace(old, new), WIREGUARD).findings != ()
