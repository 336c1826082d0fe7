"""What both ends of a tunnel of WireGuard are told, and what a host's answer about one means.

After a wanted change: ``HOSTING_UPDATE_GOLDEN=1 pytest tests/unit/deploys/test_deploys_wireguard.py``.
"""

import json
import os
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sample import GATEWAY, HOST, PUBLISHED, environment
from with_tunnels import PEER_KEY, RISK, TUNNEL, with_tunnel

from deploys import flows, names, tunnels, wireguard
from deploys.desired import host_resources
from deploys.desired_wireguard import PACKAGES
from deploys.programs.parts.wireguard import wireguard_shown
from deploys.reading import actual, request
from deploys.resources import HostFile, HostPackages, HostResource, HostUnit, HostWireguard
from deploys.tunnels import Link
from inventory.resource import PLATFORM, Subject
from inventory.tunnels import TunnelKind

GOLDEN = Path(__file__).parent / "golden"
OUR_KEY = "Fj5DzGKoC2u6kSXE7O0hZkCkq0bcZ2hCk9lNw4cJ0Vg="
REGION = with_tunnel(TunnelKind.WIREGUARD)
PLACES = flows.topology(REGION)


def link() -> Link:
    return tunnels.links(PLACES, REGION)[0]


def resources(host: str = GATEWAY) -> dict[str, HostResource]:
    return {item.thing: item for item in host_resources(REGION, environment(), host, PUBLISHED)}


def wanted() -> HostWireguard:
    found = resources()["wg1"]
    assert isinstance(found, HostWireguard)
    return found


def test_the_peer_is_told_what_it_was_told_last() -> None:
    content = wireguard.of_peer(link(), OUR_KEY)
    golden = GOLDEN / "tunnel-wireguard-peer.conf"
    if os.environ.get("HOSTING_UPDATE_GOLDEN"):
        golden.write_text(content)
    assert content == golden.read_text()


@pytest.mark.parametrize("key", ["", PEER_KEY[:-1], f"{PEER_KEY}\nPostUp = reboot", "(none)"])
def test_what_a_host_says_is_its_key_is_written_only_if_it_is_one(key: str) -> None:
    with pytest.raises(ValueError, match="is no public key"):
        wireguard.of_peer(link(), key)


def test_a_tunnel_of_the_reference_profile_has_no_terms_of_wireguard() -> None:
    region = with_tunnel()
    with pytest.raises(ValueError, match="is not WireGuard"):
        wireguard.of_peer(tunnels.links(flows.topology(region), region)[0], OUR_KEY)


def test_both_ends_are_told_the_same() -> None:
    (ours,), theirs = wireguard.of_gateway(PLACES, link(), GATEWAY), wireguard.of_peer(link(), OUR_KEY)
    assert ours.networks == link().theirs and ours.peer_key == PEER_KEY
    assert f"AllowedIPs = {', '.join(map(str, link().ours))}\n" in theirs
    assert f"Endpoint = 198.51.100.10:{ours.port}\n" in theirs and f"ListenPort = {ours.port}\n" in theirs
    assert "0.0.0.0/0" not in theirs and "PrivateKey" not in theirs


def test_the_gateway_is_told_whom_to_believe_of_which_networks_and_until_when() -> None:
    file = resources()[names.WIREGUARD]
    assert isinstance(file, HostFile)
    assert json.loads(file.content or "") == {
        "wg1": {
            "address": "10.21.20.1/24",
            "port": 51820,
            "peer": PEER_KEY,
            "endpoint": "203.0.113.20:51820",
            "networks": ["10.21.20.0/24", "172.20.21.0/24"],
            "routes": ["172.20.21.0/24"],
            "accepted": "risk accepted from 2026-09-01 to 2027-03-31",
            "since": "2026-09-01",
            "until": "2027-03-31",
        }
    }


def test_a_gateway_with_wireguard_has_what_keeps_it_to_its_days_and_others_have_nothing_of_it() -> None:
    found = resources()
    packages, timer = found["packages"], found[names.WIREGUARD_TIMER]
    assert isinstance(packages, HostPackages) and set(PACKAGES) <= set(packages.packages)
    assert isinstance(timer, HostUnit) and wanted().subject in timer.requires
    assert Subject("host-firewall", f"{GATEWAY}:firewall") in wanted().requires, (
        "first the firewall, then what comes in"
    )
    assert {name for name in resources(HOST) if "wireguard" in name and "/agent/" not in name} == set()


# -- reading ----------------------------------------------------------------------------------------------------------

SHOWN = f"""\
interface: wg1
  public key: {OUR_KEY}
  private key: (hidden)
  listening port: 51820

peer: {PEER_KEY}
  preshared key: (hidden)
  endpoint: 203.0.113.20:51820
  allowed ips: 10.21.20.0/24, 172.20.21.0/24
  latest handshake: 1 minute, 2 seconds ago
  transfer: 1.21 KiB received, 5.50 KiB sent
  persistent keepalive: every 25 seconds

interface: wg2
"""


@pytest.mark.parametrize(
    ("text", "interfaces"),
    [
        pytest.param("", {}, id="there is none"),
        pytest.param(
            SHOWN,
            {
                "wg1": {
                    "public_key": OUR_KEY,
                    "port": 51820,
                    "peers": {
                        PEER_KEY: {
                            "endpoint": "203.0.113.20:51820",
                            "networks": ["10.21.20.0/24", "172.20.21.0/24"],
                        }
                    },
                },
                "wg2": {"public_key": None, "port": 0, "peers": {}},
            },
            id="one that carries, and one that nobody has told anything yet",
        ),
        pytest.param(
            f"interface: wg1\n public key: {OUR_KEY}\n listening port: 1024\n\npeer: {PEER_KEY}\n allowed ips: (none)",
            {
                "wg1": {
                    "public_key": OUR_KEY,
                    "port": 1024,
                    "peers": {PEER_KEY: {"endpoint": None, "networks": []}},
                }
            },
            id="a peer that is believed of nothing and was never heard from",
        ),
    ],
)
def test_what_wg_shows_is_taken_apart(text: str, interfaces: dict[str, Any]) -> None:
    assert wireguard_shown(text) == interfaces


def test_what_wg_does_not_show_is_not_guessed_at() -> None:
    with pytest.raises(ValueError, match="wg said"):
        wireguard_shown("Unable to access interface: Operation not permitted")


def answer(**other: Any) -> dict[str, Any]:
    """Give what a gateway answers whose tunnel is as it should be, but for *other*."""
    peer = {"endpoint": "203.0.113.20:51820", "networks": ["172.20.21.0/24", "10.21.20.0/24"]}
    held = {
        "public_key": OUR_KEY,
        "port": 51820,
        "peers": {PEER_KEY: peer},
        "up": True,
        "alias": "risk accepted from 2026-09-01 to 2027-03-31",
        "addresses": ["10.21.20.1/24"],
        "routes": ["172.20.21.0/24"],
    }
    parts = {
        "wireguard": {"wg1": {**held, **other}},
        "interfaces": {"kernel": {}, "kept": []},
        "manifest": None,
        "identities": {},
    }
    return {name: {"value": value} for name, value in parts.items()}


def seen(told: dict[str, Any]) -> HostWireguard | None:
    found = actual(GATEWAY, told, [wanted()])
    assert found.unknown == {}
    held = found.resources.get(wanted().subject)
    assert held is None or isinstance(held, HostWireguard)
    return held


@pytest.mark.parametrize(
    ("other", "differs"),
    [
        pytest.param({}, {}, id="nothing, of one that is right"),
        pytest.param({"up": False}, {"up": False}, id="one that is down"),
        pytest.param({"port": 51821}, {"port": 51821}, id="another port"),
        pytest.param({"alias": ""}, {"accepted": ""}, id="one that carries no acceptance"),
        pytest.param({"routes": []}, {"routes": ()}, id="no way to what is behind it"),
        pytest.param(
            {"peers": {PEER_KEY: {"endpoint": "192.0.2.9:51820", "networks": ["0.0.0.0/0"]}}},
            {"peer_addresses": ("192.0.2.9",), "networks": ("0.0.0.0/0",)},
            id="a peer that is believed of everything, and was heard from elsewhere",
        ),
        pytest.param({"peers": {}}, {"peers": (), "networks": ()}, id="nobody who is believed"),
    ],
)
def test_every_way_of_being_otherwise_is_told(other: dict[str, Any], differs: dict[str, Any]) -> None:
    found = seen(answer(**other))
    assert found is not None and found.public_key == OUR_KEY
    state = wanted().state()
    assert {name: value for name, value in found.state().items() if state[name] != value} == {
        name: list(value) if isinstance(value, tuple) else value for name, value in differs.items()
    }


def test_a_peer_may_speak_from_any_of_its_addresses() -> None:
    two = replace(wanted(), peer_addresses=("203.0.113.20", "203.0.113.21"))
    peer = {"endpoint": "203.0.113.21:51820", "networks": ["10.21.20.0/24", "172.20.21.0/24"]}
    found = actual(GATEWAY, answer(peers={PEER_KEY: peer}), [two]).resources[two.subject]
    assert found.state() == two.state()


def test_an_interface_of_ours_that_no_file_asks_for_is_found() -> None:
    found = actual(GATEWAY, answer(), [])
    (left,) = found.resources.values()
    assert isinstance(left, HostWireguard) and (left.interface, left.owner) == ("wg1", PLATFORM)


def test_hosts_are_asked_for_interfaces_of_ours_even_if_none_is_wanted() -> None:
    assert request([])["wireguard"] == names.WIREGUARD_GROUP


@pytest.mark.parametrize(
    ("day", "in_force"),
    [(date(2026, 8, 31), False), (date(2026, 9, 1), True), (date(2027, 3, 31), True), (date(2027, 4, 1), False)],
)
def test_files_and_hosts_count_the_same_days(day: date, in_force: bool) -> None:
    (end,) = wireguard.of_gateway(PLACES, link(), GATEWAY)
    told = end.told
    assert (str(told["since"]) <= day.isoformat() <= str(told["until"])) is RISK.is_in_force(day) is in_force


def test_the_name_that_the_peer_gives_its_interface_is_one_that_linux_takes() -> None:
    tunnel = link().tunnel.model_copy(update={"id": "centre-hospitalier-de-beaune"})
    name = wireguard.peer_interface(replace(link(), tunnel=tunnel))
    assert (wireguard.peer_interface(link()), name, len(name) <= 15) == (f"wg-{TUNNEL}", "wg-centre-hospi", True)
