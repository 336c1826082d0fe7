"""Which packets are chosen: what must arrive, neighbours that must not, and what nobody can send is said aloud."""

from collections import Counter

import pytest
from probed import DATABASE, GATEWAY, HOST, SECOND, STRANGER, probed_region
from sample import environment_of

from deploys import flows
from hosting_cli.network.campaign import Plan, Wish, plan
from hosting_cli.network.choosing import MOST_PORTS, NO_RECEIVER, NO_SENDER, NO_WAY, UNLISTED
from hosting_cli.network.packets import Family
from hosting_cli.network.probes import By, Kind
from hosting_cli.network.rules import Hook

REGION = probed_region()
PLACES = flows.topology(REGION)
ENVIRONMENT = environment_of(REGION)
WAYS = sum(map(len, PLACES.flows_to.values()))


def chosen(nonce: int = 7, **wish: object) -> Plan:
    return plan(REGION, PLACES, ENVIRONMENT, Wish(**wish), nonce)  # type: ignore[arg-type]


def test_every_way_that_ends_at_a_host_of_ours_is_tried_and_the_others_are_named() -> None:
    found = chosen()
    tried = {id(probe.flow) for probe in found.probes}
    assert len(tried) + len(found.untried) == found.taken == found.ways == WAYS
    assert {(each.flow.destination.segment, each.why) for each in found.untried} == {("tunnel-beaune", NO_RECEIVER)}


def test_what_is_listed_must_arrive_at_every_receiver_and_no_neighbour_may() -> None:
    found = chosen()
    assert all(probe.passes == (probe.kind is Kind.LISTED) for probe in found.probes)
    assert set(Kind) == {probe.kind for probe in found.probes}
    reached = {(probe.flow.row, probe.receiver) for probe in found.probes if probe.kind is Kind.LISTED}
    assert {host for row, host in reached if row == 1} == {HOST, SECOND}
    assert {host for row, host in reached if row == 3} == {DATABASE}


def test_a_host_sends_what_is_listed_by_its_kernel_past_every_gateways_rules() -> None:
    between = [probe for probe in chosen().probes if probe.kind is Kind.LISTED and not probe.stands_in]
    assert {probe.by for probe in between} == {By.KERNEL}
    for probe in between:
        assert [hop.hook for hop in probe.hops] == [Hook.OUTPUT, Hook.FORWARD, Hook.INPUT]
        assert [hop.host for hop in probe.hops] == [probe.sender.host, GATEWAY, probe.receiver]


def test_for_an_end_behind_a_tunnel_the_gateway_stands_in_at_the_receivers_link() -> None:
    standing = [probe for probe in chosen().probes if probe.stands_in and probe.kind is Kind.LISTED]
    assert {(probe.sender.host, probe.by, str(probe.packet.source)) for probe in standing} == {
        (GATEWAY, By.WIRE, "10.21.20.1")
    }
    assert {tuple(hop.hook for hop in probe.hops) for probe in standing} == {(Hook.INPUT,)}


def test_a_spoofed_source_is_sent_from_a_segment_that_is_neither_end() -> None:
    spoofed = [probe for probe in chosen().probes if probe.kind is Kind.SPOOFED]
    for probe in spoofed:
        assert probe.sender.leg.segment not in {probe.flow.source.segment, probe.flow.destination.segment}
        assert any(probe.packet.source in network for network in probe.flow.source.networks)
    assert STRANGER in {probe.sender.host for probe in spoofed}


def test_packets_to_one_address_never_share_a_number() -> None:
    counts = Counter(probe.mark for probe in chosen().probes)
    assert max(counts.values()) == 1


def test_of_a_wide_row_a_few_ports_are_tried_and_its_neighbour_is_outside_of_it() -> None:
    ports = {probe.packet.port for probe in chosen().probes if probe.flow.row == 4 and probe.kind is Kind.LISTED}
    (flow,) = {id(each): each for to in PLACES.flows_to.values() for each in to if each.row == 4}.values()
    assert {min(flow.ports), max(flow.ports)} <= ports <= set(flow.ports)
    assert len(ports) <= MOST_PORTS
    others = {probe.packet.port for probe in chosen().probes if probe.flow.row == 4 and probe.kind is Kind.OTHER_PORT}
    assert others == {next(port for port in UNLISTED if port not in flow.ports)}


@pytest.mark.parametrize(
    ("wish", "rows"),
    [
        pytest.param({"application": "imagerie-beaune"}, set(range(1, 8)), id="an application"),
        pytest.param({"establishment": "210987657"}, {1, 2, 6, 7}, id="an establishment, either end"),
        pytest.param({"application": "other"}, set(), id="an application without rows"),
    ],
)
def test_only_the_rows_that_were_asked_for_are_tried(wish: dict[str, str], rows: set[int]) -> None:
    found = chosen(**wish)
    assert {probe.flow.row for probe in found.probes} | {each.flow.row for each in found.untried} == rows


def test_a_sample_has_every_kind_before_a_second_of_any_and_is_the_same_by_its_seed() -> None:
    found = chosen(sample=4, seed=5)
    assert (found.taken, found.ways) == (4, WAYS)
    taken = {id(probe.flow): probe.flow for probe in found.probes} | {id(e.flow): e.flow for e in found.untried}
    assert {str(flow.transport) for flow in taken.values()} == {"tcp", "udp"}
    assert chosen(sample=4, seed=5).probes == found.probes
    assert {probe.packet.number for probe in chosen(9000, sample=4, seed=5).probes}.isdisjoint(
        {probe.packet.number for probe in found.probes}
    ), "another run has other numbers"
    assert any(chosen(sample=4, seed=seed).probes != found.probes for seed in (6, 7, 8))


def test_a_sample_larger_than_the_matrix_is_the_matrix() -> None:
    assert chosen(sample=1000).taken == WAYS


def test_a_host_that_the_environment_does_not_know_takes_no_part() -> None:
    hosts = {name: access for name, access in ENVIRONMENT.hosts.items() if name != GATEWAY}
    found = plan(REGION, PLACES, ENVIRONMENT.model_copy(update={"hosts": hosts}), Wish(), 7)
    assert GATEWAY not in {probe.sender.host for probe in found.probes}
    assert found.probes == ()
    assert {each.why for each in found.untried} == {NO_RECEIVER, NO_SENDER, NO_WAY}


def test_ipv6_goes_to_everybody_on_the_link_of_the_receiver() -> None:
    ipv6 = [probe for probe in chosen().probes if probe.packet.family is Family.IPV6]
    assert {(probe.kind, probe.next_hop) for probe in ipv6} == {(Kind.IPV6, None)}
