"""Send single packets and say which arrived: on every host that takes part at once, step by step with the others.

    {"nonce": 1-65535, "sends": [{"number", "by", "version", "source", "destination", "protocol", "port", "interface",
     "next_hop"}, ...]}

A packet that is sent by `kernel` goes as a program of the host would send it, past its own rules and by its routes; by
`wire`, it goes out of an interface past all of that, as from a host that somebody took over.  Each is the first packet
of something (a SYN, an empty datagram, a question of ICMP), so that a service behind it hears of nothing.

What comes by an interface is seen twice: on the wire before any rule, and behind the rules that let it in by raw
sockets, which need no port of their own.  A packet is known by the nonce, which is the identification of IPv4, and by
its number, which is its source port.  The sockets hear a packet of our own first: who hears nothing knows nothing.

Between its steps the program says a line and waits for one, so that all listen before any sends.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import selectors
import socket
import struct
import sys
import threading
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    Mark = tuple[str, int]

IPV4, IPV6, ARP = 0x0800, 0x86DD, 0x0806
PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1}
ICMP_HEAD_BYTES = 8
CONTROL_PORT = 8
"""Of ICMP, the type of an echo request."""
SYN, RST = 0x02, 0x04
SEQUENCE = 0x686F0000
SO_ATTACH_FILTER, SO_RCVBUFFORCE = 26, 33
BUFFER_BYTES = 8 << 20
ROUNDS = 3
"""How often everything is sent: what is lost once shows nothing."""
PAUSE_SECONDS = 0.2
QUIET_SECONDS = 0.5
"""How long the last packets are waited for."""
BURST = 20
ALL_NODES_MAC = bytes.fromhex("333300000001")


def main(text: str) -> None:
    """Carry the request in *text* out, a step at a time."""
    request = json.loads(text)
    ears = Ears(request["nonce"])
    ears.start()
    sender = Sender(request["nonce"])
    controls = sender.controls()
    sender.prepare(request["sends"])
    _meet({"step": "listening"})
    sender.send(request["sends"])
    _meet({"step": "sent"})
    time.sleep(QUIET_SECONDS)
    ears.stop()
    answer = {
        "wire": sorted(ears.wire),
        "heard": sorted(ears.heard),
        "deaf": [name for name, mark in controls.items() if mark not in ears.heard],
        "refused": sender.refused,
        "unsent": sender.unsent,
    }
    print(json.dumps(answer), flush=True)


def _meet(said: dict[str, Any]) -> None:
    """Say that a step is done, and wait until the others' are; nobody at the other end is the end."""
    print(json.dumps(said), flush=True)
    if not sys.stdin.readline():
        sys.exit("nobody is at the other end any more")


# -- listening --------------------------------------------------------------------------------------------------------


class Ears(threading.Thread):
    """Note which of our packets come by any interface, and which come in past the rules."""

    def __init__(self, nonce: int) -> None:
        super().__init__(daemon=True)
        self.wire: set[Mark] = set()
        self.heard: set[Mark] = set()
        self._nonce = nonce
        self._over = threading.Event()
        self._selector = selectors.DefaultSelector()
        self._listen(_tap(IPV4, nonce), self._on_wire)
        self._listen(_tap(IPV6, nonce), self._on_wire)
        for protocol in PROTOCOLS.values():
            self._listen(_filtered(socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol), 4, nonce), self._let_in)
        for protocol in (PROTOCOLS["tcp"], PROTOCOLS["udp"]):
            with contextlib.suppress(OSError):  # of a kernel without IPv6, which lets none of it in
                self._listen(socket.socket(socket.AF_INET6, socket.SOCK_RAW, protocol), self._let_in_ipv6)

    def _listen(self, ear: socket.socket, note: Any) -> None:
        ear.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
        ear.setblocking(False)
        self._selector.register(ear, selectors.EVENT_READ, (ear, note))

    def run(self) -> None:
        """Listen until it is over."""
        while not self._over.is_set():
            for key, _ in self._selector.select(0.1):
                ear, note = key.data
                note(*ear.recvfrom(65535))

    def stop(self) -> None:
        """Listen no more."""
        self._over.set()
        self.join()

    def _on_wire(self, packet: bytes, _: Any) -> None:
        self._note(self.wire, packet)

    def _let_in(self, packet: bytes, _: Any) -> None:
        self._note(self.heard, packet)

    def _let_in_ipv6(self, segment: bytes, sender: Any) -> None:
        # Raw sockets of IPv6 give no header; what the all-nodes address was asked for comes from a link-local one.
        if sender[0].partition("%")[0].startswith(("fe80:", "::1")) and _is_first(segment, self._nonce):
            destination = "::1" if sender[0] == "::1" else "ff02::1"
            self.heard.add((destination, struct.unpack(">H", segment[:2])[0]))

    def _note(self, where: set[Mark], packet: bytes) -> None:
        if packet[0] >> 4 == 4:
            head = (packet[0] & 0x0F) * 4
            protocol, segment = packet[9], packet[head:]
            destination = socket.inet_ntop(socket.AF_INET, packet[16:20])
        else:
            protocol, segment = packet[6], packet[40:]
            destination = socket.inet_ntop(socket.AF_INET6, packet[24:40])
        if len(segment) < ICMP_HEAD_BYTES or (protocol == PROTOCOLS["tcp"] and not segment[13] & SYN):
            return
        at = 4 if protocol == PROTOCOLS["icmp"] else 0
        where.add((destination, struct.unpack(">H", segment[at : at + 2])[0]))


def _is_first(segment: bytes, nonce: int) -> bool:
    """Tell a packet of ours by what stands in it: the nonce, as a datagram's content or as a sequence number."""
    return segment[8:10] == struct.pack(">H", nonce) or segment[4:8] == struct.pack(">I", SEQUENCE | nonce)


def _tap(kind: int, nonce: int) -> socket.socket:
    """Open what sees every packet that comes by any interface, before any rule."""
    return _filtered(
        socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(kind)), 4 if kind == IPV4 else 6, nonce
    )


def _filtered(ear: socket.socket, version: int, nonce: int) -> socket.socket:
    """Have the kernel hand over only packets that bear the nonce, however busy the host is."""
    load = (0x28, 0, 0, 4) if version == 4 else (0x28, 0, 0, 2)  # the half-word that holds it
    program = [load, (0x15, 0, 1, nonce), (0x06, 0, 0, 0xFFFF), (0x06, 0, 0, 0)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
    ear.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", len(program), ctypes.addressof(code)))
    return ear


# -- sending ----------------------------------------------------------------------------------------------------------


class Sender:
    """Send packets, and note which our own rules refused and which could not be sent at all."""

    def __init__(self, nonce: int) -> None:
        self.refused: list[int] = []
        self.unsent: dict[str, str] = {}
        self._nonce = nonce
        self._kernel = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self._wires: dict[str, socket.socket] = {}
        self._macs: dict[tuple[str, str], bytes] = {}

    def controls(self) -> dict[str, Mark]:
        """Send this host itself a packet of each kind; give where each must be heard."""
        found: dict[str, Mark] = {}
        for number, name in enumerate(PROTOCOLS, start=1):
            found[name] = ("127.0.0.1", number)
            ends = {"source": "127.0.0.1", "destination": "127.0.0.1", "version": 4}
            packet = self._written({**ends, "protocol": name, "number": number, "port": CONTROL_PORT})
            with contextlib.suppress(PermissionError):  # then it is not heard, which is what shows
                self._kernel.sendto(packet, ("127.0.0.1", 0))
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as itself:
            itself.bind(("::1", 0))
            found["ipv6"] = ("::1", itself.getsockname()[1])
            itself.sendto(struct.pack(">H", self._nonce), ("::1", CONTROL_PORT))
        return found

    def prepare(self, sends: Iterable[dict[str, Any]]) -> None:
        """Open the wires, and find out to which card each neighbour's address belongs."""
        for index, send in enumerate(sends):
            try:
                if send["by"] == "wire":
                    self._wire(send["interface"])
                    if send["next_hop"] is not None:
                        self._mac(send["interface"], send["via"], send["next_hop"])
            except OSError as error:
                self.unsent[str(index)] = str(error.strerror or error)

    def send(self, sends: list[dict[str, Any]]) -> None:
        """Send everything, several times; what our own rules let out once is not refused."""
        refused: set[int] = set()
        passed: set[int] = set()
        for _ in range(ROUNDS):
            for index, send in enumerate(sends):
                if str(index) not in self.unsent:
                    try:
                        self._send(send)
                        passed.add(index)
                    except PermissionError:  # by which the kernel says that its output chain dropped it
                        refused.add(index)
                    except OSError as error:
                        self.unsent[str(index)] = str(error.strerror or error)
                if index % BURST == 0:
                    time.sleep(0.001)
            time.sleep(PAUSE_SECONDS)
        self.refused = sorted(refused - passed)

    def _send(self, send: dict[str, Any]) -> None:
        if send["by"] == "kernel":
            self._kernel.sendto(self._written(send), (send["destination"], 0))
            return
        name = send["interface"]
        own = self._wire(name).getsockname()[4]
        if send["version"] == 6:
            send = {**send, "source": _link_local(own)}
        other = ALL_NODES_MAC if send["next_hop"] is None else self._macs[name, send["next_hop"]]
        kind = struct.pack(">H", IPV4 if send["version"] == 4 else IPV6)
        self._wire(name).send(other + own + kind + self._written(send))
        if send["protocol"] == "tcp":  # whoever answered need not wait for the rest
            self._wire(name).send(other + own + kind + self._written(send, flags=RST))

    def _wire(self, interface: str) -> socket.socket:
        if interface not in self._wires:
            wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            wire.bind((interface, 0))
            self._wires[interface] = wire
        return self._wires[interface]

    def _mac(self, interface: str, own_address: str, address: str) -> None:
        """Ask the segment whose card has *address*, once."""
        asked = self._macs.get((interface, address))
        if asked is None:
            asked = self._macs[interface, address] = self._asked(interface, own_address, address)
        if not asked:
            raise OSError(errno.EHOSTUNREACH, f"no card by {interface} has the address {address}")

    def _asked(self, interface: str, own_address: str, address: str) -> bytes:
        """Give the card's number, or nothing if nobody answers."""
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ARP)) as ear:
            ear.bind((interface, ARP))
            ear.settimeout(1)
            own, target = ear.getsockname()[4], socket.inet_aton(address)
            question = struct.pack(">HHBBH", 1, IPV4, 6, 4, 1) + own + socket.inet_aton(own_address) + bytes(6) + target
            for _ in range(ROUNDS):
                ear.send(b"\xff" * 6 + own + struct.pack(">H", ARP) + question)
                until = time.monotonic() + 1
                while time.monotonic() < until:
                    try:
                        said = ear.recv(64)[14:]
                    except TimeoutError:
                        break
                    if said[7] == 2 and said[14:18] == target:
                        return said[8:14]
        return b""

    def _written(self, send: dict[str, Any], flags: int = SYN) -> bytes:
        """Write a packet out, with checksums, for connection tracking looks at them."""
        version, name, number = send["version"], send["protocol"], send["number"]
        family = socket.AF_INET if version == 4 else socket.AF_INET6
        ends = socket.inet_pton(family, send["source"]) + socket.inet_pton(family, send["destination"])
        protocol = PROTOCOLS[name]
        if name == "tcp":
            sequence = (SEQUENCE | self._nonce) + (flags == RST)
            segment = struct.pack(">HHIIBBHHH", number, send["port"], sequence, 0, 5 << 4, flags, 1024, 0, 0)
            at = 16
        elif name == "udp":
            content = struct.pack(">H", self._nonce) if version == 6 else b""
            segment, at = struct.pack(">HHHH", number, send["port"], 8 + len(content), 0) + content, 6
        else:
            segment, at = struct.pack(">BBHHH", send["port"], 0, 0, number, 1) + bytes(12), 2
        pseudo = b"" if name == "icmp" else ends + struct.pack(">II", len(segment), protocol)
        segment = segment[:at] + _checksum(pseudo + segment) + segment[at + 2 :]
        if version == 6:
            return struct.pack(">IHBB", 6 << 28 | self._nonce, len(segment), protocol, 64) + ends + segment
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(segment), self._nonce, 0x4000, 64, protocol, 0) + ends
        return head[:10] + _checksum(head) + head[12:] + segment


def _link_local(mac: bytes) -> str:
    """Give the address by which a card is known on its link."""
    return socket.inet_ntop(
        socket.AF_INET6, b"\xfe\x80" + bytes(6) + bytes([mac[0] ^ 2]) + mac[1:3] + b"\xff\xfe" + mac[3:]
    )


def _checksum(content: bytes) -> bytes:
    total = sum(struct.unpack(f">{len(content) // 2}H", content))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack(">H", ~total & 0xFFFF)
