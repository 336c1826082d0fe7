"""What both ends of a tunnel are told: kept as golden files, the same terms at both, and nothing that breaks out.

After a wanted change: ``HOSTING_UPDATE_GOLDEN=1 pytest tests/unit/deploys/test_deploys_tunnels.py``.
"""

import os
import re
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import pytest
from sample import APPLICATION, GATEWAY, HOST
from with_tunnels import SECOND, with_tunnel

from deploys import flows, swanctl, tunnels
from deploys.swanctl import Connection, Revocation, Start
from inventory.models import Region
from inventory.tunnels import KeyExchange, TunnelKind

GOLDEN = Path(__file__).parent / "golden"
CASES: dict[str, tuple[dict[str, Any], str | None]] = {
    "tunnel-gateway": ({}, GATEWAY),
    "tunnel-peer": ({}, None),
    "tunnel-second-gateway": ({"gateways": 2, "key_exchange": KeyExchange.HYBRID}, SECOND),
    "tunnel-peer-of-two": ({"gateways": 2, "key_exchange": KeyExchange.HYBRID}, None),
    "tunnel-peer-classical": ({"key_exchange": KeyExchange.CLASSICAL}, None),
}


def link(region: Region) -> tunnels.Link:
    return tunnels.links(flows.topology(region), region)[0]


def connections(region: Region, host: str | None) -> tuple[Connection, ...]:
    """Give what a gateway is told, or, without one, the peer."""
    return tunnels.of_peer(link(region)) if host is None else (tunnels.of_gateway(link(region), host),)


@pytest.mark.parametrize("name", CASES)
def test_both_ends_are_told_what_they_were_told_last(name: str) -> None:
    arguments, host = CASES[name]
    content = swanctl.render(connections(with_tunnel(**arguments), host))
    golden = GOLDEN / f"{name}.conf"
    if os.environ.get("HOSTING_UPDATE_GOLDEN"):
        golden.write_text(content)
    assert content == golden.read_text()


@pytest.mark.parametrize("key_exchange", KeyExchange)
@pytest.mark.parametrize("gateways", [1, 2])
def test_both_ends_are_told_the_same(key_exchange: KeyExchange, gateways: int) -> None:
    region = with_tunnel(key_exchange=key_exchange, gateways=gateways)
    mirrored = tunnels.of_peer(link(region))
    assert len(mirrored) == gateways
    for host, theirs in zip((GATEWAY, SECOND), mirrored, strict=False):
        ours = tunnels.of_gateway(link(region), host)
        assert ours.local_addresses == theirs.remote_addresses
        assert ours.remote_addresses == theirs.local_addresses
        assert (ours.local_identity, ours.remote_identity) == (theirs.remote_identity, theirs.local_identity)
        assert (ours.local_networks, ours.remote_networks) == (theirs.remote_networks, theirs.local_networks)
        assert ours.key_exchange is theirs.key_exchange is key_exchange


@pytest.mark.parametrize(
    ("key_exchange", "proposals"),
    [
        (KeyExchange.HYBRID, "aes256gcm16-prfsha384-ecp384-ke1_mlkem768"),
        (
            KeyExchange.HYBRID_PREFERRED,
            "aes256gcm16-prfsha384-ecp384-ke1_mlkem768, aes256gcm16-prfsha384-ecp384",
        ),
        (KeyExchange.CLASSICAL, "aes256gcm16-prfsha384-ecp384"),
    ],
)
def test_nothing_is_proposed_but_what_the_terms_say_the_best_first(key_exchange: KeyExchange, proposals: str) -> None:
    text = swanctl.render(connections(with_tunnel(key_exchange=key_exchange), GATEWAY))
    assert settings(text, "proposals") == [proposals]
    assert settings(text, "esp_proposals") == [proposals.replace("-prfsha384", "")]


@pytest.mark.parametrize("name", CASES)
def test_no_end_is_laxer_than_the_notes_allow(name: str) -> None:
    arguments, host = CASES[name]
    text = swanctl.render(connections(with_tunnel(**arguments), host))
    assert set(settings(text, "version")) == {"2"}
    assert set(settings(text, "auth")) == {"pubkey", "ecdsa-384-sha384"}
    assert set(settings(text, "mobike")) == {"no"}
    assert "psk" not in text and "secret" not in text.lower().replace("no secret", "")
    assert all(int(value.removesuffix("s")) <= 21600 for value in settings(text, "rekey_time"))
    assert set(settings(text, "revocation")) == {"strict" if host else "ifuri"}


def settings(text: str, key: str) -> list[str]:
    """Give every value of *key*, without what is said about it."""
    return re.findall(rf"^\s*{key} = (.*?)(?:  #.*)?$", text, re.MULTILINE)


def test_a_peer_of_two_gateways_never_sends_in_clear_between_the_first_and_the_second() -> None:
    first, second = connections(with_tunnel(gateways=2), None)
    assert (first.start, second.start) == (Start.ALWAYS, Start.TRAP)
    assert first.priority is not None and second.priority is not None and first.priority < second.priority


def test_what_no_flow_joins_is_in_no_tunnel() -> None:
    region = with_tunnel()
    assert link(region).ours == (IPv4Network("10.21.10.0/24"),)
    assert link(region).theirs == (IPv4Network("10.21.20.0/24"), IPv4Network("172.20.21.0/24"))

    (application,) = (item for item in region.applications if item.id == APPLICATION)
    idle = region.model_copy(update={"applications": (application.model_copy(update={"flows": ()}),)})
    assert not link(idle).carries
    assert tunnels.ended_by(flows.topology(idle), idle, GATEWAY, TunnelKind.IPSEC) == ()


def test_a_host_ends_the_tunnels_that_name_it() -> None:
    region = with_tunnel()
    ended = {
        host: [found.tunnel.id for found in tunnels.ended_by(flows.topology(region), region, host, TunnelKind.IPSEC)]
        for host in (GATEWAY, HOST)
    }
    assert ended == {GATEWAY: ["beaune"], HOST: []}


SAFE: dict[str, Any] = {
    "name": "beaune",
    "local_addresses": (IPv4Address("198.51.100.10"),),
    "remote_addresses": (IPv4Address("203.0.113.20"),),
    "local_identity": "a.gateways.bfc.internal",
    "remote_identity": "b.peers.bfc.internal",
    "certificate": "hosting-link.pem",
    "local_networks": (IPv4Network("10.21.10.0/24"),),
    "remote_networks": (IPv4Network("10.21.20.0/24"),),
    "key_exchange": KeyExchange.HYBRID,
    "ike_rekey_seconds": 21600,
    "child_rekey_seconds": 3600,
}


@pytest.mark.parametrize(
    ("attributes", "complaint"),
    [
        ({"name": "beaune {"}, "cannot be the name of a connection"),
        ({"name": "beaune\n"}, "cannot be the name of a connection"),
        ({"local_identity": "a.internal\n}"}, "cannot be an identity"),
        ({"remote_identity": "%any"}, "cannot be an identity"),
        ({"remote_identity": "*.internal"}, "cannot be an identity"),
        ({"remote_identity": ""}, "cannot be an identity"),
        ({"certificate": "../../etc/passwd"}, "is not the file of a certificate"),
        ({"certificate": "a.pem # "}, "is not the file of a certificate"),
        ({"remote_addresses": ("%any",)}, "IPv4 addresses at both ends"),
        ({"remote_addresses": ()}, "IPv4 addresses at both ends"),
        ({"local_networks": ("0.0.0.0/0",)}, "IPv4 networks at both ends"),
        ({"remote_networks": ()}, "IPv4 networks at both ends"),
        ({"ike_rekey_seconds": 86400}, "is not a number from 1 to 21600"),
        ({"child_rekey_seconds": "3600 }"}, "is not a number from 1 to 3600"),
        ({"child_rekey_seconds": 0}, "is not a number"),
        ({"interface_id": True}, "is not a number"),
        ({"priority": 1 << 16}, "is not a number"),
    ],
)
def test_what_could_not_be_written_safely_is_refused(attributes: dict[str, Any], complaint: str) -> None:
    Connection(**SAFE)
    with pytest.raises(ValueError, match=complaint):
        Connection(**{**SAFE, **attributes})


def test_only_the_peer_may_be_told_to_ask_for_the_list_by_itself() -> None:
    assert Connection(**SAFE).revocation is Revocation.STRICT
