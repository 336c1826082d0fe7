"""What the lab's switch does with a frame, and how it knows its ports."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hosting_cli.lab.switch import Directory, Ports, Switch, ports

APP, GATEWAY, THIRD = "app.sock", "gateway.sock", "third.sock"
ADDRESS = {name: bytes([0x52, 0x54, 0, 0, number, 1]) for number, name in enumerate((APP, GATEWAY, THIRD), start=1)}
EVERYBODY = b"\xff" * 6
ALL = Ports(frozenset(ADDRESS))


def frame(source: str, target: bytes) -> bytes:
    return target + ADDRESS[source] + b"\x08\x00payload"


def taught(*names: str) -> Switch:
    switch = Switch()
    for name in names:
        switch.targets(frame(name, EVERYBODY), name, ALL)
    return switch


@pytest.mark.parametrize(
    ("switch", "sent", "present", "expected"),
    [
        pytest.param(taught(), frame(APP, EVERYBODY), ALL, {GATEWAY, THIRD}, id="a broadcast goes to all others"),
        pytest.param(
            taught(GATEWAY), frame(APP, b"\x01\x00\x5e\x00\x00\x01"), ALL, {GATEWAY, THIRD}, id="so does a multicast"
        ),
        pytest.param(
            taught(), frame(APP, ADDRESS[GATEWAY]), ALL, {GATEWAY, THIRD}, id="an unknown target is sought everywhere"
        ),
        pytest.param(
            taught(GATEWAY), frame(APP, ADDRESS[GATEWAY]), ALL, {GATEWAY}, id="a known target is the only one to get it"
        ),
        pytest.param(taught(APP), frame(APP, ADDRESS[APP]), ALL, set(), id="nothing goes back where it came from"),
        pytest.param(
            taught(GATEWAY),
            frame(APP, ADDRESS[GATEWAY]),
            Ports(ALL.all, frozenset({GATEWAY})),
            set(),
            id="a blocked port receives nothing",
        ),
        pytest.param(
            taught(GATEWAY),
            frame(APP, ADDRESS[GATEWAY]),
            Ports(ALL.all, frozenset({APP})),
            set(),
            id="a blocked port sends nothing",
        ),
        pytest.param(
            taught(GATEWAY),
            frame(APP, ADDRESS[GATEWAY]),
            Ports(frozenset({APP, THIRD})),
            set(),
            id="a port that went away receives nothing",
        ),
        pytest.param(taught(), b"\xff" * 13, ALL, set(), id="what is no frame is dropped"),
    ],
)
def test_where_a_frame_goes(switch: Switch, sent: bytes, present: Ports, expected: set[str]) -> None:
    assert switch.targets(sent, APP, present) == expected


def test_an_address_that_moved_is_followed() -> None:
    switch = taught(GATEWAY)
    switch.targets(frame(GATEWAY, EVERYBODY), THIRD, ALL)
    assert switch.targets(frame(APP, ADDRESS[GATEWAY]), APP, ALL) == {THIRD}


def test_a_blocked_port_teaches_nothing() -> None:
    switch = Switch()
    switch.targets(frame(GATEWAY, EVERYBODY), GATEWAY, Ports(ALL.all, frozenset({GATEWAY})))
    assert switch.learnt == {}


def test_ports_are_the_sockets_beside_the_switchs_own() -> None:
    names = ["switch.sock", "switch.json", APP, GATEWAY, f"{APP}.blocked"]
    assert ports(names) == Ports(frozenset({APP, GATEWAY}), frozenset({APP}))


def test_ports_are_looked_up_again_after_a_tenth_of_a_second(tmp_path: Path) -> None:
    now = [0.0]
    directory = Directory(tmp_path, clock=lambda: now[0])
    assert directory.ports().all == frozenset()
    (tmp_path / APP).touch()
    now[0] = 0.09
    assert directory.ports().all == frozenset()
    now[0] = 0.11
    assert directory.ports().all == {APP}


def test_a_running_switch_carries_frames_to_whoever_is_not_blocked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    process = subprocess.Popen([sys.executable, "-m", "hosting_cli.lab.switch", "test"])
    ends = {name: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for name in (APP, GATEWAY)}
    try:
        for name, end in ends.items():
            # As QEMU does it, whose own directory is another one.
            end.bind(os.path.relpath(tmp_path / name))
            end.settimeout(30)
        while not Path("switch.sock").exists():
            assert process.poll() is None
        sent = frame(APP, EVERYBODY)
        ends[APP].sendto(sent, "switch.sock")
        assert ends[GATEWAY].recv(100) == sent
        Path(f"{GATEWAY}.blocked").touch()
        ends[GATEWAY].settimeout(0.5)
        with pytest.raises(TimeoutError):
            _drain(ends, sent)
    finally:
        process.kill()
        process.wait()
        for end in ends.values():
            end.close()


def _drain(ends: dict[str, socket.socket], sent: bytes) -> None:
    """Send until nothing comes out any more: the switch may look at its directory a tenth of a second late."""
    for _ in range(500):
        ends[APP].sendto(sent, "switch.sock")
        ends[GATEWAY].recv(100)
        time.sleep(0.01)
