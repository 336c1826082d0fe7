"""Two gateways between real packets: one takes over from the other, no third has a say, and no two are in charge."""

import time
from collections.abc import Iterator

import pytest
from pair_lab import APPLICATION, NEIGHBOUR, PLACES, STATION, Pair, answered, pair
from segments import Conversation, reaches
from waiting import wait_until
from with_pairs import PAIR, SHARED

from deploys import nftables

TAKEN_OVER_SECONDS = 8
"""Three words that do not come, of one second each, and what this machine needs to notice."""

QUIET_SECONDS = 5
"""Longer than a gateway waits for the other's word before it takes the addresses."""

SAY = """
import socket, struct, sys, time
from ipaddress import IPv4Address
source, destination, number, claimed = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
def advert(sum):
    return struct.pack(">BBBBHH4s", 0x31, number, 255, 1, 100, sum, IPv4Address(claimed).packed)
ends = IPv4Address(source).packed + IPv4Address(destination).packed
body = advert(checksum(ends + struct.pack(">BBH", 0, 112, 12) + advert(0)))
header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0, 255, 112, 0) + ends
with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as ours:
    for turn in range(5):
        time.sleep(float(sys.argv[5]) if turn else 0)
        ours.sendto(header + body, (destination, 0))
"""
"""Says five times, in somebody's name, that whoever hears it must give the addresses up."""


@pytest.fixture(scope="module")
def built() -> Iterator[Pair]:
    with pair() as found:
        yield found


@pytest.fixture
def together(built: Pair) -> Pair:
    """Give the pair with the first gateway in charge, and the second one standing by."""
    if built.standing != (2, 0) or None in {built.first.daemon, built.second.daemon}:
        for gateway in (built.first, built.second):
            gateway.power("up")
            if gateway.daemon is None:
                gateway.after_death()
                gateway.start()
        # Told by the other one, the first need not wait until it has heard nothing for long enough.
        built.second.stop()
        built.settled(2, 0)
        built.second.start()
    built.by_tunnel_of(built.first)
    return built


def is_through(found: Pair) -> bool:
    return reaches(found.nodes["station"], STATION, APPLICATION, 443)


def test_a_gateway_that_dies_is_replaced_and_does_not_take_its_place_back(together: Pair) -> None:
    first, second = together.first, together.second
    assert is_through(together)
    assert together.is_answered(first) and not together.is_answered(second), "the tunnel is with who is in charge"
    conversation = Conversation(together.nodes["station"], STATION, APPLICATION, 443)
    assert conversation.says("before") == "before"

    first.power("down")
    first.kill()
    wait_until(lambda: len(second.holds) == len(SHARED), "the second one is in charge", TAKEN_OVER_SECONDS)
    together.by_tunnel_of(second)
    assert is_through(together), "a new connection passes by the second"
    assert together.is_answered(second)
    assert conversation.says("after") == "silence", "one that was open is not picked up"
    conversation.end()

    first.after_death()
    first.power("up")
    first.start()
    time.sleep(QUIET_SECONDS)
    assert together.standing == (0, 2), "what is back stands by, and breaks nothing a second time"
    assert not together.is_answered(first) and is_through(together)
    held = [["eth1.100", "10.21.0.254/24"], ["eth1.110", "10.21.10.254/24"]]
    assert [answered(each)["shared"] for each in (first, second)] == [{"value": []}, {"value": held}]


def test_what_comes_by_the_gateway_that_stands_by_reaches_nobody(together: Pair) -> None:
    """Hosts answer by the other one, which knows of no such connection: it fails closed, and not half open."""
    together.by_tunnel_of(together.second)
    assert not is_through(together)


def test_a_gateway_that_loses_one_segment_gives_all_of_them_up(together: Pair) -> None:
    together.first.cable("eth1.110", "down")
    together.settled(0, 2, TAKEN_OVER_SECONDS)
    assert not together.is_answered(together.first)
    together.by_tunnel_of(together.second)
    assert is_through(together)


def test_a_daemon_that_is_killed_leaves_no_address_behind(together: Pair) -> None:
    together.first.kill()
    together.settled(2, 2, TAKEN_OVER_SECONDS)
    together.first.after_death()
    assert together.standing == (0, 2)
    assert not together.is_answered(together.first)


@pytest.mark.parametrize(
    ("sender", "source", "destination"),
    [
        pytest.param("neighbour", NEIGHBOUR, "10.21.0.1", id="a machine beside the heartbeat, as itself"),
        pytest.param("neighbour", NEIGHBOUR, "224.0.0.18", id="the same, to all routers"),
        pytest.param("application", APPLICATION, "10.21.10.1", id="a host of a tier, as itself"),
        pytest.param("application", "10.21.0.2", "10.21.0.1", id="a host of a tier, as the other gateway"),
        pytest.param("application", "10.21.10.2", "10.21.10.1", id="the same, by the address in its own segment"),
    ],
)
def test_nobody_else_is_heard(together: Pair, sender: str, source: str, destination: str) -> None:
    before = together.first.heard
    say(together, sender, source, destination)
    assert together.first.heard == before
    assert together.standing == (2, 0)


def test_a_machine_beside_the_heartbeat_that_takes_the_other_ones_address_is_heard(together: Pair) -> None:
    """Show that the test above could fail, and why the segment of the heartbeat is the platform's own."""
    before = together.first.heard
    # For long enough that the first one waits for longer after it than the second one, which went on hearing the first.
    say(together, "neighbour", "10.21.0.2", "10.21.0.1", pause_seconds=0.15)
    assert together.first.heard == before + 5
    together.settled(0, 2)


def say(found: Pair, sender: str, source: str, destination: str, *, pause_seconds: float = 0) -> None:
    """Have a machine say in the name of *source* that it is in charge."""
    node, claimed = found.nodes[sender], SHARED["dijon-administration"]
    for network in ("224.0.0.0/4", "10.21.0.1/32"):
        done = node.attempt("ip", "route", "add", network, "dev", "eth1")
        assert done.returncode == 0 or "File exists" in done.stderr
    said = (source, destination, str(PAIR.virtual_router), str(claimed), str(pause_seconds))
    node.run("python3", "-I", "-c", SAY, *said)


def test_isolating_the_segment_of_the_heartbeat_puts_nobody_else_in_charge(together: Pair) -> None:
    networks = PLACES.segments[PAIR.heartbeat].networks
    isolation = nftables.render_isolation(PAIR.heartbeat, networks)
    release = isolation.replace("add element", "delete element")
    for gateway in (together.first, together.second):
        gateway.node.run("nft", "-f", "/dev/stdin", text=isolation)
    try:
        time.sleep(QUIET_SECONDS)
        assert together.standing == (2, 0)
        together.first.kill()
        together.first.after_death()
        together.settled(0, 2, TAKEN_OVER_SECONDS)
    finally:
        for gateway in (together.first, together.second):
            gateway.node.run("nft", "-f", "/dev/stdin", text=release)


def test_without_the_rule_for_it_both_are_in_charge(together: Pair) -> None:
    """Show that the tests above could fail."""
    second = together.second.node
    try:
        second.run("nft", "-f", "/dev/stdin", text=_DEAF)
        together.settled(2, 2, TAKEN_OVER_SECONDS)
    finally:
        second.run("nft", "delete", "table", "inet", "deaf")


_DEAF = """
table inet deaf {
  chain input {
    type filter hook input priority -10;
    meta l4proto 112 drop
  }
}
"""
