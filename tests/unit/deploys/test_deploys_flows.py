"""What a row of the flow matrix opens: every pair of its ends, and nothing besides."""

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

import pytest
from sample import GATEWAY, region

from deploys import flows
from deploys.flows import ResolvedFlow
from inventory.ends import count_ways
from inventory.models import Application, Region
from inventory.network import Direction, Flow, Group, Segment, SegmentKind
from inventory.notations import parse_port

SAMPLE = region().applications[0]
OTHER = SAMPLE.model_copy(update={"id": "annuaire", "flows": ()})
TUNNEL = next(segment for segment in region().segments if segment.id == "tunnel-beaune")
SECOND = Segment(
    id="tunnel-beaune-2",
    site="dijon",
    kind=SegmentKind.TUNNEL,
    network=IPv4Network("10.21.21.0/24"),
    establishment=TUNNEL.establishment,
)
GROUPS = (
    Group(id="both", name="Both tunnels", members=("tunnel-beaune-2", f"establishment:{TUNNEL.establishment}")),
    Group(id="nested", name="A group in a group", members=("group:both",)),
    Group(id="homeless", name="A tier of nobody's", members=("tier:app",)),
)


def made(*rows: Mapping[str, Any], segments: tuple[Segment, ...] = (TUNNEL, SECOND)) -> Region:
    """Give the sample with these rows, two tunnels of one establishment, and a second application."""
    wanted = tuple(SAMPLE.flows[0].model_copy(update=row) for row in rows)
    others = tuple(segment for segment in region().segments if segment.kind is not SegmentKind.TUNNEL)
    applications: tuple[Application, ...] = (SAMPLE.model_copy(update={"flows": wanted}), OTHER)
    return region().model_copy(
        update={"segments": (*others, *segments), "groups": GROUPS, "applications": applications}
    )


def resolved(found: Region) -> list[ResolvedFlow]:
    return [flow for found_ones in flows.topology(found).flows_to.values() for flow in found_ones]


def opened(*rows: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Give the segments that the rows join."""
    found = made(*rows)
    pairs = [(flow.source.segment, flow.destination.segment) for flow in resolved(found)]
    assert len(pairs) == count_ways(found)
    return sorted(pairs)


IMAGING, ADMINISTRATION = "dijon-imagerie", "dijon-administration"


@pytest.mark.parametrize(
    ("row", "pairs"),
    [
        pytest.param({"source": ADMINISTRATION}, [(ADMINISTRATION, IMAGING)], id="a segment opens one way"),
        pytest.param(
            {"source": f"establishment:{TUNNEL.establishment}"},
            [("tunnel-beaune", IMAGING), ("tunnel-beaune-2", IMAGING)],
            id="an establishment opens one from each of its tunnels",
        ),
        pytest.param(
            {"source": "group:both"},
            [("tunnel-beaune", IMAGING), ("tunnel-beaune-2", IMAGING)],
            id="a group opens one from each member, who is in it once",
        ),
        pytest.param(
            {"source": ADMINISTRATION, "direction": Direction.BOTH_WAYS},
            [(ADMINISTRATION, IMAGING), (IMAGING, ADMINISTRATION)],
            id="both ways are two",
        ),
        pytest.param(
            {"source": "tier:app", "destination": "tier:annuaire/app"},
            [(IMAGING, IMAGING)],
            id="a tier reaches that of another application",
        ),
    ],
)
def test_a_row_opens_every_pair_of_its_ends(row: Mapping[str, Any], pairs: list[tuple[str, str]]) -> None:
    assert opened(row) == pairs


@pytest.mark.parametrize(
    "word",
    [
        "nowhere",
        "group:nobody",
        "group:nested",
        "group:homeless",
        "establishment:210987558",
        "tier:web",
        "tier:annuaire/web",
        "host:dijon-app-1",
    ],
)
def test_a_word_that_stands_for_nothing_opens_nothing(word: str) -> None:
    with pytest.raises(KeyError):
        flows.topology(made({"source": word}))


def test_every_way_of_a_row_says_whose_it_is() -> None:
    found = resolved(made({}, {"source": "group:both", "protocol": "F-RTCR"}))
    assert [(flow.application, flow.row, flow.code) for flow in found if flow.row == 2] == [
        ("imagerie-beaune", 2, "F-RTCR")
    ] * 2
    assert {flow.comment for flow in found if flow.row == 2} == {"imagerie-beaune flow 2 F-RTCR"}


def test_a_range_of_ports_is_all_of_its_ports() -> None:
    (flow,) = resolved(made({"protocol": "F-RTCR"}))
    assert flow.ports == tuple(range(50000, 50200))
    assert str(parse_port("50000-50199")) == "50000-50199"


BEHIND = (IPv4Network("192.168.1.0/24"),)
POOL = IPv4Network("10.21.64.0/24")


@pytest.mark.parametrize(
    ("update", "seen"),
    [
        pytest.param({"internal_ranges": ()}, [TUNNEL.network], id="by its own addresses"),
        pytest.param({"internal_ranges": BEHIND}, [TUNNEL.network, *BEHIND], id="and by those behind it"),
        pytest.param({"internal_ranges": BEHIND, "nat_pool": POOL}, [TUNNEL.network, POOL], id="or by its NAT pool"),
    ],
)
def test_a_tunnel_is_seen(update: Mapping[str, Any], seen: list[IPv4Network]) -> None:
    found = made({}, segments=(TUNNEL.model_copy(update=update),))
    (flow,) = resolved(found)
    assert list(flow.source.networks) == seen
    routes = flows.routes(flows.topology(found), found.hosts[0])
    assert sorted(route.network for route in routes) == sorted(seen)
    for host in found.hosts:
        behind = flows.behind(flows.topology(found), host)
        assert any(set(seen) <= set(networks) for networks in behind.values()), "what is listed is taken for spoofed"


def test_a_flow_is_one_way_unless_it_says_otherwise() -> None:
    assert Flow.model_fields["direction"].default is Direction.ONE_WAY


# -- gateways, and what concerns a segment ----------------------------------------------------------------------------


def rows_of_zones(found: Region, *segments: str) -> dict[str, set[str]]:
    """Give the rows that a gateway with legs in *segments* lets through, by the segment that they lead to."""
    places, gateway = flows.topology(found), next(host for host in found.hosts if host.id == GATEWAY)
    legs = tuple(replace(places.legs[GATEWAY][0], name=f"eth{n}", segment=name) for n, name in enumerate(segments))
    zones = flows.zones(replace(places, legs={GATEWAY: legs}), gateway)
    return {zone.name: {row.comment for row in zone.rows} for zone in zones}


THREE = made(
    {"source": "tunnel-beaune", "destination": "tier:app"},
    {"source": "tunnel-beaune-2", "destination": "tier:app"},
    {"source": "tier:app", "destination": "tunnel-beaune-2"},
)


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        ((IMAGING, "tunnel-beaune"), {IMAGING: {1}}),
        ((IMAGING, "tunnel-beaune-2"), {IMAGING: {2}, "tunnel-beaune-2": {3}}),
        ((IMAGING, "tunnel-beaune", "tunnel-beaune-2"), {IMAGING: {1, 2}, "tunnel-beaune-2": {3}}),
        (("tunnel-beaune", "tunnel-beaune-2"), {}),
        ((IMAGING,), {}),
    ],
    ids=["two segments", "both ways", "three segments", "without the application", "one segment"],
)
def test_a_gateway_lets_through_the_flows_between_its_segments_and_no_other(
    segments: tuple[str, ...], expected: dict[str, set[int]]
) -> None:
    found = rows_of_zones(THREE, *segments)
    assert {zone: {int(row.split()[2]) for row in rows} for zone, rows in found.items()} == expected


@pytest.mark.parametrize(
    ("segment", "expected"),
    [(IMAGING, {SAMPLE.id, OTHER.id}), ("tunnel-beaune-2", {SAMPLE.id}), (ADMINISTRATION, set())],
    ids=["by a tier", "by a group in a row", "by nothing"],
)
def test_a_segment_concerns_the_applications_with_a_tier_or_a_flow_there(segment: str, expected: set[str]) -> None:
    found = made({"source": "group:both", "destination": "tier:app"})
    assert flows.applications(flows.topology(found), segment) == expected
