"""What the rules promise, held by real packets: between three segments and through the gateway of the sample region."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import cache
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from segments import ADDRESSES, SERVE, Conversation, Node, Segments, reaches, segments

from deploys import flows, names, nftables
from deploys.desired_network import boot_unit, rule_set
from deploys.nftables import RuleSet
from deploys.templates import render
from hosting_cli import isolation
from inventory.environment import Environment, HostAccess, ObjectStoreAccess, VaultAccess
from inventory.load import load_region

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "inventory/regions/bourgogne-franche-comte"
HOST, GATEWAY = "dijon-app-1", "dijon-gateway-1"
APPLICATION, TUNNEL, NEIGHBOUR = ADDRESSES.values()
LISTED, ALSO_LISTED, UNLISTED = 443, 2762, 11112
SEGMENT, NETWORK = "tunnel-beaune", IPv4Network("10.21.20.0/24")
ADMINISTRATION = IPv4Network("10.21.30.9/32")
"""Comes by the third segment here, where an environment would have a network of its own."""


@cache
def rules(host: str) -> RuleSet:
    """Give the sample's rules of *host*, on a gateway that has one more segment without any flow."""
    region = load_region(SAMPLE, date(2026, 11, 22))
    reached = {
        item.id: HostAccess(
            address="127.0.0.1",
            host_key=f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{letter}==",
            vault_address="https://10.0.2.100:8200",
            object_stores={store.id: "https://10.0.2.101:8333" for store in region.stores},
            vault_sees=IPv4Network("127.0.1.1/32"),
        )
        for item, letter in zip(region.hosts, "AB", strict=True)
    }
    environment = Environment(
        environment="test",
        vault=VaultAccess(
            address="https://127.0.0.1:1", certificate_authority="/none/ca.pem", token_file="/none/token"
        ),
        object_stores={
            store.id: ObjectStoreAccess(
                endpoint="https://127.0.0.1:2",
                region="test",
                certificate_authority="/none/ca.pem",
                credentials="platform/object-store-admin",
                vault_sees=IPv4Network("127.0.0.2/32"),
            )
            for store in region.stores
        },
        administration_sources=(ADMINISTRATION,),
        hosts=reached,
        journal="/none/journal.jsonl",
    )
    places = flows.topology(region)
    found = rule_set(places, environment, places.hosts[host])
    if host == GATEWAY:
        return replace(found, behind={**found.behind, "eth3": (IPv4Network("10.21.30.0/24"),)})
    return replace(found, behind={"eth1": (*found.behind["eth1"], ADMINISTRATION)})


@pytest.fixture(scope="module")
def running() -> Iterator[Segments]:
    with segments() as found:
        argv = ["python3", "-I", "-c", SERVE, APPLICATION, *map(str, (LISTED, ALSO_LISTED, UNLISTED, 22))]
        served = subprocess.Popen(found.application.argv(*argv), stdout=subprocess.PIPE, text=True)
        assert served.stdout is not None and served.stdout.readline() == "ready\n"
        yield found
        served.kill()
        served.communicate()


@pytest.fixture
def net(running: Segments) -> Segments:
    """Load the rules anew: on the gateway and on the application's host."""
    for node, host in ((running.gateway, GATEWAY), (running.application, HOST)):
        node.run("rm", "-rf", names.ISOLATED_DIRECTORY)
        node.write(names.FIREWALL_RULES, nftables.render(rules(host)))
        node.run("nft", "-f", names.FIREWALL_RULES)
    return running


def test_a_listed_flow_passes_and_is_counted_and_any_other_is_dropped(net: Segments) -> None:
    assert [reaches(net.tunnel, TUNNEL, APPLICATION, LISTED) for _ in range(3)] == [True] * 3
    assert reaches(net.tunnel, TUNNEL, APPLICATION, ALSO_LISTED)
    assert not reaches(net.tunnel, TUNNEL, APPLICATION, UNLISTED)
    expected = {"imagerie-beaune flow 1 F-DCMT": 1, "imagerie-beaune flow 2 F-HTTPS": 3}
    assert net.gateway.counted("to-dijon-imagerie") == expected
    assert net.application.counted("received") == expected
    assert net.gateway.dropped("forward") > 0


def test_the_way_back_is_no_flow(net: Segments) -> None:
    assert not reaches(net.application, APPLICATION, TUNNEL, LISTED)
    assert net.application.dropped("output") > 0


def test_a_neighbour_reaches_nothing_of_his_own_nor_in_the_name_of_somebody_elses_segment(net: Segments) -> None:
    assert not reaches(net.neighbour, NEIGHBOUR, APPLICATION, LISTED)
    assert (net.gateway.dropped("forward") > 0, net.gateway.dropped("spoofed")) == (True, 0)
    net.neighbour.run("ip", "address", "replace", "10.21.20.9/32", "dev", "lo")
    assert not reaches(net.neighbour, "10.21.20.9", APPLICATION, LISTED)
    assert net.gateway.dropped("spoofed") > 0
    net.tunnel.run("ip", "address", "replace", "10.21.20.9/32", "dev", "lo")
    assert reaches(net.tunnel, "10.21.20.9", APPLICATION, LISTED), "and its own segment may use that address"


def test_a_flow_that_routes_lead_astray_is_dropped(net: Segments) -> None:
    net.gateway.run("ip", "route", "add", f"{APPLICATION}/32", "via", NEIGHBOUR)
    try:
        assert not reaches(net.tunnel, TUNNEL, APPLICATION, LISTED)
    finally:
        net.gateway.run("ip", "route", "delete", f"{APPLICATION}/32")
    assert net.gateway.dropped("forward") > 0


# -- isolation --------------------------------------------------------------------------------------------------------


def order(node: Node, *, isolating: bool, segment: str = SEGMENT, network: IPv4Network = NETWORK) -> object:
    content = nftables.render_isolation(segment, (network,)) if isolating else None
    return node.program("isolation", isolation.order(segment, content))


def test_isolation_cuts_an_established_connection_and_release_brings_it_back(net: Segments) -> None:
    conversation = Conversation(net.tunnel, TUNNEL, APPLICATION, LISTED)
    assert (conversation.begun, conversation.says("before")) == ("connected", "before")
    assert order(net.gateway, isolating=True) == {"isolated": [str(NETWORK)], "kept": True}
    assert conversation.says("meanwhile") == "silence"
    assert not reaches(net.tunnel, TUNNEL, APPLICATION, LISTED)
    assert net.gateway.dropped("isolated") > 0
    assert order(net.gateway, isolating=False) == {"isolated": [], "kept": False}
    # TCP sends again at longer and longer intervals, so that it may take a while to find out.
    assert any("meanwhile" in conversation.says("afterwards") for _ in range(20))
    assert reaches(net.tunnel, TUNNEL, APPLICATION, LISTED)
    conversation.end()


@pytest.mark.parametrize("where", ["gateway", "application"])
def test_each_host_cuts_the_segment_off_by_itself(net: Segments, where: str) -> None:
    order(net.nodes[where], isolating=True)
    assert not reaches(net.tunnel, TUNNEL, APPLICATION, LISTED)


def test_only_ssh_of_the_administration_still_gets_through(net: Segments, administration: str) -> None:
    order(net.gateway, isolating=True, segment="third", network=IPv4Network("10.21.30.0/24"))
    with serving(net.gateway, DOOR, 22, 9100):
        assert reaches(net.neighbour, administration, DOOR, 22)
        assert not reaches(net.neighbour, administration, DOOR, 9100)
        assert not reaches(net.neighbour, NEIGHBOUR, DOOR, 22)
    order(net.gateway, isolating=False, segment="third")
    with serving(net.gateway, DOOR, 9100):
        assert reaches(net.neighbour, administration, DOOR, 9100)


def test_isolation_survives_new_rules_and_a_reboot_and_is_no_drift(booting: Segments) -> None:
    assert [boot(booting.gateway, line) for line in starts()] == [True, True]
    before = booting.gateway.firewall()
    order(booting.gateway, isolating=True)
    reaches(booting.tunnel, TUNNEL, APPLICATION, LISTED)
    isolated = {**before, "isolated": [[str(NETWORK), SEGMENT]], "kept": [SEGMENT]}
    assert booting.gateway.firewall() == isolated
    booting.gateway.run("nft", "-f", names.FIREWALL_RULES)
    assert booting.gateway.firewall() == isolated
    booting.gateway.run("nft", "flush", "ruleset")
    assert [boot(booting.gateway, line) for line in starts()] == [True, True]
    assert booting.gateway.firewall() == isolated
    assert not reaches(booting.tunnel, TUNNEL, APPLICATION, LISTED)
    order(booting.gateway, isolating=False)
    assert booting.gateway.firewall() == before


def test_orders_can_be_given_twice(net: Segments) -> None:
    assert [order(net.gateway, isolating=isolating) for isolating in (True, True, False, False)] == [
        *[{"isolated": [str(NETWORK)], "kept": True}] * 2,
        *[{"isolated": [], "kept": False}] * 2,
    ]


def test_packets_and_nothing_else_leave_the_reading_of_the_rules_as_it_was(net: Segments) -> None:
    before = net.gateway.firewall()
    assert reaches(net.tunnel, TUNNEL, APPLICATION, LISTED)
    assert not reaches(net.tunnel, TUNNEL, APPLICATION, UNLISTED)
    assert net.gateway.firewall() == before
    net.gateway.run("nft", "delete", "element", "inet", "hosting", "behind", '{ "eth3" . 10.21.30.0/24 }')
    assert net.gateway.firewall()["kernel"] != before["kernel"]


# -- boot -------------------------------------------------------------------------------------------------------------

DOOR = "10.21.30.1"
"""The gateway's own address in the third segment."""


@contextmanager
def serving(node: Node, address: str, *ports: int) -> Iterator[None]:
    """Have the node listen on *ports* until the block ends."""
    argv = node.argv("python3", "-I", "-c", SERVE, address, *map(str, ports))
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as served:
        assert served.stdout is not None and served.stdout.readline() == "ready\n"
        try:
            yield
        finally:
            served.kill()


@pytest.fixture
def administration(net: Segments) -> str:
    """Give the neighbour the address of the administration as well."""
    address = str(ADMINISTRATION.network_address)
    net.neighbour.run("ip", "address", "replace", f"{address}/24", "dev", "eth1")
    return address


def starts() -> list[str]:
    """Give what systemd starts of the firewall's unit, in its order."""
    # The first, which is empty, takes Debian's own away; a minus has systemd go on whatever comes of it.
    return [line.partition("=")[2].lstrip("-") for line in boot_unit().splitlines() if line.startswith("ExecStart=")][
        1:
    ]


def boot(node: Node, line: str) -> bool:
    return node.attempt("sh", "-c", line).returncode == 0


@pytest.fixture
def booting(net: Segments) -> Segments:
    """Write what a boot reads, and take all rules out."""
    net.gateway.write("/etc/nftables.conf", render("nftables.conf", rules_path=names.FIREWALL_RULES))
    net.gateway.write(names.FIREWALL_EMERGENCY, nftables.render_emergency((ADMINISTRATION,)))
    net.gateway.run("nft", "flush", "ruleset")
    return net


DAMAGE = {
    "there are none": f"rm {names.FIREWALL_RULES}",
    "they are damaged": f"echo frob >> {names.FIREWALL_RULES}",
    "an isolation is damaged": f"mkdir -p {names.ISOLATED_DIRECTORY}; echo frob > {names.isolation_file(SEGMENT)}",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_boot_whose_rules_do_not_load_lets_in_nobody_but_the_administration(
    booting: Segments, administration: str, damage: str
) -> None:
    booting.gateway.run("sh", "-c", damage)
    assert [boot(booting.gateway, line) for line in starts()] == [True, False], "so that the unit counts as failed"
    assert not reaches(booting.tunnel, TUNNEL, APPLICATION, LISTED)
    with serving(booting.gateway, DOOR, 22, 9100):
        assert not reaches(booting.neighbour, NEIGHBOUR, DOOR, 22)
        assert not reaches(booting.neighbour, administration, DOOR, 9100)
        assert reaches(booting.neighbour, administration, DOOR, 22)


def test_a_boot_without_any_file_of_ours_lets_in_nobody_at_all(booting: Segments, administration: str) -> None:
    booting.gateway.run("rm", "-r", names.DIRECTORY)
    assert [boot(booting.gateway, line) for line in starts()] == [True, False]
    assert not reaches(booting.tunnel, TUNNEL, APPLICATION, LISTED)
    with serving(booting.gateway, DOOR, 22):
        assert not reaches(booting.neighbour, administration, DOOR, 22)


def test_a_restart_of_the_unit_keeps_the_rules_that_are_loaded_when_others_do_not_load(net: Segments) -> None:
    before = net.gateway.firewall()
    net.gateway.write("/etc/nftables.conf", "frob\n")
    net.gateway.write(names.FIREWALL_EMERGENCY, nftables.render_emergency((ADMINISTRATION,)))
    assert [boot(net.gateway, line) for line in starts()] == [True, False]
    assert net.gateway.firewall() == before
    assert reaches(net.tunnel, TUNNEL, APPLICATION, LISTED)


# -- rules on probation -----------------------------------------------------------------------------------------------


def save_previous(node: Node) -> None:
    """Do what the operation does before it loads other rules; pyinfra's library stays out of this process."""
    ask = "from deploys.operations import firewall; print(firewall._save_previous().get_raw_value())"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True, cwd=ROOT)
    node.run("sh", "-c", done.stdout)


def test_former_rules_come_back_as_they_were_with_what_is_isolated_by_then(net: Segments) -> None:
    before = net.gateway.firewall()
    net.gateway.run("nft", "add", "element", "inet", "hosting", "isolated", "{ 10.21.10.0/24 }")
    save_previous(net.gateway)
    net.gateway.run("nft", "-f", "-", text=nftables.render(RuleSet(administration=(), behind={})))
    order(net.gateway, isolating=True)
    net.gateway.run("nft", "-f", "/run/hosting/firewall/previous.nft")
    assert net.gateway.firewall() == {**before, "isolated": [[str(NETWORK), SEGMENT]], "kept": [SEGMENT]}


def test_where_there_was_no_table_there_is_none_afterwards(net: Segments) -> None:
    net.gateway.run("nft", "flush", "ruleset")
    save_previous(net.gateway)
    net.gateway.run("nft", "-f", names.FIREWALL_RULES)
    net.gateway.run("nft", "-f", "/run/hosting/firewall/previous.nft")
    assert net.gateway.run("nft", "list", "ruleset") == ""
