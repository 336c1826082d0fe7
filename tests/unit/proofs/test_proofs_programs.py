"""The two programs that hosts run for a proof, against each other on this machine's loopback; needs root for a mark."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from sample import ROOT

PROGRAMS = ROOT / "hosting_cli/proofs/programs"
LOOPBACK = "127.0.0.1"


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server((LOOPBACK, 0)) for _ in range(count)]
    ports = [int(item.getsockname()[1]) for item in sockets]
    for item in sockets:
        item.close()
    return ports


@contextmanager
def listening(*ports: int) -> Iterator[subprocess.Popen[bytes]]:
    """Start the listener as a service manager does: it is there when it has said so."""
    argv = [sys.executable, "-I", "-c", (PROGRAMS / "listen.py").read_text(), *map(str, ports)]
    with TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"{directory}/notify")
        manager.settimeout(20)
        with subprocess.Popen(argv, env={"NOTIFY_SOCKET": f"{directory}/notify"}) as process:
            try:
                assert manager.recv(64) == b"READY=1"
                yield process
            finally:
                process.terminate()


def connect(ports: Sequence[int], *, source: str = LOOPBACK) -> dict[int, bool]:
    """Run the program as a host gets it: over standard input."""
    done = subprocess.run(
        [sys.executable, "-I", "-", source, LOOPBACK, *map(str, ports)],
        input=(PROGRAMS / "connect.py").read_text(),
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return {int(port): answered for port, answered in json.loads(done.stdout).items()}


def test_ports_that_are_listened_on_answer_and_others_do_not() -> None:
    one, two, silent = free_ports(3)
    with listening(one, two):
        assert connect([one, two, silent]) == {one: True, two: True, silent: False}


def test_a_port_in_use_is_left_to_its_owner_and_the_others_are_listened_on() -> None:
    (port,) = free_ports(1)
    with socket.create_server((LOOPBACK, 0)) as owner, listening(owner.getsockname()[1], port) as process:
        assert connect([port]) == {port: True}
        assert process.poll() is None


def test_an_address_that_is_not_of_this_machine_answers_nothing() -> None:
    (port,) = free_ports(1)
    done = subprocess.run(
        [sys.executable, "-I", str(PROGRAMS / "connect.py"), "192.0.2.1", LOOPBACK, str(port)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode != 0, "an attempt that could not be made is no silence"
    assert "Cannot assign requested address" in done.stderr
