"""A learning Ethernet switch over Unix datagram sockets: one process per network, started by `network`.

    python -m hosting_cli.lab.switch TITLE

The current directory is a network's: its own socket is `switch.sock`, every other `*.sock` in there is a port.  Files
beside a port say what it is: with `<port>.blocked` it neither sends nor receives; `<port>.untagged.110` puts what comes
without a tag into VLAN 110, and `<port>.tagged.110` takes and gives that VLAN under its tag.  The directory is the
whole state, so that ports come and go, and faults are made and mended, without a word to this process.

A port with no VLAN to its name is in the one network of those like it.  Frames under a tag that is not the port's are
lost, as on any switch that is set up well: this one stands for the hypervisor's.
"""

import contextlib
import re
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

SOCKET = "switch.sock"
BLOCKED = ".blocked"
NO_VLAN = 0
_LARGEST_FRAME = 70_000
_SHORTEST_FRAME = 14
_LOOK_SECONDS = 0.1
_TAG = b"\x81\x00"
_MARK = re.compile(r"(?P<port>.+\.sock)\.(?P<way>untagged|tagged)\.(?P<vlan>[0-9]+)")


@dataclass(frozen=True)
class Port:
    """Which VLAN a port's untagged frames are in, and which it has under their tags."""

    untagged: int | None = NO_VLAN
    tagged: frozenset[int] = frozenset()

    def arrived(self, frame: bytes) -> tuple[int, bytes] | None:
        """Give the VLAN of a frame that came in here, and the frame without its tag; nothing if it may not come."""
        if frame[12:14] != _TAG:
            return None if self.untagged is None else (self.untagged, frame)
        vlan = int.from_bytes(frame[14:16]) & 0xFFF
        return (vlan, frame[:12] + frame[16:]) if vlan in self.tagged else None

    def leaving(self, vlan: int, frame: bytes) -> bytes | None:
        """Give a frame of a VLAN as it goes out here; nothing if it may not go."""
        if vlan in self.tagged:
            return frame[:12] + _TAG + vlan.to_bytes(2) + frame[12:]
        return frame if vlan == self.untagged else None


@dataclass(frozen=True)
class Ports:
    """The ports of a network, and which of them are cut off."""

    all: Mapping[str, Port] = field(default_factory=dict)
    blocked: frozenset[str] = frozenset()


def ports(names: Iterable[str]) -> Ports:
    """Read the ports off the names in a network's directory."""
    known = frozenset(names)
    untagged: dict[str, int] = {}
    tagged: dict[str, set[int]] = {}
    for found in filter(None, map(_MARK.fullmatch, known)):
        port, vlan = found["port"], int(found["vlan"])
        if found["way"] == "untagged":
            untagged[port] = vlan
        else:
            tagged.setdefault(port, set()).add(vlan)
    sockets = [name for name in known if name.endswith(".sock") and name != SOCKET]
    return Ports(
        {
            name: Port(untagged.get(name, None if name in tagged else NO_VLAN), frozenset(tagged.get(name, ())))
            for name in sockets
        },
        frozenset(name for name in sockets if name + BLOCKED in known),
    )


def marks(port: str, untagged: int | None, tagged: Iterable[int]) -> tuple[str, ...]:
    """Name the files that say which VLANs *port* is in."""
    own = () if untagged is None else (f"{port}.untagged.{untagged}",)
    return (*own, *(f"{port}.tagged.{vlan}" for vlan in tagged))


@dataclass
class Switch:
    """Remember behind which port each Ethernet address of a VLAN was last seen."""

    learnt: dict[tuple[int, bytes], str] = field(default_factory=dict)

    def deliveries(self, frame: bytes, source: str, present: Ports) -> dict[str, bytes]:
        """Learn from *frame*, which came from *source*; name the ports it goes to, one, many or none, and as what."""
        if source in present.blocked or source not in present.all or len(frame) < _SHORTEST_FRAME:
            return {}
        arrived = present.all[source].arrived(frame)
        if arrived is None:
            return {}
        vlan, bare = arrived
        self.learnt[vlan, bare[6:12]] = source
        is_for_many = bare[0] & 1
        target = None if is_for_many else self.learnt.get((vlan, bare[:6]))
        wanted = present.all.keys() if target is None else present.all.keys() & {target}
        leaving = {name: present.all[name].leaving(vlan, bare) for name in wanted - present.blocked - {source}}
        return {name: given for name, given in leaving.items() if given is not None}


@dataclass
class Directory:
    """The ports, looked up again at most every tenth of a second."""

    path: Path
    clock: Callable[[], float] = time.monotonic
    seen: Ports = field(default_factory=Ports)
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
        for target, leaving in switch.deliveries(frame, source, directory.ports()).items():
            with contextlib.suppress(OSError):
                own.sendto(leaving, socket.MSG_DONTWAIT, target)


def main() -> None:
    """Serve the network whose directory is the current one."""
    Path(SOCKET).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        own.bind(SOCKET)
        serve(own, Directory(Path()))


if __name__ == "__main__":
    main()
