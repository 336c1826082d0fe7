"""Send real packets to a host in a network namespace, and say which of them its kernel let through.

A program of its own, run in namespaces that end with it; it is given a job on standard input and answers there, for
each packet, whether it came out.  The host has a pair of interfaces for each that it should have, whose other ends are
ours: what is let through to another is seen there, what is let in by raw sockets on the host (which stand behind its
input chain), and what is let out at the other end again.  A packet is recognised by its number: the identification of
IPv4, the flow label of IPv6.
"""

import ctypes
import json
import select
import socket
import struct
import subprocess
import sys
import time
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any

CLONE_NEWNET = 0x40000000
QUIET_SECONDS = 0.5
"""How long nothing more must come before all has."""

TCP = 6

Mark = tuple[str, int, bytes, bytes]
"""Where a packet was seen, and which it was."""

OUTGOING = 4
"""The kind of packet that a packet socket sees because we sent it ourselves."""


def main() -> None:
    job = json.load(sys.stdin)
    holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"], stdin=subprocess.DEVNULL)
    try:
        host = Host(holder.pid, job)
        print(json.dumps(host.send(job["packets"])))
    finally:
        holder.kill()
        holder.wait()


def command(*argv: str, text: str | None = None) -> str:
    return subprocess.run(argv, input=text, capture_output=True, text=True, check=True).stdout


class Host:
    """A host in a namespace of its own, with the rules and the interfaces of a job."""

    def __init__(self, pid: int, job: Any) -> None:
        self.pid = pid
        wait_for_namespace(pid)
        for name, addresses in job["interfaces"].items():
            command("ip", "link", "add", f"p-{name}", "type", "veth", "peer", "name", name, "netns", str(pid))
            command("ip", "link", "set", f"p-{name}", "up")
            for address in addresses:
                self.run("ip", "address", "add", address, "dev", name, "nodad")
        switches = ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"]
        self.run("sysctl", "--quiet", "--write", *(f"{switch}=1" for switch in switches))
        for name in ("all", "default", *job["interfaces"]):
            self.run("sysctl", "--quiet", "--write", f"net/ipv4/conf/{name}/rp_filter=0")
        for name in ("lo", *job["interfaces"]):
            self.run("ip", "link", "set", name, "up")
        for network, name in job["routes"]:
            self.run("ip", "route", "add", network, "dev", name)
        for address, name in job["neighbours"]:
            self.run("ip", "neighbour", "replace", address, "lladdr", mac(f"p-{name}"), "dev", name, "nud", "permanent")
        self.run("nft", "--file", "/dev/stdin", text=job["rules"])
        self.macs = {
            name: json.loads(self.run("ip", "-j", "link", "show", name))[0]["address"] for name in job["interfaces"]
        }
        self.ends = {name: packet_socket(f"p-{name}") for name in job["interfaces"]}
        self.inside = self.enter(
            lambda: [raw_socket(protocol) for protocol in (socket.IPPROTO_TCP, socket.IPPROTO_UDP)]
        )
        self.sender = self.enter(lambda: raw_socket(socket.IPPROTO_RAW))

    def run(self, *argv: str, text: str | None = None) -> str:
        return command("nsenter", f"--net=/proc/{self.pid}/ns/net", *argv, text=text)

    def enter(self, make: Any) -> Any:
        """Do something in the host's namespace: sockets stay in the one that they were made in."""
        libc = ctypes.CDLL(None, use_errno=True)
        with namespace("self").open() as ours, namespace(self.pid).open() as theirs:
            for descriptor, work in ((theirs.fileno(), make), (ours.fileno(), None)):
                if libc.setns(descriptor, CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
                if work is not None:
                    made = work()
        return made

    def send(self, packets: list[Any]) -> list[bool]:
        seen: set[Mark] = set()
        for number, packet in enumerate(packets, start=1):
            content = written(packet, number)
            if packet["hook"] == "output":
                with suppress(PermissionError):  # by which the kernel says that its output chain dropped it
                    self.sender.sendto(content, (packet["destination"], 0))
            else:
                name = packet["incoming"]
                kind = 0x0800 if packet["version"] == 4 else 0x86DD
                header = bytes.fromhex(self.macs[name].replace(":", "") + mac(f"p-{name}").replace(":", ""))
                self.ends[name].send(header + struct.pack(">H", kind) + content)
            if number % 20 == 0:
                self.look(seen, 0)
        self.look(seen, QUIET_SECONDS)
        where = {"input": lambda packet: "inside", "output": outgoing, "forward": outgoing}
        return [
            (where[packet["hook"]](packet), number, *ends(packet)) in seen
            for number, packet in enumerate(packets, start=1)
        ]

    def look(self, seen: set[Mark], patience: float) -> None:
        """Note what came, until nothing has for a while."""
        places = {**{end: name for name, end in self.ends.items()}, **dict.fromkeys(self.inside, "inside")}
        until = time.monotonic() + patience
        while ready := select.select(list(places), [], [], max(0.0, until - time.monotonic()))[0]:
            for each in ready:
                content, address = each.recvfrom(65535)
                if places[each] == "inside":
                    seen.add(("inside", *marked(content)))
                elif address[2] != OUTGOING:
                    seen.add((places[each], *marked(content[14:])))
            until = time.monotonic() + patience


def namespace(process: int | str) -> Path:
    return Path(f"/proc/{process}/ns/net")


def wait_for_namespace(pid: int) -> None:
    while namespace(pid).readlink() == namespace("self").readlink():
        time.sleep(0.01)


def outgoing(packet: Any) -> str:
    return str(packet["outgoing"])


def mac(name: str) -> str:
    return str(json.loads(command("ip", "-j", "link", "show", name))[0]["address"])


def packet_socket(name: str) -> socket.socket:
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
    made.bind((name, 0))
    return made


def raw_socket(protocol: int) -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol)


def marked(content: bytes) -> tuple[int, bytes, bytes]:
    """Give by what a packet is recognised: its number and its ends, for answers of the host have numbers too."""
    if content[0] >> 4 == 4:
        return struct.unpack(">H", content[4:6])[0], content[12:16], content[16:20]
    return struct.unpack(">I", content[:4])[0] & 0xFFFFF, content[8:24], content[24:40]


def ends(packet: Any) -> tuple[bytes, bytes]:
    return ip_address(packet["source"]).packed, ip_address(packet["destination"]).packed


def written(packet: Any, number: int) -> bytes:
    """Write a packet out, with checksums, for connection tracking looks at them."""
    source, destination = ends(packet)
    protocol, ports = packet["protocol"], struct.pack(">HH", packet["first"], packet["second"])
    if protocol == TCP:
        transport, at = ports + struct.pack(">IIBBHHH", number, 0, 5 << 4, 2, 1024, 0, 0), 16
    else:
        transport, at = ports + struct.pack(">HH", 8, 0), 6
    pseudo = source + destination + struct.pack(">II", len(transport), protocol)
    transport = transport[:at] + checksum(pseudo + transport) + transport[at + 2 :]
    if packet["version"] == 6:
        return struct.pack(">IHBB", 6 << 28 | number, len(transport), protocol, 64) + source + destination + transport
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(transport), number, 0, 64, protocol, 0) + source + destination
    return head[:10] + checksum(head) + head[12:] + transport


def checksum(content: bytes) -> bytes:
    total = sum(struct.unpack(f">{len(content) // 2}H", content))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack(">H", ~total & 0xFFFF)


if __name__ == "__main__":
    main()
