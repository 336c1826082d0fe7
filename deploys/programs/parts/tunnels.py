"""What the daemon of tunnels has loaded and negotiated, asked by its own protocol."""

from __future__ import annotations

import struct

from deploys.programs.parts.files import text_or_none

TYPE_CHECKING = False  # what type checkers take for true; importing `typing` for it would cost a tenth of the run
if TYPE_CHECKING:
    from typing import Any

    from deploys.programs.parts.fork import Fork

COMMAND, RESPONSE, REGISTER, UNREGISTER, CONFIRM, EVENT = 0, 1, 3, 4, 5, 7
SECTION, SECTION_END, PAIR, LIST, ITEM, LIST_END = range(1, 7)
"""Kinds of packets and of elements in them, as strongSwan's description of its protocol "vici" numbers them."""


def read_tunnels(wanted: Any, forks: dict[str, Fork]) -> Any:
    """Give what the daemon of tunnels has loaded and negotiated, null if there is none, and our certificate.

    By the daemon's own protocol: what swanctl prints is made for people.
    """
    import socket

    certificate = text_or_none(wanted["certificate"])
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as daemon:
        # One that hangs is unknown, and does not take the rest of the answer with it.
        daemon.settimeout(wanted["timeout_seconds"])
        try:
            daemon.connect(wanted["socket"])
        except (FileNotFoundError, ConnectionRefusedError):
            return {"daemon": None, "certificate": certificate}
        found = {
            "connections": _ask_daemon(daemon, b"list-conns", b"list-conn"),
            "associations": _ask_daemon(daemon, b"list-sas", b"list-sa"),
        }
    return {"daemon": found, "certificate": certificate}


def _ask_daemon(daemon: Any, command: bytes, event: bytes) -> list[Any]:
    """Have the daemon tell all that it has of something: an event each, then its answer."""
    _say(daemon, REGISTER, event)
    _expect(_heard(daemon), CONFIRM)
    _say(daemon, COMMAND, command)
    found = []
    while (packet := _heard(daemon))[0] == EVENT:
        found.append(vici_message(packet[2 + packet[1] :]))
    _expect(packet, RESPONSE)
    _say(daemon, UNREGISTER, event)
    _expect(_heard(daemon), CONFIRM)
    return found


def _say(daemon: Any, kind: int, name: bytes) -> None:
    packet = bytes([kind, len(name)]) + name
    daemon.sendall(struct.pack(">I", len(packet)) + packet)


def _heard(daemon: Any) -> bytes:
    (length,) = struct.unpack(">I", _exactly(daemon, 4))
    return _exactly(daemon, length)


def _exactly(daemon: Any, length: int) -> bytes:
    found = b""
    while len(found) < length:
        block = daemon.recv(length - len(found))
        if not block:
            raise ValueError("the daemon of tunnels hung up")
        found += block
    return found


def _expect(packet: bytes, kind: int) -> None:
    if packet[0] != kind:
        raise ValueError(f"the daemon of tunnels answered {packet[0]} instead of {kind}")


def vici_message(data: bytes) -> dict[str, Any]:
    """Read one message of the daemon; raise ``ValueError`` or ``LookupError`` for what is none."""
    found, rest = _vici_section(data, is_whole=True)
    if rest:
        raise ValueError("a message of the daemon of tunnels goes on behind its end")
    return found


def _vici_section(data: bytes, *, is_whole: bool = False) -> tuple[dict[str, Any], bytes]:
    found: dict[str, Any] = {}
    while data or not is_whole:
        kind, data = data[0], data[1:]
        if kind == SECTION_END and not is_whole:
            return found, data
        name, data = _vici_text(data, 1)
        if kind == SECTION:
            found[name], data = _vici_section(data)
        elif kind == PAIR:
            found[name], data = _vici_text(data, 2)
        elif kind == LIST:
            found[name], data = _vici_list(data)
        else:
            raise ValueError(f"a message of the daemon of tunnels holds an element of kind {kind}")
    return found, data


def _vici_list(data: bytes) -> tuple[list[str], bytes]:
    found = []
    while data[0] == ITEM:
        item, data = _vici_text(data[1:], 2)
        found.append(item)
    if data[0] != LIST_END:
        raise ValueError(f"a list of the daemon of tunnels holds an element of kind {data[0]}")
    return found, data[1:]


def _vici_text(data: bytes, width: int) -> tuple[str, bytes]:
    """Take a text off that begins with its length in *width* bytes."""
    length = int.from_bytes(data[:width], "big")
    text = data[width : width + length]
    if len(data) < width or len(text) < length:
        raise ValueError("a message of the daemon of tunnels is cut off")
    return text.decode(), data[width + length :]
