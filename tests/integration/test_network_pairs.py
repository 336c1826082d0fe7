"""A pair of gateways: what one says to the other passes in the one segment, whatever is isolated, and nobody else's."""

from ipaddress import IPv4Address

import pytest
from listed_rules import listed
from proven import MANAGEMENT
from sample import GATEWAY, HOST, environment_of
from with_pairs import SHARED, with_pair
from with_tunnels import SECOND

from deploys import flows, nftables
from deploys.desired_network import rule_set
from hosting_cli.network import listing
from hosting_cli.network.comparison import Judgement, judge
from hosting_cli.network.interfaces import HostInterfaces
from hosting_cli.network.permits import Position

TOGETHER = with_pair()
PLACES = flows.topology(TOGETHER)
ENVIRONMENT = environment_of(TOGETHER)
RULES = {host: nftables.render(rule_set(PLACES, ENVIRONMENT, PLACES.hosts[host])) for host in (GATEWAY, SECOND, HOST)}
OUTER = {GATEWAY: "198.51.100.10", SECOND: "198.51.100.11"}


def judged(host: str, rules: str, *, in_charge: bool = True) -> Judgement:
    """Judge *host* with *rules* in its kernel, and with the shared addresses if it is in charge."""
    shared = SHARED if in_charge and host != HOST else {}
    legs = {
        leg.name: (leg.address, *([shared[leg.segment]] if leg.segment in shared else []))
        for leg in PLACES.legs[host]
    }  # fmt: skip
    outside = {"eth2": (IPv4Address(OUTER[host]),)} if host in OUTER else {}
    position = Position(PLACES, ENVIRONMENT, PLACES.hosts[host], HostInterfaces({**MANAGEMENT, **outside, **legs}))
    return judge(listing.rule_set(listed(rules)), position)


@pytest.mark.parametrize("in_charge", [True, False], ids=["in charge", "standing by"])
@pytest.mark.parametrize("host", [GATEWAY, SECOND, HOST])
def test_what_is_written_is_proven_whoever_is_in_charge(host: str, in_charge: bool) -> None:
    found = judged(host, RULES[host], in_charge=in_charge)
    assert (found.findings, found.not_understood, found.misplaced) == ((), (), ())


HEARD = 'iifname "eth1.100" ip saddr 10.21.0.2 ip daddr 10.21.0.1 meta l4proto 112 counter accept'
SAID = 'oifname "eth1.100" ip saddr 10.21.0.1 ip daddr 10.21.0.2 meta l4proto 112 counter accept'


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(HEARD, HEARD.replace(" ip saddr 10.21.0.2", ""), id="of any host in the segment"),
        pytest.param(HEARD, HEARD.replace("10.21.0.2", "10.21.0.0/30"), id="of a neighbour's address"),
        pytest.param(HEARD, HEARD.replace("eth1.100", "eth1.110"), id="in another segment"),
        pytest.param(HEARD, HEARD.replace(" ip daddr 10.21.0.1", ""), id="to the group of all routers"),
        pytest.param(HEARD, HEARD.replace(" meta l4proto 112", ""), id="whatever the other gateway says"),
        pytest.param(HEARD, HEARD.replace("accept", "drop"), id="not heard"),
        pytest.param(SAID, SAID.replace("accept", "drop"), id="not said"),
        pytest.param(SAID, SAID.replace(" ip daddr 10.21.0.2", ""), id="said to everybody"),
    ],
)
def test_a_heartbeat_that_others_could_say_or_that_is_not_heard_is_found(old: str, new: str) -> None:
    assert RULES[GATEWAY].count(old) == 1
    assert judged(GATEWAY, RULES[GATEWAY].replace(old, new)).findings != ()


def test_isolating_the_segment_of_the_heartbeat_silences_neither() -> None:
    """Else both would hold the addresses of every segment."""
    isolated = RULES[GATEWAY] + nftables.render_isolation(
        "dijon-administration", PLACES.segments["dijon-administration"].networks
    )
    concerns = {finding.concerns for finding in judged(GATEWAY, isolated).findings}
    assert "heartbeat of a pair of gateways" not in concerns
    assert concerns, "what else is promised there is stopped"
    broken = "\n".join(line for line in isolated.splitlines() if "l4proto 112 return" not in line)
    assert "heartbeat of a pair of gateways" in {each.concerns for each in judged(GATEWAY, broken + "\n").findings}
