"""A gateway between a sender and a receiver, each a network namespace; killed with whoever made them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.measure import BenchmarkError
from tests.bench.packets import FIRST_PORT

PACKETS = Path(__file__).with_name("packets.py")

RECEIVE = """
table inet receive {
    counter arrived {
    }
    chain prerouting {
        type filter hook prerouting priority raw
        meta l4proto udp counter name arrived drop
    }
}
"""
"""Takes packets at the end of their way, so that nobody answers that nobody listens."""

_TALK = """
import socket, sys
own, own_port, other, other_port = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
    connection.bind((own, own_port))
    connection.settimeout(10)
    print("ready", flush=True)
    {exchange}
"""
_ANSWER = _TALK.format(exchange="connection.sendto(*connection.recvfrom(10))")
_ASK = _TALK.format(exchange="connection.sendto(b'x', (other, other_port)); connection.recv(10)")


@dataclass(frozen=True)
class Route:
    """Which way packets take: by which of the gateway's interfaces in and out, and between which addresses."""

    incoming: str
    outgoing: str
    network: str
    source: str
    gateway_in: str
    gateway_out: str
    destination: str
    prefix: int
    port: int


@dataclass(frozen=True)
class Way:
    """The three namespaces, by a process in each, and the program that sends."""

    gateway: int
    receiver: int
    sending: "subprocess.Popen[str]"

    def send(self, kind: str, packets: int) -> tuple[float, float]:
        """Send *packets*; give the seconds that passed and those of the processor.

        Raise ``BenchmarkError`` if not all of them arrived.
        """
        before = self._arrived()
        assert self.sending.stdin is not None and self.sending.stdout is not None
        print(kind, packets, file=self.sending.stdin, flush=True)
        answer = self.sending.stdout.readline()
        arrived = self._arrived() - before
        if not answer or arrived != packets:
            raise BenchmarkError(f"{arrived} of {packets} packets arrived ({kind})")
        passed, worked = map(float, answer.split())
        return passed, worked

    def _arrived(self) -> int:
        listed = json.loads(run(self.receiver, "nft", "-j", "list", "counter", "inet", "receive", "arrived"))
        return int(listed["nftables"][1]["counter"]["packets"])


@contextmanager
def way(route: Route, rules: str) -> Iterator[Way]:
    """Bring the three up, with *rules* on the gateway and one connection established through it."""
    with ExitStack() as stack:
        sender, gateway, receiver = (stack.enter_context(namespace()) for _ in range(3))
        _connect(gateway, route.incoming, sender)
        _connect(gateway, route.outgoing, receiver)
        for process, name, address in (
            (gateway, route.incoming, route.gateway_in),
            (gateway, route.outgoing, route.gateway_out),
            (sender, "eth0", route.source),
            (receiver, "eth0", route.destination),
        ):
            run(process, "ip", "address", "add", f"{address}/{route.prefix}", "dev", name)
            run(process, "ip", "link", "set", name, "up")
        run(sender, "ip", "route", "add", "default", "via", route.gateway_in)
        run(receiver, "ip", "route", "add", "default", "via", route.gateway_out)
        run(gateway, "sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
        run(gateway, "nft", "-f", "-", text=rules)
        _establish(route, sender, receiver)
        run(receiver, "nft", "-f", "-", text=RECEIVE)
        (link,) = json.loads(run(gateway, "ip", "-j", "link", "show", "dev", route.incoming))
        program = [
            sys.executable,
            str(PACKETS),
            "eth0",
            link["address"],
            route.network,
            route.destination,
            str(route.port),
        ]
        pipe = subprocess.PIPE
        sending = stack.enter_context(
            subprocess.Popen(inside(sender, *program), stdin=pipe, stdout=pipe, text=True)
        )  # its input ends first, and with it the program
        if sending.stdout is None or sending.stdout.readline() != "ready\n":
            raise BenchmarkError("the sender did not start; its message stands above")
        yield Way(gateway, receiver, sending)


def _establish(route: Route, sender: int, receiver: int) -> None:
    """Exchange a packet each way, so that the gateway knows the connection; the only one that was answered."""
    ours, theirs = [route.source, str(FIRST_PORT)], [route.destination, str(route.port)]
    with subprocess.Popen(
        inside(receiver, "python3", "-I", "-c", _ANSWER, *theirs, *ours), stdout=subprocess.PIPE
    ) as answering:
        assert answering.stdout is not None
        answering.stdout.readline()
        run(sender, "python3", "-I", "-c", _ASK, *ours, *theirs)


@contextmanager
def namespace() -> Iterator[int]:
    """Give the process that holds a network namespace until the block ends, or until we are killed."""
    argv = ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "sh", "-c", "echo made; exec sleep infinity"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as holder:
        try:
            if holder.stdout is None or holder.stdout.readline() != b"made\n":
                raise BenchmarkError("no network namespace could be made: the benchmark needs root")
            yield holder.pid
        finally:
            holder.kill()


def _connect(gateway: int, interface: str, peer: int) -> None:
    run(gateway, "ip", "link", "add", interface, "type", "veth", "peer", "name", "eth0", "netns", str(peer))


def inside(process: int, *argv: str) -> list[str]:
    """Give the command that runs *argv* in a namespace."""
    return ["nsenter", f"--net=/proc/{process}/ns/net", *argv]


def run(process: int, *argv: str, text: str = "") -> str:
    """Run *argv* in a namespace; raise ``BenchmarkError`` if it fails."""
    done = subprocess.run(inside(process, *argv), input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchmarkError(f"{' '.join(argv[:3])} failed ({done.returncode}): {done.stderr.strip()[-500:]}")
    return done.stdout
