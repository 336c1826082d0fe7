"""What the proof says of a rule set, and what the kernel does with real packets: the same, on random samples."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from ipaddress import IPv4Network, ip_address
from pathlib import Path
from random import Random
from typing import Any

import pytest

from deploys import flows, nftables
from deploys.desired_network import rule_set
from hosting_cli.network import listing
from hosting_cli.network.comparison import PATHS
from hosting_cli.network.evaluation import Evaluation, Passage
from hosting_cli.network.packets import Axis, Family, Interfaces, Packets, State
from hosting_cli.network.rules import Hook
from hosting_cli.network.spaces import Point
from inventory.environment import Environment, HostAccess, ObjectStoreAccess, VaultAccess
from inventory.models import Region

PROGRAM = Path(__file__).parent / "packets_in_namespaces.py"
OWN_NAMESPACES = ["unshare", "--user", "--map-root-user", "--net"]
HOST, GATEWAY = "dijon-app-1", "dijon-gateway-1"
INTERFACES = {
    HOST: {"eth0": ["10.0.2.15/24"], "eth1": ["10.21.10.11/24", "2001:db8:10::11/64"]},
    GATEWAY: {
        "eth0": ["10.0.2.15/24"],
        "eth1": ["10.21.99.1/24"],
        "eth1.100": ["10.21.0.1/24"],
        "eth1.110": ["10.21.10.1/24", "2001:db8:10::1/64"],
        "ipsec1": ["10.21.20.1/24", "2001:db8:20::1/64"],
    },
}
INSIDE = {HOST: "eth1", GATEWAY: "eth1.110"}
OUTSIDE = {HOST: "eth1", GATEWAY: "ipsec1"}
"""The interface that leads to the establishment."""

ADDRESSES = (
    "10.21.10.1", "10.21.10.2", "10.21.10.9", "10.21.10.11", "10.21.10.12", "10.21.20.1", "10.21.20.7", "10.21.20.254",
    "10.21.21.1", "172.20.20.255", "172.20.21.1", "172.20.21.254", "172.20.22.1", "10.0.2.2", "10.0.2.3", "10.0.2.15",
    "10.0.2.100", "10.0.2.101", "192.0.2.1",
)  # fmt: skip
ADDRESSES_IPV6 = ("2001:db8:10::7", "2001:db8:20::7")
PORTS = (22, 23, 80, 123, 442, 443, 444, 2761, 2762, 2763, 8200, 8201, 8333, 9100, 65535)
COUNT = 700
FOREIGN = """
table ip foreign {
\tchain filter {
\t\ttype filter hook forward priority 10; policy accept;
\t\tip saddr 10.21.20.254 tcp dport != 443 drop
\t}

\tchain input {
\t\ttype filter hook input priority -10; policy accept;
\t\tip saddr { 10.21.20.7, 10.0.2.2 } tcp dport vmap { 443 : goto refused, 22 : jump refused, 8000-9999 : return }
\t\ttcp dport 2762 ip saddr . tcp dport != { 172.20.21.1 . 2762, 10.21.20.254 . 2000-3000 } drop
\t}

\tchain refused {
\t\tip saddr 10.21.20.0/25 drop
\t}
}
"""
"""Another table, which takes from what ours lets pass; with kinds of rules that ours does without."""


def environment(region: Region) -> Environment:
    """Give an environment of the sample whose engines are packets' destinations and no more."""
    store = ObjectStoreAccess(
        endpoint="https://127.0.0.1:2",
        region="test",
        certificate_authority="/none/ca.pem",
        credentials="platform/object-store-admin",
        vault_sees=IPv4Network("127.0.0.2/32"),
    )
    access = HostAccess(
        address="127.0.0.1",
        host_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==",
        vault_address="https://10.0.2.100:8200",
        object_stores={each.id: "https://10.0.2.101:8333" for each in region.stores},
        vault_sees=IPv4Network("127.1.0.1/32"),
    )
    return Environment(
        environment="test",
        vault=VaultAccess(address="https://127.0.0.1:1", certificate_authority="/none", token_file="/none"),
        object_stores={each.id: store for each in region.stores},
        administration_sources=(IPv4Network("10.0.2.2/32"),),
        hosts={host.id: access for host in region.hosts},
        journal="/none/journal.jsonl",
    )


def rules(region: Region, host: str) -> str:
    places = flows.topology(region)
    return nftables.render(rule_set(places, environment(region), places.hosts[host]))


def listed(text: str) -> Any:
    argv = [*OWN_NAMESPACES, "sh", "-c", "nft --file /dev/stdin && nft --json list ruleset"]
    done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def way_to(host: str, address: str) -> str:
    """Say by which interface the host's routes lead to an address."""
    if address.startswith(("10.21.10.", "2001:db8:10:")):
        return INSIDE[host]
    return OUTSIDE[host] if address.startswith(("10.21.20.", "172.20.21.", "2001:db8:20:")) else "eth0"


def sample(host: str, chance: Random) -> list[dict[str, Any]]:
    """Make packets at every hook, half of them of a row or a need and bent in one place."""
    own = {each.partition("/")[0] for held in INTERFACES[host].values() for each in held}
    hooks = ["input", "output", "forward"] if host == GATEWAY else ["input", "output"]
    packets: list[dict[str, Any]] = []
    while len(packets) < COUNT:
        version = chance.choice([4] * 12 + [6])
        addresses = ADDRESSES if version == 4 else ADDRESSES_IPV6
        packet = {
            "hook": chance.choice(hooks),
            "version": version,
            "source": chance.choice(addresses),
            "destination": chance.choice(addresses),
            "protocol": chance.choice([6, 6, 17]),
            "first": chance.randrange(20_000, 60_000),
            "second": chance.choice(PORTS),
            "incoming": chance.choice(sorted(INTERFACES[host])),
            "outgoing": "",
        }
        if chance.random() < 0.6:
            packet |= chance.choice(likely(host))
        packet |= chance.choice([{}, {"second": chance.choice(PORTS)}, {"source": chance.choice(addresses)}])
        if is_sendable(packet, own):
            packets.append(placed(host, packet))
    return packets


def likely(host: str) -> list[dict[str, Any]]:
    """Give what rows and needs have in common."""
    row = {"version": 4, "destination": "10.21.10.11", "protocol": 6, "second": 443, "incoming": OUTSIDE[host]}
    there = {"hook": "forward"} if host == GATEWAY else {"hook": "input"}
    managed = {"hook": "input", "version": 4, "source": "10.0.2.2", "destination": "10.0.2.15", "incoming": "eth0"}
    use = {"hook": "output", "version": 4, "source": "10.0.2.15", "protocol": 6}
    return [
        {**row, **there, "source": "10.21.20.7"},
        {**row, **there, "source": "172.20.21.254", "second": 2762},
        {**managed, "protocol": 6, "second": 22},
        {**use, "destination": "10.0.2.100", "second": 8200},
        {**use, "destination": "10.0.2.101", "second": 8333},
        {**use, "destination": "10.21.10.1", "protocol": 17, "second": 123},
    ]


def is_sendable(packet: dict[str, Any], own: set[str]) -> bool:
    """Tell whether a packet can come to its hook: to the host itself, or past it."""
    if packet["version"] == 6 and packet["hook"] != "forward":
        return False
    if {ip_address(packet[end]).version for end in ("source", "destination")} != {packet["version"]}:
        return False
    if packet["hook"] == "input":
        # From its own addresses nothing can come: the kernel takes them for forged before any rule does.
        return packet["destination"] in own and packet["source"] not in own
    return packet["destination"] not in own and (packet["hook"] == "output" or packet["source"] not in own)


def placed(host: str, packet: dict[str, Any]) -> dict[str, Any]:
    """Say where a packet comes in and goes out."""
    outgoing = "" if packet["hook"] == "input" else way_to(host, packet["destination"])
    return {**packet, "incoming": "" if packet["hook"] == "output" else packet["incoming"], "outgoing": outgoing}


def came_through(host: str, text: str, packets: list[dict[str, Any]]) -> list[bool]:
    """Send packets to a host that holds the rules *text*, and say which its kernel let through."""
    routes = [("10.21.20.0/24", "eth1")] if host == HOST else []
    job = {
        "interfaces": INTERFACES[host],
        "routes": [*routes, ("172.20.21.0/24", OUTSIDE[host]), ("default", "eth0")],
        "neighbours": [(address, way_to(host, address)) for address in (*ADDRESSES, *ADDRESSES_IPV6)],
        "rules": text,
        "packets": packets,
    }
    argv = [*OWN_NAMESPACES, sys.executable, str(PROGRAM)]
    done = subprocess.run(argv, input=json.dumps(job), capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    came: list[bool] = json.loads(done.stdout)
    return came


NAMES = Interfaces.of(["eth0", "eth1", "eth1.100", "eth1.110", "ipsec1"])


def point(packet: dict[str, Any]) -> Point:
    values = dict.fromkeys(Axis, 0) | {
        Axis.STATE: State.NEW,
        Axis.FAMILY: Family.IPV4 if packet["version"] == 4 else Family.IPV6,
        Axis.INCOMING: NAMES.words.index(packet["incoming"]),
        Axis.OUTGOING: NAMES.words.index(packet["outgoing"]),
        Axis.SOURCE: int(ip_address(packet["source"])),
        Axis.DESTINATION: int(ip_address(packet["destination"])),
        Axis.PROTOCOL: packet["protocol"],
        Axis.HEAD: packet["first"],
        Axis.PORT: packet["second"],
    }
    return tuple(values[axis] for axis in Axis)


def said(text: str) -> Callable[[dict[str, Any]], bool]:
    """Give what the proof says of packets under the rules *text*, as a kernel lists them."""
    found = listing.rule_set(listed(text))
    assert list(found.not_understood) == []
    evaluation = Evaluation(found, Packets(NAMES))
    passages: dict[str, Passage] = {hook.value: evaluation.passage(PATHS[hook]) for hook in PATHS}

    def passes(packet: dict[str, Any]) -> bool:
        passage, where = passages[Hook(packet["hook"])], point(packet)
        assert (where in passage.accepted) != (where in passage.dropped)
        return where in passage.accepted

    return passes


@pytest.mark.parametrize("host", [HOST, GATEWAY])
def test_where_no_rule_stands_every_packet_of_the_sample_comes_through(host: str) -> None:
    """What does not come through under rules is then stopped by them, and by nothing of the set-up."""
    packets = sample(host, Random(host))
    assert [packet for packet, came in zip(packets, came_through(host, "", packets), strict=True) if not came] == []


@pytest.mark.parametrize("more", ["", FOREIGN], ids=["our table alone", "with a table of somebody else's"])
@pytest.mark.parametrize("host", [HOST, GATEWAY])
def test_the_kernel_does_with_packets_what_the_proof_says(region: Region, host: str, more: str) -> None:
    packets, text = sample(host, Random(host)), rules(region, host) + more
    passes = said(text)
    outcomes: Counter[tuple[str, bool]] = Counter()
    for packet, came in zip(packets, came_through(host, text, packets), strict=True):
        assert came == passes(packet), packet
        outcomes[packet["hook"], came] += 1
    assert all(outcomes[hook, came] >= 10 for hook, _ in list(outcomes) for came in (True, False)), outcomes
