"""A pair of gateways that is wrong is told exactly, at its place; what is missing for it is allocated."""

import re
from pathlib import Path
from typing import Any

import pytest
from inventory_edits import TODAY, apply_edits, problems_of, read_cases

from hosting_cli.allocating import propose
from inventory.in_use import users
from inventory.load import load_region, locate_region

SECOND = """\
id: dijon-gateway-2
site: dijon
role: gateway
trunks: [eth1]
interfaces:
  - {name: eth1.100, parent: eth1, segment: dijon-administration, address: 10.21.0.2/24}
  - {name: eth1.110, parent: eth1, segment: dijon-imagerie, address: 10.21.10.2/24}
  - {name: ipsec1, segment: tunnel-beaune, address: 10.21.20.2/24}
"""
PAIR = """
gateway_pairs:
  - id: dijon
    first: dijon-gateway-1
    second: dijon-gateway-2
    heartbeat: dijon-administration
    virtual_router: 21
"""
EDITS = [
    {"file": "hosts/dijon-gateway-2.yaml", "text": SECOND},
    {"file": "network.yaml", "append": PAIR},
    {
        "file": "network.yaml",
        "old": "        address: 198.51.100.10\n",
        "new": "        address: 198.51.100.10\n      - {host: dijon-gateway-2, address: 198.51.100.11}\n",
    },
]
ADDRESSES = [
    {"file": "network.yaml", "old": "    vlan: 110\n", "new": "    vlan: 110\n    gateway: 10.21.10.254\n"},
    {"file": "network.yaml", "old": "    vlan: 100\n", "new": "    vlan: 100\n    gateway: 10.21.0.254\n"},
]


@pytest.fixture
def with_pair(folder: Path) -> Path:
    """Give the sample with the pair; its segments have no addresses yet."""
    apply_edits(folder, EDITS)
    return folder


@pytest.mark.parametrize("case", [pytest.param(case, id=case["case"]) for case in read_cases("invalid_pairs.yaml")])
def test_what_is_wrong_with_a_pair_is_told_exactly(case: dict[str, Any], with_pair: Path) -> None:
    apply_edits(with_pair, [*ADDRESSES, *case["edits"]])
    assert [counted(problem, with_pair) for problem in problems_of(with_pair)] == case["problems"]


def counted(problem: str, folder: Path) -> str:
    """Count the lines of network.yaml from that of `gateway_pairs:`, so that the rest of the sample may grow."""
    first = (folder / "network.yaml").read_text(encoding="utf-8").splitlines().index("gateway_pairs:")
    return re.sub(
        r"(network\.yaml(?::| line ))([0-9]+)", lambda found: f"{found[1]}{int(found[2]) - first:+d}", problem
    )


def test_a_pair_with_its_addresses_is_in_order(with_pair: Path) -> None:
    apply_edits(with_pair, ADDRESSES)
    (pair,) = load_region(with_pair, TODAY).gateway_pairs
    assert pair.gateways == ("dijon-gateway-1", "dijon-gateway-2")


def test_a_segment_without_its_address_is_told(with_pair: Path) -> None:
    told = [problem for problem in problems_of(with_pair) if "run hosting network allocate" in problem]
    assert len(told) == len(problems_of(with_pair)) == len(ADDRESSES)
    assert "both gateways of dijon stand in segment dijon-imagerie" in told[0]


def test_each_segment_of_a_pair_is_given_the_last_address_that_nobody_has_once(with_pair: Path) -> None:
    apply_edits(with_pair, [{"file": "hosts/dijon-gateway-2.yaml", "old": "10.21.10.2/24", "new": "10.21.10.254/24"}])
    found = propose(with_pair)
    assert [(str(one.address), one.segment) for one in found.allocation.shared] == [
        ("10.21.10.253", "dijon-imagerie"),
        ("10.21.0.254", "dijon-administration"),
    ]
    assert ("10.21.10.253", "dijon-imagerie: held by its pair of gateways", "dijon") in list(found.rows())
    assert {"segment": "dijon-imagerie", "gateway": "10.21.10.253"} in found.data()["gateways"]  # type: ignore[operator]
    found.change.path.write_text(found.change.after, encoding="utf-8")
    assert problems_of(with_pair) == []
    assert propose(with_pair).allocation.shared == (), "what was allocated stays"


def test_the_segment_of_a_heartbeat_is_needed(with_pair: Path) -> None:
    located, _ = locate_region(with_pair)
    place = located.segment("dijon-administration")
    assert place is not None and "gateway pair dijon" in list(users(located, place.value))
