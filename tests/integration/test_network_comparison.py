"""What is found in rule sets that a kernel holds: nothing in ours, and every change that matters, by an example."""

from dataclasses import replace
from ipaddress import IPv4Address

import pytest
from listed_rules import listed
from proven import found, judged, position, text
from sample import GATEWAY, HOST

from hosting_cli.network import listing
from hosting_cli.network.comparison import judge
from hosting_cli.network.interfaces import HostInterfaces


def before(chain: str, rule: str, rules: str) -> str:
    """Put *rule* at the head of a base chain."""
    at = rules.index(f"\tchain {chain} {{\n")
    end = rules.index(";\n", rules.index("policy", at)) + 2
    return f"{rules[:end]}\t\t{rule}\n{rules[end:]}"


@pytest.mark.parametrize("host", [HOST, GATEWAY])
def test_nothing_is_found_in_the_rules_that_are_written_for_a_host(host: str) -> None:
    judgement = judged(host, text(host))
    assert (found(judgement), judgement.not_understood, judgement.misplaced) == ([], (), ())


TOO_MUCH = [
    pytest.param(
        HOST,
        lambda rules: before("input", "tcp dport 22 accept", rules),
        ("input", "tcp 10.21.10.1 → 10.21.10.11 port 22, in by eth1"),
        id="SSH for everybody",
    ),
    pytest.param(
        GATEWAY,
        lambda rules: before("forward", 'iifname "eth1.110" accept', rules),
        ("forward", "tcp 10.21.0.2 → 10.21.0.2 port 1, in by eth1.110, out by eth1.100"),
        id="everything out of a segment",
    ),
    pytest.param(
        GATEWAY,
        lambda rules: before("input", 'iifname "eth1" icmp type echo-request accept', rules),
        ("input", "icmp 10.21.0.2 → 10.21.0.1 type 8, in by eth1"),
        id="echoes to a trunk without a tag, although an echo may come by any other interface",
    ),
    pytest.param(
        GATEWAY,
        lambda rules: before("output", 'oifname "eth1" ip daddr 10.0.2.100 tcp dport 8200 accept', rules),
        ("output", "tcp 10.21.0.1 → 10.0.2.100 port 8200, out by eth1"),
        id="a connection to the vault out of a trunk without a tag",
    ),
    pytest.param(
        GATEWAY,
        lambda rules: before("forward", "ip6 daddr 2001:db8::/32 accept", rules),
        ("forward", "tcp :: → 2001:db8:: port 1, in by eth1.100, out by eth1.100"),
        id="IPv6 through a gateway",
    ),
    pytest.param(
        HOST,
        lambda rules: before("input", "ct state invalid accept", rules),
        ("input", "tcp 10.21.10.1 → 10.21.10.11 port 1, in by eth1, invalid"),
        id="packets of no connection",
    ),
    pytest.param(
        HOST,
        lambda rules: before("input", "tcp dport 445 limit rate 1/hour accept", rules),
        ("input", "tcp 10.21.10.1 → 10.21.10.11 port 445, in by eth1"),
        id="a little of what nobody should",
    ),
]
"""Changes that let something through."""


@pytest.mark.parametrize(("host", "change", "expected"), TOO_MUCH)
def test_what_passes_and_should_not_is_found(host: str, change: object, expected: tuple[str, str]) -> None:
    assert callable(change)
    assert found(judged(host, change(text(host)))) == [("TOO_MUCH", *expected)]


def test_a_table_that_is_missing_lets_everything_through() -> None:
    passing = {(direction, hook) for direction, hook, packet in found(judged(HOST, ""))}
    assert passing == {("TOO_MUCH", "input"), ("TOO_MUCH", "forward"), ("TOO_MUCH", "output")}


def test_a_row_that_is_stopped_is_named_with_the_rule_that_stops_it() -> None:
    judgement = judged(HOST, before("input", 'tcp dport 443 drop comment "closed"', text(HOST)))
    (finding,) = [each for each in judgement.findings if each.rows and "what follows" not in (each.concerns or "")]
    assert finding.packet == "tcp 10.21.20.1 → 10.21.10.11 port 443, in by eth1"
    assert finding.concerns == "imagerie-beaune flow 2 F-HTTPS"
    assert "“closed”" in finding.decided_by
    assert [row.ports for row in finding.rows] == [(443,)]


def test_a_row_that_passes_only_sometimes_is_stopped_sometimes() -> None:
    limited = before("input", "tcp dport 443 limit rate over 5/second drop", text(HOST))
    assert ("TOO_LITTLE", "input", "tcp 10.21.20.1 → 10.21.10.11 port 443, in by eth1") in found(judged(HOST, limited))


def test_connections_that_were_let_through_must_go_on() -> None:
    forgetful = text(HOST).replace("established : accept, ", "")
    assert found(judged(HOST, forgetful)) == [
        ("TOO_LITTLE", "input", "tcp 10.21.20.1 → 10.21.10.11 port 1, in by eth1, established"),
        ("TOO_LITTLE", "output", "tcp 10.21.10.11 → 10.21.20.1 port 1, out by eth1, established"),
    ]


FOREIGN = """
table ip foreign {{
	chain filter {{
		type filter hook input priority 10; policy {policy};
		{rule}
	}}
}}
"""


@pytest.mark.parametrize(
    ("policy", "rule", "directions"),
    [
        pytest.param("accept", "accept", set(), id="a foreign table that accepts widens nothing"),
        pytest.param("accept", "tcp dport 443 drop", {"TOO_LITTLE"}, id="a foreign table that drops takes away"),
        pytest.param("drop", "", {"TOO_LITTLE"}, id="a foreign table that drops by policy takes everything away"),
    ],
)
def test_a_packet_passes_only_if_every_table_accepts_it(policy: str, rule: str, directions: set[str]) -> None:
    foreign = FOREIGN.format(policy=policy, rule=rule)
    assert {direction for direction, _, _ in found(judged(HOST, text(HOST) + foreign))} == directions


def test_while_a_condition_is_not_understood_only_what_holds_anyway_is_said() -> None:
    unclear = before("input", "meta pkttype host accept", text(HOST))
    judgement = judged(HOST, unclear)
    (unknown,) = judgement.not_understood
    assert str(unknown).startswith("inet hosting, chain input, handle ")
    assert str(unknown).endswith('{"match": {"op": "==", "left": {"meta": {"key": "pkttype"}}, "right": "host"}}')
    assert found(judgement) == []
    certain = judged(HOST, before("input", "tcp dport 445 accept", unclear))
    assert ("TOO_MUCH", "input", "tcp 10.21.10.1 → 10.21.10.11 port 445, in by eth1") in found(certain)


def test_while_packets_may_be_changed_nothing_is_said_but_that() -> None:
    judgement = judged(
        HOST, before("input", "tcp dport 22 meta mark set 7", text(HOST)).replace("dport 443", "dport 1")
    )
    assert len(judgement.not_understood) == 1
    assert judgement.findings == ()


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ({}, "eth1 is not there, and should hold 10.21.10.11"),
        ({"eth1": ("10.21.20.11",)}, "eth1 holds 10.21.20.11, and should hold 10.21.10.11"),
        ({"eth1": ()}, "eth1 holds no address, and should hold 10.21.10.11"),
    ],
)
def test_an_interface_that_is_not_what_the_rules_take_it_for_is_named(
    held: dict[str, tuple[str, ...]], words: str
) -> None:
    kernel = HostInterfaces({name: tuple(map(IPv4Address, addresses)) for name, addresses in held.items()})
    judgement = judge(listing.rule_set(listed(text(HOST))), replace(position(HOST), kernel=kernel))
    assert judgement.misplaced == (words,)
