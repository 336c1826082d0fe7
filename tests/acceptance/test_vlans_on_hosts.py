"""VLANs on real hosts: kernels have what the files say; another segment's tag reaches nobody.

That they come back after a restart is among what `hosting verify` proves.
"""

import json
from typing import Any

import pytest
from conftest import HOSTS, LabRunner, wait_until

from deploys import names
from deploys.interfaces import Trunk, Vlan, trunk_files, vlan_files
from deploys.programs import program
from inventory.resource import Json

pytestmark = pytest.mark.timeout(900)

APP, GATEWAY = HOSTS
TRUNK, OWN, OTHER = "eth1", "eth1.110", "eth1.100"
HOST_IN_OWN, GATEWAY_IN_OWN, GATEWAY_IN_OTHER = "10.21.10.11", "10.21.10.1", "10.21.0.1"
PLANNED = {
    OTHER: ("vlan", 100, TRUNK, [f"{GATEWAY_IN_OTHER}/24"], True),
    OWN: ("vlan", 110, TRUNK, [f"{GATEWAY_IN_OWN}/24"], True),
}

WATCH = f"""
import collections, json, socket, struct, subprocess
seen = collections.Counter()
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as card:
    card.bind(("{TRUNK}", 0))
    card.setsockopt(263, 8, 1)
    card.settimeout(2)
    ping = ["ping", "-q", "-c", "3", "-i", "0.5", "-W", "5", "{HOST_IN_OWN}"]
    subprocess.run(ping, stdout=subprocess.DEVNULL, check=True)
    try:
        while True:
            frame, about, _, _ = card.recvmsg(2000, 100)
            status, _, _, _, _, taken_off, _ = struct.unpack("=IIIHHHH", about[0][2][:20])
            in_frame = int.from_bytes(frame[14:16]) if frame[12:14] == bytes([0x81, 0]) else 0
            seen[(taken_off if status & 16 else in_frame) & 4095] += 1
    except TimeoutError:
        print(json.dumps(seen))
"""
"""Counts the frames on the gateway's cable by their tags; of those that come the kernel takes them off before anybody
sees the frame, and tells them beside it (PACKET_AUXDATA of packet(7))."""


def listed(lab: LabRunner) -> dict[str, dict[str, Any]]:
    found = json.loads(lab.on_machine(GATEWAY, "ip", "-json", "-details", "address", "show"))
    return {each["ifname"]: each for each in found}


def vlans(lab: LabRunner) -> dict[str, tuple[Any, ...]]:
    """Say of each VLAN of the gateway what is planned of one."""
    return {
        name: (
            each["linkinfo"]["info_kind"],
            each["linkinfo"]["info_data"]["id"],
            each["link"],
            [f"{held['local']}/{held['prefixlen']}" for held in each["addr_info"]],
            "UP" in each["flags"],
        )
        for name, each in listed(lab).items()
        if each.get("linkinfo", {}).get("info_kind") == "vlan"
    }


def answers(lab: LabRunner, host: str, address: str, *options: str) -> bool:
    script = f"ping -q -c 3 -i 0.5 -W 5 {' '.join(options)} {address} > /dev/null 2>&1 && echo yes || echo no"
    return lab.on_machine(host, "sh", "-c", script).strip() == "yes"


def received(lab: LabRunner, interface: str) -> int:
    return int(lab.on_machine(GATEWAY, "cat", f"/sys/class/net/{interface}/statistics/rx_packets"))


def drifting(lab: LabRunner) -> dict[str, dict[str, Any] | None]:
    """Give what a plan would change, by its name: what is there now."""
    changes = lab.run("drift").data["plan"]["changes"]
    return {change["subject"]["name"]: change["before"] for change in changes}


def test_the_kernel_has_the_vlans_and_their_frames_bear_tags_on_the_cable(provisioned: LabRunner) -> None:
    assert vlans(provisioned) == PLANNED
    assert listed(provisioned)[TRUNK]["addr_info"] == []
    seen = json.loads(provisioned.on_machine(GATEWAY, "/usr/bin/python3", "-I", "-c", WATCH))
    assert seen.keys() == {"110"}, f"{seen}: nothing without a tag, and nothing under another"
    assert seen["110"] >= 6


def test_a_tag_of_another_segment_reaches_nobody(provisioned: LabRunner) -> None:
    """The host's port is in one segment: no tag gets off the machine, be it another's or its own around another's."""
    assert answers(provisioned, APP, GATEWAY_IN_OWN)
    before = received(provisioned, OTHER)
    hop = f"""
        ip link add link {TRUNK} name {OTHER} type vlan id 100
        ip address add 10.21.0.66/24 dev {OTHER}
        ip link set {OTHER} up
        ip link add link {TRUNK} name outer type vlan id 110
        ip link add link outer name inner type vlan id 100
        ip address add 10.21.0.67/24 dev inner
        ip link set outer up
        ip link set inner up
    """
    provisioned.on_machine(APP, "sh", "-ec", hop)
    try:
        assert not answers(provisioned, APP, GATEWAY_IN_OTHER, "-I", OTHER)
        assert not answers(provisioned, APP, GATEWAY_IN_OTHER, "-I", "inner")
    finally:
        provisioned.on_machine(APP, "sh", "-c", f"ip link delete {OTHER}; ip link delete inner; ip link delete outer")
    assert received(provisioned, OTHER) == before
    assert answers(provisioned, APP, GATEWAY_IN_OWN)


def test_what_differs_is_named_and_mended(provisioned: LabRunner) -> None:
    """One VLAN is gone, one has another number, and the trunk carries one that nobody asked for."""
    break_them = f"""
        ip link delete {OWN}
        ip link delete {OTHER}
        ip link add link {TRUNK} name {OTHER} type vlan id 200
        ip address add {GATEWAY_IN_OTHER}/24 dev {OTHER}
        ip link set {OTHER} up
        ip link add link {TRUNK} name {TRUNK}.300 type vlan id 300
    """
    provisioned.on_machine(GATEWAY, "sh", "-ec", break_them)
    found = drifting(provisioned)
    named = {name.partition(":")[2]: before or {} for name, before in found.items() if name.startswith(GATEWAY)}
    assert (named[OWN]["form"], named[OTHER]["vlan"], named[f"{TRUNK}.300"]["parent"]) == ("absent", 200, TRUNK)
    assert provisioned.converge().status == 0
    assert vlans(provisioned) == PLANNED
    assert answers(provisioned, GATEWAY, HOST_IN_OWN)
    assert provisioned.run("network", "prove").status == 0


def test_interfaces_that_nobody_confirms_are_undone_by_the_host(provisioned: LabRunner) -> None:
    """A killed controller, or one that is cut off: the segment gets another number, and nobody logs in."""
    other = Vlan(OWN, TRUNK, 999, f"{GATEWAY_IN_OWN}/24")
    files = (*trunk_files(Trunk(TRUNK, (other,))), *vlan_files(other))
    wanted: dict[str, Json] = {
        "form": "vlan", "parent": TRUNK, "vlan": 999, "addresses": [f"{GATEWAY_IN_OWN}/24"], "up": True
    }  # fmt: skip
    attempt: dict[str, Json] = {
        "do": "try",
        "timer": "hosting-interfaces-restore.timer",
        "seconds": 600,
        "trial": {"directory": names.NETWORKD_TRIAL_DIRECTORY, "prefix": names.NETWORKD_TRIAL_PREFIX},
        "files": {path.partition(names.NETWORKD_PREFIX)[2]: text for path, text in files},
        "trunks": [TRUNK],
        "remove": [],
        "wanted": {OWN: wanted},
        "shared": [],
        "pending": names.PENDING_DIRECTORY,
        "notifies": [],
    }
    provisioned.on_machine(GATEWAY, "/usr/bin/python3", "-I", "-S", "-c", program("interfaces", attempt))
    assert vlans(provisioned)[OWN][1] == 999
    # What the timer starts when it is over: nobody waits for it here.
    provisioned.on_machine(GATEWAY, "systemctl", "start", "hosting-interfaces-restore.service")
    provisioned.on_machine(GATEWAY, "systemctl", "stop", "hosting-interfaces-restore.timer")
    wait_until(lambda: vlans(provisioned) == PLANNED, seconds=120)
    assert drifting(provisioned) == {}
