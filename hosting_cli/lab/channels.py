"""Talk to one machine over the Unix sockets in its directory: QEMU's own (QMP) and the guest agent's.

A socket is reached through its directory's descriptor, because the path of a lab may be longer than a socket's may be.
"""

import base64
import json
import os
import secrets
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hosting_cli.errors import EngineError, UnreadableError
from hosting_cli.lab import qemu

_AGAIN = "Try again; `hosting lab down` and `up` make the machine anew."


@contextmanager
def connect(directory: Path, name: str, timeout_seconds: float) -> Iterator[socket.socket]:
    """Connect to the socket *name* in *directory*; raise UnreadableError when nobody listens there."""
    subject = f"machine {directory.name}"
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout_seconds)
        try:
            place = os.open(directory, os.O_PATH | os.O_DIRECTORY)
            try:
                connection.connect(f"/proc/self/fd/{place}/{name}")
            finally:
                os.close(place)
        except OSError as error:
            raise UnreadableError(subject, f"{name} does not answer ({error.strerror})", "Is it running?") from error
        try:
            yield connection
        except TimeoutError as error:
            raise UnreadableError(subject, f"no answer on {name} in {timeout_seconds:.0f} s", _AGAIN) from error
        except OSError as error:
            raise UnreadableError(subject, f"{name} was closed ({error.strerror})", _AGAIN) from error


def _lines(connection: socket.socket, subject: str) -> Iterator[bytes]:
    pending = b""
    while block := connection.recv(65536):
        *lines, pending = (pending + block).split(b"\n")
        yield from lines
    raise UnreadableError(subject, "the connection ended before the answer", _AGAIN)


def control(
    directory: Path,
    *commands: tuple[str, Mapping[str, Any]],
    descriptor: int | None = None,
    timeout_seconds: float = 120,
) -> list[Any]:
    """Give QEMU *commands* (name and arguments) in order and return what each returned.

    *descriptor* goes along with the first one.  Raise EngineError for the first that QEMU refuses.
    """
    with connect(directory, qemu.QMP, timeout_seconds) as connection:
        lines = _lines(connection, f"machine {directory.name}")
        next(lines)
        answers: list[Any] = []
        for name, arguments in (("qmp_capabilities", {}), *commands):
            passed = [descriptor] if descriptor is not None and len(answers) == 1 else []
            text = json.dumps({"execute": name, "arguments": dict(arguments)}).encode() + b"\n"
            socket.send_fds(connection, [text], passed)
            answers.append(_returned(lines, f"machine {directory.name}", name))
        return answers[1:]


def _returned(lines: Iterator[bytes], subject: str, name: str) -> Any:
    for line in lines:
        answer = json.loads(line)
        if "error" in answer:
            raise EngineError(subject, f"QEMU refused {name}: {answer['error']['desc']}", "See its qemu.log.")
        # What has neither is an event.
        if "return" in answer:
            return answer["return"]
    raise AssertionError  # _lines never ends without raising


@dataclass(frozen=True)
class Ran:
    """How a command in the guest ended."""

    status: int
    output: str
    errors: str


def run(directory: Path, argv: Sequence[str], *, standard_input: bytes = b"", timeout_seconds: float = 300) -> Ran:
    """Run *argv* in the guest through its agent: for the lab's own needs, and only there."""
    answer = ask(directory, {"do": "run", "argv": list(argv), "input": encoded(standard_input)}, timeout_seconds)
    return Ran(answer["status"], decoded(answer.get("output", "")), decoded(answer.get("errors", "")))


def start(directory: Path, argv: Sequence[str], *, timeout_seconds: float = 60) -> None:
    """Start *argv* in the guest without waiting for its end, which may be the guest's."""
    answer = ask(directory, {"do": "start", "argv": list(argv)}, timeout_seconds)
    if answer["status"] != 0:
        raise EngineError(f"machine {directory.name}", f"cannot start {argv[0]}: {decoded(answer['errors'])}", _AGAIN)


def ask(directory: Path, request: Mapping[str, Any], timeout_seconds: float) -> dict[str, Any]:
    """Put *request* to the guest agent and return its answer."""
    token = secrets.token_hex(8)
    with connect(directory, qemu.AGENT, timeout_seconds) as connection:
        # The first end of line ends what somebody else may have left unfinished.
        connection.sendall(b"\n" + json.dumps({"id": token, **request}).encode() + b"\n")
        for line in _lines(connection, f"machine {directory.name}"):
            answer: dict[str, Any] = json.loads(line)
            # Whoever asked before may have left without waiting for the answer.
            if answer.get("id") == token:
                return answer
    raise AssertionError  # _lines never ends without raising


def encoded(data: bytes) -> str:
    """Write bytes as JSON can carry them."""
    return base64.b64encode(data).decode()


def decoded(text: str) -> str:
    """Read what the agent encoded; it comes from programs, which may write anything."""
    return base64.b64decode(text).decode(errors="replace")
