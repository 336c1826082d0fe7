"""Kinds of rules as a kernel lists them: what each lets through, and which are not understood."""

from ipaddress import IPv4Address, ip_address
from typing import Any

import pytest
from listed_rules import listed

from hosting_cli.network import listing
from hosting_cli.network.evaluation import Evaluation
from hosting_cli.network.interfaces import HostInterfaces, interfaces
from hosting_cli.network.packets import Axis, Family, Interfaces, Packets, State
from hosting_cli.network.rules import Hook
from hosting_cli.network.spaces import Point

TABLE = """
table inet one {{
\tset hosts {{
\t\ttype ipv4_addr
\t\tflags interval
\t\telements = {{ 10.0.0.0/24, 10.0.5.1-10.0.5.7, 10.9.9.9 }}
\t}}

\tset behind {{
\t\ttype ifname . ipv4_addr
\t\tflags interval
\t\telements = {{ "eth0" . 10.0.0.0/24, "eth1" . 10.1.0.5-10.1.0.9 }}
\t}}

\tset fading {{
\t\ttype ipv4_addr
\t\tflags timeout
\t}}

\tmap rows {{
\t\ttype ipv4_addr . ipv4_addr . inet_proto . inet_service : verdict
\t\tflags interval
\t\tcounter
\t\telements = {{
\t\t\t10.0.0.0/24 . 10.1.0.5 . tcp . 443 counter comment "a row" : accept,
\t\t\t10.0.0.7 . 10.1.0.0/16 . udp . 53-60 : jump other,
\t\t}}
\t}}

\tchain other {{
\t\tudp sport 1024-65535 accept
\t\treturn
\t}}

\tchain last {{
\t\tudp dport 54 drop
\t}}

\tchain input {{
\t\ttype filter hook input priority filter; policy drop;
\t\t{rule}
\t}}
}}
"""


def packet(words: str) -> Point:
    """Read a packet from words: `eth0 tcp 10.0.0.1 > 10.1.0.5 443`, and then `from PORT`, `mark N` or a state."""
    interface, protocol, source, _, destination, number, *more = words.split()
    values = dict.fromkeys(Axis, 0)
    version = ip_address(source).version
    types = {"icmp": 1, "icmpv6": 58, "tcp": 6, "udp": 17, "sctp": 132}
    head = int(number) << 8 if protocol.startswith("icmp") else 40000
    options = dict(zip(more[::2], more[1::2], strict=True))
    values |= {
        Axis.STATE: State[options.get("state", "new").upper()],
        Axis.REPLY: int("reply" in options),
        Axis.FAMILY: Family.IPV4 if version == 4 else Family.IPV6,
        Axis.INCOMING: NAMES.words.index(interface),
        Axis.MARK: int(options.get("mark", 0)),
        Axis.SOURCE: int(ip_address(source)),
        Axis.DESTINATION: int(ip_address(destination)),
        Axis.PROTOCOL: types[protocol],
        Axis.HEAD: int(options.get("from", head)),
        Axis.PORT: 0 if protocol.startswith("icmp") else int(number),
    }
    return tuple(values[axis] for axis in Axis)


NAMES = Interfaces.of(["eth0", "eth1", "wan*", "wan0", "eth*", "none*"])


def passing(rule: str, words: str) -> str:
    """Say whether a packet passes, where *rule* alone stands in a chain that drops the rest."""
    rules = listing.rule_set(listed(TABLE.format(rule=rule)))
    assert list(rules.not_understood) == []
    passage = Evaluation(rules, Packets(NAMES)).passage([Hook.INPUT])
    point = packet(words)
    fates = (point in passage.accepted, point in passage.dropped)
    return {(True, False): "passes", (False, True): "stopped", (True, True): "sometimes"}[fates]


ROW = "ip saddr . ip daddr . meta l4proto . th dport vmap @rows"

CASES = [
    ("tcp dport 443 accept", "eth0 tcp 10.0.0.1 > 10.1.0.5 443", "passes"),
    ("tcp dport 443 accept", "eth0 udp 10.0.0.1 > 10.1.0.5 443", "stopped"),
    ("tcp dport 443 accept", "eth0 tcp fd00::1 > fd00::2 443", "passes"),
    ("th dport 443 accept", "eth0 sctp 10.0.0.1 > 10.1.0.5 443", "passes"),
    ("tcp dport { 22, 80-90 } accept", "eth0 tcp 10.0.0.1 > 10.1.0.5 90", "passes"),
    ("tcp dport { 22, 80-90 } accept", "eth0 tcp 10.0.0.1 > 10.1.0.5 91", "stopped"),
    ("tcp dport != 1-5 accept", "eth0 tcp 10.0.0.1 > 10.1.0.5 6", "passes"),
    ("tcp dport != 1-5 accept", "eth0 tcp 10.0.0.1 > 10.1.0.5 5", "stopped"),
    ("tcp dport != 1-5 accept", "eth0 udp 10.0.0.1 > 10.1.0.5 6", "stopped"),
    ("tcp sport 1 accept", "eth0 tcp 10.0.0.1 > 10.1.0.5 443 from 1", "passes"),
    ("ip saddr 10.0.0.0/24 accept", "eth0 tcp 10.0.0.255 > 10.1.0.5 443", "passes"),
    ("ip saddr 10.0.0.0/24 accept", "eth0 tcp 10.0.1.0 > 10.1.0.5 443", "stopped"),
    ("ip saddr != 10.0.0.0/24 accept", "eth0 tcp 10.0.1.0 > 10.1.0.5 443", "passes"),
    ("ip saddr != 10.0.0.0/24 accept", "eth0 tcp fd00::1 > fd00::2 443", "stopped"),
    ("ip saddr @hosts accept", "eth0 tcp 10.0.5.7 > 10.1.0.5 443", "passes"),
    ("ip saddr @hosts accept", "eth0 tcp 10.0.5.8 > 10.1.0.5 443", "stopped"),
    ("ip6 daddr fd00::/16 accept", "eth0 tcp fd00::1 > fd00::2 443", "passes"),
    ("meta nfproto ipv6 accept", "eth0 tcp fd00::1 > fd00::2 443", "passes"),
    ("meta l4proto { tcp, udp } accept", "eth0 sctp 10.0.0.1 > 10.1.0.5 443", "stopped"),
    ("ip protocol udp accept", "eth0 udp 10.0.0.1 > 10.1.0.5 443", "passes"),
    ("icmp type echo-request accept", "eth0 icmp 10.0.0.1 > 10.1.0.5 8", "passes"),
    ("icmp type echo-request accept", "eth0 icmp 10.0.0.1 > 10.1.0.5 9", "stopped"),
    ("icmpv6 type nd-neighbor-solicit accept", "eth0 icmpv6 fd00::1 > fd00::2 135", "passes"),
    ("icmpv6 type nd-neighbor-solicit accept", "eth0 icmpv6 10.0.0.1 > 10.0.0.2 135", "stopped"),
    ("meta mark 7 accept", "eth0 tcp 10.0.0.1 > 10.1.0.5 443 mark 7", "passes"),
    ("meta mark 7 accept", "eth0 tcp 10.0.0.1 > 10.1.0.5 443", "stopped"),
    ("ct state established,related accept", "eth0 tcp 10.0.0.1 > 10.1.0.5 1 state related", "passes"),
    ("ct state established,related accept", "eth0 tcp 10.0.0.1 > 10.1.0.5 1", "stopped"),
    ("ct state != invalid accept", "eth0 tcp 10.0.0.1 > 10.1.0.5 1 state invalid", "stopped"),
    ("ct direction reply accept", "eth0 tcp 10.0.0.1 > 10.1.0.5 1 state established", "stopped"),
    ("ct direction reply accept", "eth0 tcp 10.0.0.1 > 10.1.0.5 1 state established reply yes", "passes"),
    ("ct state vmap { established : accept, invalid : drop }", "eth0 tcp 10.0.0.1 > 10.1.0.5 1", "stopped"),
    ('iifname "eth0" accept', "eth0 tcp 10.0.0.1 > 10.1.0.5 1", "passes"),
    ('iifname "eth0" accept', "eth1 tcp 10.0.0.1 > 10.1.0.5 1", "stopped"),
    ('iifname { "eth0", "eth1" } accept', "eth1 tcp 10.0.0.1 > 10.1.0.5 1", "passes"),
    ('iifname "wan*" accept', "wan0 tcp 10.0.0.1 > 10.1.0.5 1", "passes"),
    ('iifname "wan*" accept', "wan* tcp 10.0.0.1 > 10.1.0.5 1", "passes"),
    ('iifname "wan*" accept', "eth0 tcp 10.0.0.1 > 10.1.0.5 1", "stopped"),
    ('iifname "none*" accept', "* tcp 10.0.0.1 > 10.1.0.5 1", "stopped"),
    ('iifname != "eth0" accept', "* tcp 10.0.0.1 > 10.1.0.5 1", "passes"),
    ('oifname "eth0" accept', "eth0 tcp 10.0.0.1 > 10.1.0.5 1", "stopped"),
    ('oifname != "eth0" accept', "eth0 tcp 10.0.0.1 > 10.1.0.5 1", "passes"),
    ("iifname . ip saddr @behind accept", "eth1 tcp 10.1.0.9 > 10.1.0.5 1", "passes"),
    ("iifname . ip saddr @behind accept", "eth0 tcp 10.1.0.9 > 10.1.0.5 1", "stopped"),
    ("iifname . ip saddr != @behind accept", "eth0 tcp 10.1.0.9 > 10.1.0.5 1", "passes"),
    ("iifname . ip saddr != @behind accept", "eth0 tcp fd00::1 > fd00::2 1", "stopped"),
    (ROW, "eth0 tcp 10.0.0.200 > 10.1.0.5 443", "passes"),
    (ROW, "eth0 tcp 10.0.0.200 > 10.1.0.5 444", "stopped"),
    (ROW, "eth0 udp 10.0.0.200 > 10.1.0.5 443", "stopped"),
    (ROW, "eth0 udp 10.0.0.7 > 10.1.77.77 60", "passes"),
    (ROW, "eth0 udp 10.0.0.7 > 10.1.77.77 60 from 1", "stopped"),
    (f"{ROW}\n\t\taccept", "eth0 udp 10.0.0.7 > 10.1.77.77 60 from 1", "passes"),
    ("jump last\n\t\tmeta l4proto udp accept", "eth0 udp 10.0.0.7 > 10.1.77.77 54", "stopped"),
    ("jump last\n\t\tmeta l4proto udp accept", "eth0 udp 10.0.0.7 > 10.1.77.77 55", "passes"),
    ("goto last\n\t\tmeta l4proto udp accept", "eth0 udp 10.0.0.7 > 10.1.77.77 55", "stopped"),
    ("udp dport 55 return\n\t\taccept", "eth0 udp 10.0.0.7 > 10.1.77.77 55", "stopped"),
    ("udp dport 55 continue\n\t\taccept", "eth0 udp 10.0.0.7 > 10.1.77.77 55", "passes"),
    ("udp dport 55 reject\n\t\taccept", "eth0 udp 10.0.0.7 > 10.1.77.77 55", "stopped"),
    ("udp dport vmap { 1-9 : accept, 55 : drop }\n\t\taccept", "eth0 udp 10.0.0.7 > 10.1.0.1 55", "stopped"),
    ("udp dport vmap { 1-9 : accept, 55 : drop }\n\t\taccept", "eth0 udp 10.0.0.7 > 10.1.0.1 56", "passes"),
    ("limit rate 1/second accept", "eth0 udp 10.0.0.7 > 10.1.77.77 55", "sometimes"),
    ("limit rate over 1/second drop\n\t\taccept", "eth0 udp 10.0.0.7 > 10.1.77.77 55", "sometimes"),
    ('limit rate 1/second log prefix "x"\n\t\taccept', "eth0 udp 10.0.0.7 > 10.1.77.77 55", "passes"),
    ("limit rate 1/second jump last\n\t\taccept", "eth0 udp 10.0.0.7 > 10.1.77.77 54", "sometimes"),
]


@pytest.mark.parametrize(("rule", "words", "fate"), CASES, ids=[f"{rule!r}: {words}" for rule, words, _ in CASES])
def test_a_rule_lets_through_what_it_says(rule: str, words: str, fate: str) -> None:
    assert passing(rule, words) == fate


@pytest.mark.parametrize(
    "rule",
    [
        "meta pkttype broadcast drop",
        "tcp flags syn accept",
        "ip saddr & 255.0.0.255 == 10.0.0.1 accept",
        "meta mark & 0xff == 1 accept",
        "ct original ip saddr 10.0.0.1 accept",
        "ct status dnat accept",
        "fib daddr type local accept",
        "ip6 nexthdr tcp accept",
        "ip length 1-100 accept",
        "ip saddr @fading accept",
        "ip saddr vmap { 10.0.0.0/8 : accept, * : drop }",
        "meta mark set 7",
        "ct mark set 7 accept",
        "tcp dport 80 meta priority set 1 drop",
        "update @fading { ip saddr timeout 1m }",
        "ether saddr 00:11:22:33:44:55 accept",
        'icmp code "host-unreachable" accept',
    ],
)
def test_what_is_not_understood_is_named_with_its_place(rule: str) -> None:
    rules = listing.rule_set(listed(TABLE.format(rule=rule)))
    unknown = [str(each) for each in rules.not_understood]
    assert unknown
    assert all(each.startswith("inet one, chain input, handle ") for each in unknown)


OTHER_TABLES = {
    "translation of addresses": "table ip two {\n\tchain c {\n\t\ttype nat hook prerouting priority -100;\n"
    "\t\ttcp dport 80 accept\n\t}\n}\n",
    "a chain before connections are tracked": "table ip two {\n\tchain c {\n"
    "\t\ttype filter hook prerouting priority -300;\n\t\ttcp dport 80 drop\n\t}\n}\n",
    "a table of bridges": "table bridge two {\n\tchain c {\n"
    "\t\ttype filter hook forward priority 0; policy drop;\n\t}\n}\n",
}


@pytest.mark.parametrize("table", OTHER_TABLES.values(), ids=OTHER_TABLES.keys())
def test_tables_that_do_more_than_to_filter_are_not_understood(table: str) -> None:
    rules = listing.rule_set(listed(table))
    assert list(rules.not_understood)
    assert rules.may_change_packets


@pytest.mark.parametrize("flags", [1, "dormant", ["dormant"]], ids=["a number", "a word", "a list"])
def test_a_table_that_may_sleep_is_not_understood(flags: object) -> None:
    """Versions of nft write flags each in their own way; 1.0.6 even breaks its listing off, which is no reading."""
    table = {"family": "inet", "name": "two", "flags": flags}
    assert list(listing.rule_set({"nftables": [{"table": table}]}).not_understood)


def test_a_chain_without_effect_is_no_trouble() -> None:
    idle = "table ip two {\n\tchain c {\n\t\ttype nat hook postrouting priority 100;\n\t}\n}\n"
    assert list(listing.rule_set(listed(idle)).not_understood) == []


@pytest.mark.parametrize(
    "text", [None, [], {}, {"nftables": [{}]}, {"nftables": [{"rule": {}}]}, {"nftables": [{"chain": {"name": "x"}}]}]
)
def test_what_is_no_listing_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="not a listing of nft"):
        listing.rule_set(text)


def test_a_verdict_that_leads_nowhere_is_not_understood() -> None:
    found = listed(TABLE.format(rule="jump other"))
    found["nftables"] = [entry for entry in found["nftables"] if entry.get("chain", {}).get("name") != "other"]
    assert any("not listed" in str(each) for each in listing.rule_set(found).not_understood)


def test_an_object_of_an_unknown_kind_is_not_understood() -> None:
    assert [str(each) for each in listing.rule_set({"nftables": [{"novelty": {"name": "x"}}]}).not_understood] == [
        'novelty: {"name": "x"}'
    ]


def test_addresses_are_read_by_interface_and_the_loopback_is_left_out() -> None:
    links = [
        {"ifname": "lo", "addr_info": [{"family": "inet", "local": "127.0.0.1"}]},
        {
            "ifname": "eth1",
            "addr_info": [{"family": "inet", "local": "10.0.0.1"}, {"family": "inet6", "local": "fe80::1"}],
        },
        {"ifname": "eth2", "addr_info": []},
    ]
    assert interfaces(links) == HostInterfaces({"eth1": (IPv4Address("10.0.0.1"),), "eth2": ()})
    with pytest.raises(ValueError, match="not a listing of addresses"):
        interfaces([{"name": "eth1"}])
