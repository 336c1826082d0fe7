"""The rule sets: golden texts, accepted by nft itself; values that would break out of a rule are refused.

After a wanted change: ``HOSTING_UPDATE_GOLDEN=1 pytest tests/unit/deploys/test_deploys_nftables.py``.
"""

import os
import subprocess
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
from sample import GATEWAY, HOST, environment, region

from deploys import flows, nftables
from deploys.desired_network import rule_set
from deploys.nftables import Rule, RuleSet, Transport, render

GOLDEN = Path(__file__).parent / "golden"
NETWORK = IPv4Network("10.0.0.0/8")


def text(host: str) -> str:
    places = flows.topology(region())
    return render(rule_set(places, environment(), places.hosts[host]))


@pytest.mark.parametrize("host", [HOST, GATEWAY])
def test_the_rules_are_those_of_the_golden_file(host: str) -> None:
    golden = GOLDEN / f"{host}.nft"
    if os.environ.get("HOSTING_UPDATE_GOLDEN"):
        golden.write_text(text(host))
    assert text(host) == golden.read_text()


@pytest.mark.parametrize("host", [HOST, GATEWAY])
def test_nft_accepts_the_rules(host: str, tmp_path: Path) -> None:
    check(text(host), tmp_path)


def check(rules: str, directory: Path) -> None:
    """Have nft check *rules* in a network namespace of its own, so that no right on the machine is needed."""
    file = directory / "rules.nft"
    file.write_text(rules)
    argv = ["unshare", "--user", "--map-root-user", "--net", "/usr/sbin/nft", "--check", "--file", str(file)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_overlapping_networks_are_merged_because_nft_refuses_them(tmp_path: Path) -> None:
    rule = Rule(comment="merged", sources=(NETWORK, IPv4Network("10.1.0.0/16")), transport=Transport.TCP, ports=(1, 1))
    rules = render(RuleSet(incoming=(rule,), outgoing=()))
    assert 'ip saddr 10.0.0.0/8 tcp dport 1 counter accept comment "merged"' in rules
    check(rules, tmp_path)


@pytest.mark.parametrize("host", [HOST, GATEWAY])
def test_packages_are_fetched_from_their_sources_and_from_nowhere_else(host: str, tmp_path: Path) -> None:
    places = flows.topology(region())
    sources = (IPv4Network("198.51.100.12/32"), IPv4Network("203.0.113.0/28"))
    opened = environment().model_copy(update={"package_sources": sources})
    rules = render(rule_set(places, opened, places.hosts[host]))
    line = 'ip daddr { 198.51.100.12, 203.0.113.0/28 } tcp dport { 80, 443 } counter accept comment "packages"'
    assert set(rules.splitlines()) - set(text(host).splitlines()) == {f"\t\t{line}"}
    chain_of = {hook: rules.partition(f"chain {hook} {{")[2].partition("}\n\n")[0] for hook in ("input", "output")}
    assert (line in chain_of["output"], line in chain_of["input"]) == (True, False)
    assert rules.count(line) == 1
    check(rules, tmp_path)


def test_every_hook_drops_by_default() -> None:
    assert text(HOST).count("policy drop;") == 3


def test_only_a_gateway_sends_probes_and_lets_packets_through() -> None:
    assert "0x0000686f" not in text(HOST)
    assert "0x0000686f" in text(GATEWAY)
    assert 'vmap { "eth2" . "eth1"' in text(GATEWAY)
    assert "jump" not in text(HOST)


@pytest.mark.parametrize(
    ("attributes", "complaint"),
    [
        ({"comment": 'x" accept; #'}, "cannot be the comment"),
        ({"comment": "x\ny"}, "cannot be the comment"),
        ({"comment": ""}, "cannot be the comment"),
        ({"incoming": 'eth1" accept'}, "not the name of a network interface"),
        ({"outgoing": "a-name-that-is-too-long"}, "not the name of a network interface"),
        ({"transport": Transport.TCP, "ports": (0,)}, "are not ports"),
        ({"transport": Transport.TCP, "ports": (65536,)}, "are not ports"),
        ({"transport": Transport.TCP, "ports": ("22 accept",)}, "are not ports"),
        ({"transport": Transport.TCP, "ports": (True,)}, "are not ports"),
        ({"transport": Transport.TCP}, "names a transport and its ports"),
        ({"ports": (22,)}, "names a transport and its ports"),
        ({"sources": ("10.0.0.0/8",)}, "are IPv4 networks"),
    ],
)
def test_what_could_not_be_written_safely_is_refused(attributes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Rule(**{"comment": "a rule", **attributes})


def test_a_pair_of_interfaces_is_checked_too() -> None:
    with pytest.raises(ValueError, match="not the name of a network interface"):
        render(RuleSet(incoming=(), outgoing=(), through={('eth1" . "eth2', "eth2"): ()}))


def test_a_flow_opens_exactly_its_row() -> None:
    rows = [line.strip() for line in text(HOST).splitlines() if "flow" in line]
    assert rows == [
        'iifname "eth1" ip saddr { 10.21.20.0/24, 172.20.21.0/24 } ip daddr 10.21.10.11 tcp dport 2762 counter accept'
        ' comment "imagerie-beaune flow 1 F-DCMT"',
        'iifname "eth1" ip saddr { 10.21.20.0/24, 172.20.21.0/24 } ip daddr 10.21.10.11 tcp dport 443 counter accept'
        ' comment "imagerie-beaune flow 2 F-HTTPS"',
    ]


def test_the_table_is_replaced_in_one_transaction() -> None:
    assert text(HOST).splitlines()[1:3] == [f"table inet {nftables.TABLE}", f"delete table inet {nftables.TABLE}"]
