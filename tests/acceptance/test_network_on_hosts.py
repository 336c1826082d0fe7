"""The network on real hosts: kernels let through what the files say, and an order of the on-call cuts a segment off."""

from collections.abc import Iterator

import pytest
from conftest import HOSTS, LabRunner

from deploys.nftables import PROBE_MARK

pytestmark = pytest.mark.timeout(900)

APP, GATEWAY = HOSTS
SEGMENT, LISTENER = "tunnel-beaune", "test-listener"
GROUNDS = ("--reason", "ransomware at the establishment", "--ticket", "INC-1234", "--confirm", SEGMENT)

CONNECT = f"""
import socket
with socket.socket() as end:
    end.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, {PROBE_MARK})
    end.bind(("10.21.20.1", 0))
    end.settimeout(10)
    try:
        end.connect(("10.21.10.11", 443))
        print("passes")
    except TimeoutError:
        print("dropped")
"""
"""Begins a connection that row 2 of the flow matrix lists, from the gateway's address in the tunnel's segment."""


@pytest.fixture
def listening(provisioned: LabRunner) -> Iterator[LabRunner]:
    """Let something answer where the flow leads."""
    serve = ("python3", "-m", "http.server", "443", "--bind", "10.21.10.11", "--directory", "/run/systemd")
    provisioned.on_machine(APP, "systemd-run", "--quiet", "--collect", f"--unit={LISTENER}", *serve)
    provisioned.on_machine(APP, "sh", "-c", "until ss -tln | grep -q :443; do sleep 0.2; done")
    yield provisioned
    provisioned.on_machine(APP, "systemctl", "stop", LISTENER)


def packets(lab: LabRunner) -> str:
    return lab.on_machine(GATEWAY, "/usr/bin/python3", "-I", "-c", CONNECT).strip()


def test_what_the_kernels_hold_is_proven_to_be_what_the_files_say(provisioned: LabRunner) -> None:
    ran = provisioned.run("network", "prove")
    assert ran.status == 0, ran.output
    assert {row["standing"] for row in ran.data["rows"]} == {"proven"}
    provisioned.on_machine(APP, "nft", "insert", "rule", "inet", "hosting", "input", "tcp", "dport", "445", "accept")
    try:
        ran = provisioned.run("network", "prove")
    finally:
        assert provisioned.converge().status == 0
    assert ran.status == 3
    differences = [each for host in ran.data["hosts"] for each in host["differences"]]
    assert any("port 445" in each["packet"] for each in differences), differences


def test_a_segment_is_cut_off_and_let_back(listening: LabRunner) -> None:
    assert packets(listening) == "passes"
    isolated = listening.run("network", "isolate", SEGMENT, *GROUNDS)
    try:
        assert isolated.status == 0, isolated.output
        assert packets(listening) == "dropped"
        drift = listening.run("drift")
        assert (drift.status, drift.data["plan"]["changes"]) == (0, [])
        assert SEGMENT in drift.output
    finally:
        released = listening.run("network", "release", SEGMENT, *GROUNDS)
    assert released.status == 0, released.output
    assert packets(listening) == "passes"
    assert listening.run("drift").status == 0
