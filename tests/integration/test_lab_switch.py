"""What the lab's switch does with a frame, and how it knows its ports."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hosting_cli.lab.switch import Directory, Port, Ports, Switch, marks, ports

APP, GATEWAY, THIRD = "app.sock", "gateway.sock", "third.sock"
ADDRESS = {name: bytes([0x52, 0x54, 0, 0, number, 1]) for number, name in enumerate((APP, GATEWAY, THIRD), start=1)}
EVERYBODY = b"\xff" * 6
ALL = Ports(dict.fromkeys(ADDRESS, Port()))


def frame(source: str, target: bytes) -> bytes:
    return target + ADDRESS[source] + b"\x08\x00payload"


def taught(*names: str) -> Switch:
    switch = Switch()
    for name in names:
        switch.deliveries(frame(name, EVERYBODY), name, ALL)
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
            Ports(dict.fromkeys((APP, THIRD), Port())),
            set(),
            id="a port that went away receives nothing",
        ),
        pytest.param(taught(), b"\xff" * 13, ALL, set(), id="what is no frame is dropped"),
    ],
)
def test_where_a_frame_goes(switch: Switch, sent: bytes, present: Ports, expected: set[str]) -> None:
    assert switch.deliveries(sent, APP, present) == dict.fromkeys(expected, sent)


# -- VLANs --------------------------------------------------------------------------------------------------------

SITE = Ports(
    {
        APP: Port(110),
        GATEWAY: Port(None, frozenset({100, 110})),
        THIRD: Port(None, frozenset({110})),
    }
)
"""A card in one segment, the trunk of a gateway, and the trunk of a host."""


def tagged(sent: bytes, *vlans: int) -> bytes:
    tags = b"".join(b"\x81\x00" + (0x6000 | vlan).to_bytes(2) for vlan in vlans)
    return sent[:12] + tags + sent[12:]


def bare_tag(sent: bytes, vlan: int) -> bytes:
    return sent[:12] + b"\x81\x00" + vlan.to_bytes(2) + sent[12:]


def said(source: str) -> bytes:
    return frame(source, EVERYBODY)


@pytest.mark.parametrize(
    ("source", "sent", "expected"),
    [
        pytest.param(
            APP,
            said(APP),
            {GATEWAY: bare_tag(said(APP), 110), THIRD: bare_tag(said(APP), 110)},
            id="what a card says without a tag gets that of its segment on trunks",
        ),
        pytest.param(
            GATEWAY,
            tagged(said(GATEWAY), 110),
            {APP: said(GATEWAY), THIRD: bare_tag(said(GATEWAY), 110)},
            id="what a trunk says under a tag loses it where the card is in that segment only",
        ),
        pytest.param(GATEWAY, tagged(said(GATEWAY), 100), {}, id="a segment that nobody else has reaches nobody"),
        pytest.param(GATEWAY, said(GATEWAY), {}, id="what a trunk says without a tag is lost"),
        pytest.param(APP, tagged(said(APP), 100), {}, id="a tag of another segment on a card is lost"),
        pytest.param(APP, tagged(said(APP), 110), {}, id="so is that of its own"),
        pytest.param(APP, tagged(said(APP), 110, 100), {}, id="so are two tags"),
        pytest.param(THIRD, tagged(said(THIRD), 100), {}, id="a tag that is not the trunk's is lost"),
        pytest.param(APP, tagged(said(APP), 0), {}, id="so is one that only says how urgent a frame is"),
    ],
)
def test_where_a_frame_goes_among_vlans(source: str, sent: bytes, expected: dict[str, bytes]) -> None:
    assert Switch().deliveries(sent, source, SITE) == expected


def test_an_address_is_known_in_the_vlan_where_it_was_seen() -> None:
    switch = Switch()
    switch.deliveries(said(THIRD), THIRD, Ports({**SITE.all, THIRD: Port(100)}))
    assert switch.deliveries(frame(APP, ADDRESS[THIRD]), APP, SITE).keys() == {GATEWAY, THIRD}


def test_the_names_of_files_say_which_vlans_a_port_is_in() -> None:
    names = [name for port, known in SITE.all.items() for name in (port, *marks(port, known.untagged, known.tagged))]
    assert ports(names) == SITE


def test_an_address_that_moved_is_followed() -> None:
    switch = taught(GATEWAY)
    switch.deliveries(frame(GATEWAY, EVERYBODY), THIRD, ALL)
    assert switch.deliveries(frame(APP, ADDRESS[GATEWAY]), APP, ALL).keys() == {THIRD}


def test_a_blocked_port_teaches_nothing() -> None:
    switch = Switch()
    switch.deliveries(frame(GATEWAY, EVERYBODY), GATEWAY, Ports(ALL.all, frozenset({GATEWAY})))
    assert switch.learnt == {}


def test_ports_are_the_sockets_beside_the_switchs_own() -> None:
    names = ["switch.sock", "switch.json", APP, GATEWAY, f"{APP}.blocked"]
    assert ports(names) == Ports(dict.fromkeys((APP, GATEWAY), Port()), frozenset({APP}))


def test_ports_are_looked_up_again_after_a_tenth_of_a_second(tmp_path: Path) -> None:
    now = [0.0]
    directory = Directory(tmp_path, clock=lambda: now[0])
    assert directory.ports().all == {}
    (tmp_path / APP).touch()
    now[0] = 0.09
    assert directory.ports().all == {}
    now[0] = 0.11
    assert directory.ports().all == {APP: Port()}


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
