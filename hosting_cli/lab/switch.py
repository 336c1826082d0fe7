"""A learning Ethernet switch over Unix datagram sockets: one process per segment, started by `network`.

    python -m hosting_cli.lab.switch TITLE

The current directory is a segment's: its own socket is `switch.sock`, every other `*.sock` in there is a port, and a
port beside which lies `<port>.blocked` neither sends nor receives.  The directory is the whole state, so that ports
come and go, and faults are made and mended, without a word to this process.
"""

import contextlib
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

SOCKET = "switch.sock"
BLOCKED = ".blocked"
_LARGEST_FRAME = 70_000
_SHORTEST_FRAME = 14
_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Ports:
    """The ports of a segment, and which of them are cut off."""

    all: frozenset[str] = frozenset()
    blocked: frozenset[str] = frozenset()


def ports(names: Iterable[str]) -> Ports:
    """Read the ports off the names in a segment's directory."""
    known = frozenset(names)
    sockets = frozenset(name for name in known if name.endswith(".sock") and name != SOCKET)
    return Ports(sockets, frozenset(name for name in sockets if name + BLOCKED in known))


@dataclass
class Switch:
    """Remember behind which port each Ethernet address was last seen."""

    learnt: dict[bytes, str] = field(default_factory=dict)

    def targets(self, frame: bytes, source: str, present: Ports) -> frozenset[str]:
        """Learn from *frame*, which came from *source*, and name the ports it goes to: one, all others, or none."""
        if source in present.blocked or len(frame) < _SHORTEST_FRAME:
            return frozenset()
        self.learnt[frame[6:12]] = source
        is_for_many = frame[0] & 1
        target = None if is_for_many else self.learnt.get(frame[:6])
        wanted = present.all if target is None else present.all & {target}
        return wanted - present.blocked - {source}


@dataclass
class Directory:
    """The ports, looked up again at most every tenth of a second."""

    path: Path
    clock: Callable[[], float] = time.monotonic
    seen: Ports = Ports()
    next_look: float = 0.0

    def ports(self) -> Ports:
        """Return the ports as they are, or were a moment ago."""
        if self.clock() >= self.next_look:
            self.seen = ports(entry.name for entry in self.path.iterdir())
            self.next_look = self.clock() + _LOOK_SECONDS
        return self.seen


def serve(own: socket.socket, directory: Directory) -> None:
    """Forward frames for ever; a frame that a port has no room for is lost, as on a wire."""
    switch = Switch()
    while True:
        frame, sender = own.recvfrom(_LARGEST_FRAME)
        # QEMU names its socket relative to its own directory.
        source = PurePosixPath(sender).name
        for target in switch.targets(frame, source, directory.ports()):
            with contextlib.suppress(OSError):
                own.sendto(frame, socket.MSG_DONTWAIT, target)


def main() -> None:
    """Serve the segment whose directory is the current one."""
    Path(SOCKET).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        own.bind(SOCKET)
        serve(own, Directory(Path()))


if __name__ == "__main__":
    main()
