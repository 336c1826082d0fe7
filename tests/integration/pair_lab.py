"""A pair of gateways with what lies around them: real keepalived, real nft, real packets, in network namespaces.

Each gateway is given what its host is: the rules, the daemon's file, and the words of its units, which are run in the
order of these.  A switch of their own joins the machines of each segment.
"""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sample import GATEWAY, PUBLISHED, environment_of
from segments import SERVE, Node, machines
from waiting import wait_until
from with_pairs import SHARED, with_pair
from with_tunnels import SECOND

from deploys import flows, nftables
from deploys.desired import host_resources
from deploys.desired_network import rule_set
from deploys.resources import HostFile

REGION = with_pair()
PLACES = flows.topology(REGION)
APPLICATION, STATION, NEIGHBOUR, PEER = "10.21.10.11", "10.21.20.5", "10.21.0.9", "198.51.100.20"
"""A host of the tier, somebody in the tunnel, a machine of the platform beside the heartbeat, and the tunnel's peer."""

WIRES = {"eth1.100": "administration", "eth1.110": "imagerie", "ipsec1": "beaune", "eth2": "outside"}
OUTER = {GATEWAY: "198.51.100.10", SECOND: "198.51.100.11"}

LONGEST_SECONDS = 15

_LISTENS = "Entering BACKUP STATE"

_ECHO = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
    ours.bind((sys.argv[1], 4500))
    print("ready", flush=True)
    while True:
        try:
            said, whom = ours.recvfrom(100)
            ours.sendto(said, whom)
        except OSError:
            pass  # there is no way back to whoever asked
"""
_ASK = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
    ours.bind((sys.argv[1], 4500))
    ours.settimeout(1)
    ours.sendto(b"there?", (sys.argv[2], 4500))
    try:
        print(ours.recvfrom(100)[0].decode())
    except OSError:
        print("silence")
"""

_HEARING = """
table inet hearing {
  chain input {
    type filter hook input priority 10;
    meta l4proto 112 counter
  }
}
"""
"""Counts, behind our rules, what comes to the daemon."""


@dataclass
class Gateway:
    """One of the pair, with what its host is given."""

    name: str
    node: Node
    switch: Node
    files: Mapping[str, str]
    daemon: "subprocess.Popen[bytes] | None" = None

    @property
    def log(self) -> str:
        """Give all that its daemon has said."""
        return self.node.run("sh", "-c", "touch /run/keepalived.log && cat /run/keepalived.log")

    @property
    def heard(self) -> int:
        """Count what its rules have let in for the daemon."""
        listed = self.node.run("nft", "list", "table", "inet", "hearing")
        return int(listed.partition("packets ")[2].split()[0])

    @property
    def holds(self) -> frozenset[str]:
        """Give the shared addresses that its kernel has."""
        told = self.node.run("ip", "-brief", "-4", "address")
        return frozenset(str(address) for address in SHARED.values() if f" {address}/24" in told)

    def begin(self, unit: str, *keys: str) -> None:
        """Run what *unit* says under *keys*, but for what only a running systemd could say."""
        for line in self.files[f"/etc/systemd/system/{unit}"].splitlines():
            key, _, command = line.partition("=")
            if key in keys and "systemctl" not in command:
                words = ["sh", "-c", command.removeprefix("-")]
                done = self.node.attempt(*words)
                assert command.startswith("-") or done.returncode == 0, f"{command}: {done.stderr}"

    def start(self) -> None:
        """Start the daemon, as its unit does, and wait until it listens to the other one."""
        begun = self.log.count(_LISTENS)
        self.begin("hosting-standby.service", "ExecStartPre", "ExecStart")
        self.begin("keepalived.service.d/hosting.conf", "ExecStartPre")
        command = "exec keepalived --dont-fork --log-console >> /run/keepalived.log 2>&1"
        self.daemon = subprocess.Popen(self.node.argv("sh", "-c", command), start_new_session=True)
        wait_until(lambda: self.log.count(_LISTENS) > begun, f"{self.name} listens")

    def stop(self) -> None:
        """Stop the daemon in order: the last that it says is that it gives the addresses up."""
        if self.daemon is not None:
            os.kill(self.daemon.pid, signal.SIGTERM)
            self.daemon.wait(timeout=LONGEST_SECONDS)
            self.daemon = None

    def kill(self) -> None:
        """Kill the daemon, whose processes end with it; what it had set in the kernel stays."""
        if self.daemon is not None:
            everybody = [self.daemon.pid, *_children(self.daemon.pid)]
            # Stopped first, so that none sees another one die, and cleans up.
            for each in (signal.SIGSTOP, signal.SIGKILL):
                for process in reversed(everybody):
                    os.kill(process, each)
            self.daemon.wait()
            self.node.run("sh", "-c", "rm -f /run/keepalived*.pid /run/vrrp.pid")
            self.daemon = None

    def after_death(self) -> None:
        """Do what systemd does when a unit's process died."""
        self.begin("keepalived.service.d/hosting.conf", "ExecStopPost")

    def power(self, state: str) -> None:
        """Plug all its cables in or out."""
        for wire in WIRES.values():
            self.switch.run("ip", "link", "set", port(self.name, wire), state)

    def cable(self, interface: str, state: str) -> None:
        """Plug one cable in or out."""
        self.switch.run("ip", "link", "set", port(self.name, WIRES[interface]), state)


def _children(pid: int) -> list[int]:
    told = subprocess.run(["pgrep", "--parent", str(pid)], capture_output=True, text=True, check=False).stdout
    own = [int(each) for each in told.split()]
    return [*own, *(grandchild for child in own for grandchild in _children(child))]


def port(name: str, wire: str) -> str:
    """Name the end of a cable at the switch."""
    return f"{wire[:5]}-{name[-8:]}"


@dataclass
class Pair:
    """Both gateways, and who is around them."""

    first: Gateway
    second: Gateway
    nodes: Mapping[str, Node]
    servers: "list[subprocess.Popen[str]]" = field(default_factory=list)

    @property
    def standing(self) -> tuple[int, int]:
        """Give how many of the shared addresses each of them holds."""
        return len(self.first.holds), len(self.second.holds)

    def settled(self, first: int, second: int, seconds: float = LONGEST_SECONDS) -> None:
        """Wait until each holds so many."""
        what = f"they hold {first} and {second}"
        try:
            wait_until(lambda: self.standing == (first, second), what, seconds)
        except AssertionError as error:
            error.add_note(f"{self.standing}\n{self.first.log}\n{self.second.log}")
            raise

    def by_tunnel_of(self, gateway: Gateway) -> None:
        """Have the station's packets come out of the tunnel at *gateway*, as its peer decides."""
        leg = next(leg for leg in PLACES.legs[gateway.name] if leg.name == "ipsec1")
        self.nodes["station"].run("ip", "route", "replace", "10.21.10.0/24", "via", str(leg.address))

    def is_answered(self, gateway: Gateway) -> bool:
        """Tell whether *gateway* answers the peer of the tunnel."""
        told = self.nodes["peer"].run("python3", "-I", "-c", _ASK, PEER, OUTER[gateway.name])
        return told.strip() == "there?"


@contextmanager
def pair() -> Iterator[Pair]:
    """Bring everything up but for the daemons."""
    with machines("switch", GATEWAY, SECOND, "application", "station", "neighbour", "peer") as nodes:
        switch = nodes["switch"]
        for wire in WIRES.values():
            switch.run("ip", "link", "add", f"wire-{wire[:9]}", "type", "bridge")
            switch.run("ip", "link", "set", f"wire-{wire[:9]}", "up")
        gateways = [_gateway(nodes[name], switch, name) for name in (GATEWAY, SECOND)]
        found = Pair(*gateways, nodes)
        for name, wire, address in (
            ("application", "imagerie", APPLICATION),
            ("station", "beaune", STATION),
            ("neighbour", "administration", NEIGHBOUR),
            ("peer", "outside", PEER),
        ):
            _plug(switch, nodes[name], "eth1", wire, name)
            nodes[name].run("ip", "address", "add", f"{address}/24", "dev", "eth1")
        for route in flows.routes(PLACES, PLACES.hosts["dijon-app-1"]):
            nodes["application"].run("ip", "route", "add", str(route.network), "via", str(route.gateway))
        try:
            found.servers.append(_served(nodes["application"], SERVE, APPLICATION, "443"))
            found.servers += [_served(nodes[name], _ECHO, OUTER[name]) for name in (GATEWAY, SECOND)]
            yield found
        finally:
            for server in found.servers:
                server.kill()
                server.communicate()
            for gateway in gateways:
                gateway.kill()


def _served(node: Node, script: str, *arguments: str) -> "subprocess.Popen[str]":
    server = subprocess.Popen(node.argv("python3", "-I", "-c", script, *arguments), stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None and server.stdout.readline() == "ready\n"
    return server


def _gateway(node: Node, switch: Node, name: str) -> Gateway:
    environment = environment_of(REGION)
    resources = host_resources(REGION, environment, name, PUBLISHED, places=PLACES)
    files = {item.path: item.content for item in resources if isinstance(item, HostFile) and item.content is not None}
    wanted = [line for line in files["/etc/sysctl.d/60-hosting.conf"].splitlines() if line.startswith("net.ipv4")]
    node.run("sysctl", "-q", "-p", "-", text="\n".join(wanted))
    for leg in PLACES.legs[name]:
        _plug(switch, node, leg.name, WIRES[leg.name], name)
        node.run("ip", "address", "add", f"{leg.address}/{leg.network.prefixlen}", "dev", leg.name)
    _plug(switch, node, "eth2", WIRES["eth2"], name)
    node.run("ip", "address", "add", f"{OUTER[name]}/24", "dev", "eth2")
    for path in ("keepalived/keepalived.conf", "hosting/standby.batch", "hosting/released.batch"):
        node.write(f"/etc/{path}", files[f"/etc/{path}"])
    node.run("nft", "-f", "/dev/stdin", text=nftables.render(rule_set(PLACES, environment, PLACES.hosts[name])))
    node.run("nft", "-f", "/dev/stdin", text=_HEARING)
    return Gateway(name, node, switch, files)


def _plug(switch: Node, node: Node, interface: str, wire: str, name: str) -> None:
    end = port(name, wire)
    switch.run("ip", "link", "add", end, "type", "veth", "peer", "name", interface, "netns", str(node.holder))
    switch.run("ip", "link", "set", end, "master", f"wire-{wire[:9]}", "up")
    node.run("ip", "link", "set", interface, "up")


def answered(gateway: Gateway) -> Any:
    """Have the program that reads hosts say what *gateway* holds."""
    from deploys import pairs

    role = pairs.role_of(PLACES, gateway.name)
    assert role is not None
    asked = [[one.interface, str(one.address)] for one in role.shared]
    return gateway.node.program("read_host", {"timeout_seconds": 30, "shared": asked})
