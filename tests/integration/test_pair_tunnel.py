"""A tunnel on a pair of gateways, with a real strongSwan at all three ends: the second carries on what the first did.

The daemons encrypt by themselves, as elsewhere without machines; these know no traps, so that what a packet does to
a peer's daemon, the test does.
"""

import subprocess
from collections.abc import Iterator, Mapping

import pytest
from link_certificates import files_of_ends
from pair_lab import APPLICATION, PLACES, REGION, Gateway, Pair, pair
from segments import Node, reaches
from tunnels_lab import CHARON, PLUGINS
from waiting import wait_until

from deploys import swanctl, tunnels

(LINK,) = tunnels.links(PLACES, REGION)
STATION = "172.20.21.5"
FIRST, SECOND = (connection.name for connection in tunnels.of_peer(LINK))

_DAEMON = f"""
charon {{
  load = {PLUGINS}
  retransmit_tries = 2
  retransmit_timeout = 1
  filelog {{
    log {{
      path = /run/charon.log
      flush_line = yes
    }}
  }}
}}
swanctl {{
  load = pem pkcs1 x509 pkcs8 openssl random
}}
"""
"""Gives a gateway up after some seconds, which by strongSwan's own numbers takes three minutes."""


def start(node: Node, files: Mapping[str, str], configuration: str) -> "subprocess.Popen[bytes]":
    """Start a daemon on *node*, and have it load *configuration*."""
    for path, content in {**files, "swanctl.conf": configuration}.items():
        node.write(f"/etc/swanctl/{path}", content)
    node.write("/etc/strongswan.conf", _DAEMON)
    daemon = subprocess.Popen(node.argv(CHARON), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: node.attempt("swanctl", "--stats").returncode == 0, f"the daemon of {node.name} answers")
    node.run("swanctl", "--load-all", "--noprompt")
    return daemon


@pytest.fixture
def tunnelled() -> Iterator[Pair]:
    """Give the pair with the first gateway in charge, and daemons of tunnels instead of what stands for them."""
    daemons = []
    with pair() as found:
        for echo in found.servers[1:]:
            echo.kill()
        found.first.start()
        found.settled(2, 0)
        found.second.start()
        peer = found.nodes["peer"]
        for address in (STATION, "10.21.20.5"):
            peer.run("ip", "address", "add", f"{address}/32", "dev", "lo")
        gateways = {LINK.gateway_identity(each.name): each for each in (found.first, found.second)}
        files = files_of_ends([*gateways, LINK.peer_identity])
        try:
            for identity, gateway in gateways.items():
                own_interface(gateway)
                told = swanctl.render([tunnels.of_gateway(LINK, gateway.name)])
                daemons.append(start(gateway.node, files[identity], told))
            daemons.append(start(peer, files[LINK.peer_identity], swanctl.render(tunnels.of_peer(LINK))))
            yield found
        finally:
            for daemon in daemons:
                daemon.terminate()
                daemon.wait()


def own_interface(gateway: Gateway) -> None:
    """Have the interface that the daemon makes bear the name that the rules know: it takes the first one free."""
    gateway.node.run("ip", "link", "set", "ipsec1", "down", "name", "ipsec0")
    gateway.node.run("ip", "address", "flush", "dev", "ipsec0")


def is_through(found: Pair) -> bool:
    return reaches(found.nodes["peer"], STATION, APPLICATION, 443)


def calls(peer: Node, connection: str, *, seconds: int) -> bool:
    """Have the peer call as for a packet that wants through; tell whether the tunnel came up in time."""
    return peer.attempt("swanctl", "--initiate", "--child", connection, "--timeout", str(seconds)).returncode == 0


def test_when_the_gateway_in_charge_dies_the_tunnel_goes_on_by_the_second(tunnelled: Pair) -> None:
    first, second, peer = tunnelled.first, tunnelled.second, tunnelled.nodes["peer"]
    wait_until(lambda: "INSTALLED" in first.node.run("swanctl", "--list-sas"), "the peer called the first by itself")
    assert is_through(tunnelled)
    assert not calls(peer, SECOND, seconds=1), "which stands by, and is silent"

    first.power("down")
    first.kill()
    wait_until(lambda: tunnelled.standing[1] == 2, "the second one is in charge")
    assert not is_through(tunnelled), "the peer has not noticed yet"
    peer.attempt("swanctl", "--rekey", "--child", FIRST)
    wait_until(lambda: "INSTALLED" not in peer.run("swanctl", "--list-sas"), "the peer gave the first one up")
    wait_until(lambda: calls(peer, SECOND, seconds=10), "the peer called the second one")
    assert is_through(tunnelled), "which the second one's rules allow to what came out of its tunnel only"
    sas = second.node.run("swanctl", "--list-sas")
    assert "AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384" in sas and "TUNNEL-in-UDP" in sas
