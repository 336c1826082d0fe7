"""Send UDP packets as fast as one processor can: run as a program in a namespace, told on standard input how many.

    python packets.py INTERFACE MAC SOURCE-NETWORK DESTINATION PORT

Answers each line ``established N`` or ``new N`` with the seconds that it took, and those of its processor: packets of
one connection, or N packets of connections that nobody has seen before.  Frames are written beforehand, and handed to
the kernel by the thousand (``sendmmsg``, past the queueing discipline), since what is to be measured comes after.
"""

import ctypes
import socket
import struct
import sys
import time
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from itertools import count, islice

AT_ONCE = 1000
"""Frames of one call; the kernel takes 1024 at most."""

FRAME_BYTES = 64
FIRST_PORT, PORTS = 1024, 60_000
SOL_PACKET, PACKET_QDISC_BYPASS = 263, 20


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Header(ctypes.Structure):
    """The C library's ``struct msghdr``."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("vector", ctypes.POINTER(_Vector)),
        ("vectors", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Message(ctypes.Structure):
    """The C library's ``struct mmsghdr``."""

    _fields_ = (("header", _Header), ("sent", ctypes.c_uint))


class Batch:
    """Frames that are handed over by one call."""

    def __init__(self, frames: list[bytes]) -> None:
        self.size = len(frames)
        self._frames = ctypes.create_string_buffer(b"".join(frames), FRAME_BYTES * self.size)
        start = ctypes.addressof(self._frames)
        vectors = (_Vector * self.size)(*(_Vector(start + FRAME_BYTES * n, FRAME_BYTES) for n in range(self.size)))
        self._vectors = vectors
        self._messages = (_Message * self.size)(
            *(_Message(_Header(vector=ctypes.pointer(vector), vectors=1)) for vector in vectors)
        )

    def send(self, descriptor: int, library: ctypes.CDLL) -> None:
        sent = library.sendmmsg(descriptor, self._messages, self.size, 0)
        if sent != self.size:
            raise OSError(ctypes.get_errno(), f"only {sent} of {self.size} frames were taken")


def frame(macs: bytes, source: int, source_port: int, destination: int, port: int) -> bytes:
    """Write an Ethernet frame that holds an empty UDP packet, without the checksum that IPv4 can do without."""
    header = struct.pack(">BBHHHBBHII", 0x45, 0, 28, 0, 0, 64, socket.IPPROTO_UDP, 0, source, destination)
    total = sum(struct.unpack(">10H", header))
    checksum = 0xFFFF & ~((total & 0xFFFF) + (total >> 16))
    header = header[:10] + struct.pack(">H", checksum) + header[12:]
    return (macs + b"\x08\x00" + header + struct.pack(">HHHH", source_port, port, 8, 0)).ljust(FRAME_BYTES, b"\0")


def new_connections(network: IPv4Network) -> Iterator[tuple[int, int]]:
    """Give addresses and ports that were not given before, for millions of times."""
    first = int(network.network_address) + 10
    for number in count():
        yield first + number // PORTS % 200, FIRST_PORT + number % PORTS


def main(interface: str, mac: str, source: str, destination: str, port: str) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    network, unseen = IPv4Network(source), new_connections(IPv4Network(source))
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as connection:
        connection.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
        connection.bind((interface, 0))
        macs = bytes.fromhex(mac.replace(":", "")) + connection.getsockname()[4]
        to = (int(IPv4Address(destination)), int(port))
        one = Batch([frame(macs, int(network.network_address) + 5, FIRST_PORT, *to)] * AT_ONCE)
        print("ready", flush=True)
        for line in sys.stdin:
            kind, number = line.split()
            if kind == "new":
                frames = [frame(macs, *end, *to) for end in islice(unseen, int(number))]
                batches = [Batch(frames[start : start + AT_ONCE]) for start in range(0, len(frames), AT_ONCE)]
            else:
                batches = [one] * (int(number) // AT_ONCE)
            begun, worked = time.perf_counter(), time.thread_time()
            for batch in batches:
                batch.send(connection.fileno(), library)
            print(time.perf_counter() - begun, time.thread_time() - worked, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
