"""Record the arguments and the environment of every process that is started, at the moment the kernel tells of it.

A program by itself, on the controller and on hosts: ``recorder.py PLACE`` records until the file *PLACE*-stop appears,
and leaves what it has seen in *PLACE*-seen.  It is scheduled before everything else, so that it has looked before the
process that it is told of has run; if it is told more than it can take it fails, and leaves nothing.
"""

import os
import socket
import struct
import sys
from pathlib import Path

NETLINK_CONNECTOR, SO_RCVBUFFORCE, BUFFER_BYTES = 11, 33, 8 << 20
PROCESSES = 1
"""The kernel's number, twice: of the connector that tells of processes, and of the group of those that listen to it."""
LISTEN = struct.pack("=IHHIIIIIIHHI", 40, 3, 0, 0, os.getpid(), PROCESSES, PROCESSES, 0, 0, 4, 0, 1)
"""A netlink header, a connector's header, and the wish to be told."""
EVENT, PROCESS = 36, 52
"""Where a message says what happened, and to which process."""
HAS_BEGUN_A_PROGRAM = 2


def main(place: Path) -> None:
    seen: set[bytes] = set()
    kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_CONNECTOR)
    kernel.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
    kernel.bind((0, PROCESSES))
    kernel.settimeout(0.2)
    kernel.send(LISTEN)
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    for process in Path("/proc").glob("[0-9]*"):
        look(process.name, seen)
    while not place.with_name(f"{place.name}-stop").exists():
        try:
            told = kernel.recv(4096)
        except TimeoutError:
            continue
        if struct.unpack_from("=I", told, EVENT)[0] == HAS_BEGUN_A_PROGRAM:
            look(str(struct.unpack_from("=I", told, PROCESS)[0]), seen)
    partial = place.with_name(f"{place.name}-partial")
    partial.write_bytes(b"\n".join(seen))
    partial.rename(place.with_name(f"{place.name}-seen"))


def look(process: str, seen: set[bytes]) -> None:
    for name in ("cmdline", "environ"):
        try:
            seen.add(Path("/proc", process, name).read_bytes())
        except OSError:  # it has ended
            return


main(Path(sys.argv[1]))
