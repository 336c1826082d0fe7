"""A tunnel on real hosts, by the kernel's own ESP: what passes, what is dropped, and that nothing travels in clear."""

from collections.abc import Iterator

import pytest
from conftest import HOSTS, LabRunner, wait_until
from tunnel_peer import (
    APPLICATION,
    GATEWAY,
    GATEWAY_ADDRESS,
    STATION,
    TUNNEL,
    Firewall,
    firewall,
    in_vault,
    serial_number,
)

pytestmark = pytest.mark.timeout(1800)

APP = HOSTS[0]
LISTENER, UNLISTED = "test-answers", 3389

ANSWER = f"""
import socket, threading, time
def answer(end):
    while True:
        end.sendall(b"here")
        time.sleep(0.2)
for port in (443, {UNLISTED}):
    server = socket.create_server(("{APPLICATION}", port))
    def serve(server=server):
        while True:
            threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()
    threading.Thread(target=serve).start()
"""
"""Answers on a listed port and on one that no flow leads to, and goes on talking: also when nobody hears it."""

HEAR = f"""
import socket
with socket.create_connection(("{APPLICATION}", 443), source_address=("{STATION}", 0)) as end:
    while end.recv(4):
        pass
"""


@pytest.fixture(scope="module")
def peer(provisioned: LabRunner) -> Iterator[Firewall]:
    """Give the establishment's firewall, while something answers behind our gateway."""
    listen = ("/usr/bin/python3", "-I", "-c", ANSWER)
    provisioned.on_machine(APP, "systemd-run", "--quiet", "--collect", f"--unit={LISTENER}", *listen)
    try:
        with firewall(provisioned) as found:
            yield found
    finally:
        provisioned.on_machine(APP, "systemctl", "stop", LISTENER)


def counted(lab: LabRunner, counter: str) -> int:
    """Give how many packets the gateway's firewall counted."""
    words = lab.on_machine(GATEWAY, "nft", "list", "counter", "inet", "hosting", counter).split()
    return int(words[words.index("packets") + 1])


def refused_by_origin(lab: LabRunner) -> int:
    """Give how many packets came in by a card that does not lead to where they say they are from: rp_filter's count.

    The kernel looks at that before the firewall, which would drop them as well.
    """
    names, numbers = (
        line.split() for line in lab.on_machine(GATEWAY, "grep", "^TcpExt:", "/proc/net/netstat").splitlines()
    )
    return int(numbers[names.index("IPReversePathFilter")])


def test_a_packet_brings_the_tunnel_up_and_passes_encrypted_only(peer: Firewall) -> None:
    assert peer.connects(within_seconds=120), peer.attempt("journalctl", "--unit=strongswan", "--no-pager")[1]
    for sas in (peer.run("swanctl", "--list-sas"), peer.lab.on_machine(GATEWAY, "swanctl", "--list-sas")):
        assert "ESTABLISHED, IKEv2" in sas and "TUNNEL-in-UDP, ESP:AES_GCM_16-256" in sas, sas
        assert "AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384" in sas, sas
    assert any(name.endswith(" 4500 esp") for name in peer.watched())
    assert peer.in_clear() == set()

    told = peer.lab.run("network", "tunnel", "status")
    assert told.status == 0, told.output
    (standing,) = told.data["tunnels"]
    assert (standing["standing"], standing["ike"]) == ("up", "AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384")


def test_what_somebody_loads_by_hand_is_drift(peer: Firewall) -> None:
    laxer = "sed 's/revocation = strict/revocation = relaxed/' swanctl.conf > by-hand.conf"
    load = "swanctl --load-conns --file /etc/swanctl/by-hand.conf"
    peer.lab.on_machine(GATEWAY, "sh", "-c", f"cd /etc/swanctl && {laxer} && {load}; rm by-hand.conf")
    try:
        drift = peer.lab.run("drift")
    finally:
        peer.lab.on_machine(GATEWAY, "systemctl", "reload", "strongswan.service")
    assert drift.status == 3
    (change,) = drift.data["plan"]["changes"]
    assert change["subject"] == {"kind": "host-unit", "name": f"{GATEWAY}:strongswan.service"}
    assert (change["before"]["active"], change["before"]["settled"]) == (True, False)


def test_what_no_flow_lists_is_dropped_although_it_is_in_the_tunnel(peer: Firewall) -> None:
    before = counted(peer.lab, "forward-dropped")
    assert not peer.connects(UNLISTED)
    assert counted(peer.lab, "forward-dropped") > before


def test_a_connection_that_is_open_goes_on_in_no_other_way_when_our_daemon_stops(peer: Firewall) -> None:
    hear = ("/usr/bin/python3", "-I", "-c", HEAR)
    peer.run("systemd-run", "--quiet", "--collect", "--unit=hear", *hear)
    interface = ("cat", "/sys/class/net/ipsec1/statistics/tx_packets", "/sys/class/net/ipsec1/statistics/tx_dropped")
    wait_until(lambda: STATION in peer.lab.on_machine(APP, "ss", "-tn", "state", "established"), seconds=60)
    peer.lab.on_machine(GATEWAY, "systemctl", "stop", "strongswan.service")
    try:
        sent, dropped = map(int, peer.lab.on_machine(GATEWAY, *interface).split())
        wait_until(lambda: int(peer.lab.on_machine(GATEWAY, *interface).split()[1]) > dropped, seconds=60)
        assert int(peer.lab.on_machine(GATEWAY, *interface).split()[0]) == sent, "none of them left"
        assert peer.in_clear() == set()
    finally:
        peer.run("systemctl", "stop", "hear")
        peer.lab.on_machine(GATEWAY, "systemctl", "start", "strongswan.service")
    wait_until(peer.brings_up, seconds=120)
    assert peer.connects(within_seconds=60)


def test_what_a_peer_sends_in_clear_is_not_let_in(peer: Firewall) -> None:
    """Stop the peer's daemon: its packets leave by the wire, where they are seen, and are dropped at our gateway."""
    peer.run("systemctl", "stop", "strongswan.service")
    peer.run("ip", "route", "add", f"{APPLICATION}/32", "via", GATEWAY_ADDRESS)
    try:
        before = refused_by_origin(peer.lab)
        assert not peer.connects()
        assert peer.in_clear() == {f"{STATION} {APPLICATION} 6"}, "seen, so that silence elsewhere shows something"
        assert refused_by_origin(peer.lab) > before
    finally:
        peer.run("ip", "route", "del", f"{APPLICATION}/32")
        peer.run("systemctl", "start", "strongswan.service")


def test_a_peer_that_is_revoked_is_refused_as_soon_as_the_gateway_knows(peer: Firewall) -> None:
    wait_until(peer.brings_up, seconds=120)
    in_vault(peer.lab, "pki/revoke", {"serial_number": serial_number(peer)})
    in_vault(peer.lab, "pki/crl/rotate")
    for argv in (("start", "hosting-link.service"), ("reload", "strongswan.service")):
        peer.lab.on_machine(GATEWAY, "systemctl", *argv)
    peer.lab.on_machine(GATEWAY, "swanctl", "--terminate", "--ike", TUNNEL)
    status, output = peer.initiate()
    assert status != 0 and "AUTHENTICATION_FAILED" in output, output
    assert not peer.connects()
    assert "certificate was revoked" in peer.lab.on_machine(GATEWAY, "journalctl", "--unit=strongswan", "--no-pager")
