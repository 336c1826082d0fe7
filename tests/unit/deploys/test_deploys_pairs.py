"""Two gateways that take each other's place: one word for all segments, hosts that ask whoever holds their address."""

from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from sample import GATEWAY, HOST, PUBLISHED, environment_of, region
from with_pairs import SHARED, with_pair
from with_tunnels import SECOND

from deploys import desired_pairs, flows, nftables, pairs, reading
from deploys.desired import host_resources
from deploys.desired_network import rule_set
from deploys.resources import HostFile, HostInterface, HostPackages, HostResource, HostUnit
from deploys.view import digest
from inventory.models import Host, Region

GOLDEN = Path(__file__).parent / "golden"
TOGETHER = with_pair()
PLACES = flows.topology(TOGETHER)


def resources(host: str, region: Region = TOGETHER) -> dict[str, HostResource]:
    found = host_resources(region, environment_of(region), host, PUBLISHED)
    return {item.thing: item for item in found}


def content(host: str, thing: str) -> str:
    file = resources(host)[thing]
    assert isinstance(file, HostFile) and file.content is not None
    return file.content


@pytest.mark.parametrize(("host", "golden"), [(GATEWAY, "pair-first.conf"), (SECOND, "pair-second.conf")])
def test_each_gateway_is_told_whom_it_hears_and_what_is_held(host: str, golden: str) -> None:
    assert content(host, "/etc/keepalived/keepalived.conf") == (GOLDEN / golden).read_text()


def test_hosts_ask_whoever_holds_the_address_of_their_segment() -> None:
    shared = SHARED["dijon-imagerie"]
    assert {route.gateway for route in flows.routes(PLACES, PLACES.hosts[HOST])} == {shared}
    assert f"via {shared} dev " in content(HOST, "/etc/hosting/routes.batch")


def test_where_one_of_them_alone_leads_hosts_ask_that_one() -> None:
    """What comes by a tunnel that ends on one gateway is answered by that gateway, whoever is in charge."""
    hosts = [replace_interfaces(TOGETHER, host.id, without="tunnel-beaune") if host.id == SECOND else host
             for host in TOGETHER.hosts]  # fmt: skip
    tunnels = [tunnel.model_copy(update={"gateways": tunnel.gateways[:1]}) for tunnel in TOGETHER.tunnels]
    places = flows.topology(TOGETHER.model_copy(update={"hosts": tuple(hosts), "tunnels": tuple(tunnels)}))
    assert {route.gateway for route in flows.routes(places, places.hosts[HOST])} == {IPv4Address("10.21.10.1")}
    role = pairs.role_of(places, GATEWAY)
    assert role is not None and role.peers == (), "and its peer is answered, whoever is in charge"


def replace_interfaces(found: Region, host: str, *, without: str) -> Host:
    one = next(each for each in found.hosts if each.id == host)
    kept = tuple(interface for interface in one.interfaces if interface.segment != without)
    return one.model_copy(update={"interfaces": kept})


def test_a_gateway_sends_nothing_through_the_other() -> None:
    assert [flows.routes(PLACES, PLACES.hosts[host]) for host in (GATEWAY, SECOND)] == [(), ()]


def test_both_let_the_same_flows_through() -> None:
    first, second = (rule_set(PLACES, environment_of(TOGETHER), PLACES.hosts[host]) for host in (GATEWAY, SECOND))
    assert first.zones == second.zones and first.zones != ()
    assert first.behind == second.behind


def test_the_peers_of_their_tunnels_are_silent_to_until_the_addresses_are_held() -> None:
    for host in (GATEWAY, SECOND):
        assert content(host, "/etc/hosting/standby.batch").splitlines() == [
            "rule add to 198.51.100.20 ipproto udp blackhole pref 1040"
        ]
        assert content(host, "/etc/hosting/released.batch").splitlines() == [
            "address delete 10.21.0.254/24 dev eth1.100",
            "address delete 10.21.10.254/24 dev eth1.110",
            "rule delete to 198.51.100.20 lookup main pref 1039",
        ]


def test_the_daemon_starts_behind_the_rules_and_takes_back_what_it_held_when_it_is_killed() -> None:
    beside = content(GATEWAY, "/etc/systemd/system/keepalived.service.d/hosting.conf")
    assert [line for line in beside.splitlines() if line.startswith("ExecStartPre=")] == [
        "ExecStartPre=/bin/sh -c '/usr/sbin/nft list map inet hosting zones >/dev/null'",
        "ExecStartPre=/usr/bin/systemctl --quiet is-active hosting-standby.service",
    ]
    assert "ExecStopPost=-/usr/sbin/ip -force -batch /etc/hosting/released.batch\n" in beside
    assert "net.netfilter.nf_conntrack_tcp_loose=0" in content(GATEWAY, "/etc/systemd/system/hosting-standby.service")
    unit = resources(GATEWAY)["keepalived.service"]
    assert isinstance(unit, HostUnit) and unit.on_change == "reload", "a restart would move the addresses"


@pytest.mark.parametrize(
    ("host", "region"),
    [
        pytest.param(HOST, TOGETHER, id="a host behind a pair"),
        pytest.param(GATEWAY, region(), id="a gateway that is alone"),
    ],
)
def test_who_is_in_no_pair_has_nothing_of_it(host: str, region: Region) -> None:
    found = resources(host, region)
    packages = found["packages"]
    assert isinstance(packages, HostPackages) and not {*desired_pairs.PACKAGES} & {*packages.packages}
    assert not [thing for thing in found if "keepalived" in thing or "standby" in thing or "pair" in thing]
    places = flows.topology(region)
    assert "112" not in nftables.render(rule_set(places, environment_of(region), places.hosts[host]))


@pytest.mark.parametrize("held", [["10.21.10.1/24", "10.21.10.254/24"], ["10.21.10.1/24"]], ids=["holds", "does not"])
def test_whether_an_interface_holds_the_shared_address_is_no_drift(held: list[str]) -> None:
    wanted = resources(GATEWAY)["eth1.110"]
    assert isinstance(wanted, HostInterface) and wanted.shared == ("10.21.10.254/24",)
    kernel = {"eth1.110": {**kernel_state(wanted), "addresses": held}}
    seen = reading.actual(GATEWAY, answer(wanted, kernel), [wanted]).resources[wanted.subject]
    assert seen == wanted


def test_an_address_more_is_drift_still() -> None:
    wanted = resources(GATEWAY)["eth1.110"]
    assert isinstance(wanted, HostInterface)
    kernel = {"eth1.110": {**kernel_state(wanted), "addresses": ["10.21.10.1/24", "10.21.10.253/24"]}}
    assert reading.actual(GATEWAY, answer(wanted, kernel), [wanted]).resources[wanted.subject] != wanted


def kernel_state(wanted: HostInterface) -> dict[str, object]:
    return {"form": wanted.form, "parent": wanted.parent, "vlan": wanted.vlan, "up": True}


def answer(wanted: HostInterface, kernel: dict[str, object]) -> dict[str, object]:
    files = {path: {"sha256": digest(text)} for path, text in wanted.files}
    return {"interfaces": {"value": {"kernel": kernel, "kept": []}}, "files": {"value": files}}


def test_what_is_no_interface_or_no_address_cannot_be_a_heartbeat() -> None:
    rules = rule_set(PLACES, environment_of(TOGETHER), PLACES.hosts[GATEWAY])
    assert rules.heartbeat is not None
    with pytest.raises(ValueError, match="is not the name of a network interface"):
        replace(rules, heartbeat=replace(rules.heartbeat, interface='eth1" accept'))
