"""The rule sets: golden texts, accepted by nft itself; values that would break out of a rule are refused.

After a wanted change: ``HOSTING_UPDATE_GOLDEN=1 pytest tests/unit/deploys/test_deploys_nftables.py``.
"""

import os
import subprocess
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
from sample import GATEWAY, HOST, environment, region

from deploys import flows, nftables
from deploys.desired_network import rule_set
from deploys.elements import Row, Transport
from deploys.nftables import Rule, RuleSet, Zone, render, render_emergency, render_isolation

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
    rules = render(RuleSet(administration=(), behind={}, serves=(rule,)))
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


@pytest.mark.parametrize("host", [HOST, GATEWAY])
def test_every_hook_drops_by_default_and_what_is_isolated_before_all_else(host: str) -> None:
    for hook in ("input", "forward", "output"):
        passed_over = ('"lo" accept', "@trunks jump untagged")
        lines = [line.strip() for line in chain(text(host), hook) if not line.endswith(passed_over)]
        assert lines[0] == f"type filter hook {hook} priority filter; policy drop;"
        assert lines[1:3] == [f"ip {end} @isolated jump isolation" for end in ("saddr", "daddr")]
        assert lines[-1] == f'counter name "{hook}-dropped" drop'


def test_what_bears_no_tag_on_a_trunk_is_dropped_before_all_else() -> None:
    for hook, ways in {"input": ["iifname"], "forward": ["iifname", "oifname"], "output": ["oifname"]}.items():
        lines = [line.strip() for line in chain(text(GATEWAY), hook)]
        assert lines[1 : 1 + len(ways)] == [f"{way} @trunks jump untagged" for way in ways]
    assert "trunks" not in text(HOST)


def chain(rules: str, name: str) -> list[str]:
    """Give the lines of one chain."""
    return rules.partition(f"\tchain {name} {{\n")[2].partition("\n\t}\n")[0].splitlines()


def test_only_a_gateway_lets_packets_through() -> None:
    assert '"eth1.110" : jump to-dijon-imagerie' in text(GATEWAY)
    assert "jump to-" not in text(HOST)


@pytest.mark.parametrize(
    ("attributes", "complaint"),
    [
        ({"comment": 'x" accept; #'}, "cannot be the comment"),
        ({"comment": "x\ny"}, "cannot be the comment"),
        ({"comment": ""}, "cannot be the comment"),
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


ROW = Row(comment="a row", sources=(NETWORK,), destinations=(NETWORK,), transport=Transport.TCP, ports=(22,))


@pytest.mark.parametrize(
    ("attributes", "complaint"),
    [
        ({"behind": {'eth1" accept': (NETWORK,)}}, "not the name of a network interface"),
        ({"behind": {"a-name-that-is-too-long": (NETWORK,)}}, "not the name of a network interface"),
        ({"behind": {"eth1": ("10.0.0.0/8 } accept",)}}, "are IPv4 networks"),
        ({"administration": ("10.0.0.0/8",)}, "are IPv4 networks"),
        ({"zones": (Zone(name="x { accept", interfaces=("eth1",), rows=(ROW,)),)}, "cannot be the name of a zone"),
        ({"zones": (Zone(name="x", interfaces=('eth1"',), rows=(ROW,)),)}, "not the name of a network interface"),
        ({"zones": (Zone(name="x", interfaces=("eth1",), rows=(replace(ROW, comment='"'),)),)}, "cannot be the comm"),
        ({"received": (replace(ROW, ports=(0,)),)}, "are not ports"),
        ({"received": (replace(ROW, ports=()),)}, "does not say"),
        ({"sent": (replace(ROW, sources=()),)}, "does not say"),
        ({"sent": (replace(ROW, destinations=("any",)),)}, "are IPv4 networks"),
        ({"sent": (replace(ROW, transport="tcp accept"),)}, "does not say"),
    ],
)
def test_nor_is_a_rule_set_with_it(attributes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        RuleSet(**{"administration": (), "behind": {}, **attributes})


def test_an_isolation_is_checked_too() -> None:
    with pytest.raises(ValueError, match="cannot be the name of a segment"):
        render_isolation('x" }; flush ruleset', (NETWORK,))
    with pytest.raises(ValueError, match="are IPv4 networks"):
        render_isolation("x", ("10.0.0.0/8 }; flush ruleset",))


def test_an_isolation_cuts_off_what_is_behind_a_tunnel_too() -> None:
    networks = (IPv4Network("10.21.20.0/24"), IPv4Network("192.0.2.0/25"), IPv4Network("192.0.2.128/25"))
    written = '10.21.20.0/24 comment "tunnel-beaune", 192.0.2.0/24 comment "tunnel-beaune"'
    expected = f"add element inet hosting isolated {{ {written} }}\n"
    assert render_isolation("tunnel-beaune", networks) == expected


def test_a_flow_opens_exactly_its_row() -> None:
    rows = [line.strip() for line in text(HOST).splitlines() if "flow" in line]
    assert rows == [
        '10.21.20.0/24 . 10.21.10.11 . tcp . 443 counter comment "imagerie-beaune flow 2 F-HTTPS" : accept,',
        '10.21.20.0/24 . 10.21.10.11 . tcp . 2762 counter comment "imagerie-beaune flow 1 F-DCMT" : accept,',
        '172.20.21.0/24 . 10.21.10.11 . tcp . 443 counter comment "imagerie-beaune flow 2 F-HTTPS" : accept,',
        '172.20.21.0/24 . 10.21.10.11 . tcp . 2762 counter comment "imagerie-beaune flow 1 F-DCMT" : accept,',
    ]


def test_an_element_of_many_rows_names_them_all_in_the_file_and_as_many_as_fit_in_the_kernel(tmp_path: Path) -> None:
    rows = tuple(replace(ROW, comment=f"application-{number} flow {number} F-HTTPS") for number in range(1, 9))
    rules = render(RuleSet(administration=(), behind={}, received=rows))
    shown = ", ".join(row.comment for row in rows[:3])
    assert f'counter comment "{shown} and 5 more" : accept' in rules
    assert f"# {', '.join(row.comment for row in rows)}\n" in rules
    check(rules, tmp_path)


def test_before_the_rules_are_loaded_only_the_administration_gets_in(tmp_path: Path) -> None:
    rules = render_emergency((NETWORK,))
    assert chain(rules, "input")[1:] == ['\t\tiifname "lo" accept', "\t\tip saddr 10.0.0.0/8 tcp dport 22 accept"]
    assert chain(rules, "forward") == ["\t\ttype filter hook forward priority filter; policy drop;"]
    assert rules.count("policy drop;") == 3
    check(rules, tmp_path)


def test_we_are_let_in_by_the_interface_at_whose_address_we_reach_a_host() -> None:
    places = flows.topology(region())
    access = environment().hosts[HOST].model_copy(update={"address": "10.21.10.11"})
    reached = environment().model_copy(update={"hosts": {HOST: access}})
    behind = rule_set(places, reached, places.hosts[HOST]).behind["eth1"]
    assert set(behind) - set(rule_set(places, environment(), places.hosts[HOST]).behind["eth1"]) == {
        IPv4Network("10.0.2.2/32")
    }


def test_the_table_is_replaced_in_one_transaction() -> None:
    assert text(HOST).splitlines()[1:3] == [f"table inet {nftables.TABLE}", f"delete table inet {nftables.TABLE}"]
