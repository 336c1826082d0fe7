"""The network on real hosts: kernels let through what the files say, and an order of the on-call cuts a segment off."""

import time

import pytest
from conftest import HOSTS, LabRunner, Ran

pytestmark = pytest.mark.timeout(900)

APP, GATEWAY = HOSTS
SEGMENT = "tunnel-beaune"
GROUNDS = ("--reason", "ransomware at the establishment", "--ticket", "INC-1234", "--confirm", SEGMENT)

ISOLATED_SECONDS = 30
"""From the command to what it answers, on a machine that has other things to do."""

BURST, LOGGED_AT_MOST = 100, 25
_BURST = f"""
import socket, time
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
    for turn in range({BURST}):
        try:
            ours.sendto(b"", ("10.21.10.1", 9))
        except PermissionError:
            pass  # so the kernel tells its own programs
        time.sleep(0.07)
"""
"""Sends what no flow lists, for longer than the six seconds after which one more line is written."""


def outcomes(ran: Ran) -> dict[str, set[str]]:
    """Give what became of packets, by what had to."""
    found: dict[str, set[str]] = {"arrive": set(), "be refused": set()}
    for each in ran.data["probes"]:
        found[each["must"]].add(each["outcome"])
    return found


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


def test_packets_between_hosts_do_what_the_files_say_and_what_was_proven(provisioned: LabRunner) -> None:
    ran = provisioned.run("network", "probe", "--seed", "1")
    assert (ran.status, outcomes(ran)) == (0, {"arrive": {"arrived"}, "be refused": {"refused"}}), ran.output
    assert provisioned.entries()[-1]["kind"] == "network-probe"
    sampled = provisioned.run("network", "probe", "--seed", "1", "--sample", "1", "--establishment", "210987657")
    assert (sampled.status, sampled.data["ways_taken"]) == (0, 1)


def test_what_is_dropped_is_counted_and_written_into_the_log_within_its_limit(provisioned: LabRunner) -> None:
    def dropped() -> int:
        words = provisioned.on_machine(APP, "nft", "list", "counter", "inet", "hosting", "output-dropped").split()
        return int(words[words.index("packets") + 1])

    before = dropped()
    provisioned.on_machine(APP, "/usr/bin/python3", "-I", "-c", _BURST)
    assert dropped() - before >= BURST
    count = "dmesg | grep -c 'hosting output dropped: .* DST=10.21.10.1 .* DPT=9 '"
    assert 0 < int(provisioned.on_machine(APP, "sh", "-c", count)) <= LOGGED_AT_MOST


def test_a_segment_is_cut_off_and_let_back(provisioned: LabRunner) -> None:
    began = time.monotonic()
    isolated = provisioned.run("network", "isolate", SEGMENT, *GROUNDS)
    try:
        assert isolated.status == 0, isolated.output
        assert time.monotonic() - began < ISOLATED_SECONDS
        cut_off = provisioned.run("network", "probe")
        assert (cut_off.status, outcomes(cut_off)) == (3, {"arrive": {"refused"}, "be refused": {"refused"}})
        drift = provisioned.run("drift")
        assert (drift.status, drift.data["plan"]["changes"]) == (0, [])
        assert SEGMENT in drift.output
    finally:
        released = provisioned.run("network", "release", SEGMENT, *GROUNDS)
    assert released.status == 0, released.output
    assert provisioned.run("network", "probe").status == 0
    assert provisioned.run("drift").status == 0
