"""WireGuard in a kernel that has it: what is written for both ends carries the flow, and ends with its acceptance.

Both ends are network namespaces of the lab's gateway, so that nothing of the gateway itself is touched.
"""

import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from conftest import HOSTS, SAMPLE, LabRunner

from deploys import flows, names, nftables, reading, tunnels, wireguard
from deploys.agent import wireguard as agent
from deploys.desired import Published, host_resources
from deploys.desired_network import rule_set
from deploys.programs import INTERPRETER, program
from deploys.resources import HostWireguard
from deploys.tunnels import Link
from deploys.view import agent_files, as_json
from hosting_cli.lab import channels, machines
from inventory.environment import Environment, HostAccess, VaultAccess
from inventory.load import load_region
from inventory.models import Region

pytestmark = pytest.mark.timeout(900)

GATEWAY, TUNNEL, INTERFACE = HOSTS[1], "beaune", "wg1"
FOLDER = "/run/test-wireguard"
APPLICATION, STATION, STRANGER = "10.21.10.11", "172.20.21.5", "192.0.2.77"
"""A host of the imaging tier, somebody of the establishment, and an address that is nobody's in the tunnel."""

PEER = f"wg-{TUNNEL}"
OURS, THEIRS, INSIDE = "wireguard-ours", "wireguard-theirs", "wireguard-inside"

_TERMS = """
    wireguard:
      peer_public_key: "{key}"
      accepted_risk:
        accepted_by: securite
        reason: Le pare-feu n'a pas d'IKEv2 avant son remplacement
        compensation: TLS de bout en bout
        since: {since}
        until: {until}
"""

_UP = f"""
set -e
for name in {OURS} {THEIRS} {INSIDE}; do ip netns add $name; ip -n $name link set lo up; done
ip -n {OURS} link add wire type veth peer name wire netns {THEIRS}
ip -n {OURS} link add eth1.110 type veth peer name eth1 netns {INSIDE}
ip -n {OURS} address add 198.51.100.10/32 dev wire
ip -n {THEIRS} address add 198.51.100.20/32 dev wire
ip -n {OURS} address add 10.21.10.1/24 dev eth1.110
ip -n {INSIDE} address add {APPLICATION}/24 dev eth1
for name in {OURS} {THEIRS}; do ip -n $name link set wire up; done
ip -n {OURS} link set eth1.110 up
ip -n {INSIDE} link set eth1 up
ip -n {OURS} route add default via 198.51.100.20 dev wire onlink
ip -n {THEIRS} route add default via 198.51.100.10 dev wire onlink
ip -n {INSIDE} route add default via 10.21.10.1
for address in {STATION} {STRANGER}; do ip -n {THEIRS} address add $address/32 dev lo; done
ip netns exec {OURS} sysctl -qw net.ipv4.ip_forward=1
ip netns exec {THEIRS} nft -f - <<'END'
table inet counting {{
  counter wireguard {{ }}
  counter clear {{ }}
  chain leaving {{
    type filter hook postrouting priority 400;
    oifname "wire" udp dport 51820 counter name wireguard
    oifname "wire" meta l4proto tcp counter name clear
  }}
  chain entering {{
    type filter hook prerouting priority -400;
    iifname "wire" meta l4proto tcp counter name clear
  }}
}}
END
ip netns exec {INSIDE} setsid /usr/bin/python3 -I -S {FOLDER}/listen.py >/dev/null 2>&1 </dev/null &
until [ -e {FOLDER}/listening ]; do sleep 0.2; done
"""
_DOWN = f"""
kill "$(cat {FOLDER}/listening)"
ip netns exec {THEIRS} wg-quick down {FOLDER}/{PEER}.conf
for name in {OURS} {THEIRS} {INSIDE}; do ip netns delete $name; done
rm -rf {FOLDER} {agent.TOLD} {agent.KEYS} /etc/wireguard/{PEER}.key
"""
_AGENT = f"import sys; sys.path.insert(0, '{FOLDER}'); from agent.main import main; sys.exit(main(sys.argv[1:]))"
_LISTEN = f"""
import os, select, socket
servers = [socket.create_server(("{APPLICATION}", port)) for port in (443, 8443)]
with open("{FOLDER}/listening", "w") as told:
    told.write(str(os.getpid()))
while True:
    for ready in select.select(servers, [], [])[0]:
        ready.accept()[0].close()
"""
_CONNECT = """
import socket, sys
for attempt in sys.argv[1:]:
    source, target, port = attempt.split(",")
    try:
        socket.create_connection((target, int(port)), timeout=3, source_address=(source, 0)).close()
    except OSError:
        print("no")
    else:
        print("yes")
"""


@dataclass
class Machine:
    """The lab's gateway, with both ends of the tunnel in namespaces of it."""

    directory: Path
    peer_key: str
    today: date

    def run(self, *argv: str, typed: str = "") -> channels.Ran:
        return channels.run(self.directory, argv, standard_input=typed.encode())

    def within(self, namespace: str, *argv: str, typed: str = "") -> str:
        """Run *argv* in a namespace, and give what it printed."""
        ran = self.run("ip", "netns", "exec", namespace, *argv, typed=typed)
        assert ran.status == 0, ran
        return ran.output

    def keep(self, link: Link) -> dict[str, list[str]]:
        """Tell the gateway of *link* and have its agent keep to that, as its timer does."""
        (end,) = wireguard.of_gateway(flows.topology(link.region), link, GATEWAY)
        self.run("tee", str(agent.TOLD), typed=as_json({INTERFACE: end.told}))
        told: dict[str, list[str]] = json.loads(
            self.within(OURS, "/usr/bin/python3", "-I", "-c", _AGENT, "keep-wireguard")
        )
        return told

    def read(self, wanted: HostWireguard) -> HostWireguard | None:
        """Read our end as hosts are read."""
        text = self.within(OURS, *INTERPRETER, typed=program("read_host", reading.request([wanted])))
        seen = reading.actual(GATEWAY, json.loads(text), [wanted])
        assert wanted.subject not in seen.unknown, seen.unknown
        found = seen.resources.get(wanted.subject)
        assert found is None or isinstance(found, HostWireguard)
        return found

    def reached(self, namespace: str, *attempts: tuple[str, str, int]) -> list[bool]:
        """Connect from an address to another one's port, and say for each attempt whether that came about."""
        written = [",".join(map(str, attempt)) for attempt in attempts]
        told = self.within(namespace, "/usr/bin/python3", "-I", "-S", "-c", _CONNECT, *written)
        return [line == "yes" for line in told.splitlines()]

    def counted(self) -> dict[str, int]:
        """Count what the wire has carried: ``wireguard`` and ``clear``."""
        told = json.loads(self.within(THEIRS, "nft", "--json", "list", "counters", "table", "inet", "counting"))
        return {item["counter"]["name"]: item["counter"]["packets"] for item in told["nftables"] if "counter" in item}


@pytest.fixture
def machine(lab: LabRunner) -> Iterator[Machine]:
    directory = machines.directory(lab.directory, GATEWAY)

    def run(*argv: str, typed: bytes = b"") -> str:
        ran = channels.run(directory, argv, standard_input=typed)
        assert ran.status == 0, ran
        return ran.output

    run("mkdir", "-p", FOLDER, "/etc/hosting", "/etc/wireguard")
    run("tar", "-xf", "-", "-C", FOLDER, typed=_archive())
    run("tee", f"{FOLDER}/listen.py", typed=_LISTEN.encode())
    try:
        run("sh", "-c", _UP)
        make = f"umask 077; wg genkey | tee /etc/wireguard/{PEER}.key | wg pubkey"
        yield Machine(directory, run("sh", "-c", make).strip(), datetime.now(UTC).date())
    finally:
        channels.run(directory, ("sh", "-c", _DOWN))


def _archive() -> bytes:
    """Pack the agent as it is installed."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, text in agent_files():
            entry = tarfile.TarInfo(f"agent/{Path(path).name}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


def joined(folder: Path, key: str, since: date, until: date) -> Link:
    """Load the sample with a tunnel of WireGuard, accepted on those days."""
    folder.mkdir()
    for path in SAMPLE.rglob("*.yaml"):
        copy = folder / path.relative_to(SAMPLE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text())
    network, host = folder / "network.yaml", folder / "hosts" / f"{GATEWAY}.yaml"
    peer = "\n      contact: beaune-dsi\n"
    terms = peer.rstrip("\n") + _TERMS.format(key=key, since=since, until=until)
    network.write_text(network.read_text().replace(peer, terms, 1))
    host.write_text(host.read_text().replace("name: ipsec1", f"name: {INTERFACE}"))
    region = load_region(folder)
    return tunnels.links(flows.topology(region), region)[0]


def environment(region: Region) -> Environment:
    access = HostAccess(
        address="127.0.0.1",
        host_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==",
        vault_address="https://10.0.2.100:8200",
        object_stores={store.id: "https://10.0.2.101:8333" for store in region.stores},
        vault_sees=IPv4Network("127.0.1.1/32"),
    )
    vault = VaultAccess(address="https://127.0.0.1:1", certificate_authority="/none/ca.pem", token_file="/none/token")
    return Environment(
        environment="test",
        vault=vault,
        object_stores={},
        administration_sources=(IPv4Network("10.0.2.2/32"),),
        hosts={GATEWAY: access},
        journal="/none/journal.jsonl",
    )


def wanted(region: Region) -> HostWireguard:
    found = host_resources(region, environment(region), GATEWAY, Published((), ""))
    (only,) = (item for item in found if isinstance(item, HostWireguard))
    return only


def test_wireguard_carries_the_flow_and_nothing_else_for_as_long_as_its_risk_is_accepted(
    machine: Machine, tmp_path: Path
) -> None:
    day = timedelta(days=1)
    link = joined(tmp_path / "accepted", machine.peer_key, machine.today - 30 * day, machine.today)
    resource = wanted(link.region)
    places = flows.topology(link.region)
    rules = nftables.render(rule_set(places, environment(link.region), places.hosts[GATEWAY]))
    machine.within(OURS, "nft", "-f", "-", typed=rules)

    assert machine.read(resource) is None
    assert machine.keep(link) == {"up": [INTERFACE], "ended": []}
    held = machine.read(resource)
    assert held is not None and held.state() == resource.state(), held
    assert held.public_key is not None
    machine.run("tee", f"{FOLDER}/{PEER}.conf", typed=wireguard.of_peer(link, held.public_key))
    machine.within(THEIRS, "wg-quick", "up", f"{FOLDER}/{PEER}.conf")

    flow, other_port, stranger = (STATION, APPLICATION, 443), (STATION, APPLICATION, 8443), (STRANGER, APPLICATION, 443)
    assert machine.reached(THEIRS, flow, other_port, stranger) == [True, False, False], "the flow passes, and it alone"
    carried = machine.counted()
    assert carried["wireguard"] > 0 and carried["clear"] == 0

    over = joined(tmp_path / "over", machine.peer_key, machine.today - 30 * day, machine.today - day)
    assert machine.keep(over) == {"up": [], "ended": [INTERFACE]}
    assert machine.read(resource) is None
    assert machine.reached(THEIRS, flow) == [False]
    assert machine.reached(INSIDE, (APPLICATION, STATION, 443)) == [False]
    assert machine.counted()["clear"] == 0, "nothing leaves in clear instead"

    machine.keep(link)
    again = machine.read(resource)
    assert again == held and again.public_key == held.public_key, "accepted again, it is up with the key that it had"
    assert machine.reached(THEIRS, flow) == [True]
    assert str(agent.TOLD) == names.WIREGUARD
