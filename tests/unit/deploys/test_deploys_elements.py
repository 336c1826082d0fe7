"""Elements say what their rows say, and nothing else; no two of them overlap; no row is lost."""

from ipaddress import IPv4Address, IPv4Network
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploys.elements import Element, Interval, Row, Transport, elements

SPACE = IPv4Network("192.0.2.0/28")
"""So small that rows overlap in every way and every packet can be tried."""

networks = st.lists(
    st.integers(28, 32).flatmap(lambda length: st.sampled_from(list(SPACE.subnets(new_prefix=length)))),
    min_size=1,
    max_size=3,
).map(tuple)
bodies = st.fixed_dictionaries(
    {
        "sources": networks,
        "destinations": networks,
        "transport": st.sampled_from(Transport),
        "ports": st.lists(st.integers(1, 6), min_size=1, max_size=4).map(tuple),
    }
)
matrices = st.lists(bodies, max_size=6).map(
    lambda found: [Row(comment=f"row {number}", **body) for number, body in enumerate(found)]
)


def test_the_elements_of_a_row_are_as_few_as_can_be() -> None:
    row = Row(
        comment="row",
        sources=(IPv4Network("10.0.0.0/25"), IPv4Network("10.0.0.128/25"), IPv4Network("10.0.0.7/32")),
        destinations=tuple(IPv4Network(f"10.0.1.{number}/32") for number in (11, 12, 13)),
        transport=Transport.TCP,
        ports=(443, 80, 81),
    )
    assert [element.key for element in elements([row])] == [
        "10.0.0.0/24 . 10.0.1.11-10.0.1.13 . tcp . 80-81",
        "10.0.0.0/24 . 10.0.1.11-10.0.1.13 . tcp . 443",
    ]


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ("10.0.0.0/24", [("10.0.0.0/24", ("wide", "other"))]),
        ("10.0.0.0/25", [("10.0.0.0/25", ("wide", "other")), ("10.0.0.128/25", ("wide",))]),
        (
            "10.0.0.9/32",
            [("10.0.0.0-10.0.0.8", ("wide",)), ("10.0.0.9", ("wide", "other")), ("10.0.0.10-10.0.0.255", ("wide",))],
        ),
        ("10.0.1.0/24", [("10.0.0.0/24", ("wide",)), ("10.0.1.0/24", ("other",))]),
    ],
    ids=["twice the same", "a half of it", "an address of it", "beside it"],
)
def test_rows_that_overlap_are_cut_and_each_piece_keeps_its_rows(
    other: str, expected: list[tuple[str, tuple[str, ...]]]
) -> None:
    def row(comment: str, source: str) -> Row:
        end = (IPv4Network("10.9.0.1/32"),)
        return Row(
            comment=comment, sources=(IPv4Network(source),), destinations=end, transport=Transport.UDP, ports=(1,)
        )

    found = elements([row("wide", "10.0.0.0/24"), row("other", other)])
    assert [(element.key.split(" . ")[0], element.rows) for element in found] == expected


def test_what_does_not_overlap_in_one_way_is_not_cut_in_another() -> None:
    hub = (IPv4Network("10.9.0.1/32"),)
    rows = [
        Row(comment="a", sources=(SPACE,), destinations=hub, transport=Transport.TCP, ports=tuple(range(10, 20))),
        Row(comment="b", sources=(NETWORK,), destinations=hub, transport=Transport.TCP, ports=(15,)),
    ]
    assert [element.rows for element in elements(rows)] == [("b",), ("a",)]


NETWORK = IPv4Network("10.0.0.0/8")


@given(matrices)
def test_every_packet_belongs_to_the_rows_that_let_it_pass_and_to_one_element_at_most(rows: list[Row]) -> None:
    found = elements(rows)
    for source in SPACE:
        for destination in (SPACE[0], SPACE[5], SPACE[15]):
            for transport in Transport:
                for port in (1, 3, 4, 6):
                    packet = (source, destination, transport, port)
                    holding = [element.rows for element in found if holds(element, *packet)]
                    passing = tuple(row.comment for row in rows if lets_pass(row, *packet))
                    assert holding == ([passing] if passing else [])


def lets_pass(row: Row, source: IPv4Address, destination: IPv4Address, transport: Transport, port: int) -> bool:
    return (
        any(source in network for network in row.sources)
        and any(destination in network for network in row.destinations)
        and (transport, port in row.ports) == (row.transport, True)
    )


def holds(element: Element, source: IPv4Address, destination: IPv4Address, transport: Transport, port: int) -> bool:
    return (
        inside(int(source), element.source)
        and inside(int(destination), element.destination)
        and inside(port, element.ports)
        and transport is element.transport
    )


def inside(number: int, interval: Interval) -> bool:
    return interval[0] <= number <= interval[1]


@given(matrices)
def test_no_two_elements_overlap(rows: list[Row]) -> None:
    for one, other in combinations(elements(rows), 2):
        apart = [
            a[1] < b[0] or b[1] < a[0]
            for a, b in ((one.source, other.source), (one.destination, other.destination), (one.ports, other.ports))
        ]
        assert any(apart) or one.transport is not other.transport


@given(matrices)
def test_the_same_rows_give_the_same_elements_whatever_their_order(rows: list[Row]) -> None:
    def boxes(found: tuple[Element, ...]) -> list[tuple[str, set[str]]]:
        return [(element.key, set(element.rows)) for element in found]

    assert boxes(elements(rows)) == boxes(elements(rows[::-1]))
