"""Three machines and the gateway between them: network namespaces with files of their own, real nft, real packets."""

import json
import os
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from deploys import nftables
from deploys.programs import INTERPRETER, program
from inventory.resource import Json

_BUILD = """
    set -e
    mount --make-rprivate /
    mount -t tmpfs -o mode=755 node /mnt
    mkdir /mnt/upper /mnt/work
    mount -t overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work node /etc
    mount -t tmpfs -o mode=755 node /run
    mkdir -p /etc/hosting
    ip link set lo up
    echo built
    exec sleep infinity
"""

SERVE = """
import socket, sys, threading
def echo(connection):
    with connection:
        while data := connection.recv(100):
            connection.sendall(data)
def serve(port):
    with socket.create_server((sys.argv[1], port)) as server:
        ready.release()
        while True:
            threading.Thread(target=echo, args=server.accept()[:1], daemon=True).start()
ready = threading.Semaphore(0)
ports = [int(port) for port in sys.argv[2:]]
for port in ports:
    threading.Thread(target=serve, args=[port], daemon=True).start()
for port in ports:
    ready.acquire()
print("ready", flush=True)
threading.Event().wait()
"""
"""Gives back what it is sent, on several ports."""

TALK = """
import socket, sys
source, destination, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
try:
    connection = socket.create_connection((destination, port), timeout=1.5, source_address=(source, 0))
except OSError:
    print("refused", flush=True)
    sys.exit()
print("connected", flush=True)
for line in sys.stdin:
    try:
        connection.sendall(line.encode())
        print(connection.recv(100).decode().strip() or "closed", flush=True)
    except TimeoutError:
        print("silence", flush=True)
"""
"""Connects, then sends each line that it is given and tells what came back."""


@dataclass(frozen=True)
class Node:
    """A machine: the process that holds its namespaces."""

    name: str
    holder: int

    def argv(self, *words: str) -> list[str]:
        """Give the command that runs *words* on the machine."""
        return ["nsenter", f"--mount=/proc/{self.holder}/ns/mnt", f"--net=/proc/{self.holder}/ns/net", *words]

    def attempt(self, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run *words*, whatever comes of it."""
        return subprocess.run(self.argv(*words), input=text, capture_output=True, text=True, check=False, timeout=60)

    def run(self, *words: str, text: str = "") -> str:
        """Run *words*, and give what they print; they must succeed."""
        done = self.attempt(*words, text=text)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def program(self, name: str, request: Json) -> Any:
        """Have a program of ours answer *request*, as it is sent to hosts."""
        return json.loads(self.run(*INTERPRETER, text=program(name, request)))

    def firewall(self) -> Mapping[str, Any]:
        """Read the rules as drift does."""
        answer = self.program("read_host", {"timeout_seconds": 30, "firewall": nftables.READING})
        found: Mapping[str, Any] = answer["firewall"]["value"]
        return found

    def write(self, path: str, text: str) -> None:
        self.run("sh", "-c", f"mkdir -p $(dirname {path}) && cat > {path}", text=text)

    def dropped(self, why: str) -> int:
        """Tell how many packets were dropped for one reason."""
        listed = json.loads(self.run("nft", "-j", "list", "counter", "inet", "hosting", f"{why}-dropped"))
        return int(listed["nftables"][1]["counter"]["packets"])

    def counted(self, flow_map: str) -> Counter[str]:
        """Give how many packets began something by each row, whose elements say its name."""
        listed = json.loads(self.run("nft", "-j", "list", "map", "inet", "hosting", flow_map))
        found: Counter[str] = Counter()
        for entry, _ in listed["nftables"][1]["map"]["elem"]:
            found[entry["elem"]["comment"]] += entry["elem"]["counter"]["packets"]
        return found


class Conversation:
    """A connection that stays open between one line and the next."""

    def __init__(self, node: Node, source: str, destination: str, port: int) -> None:
        argv = node.argv("python3", "-I", "-c", TALK, source, destination, str(port))
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.begun = self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def says(self, line: str) -> str:
        """Send *line*; give what came back."""
        assert self._process.stdin is not None
        print(line, file=self._process.stdin, flush=True)
        return self._answer()

    def end(self) -> None:
        self._process.communicate()


def reaches(node: Node, source: str, destination: str, port: int) -> bool:
    """Tell whether a new connection is made."""
    conversation = Conversation(node, source, destination, port)
    conversation.end()
    return conversation.begun == "connected"


@dataclass(frozen=True)
class Segments:
    """The machines by their names."""

    nodes: Mapping[str, Node]

    @cached_property
    def gateway(self) -> Node:
        return self.nodes["gateway"]

    @cached_property
    def application(self) -> Node:
        return self.nodes["application"]

    @cached_property
    def tunnel(self) -> Node:
        return self.nodes["tunnel"]

    @cached_property
    def neighbour(self) -> Node:
        return self.nodes["neighbour"]


ADDRESSES = {"application": "10.21.10.11", "tunnel": "10.21.20.5", "neighbour": "10.21.30.5"}
"""Each in a segment of its own, behind the gateway's interface of the same order."""

INTERFACES = ("eth1.110", "ipsec1", "eth3")
"""Called as the sample calls them: this kernel need know no VLAN and no tunnel for rules to speak of their names."""


@contextmanager
def machines(*names: str) -> Iterator[Mapping[str, Node]]:
    """Bring machines up that nothing connects yet; nothing of them is left in the end."""
    holders: dict[str, subprocess.Popen[str]] = {}
    try:
        for name in names:
            argv = ["unshare", "--mount", "--net", "/bin/sh", "-c", _BUILD]
            holders[name] = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, start_new_session=True)
        for holder in holders.values():
            assert holder.stdout is not None and holder.stdout.readline() == "built\n"
        yield {name: Node(name, holder.pid) for name, holder in holders.items()}
    finally:
        for holder in holders.values():
            with suppress(ProcessLookupError):
                os.killpg(holder.pid, signal.SIGKILL)
            holder.communicate()


@contextmanager
def segments() -> Iterator[Segments]:
    """Bring the machines up, and the gateway between them, which forwards and filters nothing by itself."""
    with machines("gateway", *ADDRESSES) as nodes:
        for interface, (name, address) in zip(INTERFACES, ADDRESSES.items(), strict=True):
            _connect(nodes["gateway"], nodes[name], interface, address)
        # Whoever is not who he says is to be dropped by our rules, not by the kernel's own look at its routes.
        unfiltered = [f"net/ipv4/conf/{each}/rp_filter=0" for each in ("all", "default", *INTERFACES)]
        nodes["gateway"].run("sysctl", "-q", "-w", "net/ipv4/ip_forward=1", *unfiltered)
        yield Segments(nodes)


def _connect(gateway: Node, node: Node, interface: str, address: str) -> None:
    way_out = f"{address.rpartition('.')[0]}.1"
    gateway.run(
        "ip", "link", "add", interface, "type", "veth", "peer", "name", "eth1", "netns", str(node.holder)
    )  # fmt: skip
    gateway.run("ip", "address", "add", f"{way_out}/24", "dev", interface)
    gateway.run("ip", "link", "set", interface, "up")
    node.run("ip", "address", "add", f"{address}/24", "dev", "eth1")
    node.run("ip", "link", "set", "eth1", "up")
    node.run("ip", "route", "add", "default", "via", way_out)
