"""Addresses are allocated first fit, once for ever, and whatever stood in the file stands there still."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import SequenceMatcher
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inventory_edits import SAMPLE, apply_edits

from inventory.address_plan import NoRoomError, Numbers, Room
from inventory.editing import with_allocation
from inventory.identifiers import finess_key
from inventory.load import locate_region
from inventory.located import LocatedRegion
from inventory.network import NetworkSheet, RangePurpose, Supernet, VlanRange
from inventory.rules import PLAN_RULES
from inventory.rules.address_plan import colliding_ranges_are_translated
from inventory.wanted import Allocation, UnplacedError, allocation
from inventory.yaml_text import NotEditableError

SUPERNETS = (
    Supernet(site="dijon", network=IPv4Network("10.0.0.0/20"), prefix_length=24),
    Supernet(site="dijon", network=IPv4Network("10.1.0.0/22"), purpose=RangePurpose.TUNNEL, prefix_length=26),
    Supernet(site="dijon", network=IPv4Network("10.2.0.0/22"), purpose=RangePurpose.NAT, prefix_length=24),
)

# -- room ---------------------------------------------------------------------------------------------------------


def networks(*texts: str) -> list[IPv4Network]:
    return [IPv4Network(text) for text in texts]


@pytest.mark.parametrize(
    ("taken", "purpose", "length", "expected"),
    [
        pytest.param([], RangePurpose.TIER, None, "10.0.0.0/24", id="the first"),
        pytest.param(["10.0.0.0/24"], RangePurpose.TIER, None, "10.0.1.0/24", id="the first after what is taken"),
        pytest.param(["10.0.1.0/24"], RangePurpose.TIER, None, "10.0.0.0/24", id="a gap, before anything behind it"),
        pytest.param(["10.0.0.8/29"], RangePurpose.TIER, None, "10.0.1.0/24", id="never around something smaller"),
        pytest.param(["10.0.0.0/21"], RangePurpose.TIER, 26, "10.0.8.0/26", id="behind something larger"),
        pytest.param([], RangePurpose.TIER, 16, "10.0.0.0/24", id="no larger than its supernet says"),
        pytest.param([], RangePurpose.TUNNEL, None, "10.1.0.0/26", id="from what is set apart for it"),
        pytest.param(["10.1.0.0/22"], RangePurpose.TUNNEL, None, "10.0.0.0/24", id="then from what is for all"),
        pytest.param([], RangePurpose.NAT, 25, "10.2.0.0/25", id="a pool from what is set apart for pools"),
    ],
)  # fmt: skip
def test_the_first_free_network_is(taken: list[str], purpose: RangePurpose, length: int | None, expected: str) -> None:
    assert Room(SUPERNETS, networks(*taken)).allocate("dijon", purpose, length) == IPv4Network(expected)


@pytest.mark.parametrize(
    ("site", "purpose", "taken", "message"),
    [
        pytest.param("lyon", RangePurpose.TIER, [], "lyon has no supernet for tiers", id="of a site without one"),
        pytest.param("dijon", RangePurpose.NAT, ["10.2.0.0/16"], "dijon has no room left for NAT pools", id="of pools"),
    ],
)  # fmt: skip
def test_there_is_no_room(site: str, purpose: RangePurpose, taken: list[str], message: str) -> None:
    with pytest.raises(NoRoomError, match=message):
        Room(SUPERNETS, networks(*taken)).allocate(site, purpose)


purposes = st.tuples(st.sampled_from(list(RangePurpose)), st.one_of(st.none(), st.integers(20, 28)))
subnets = st.builds(
    lambda second, host, length: IPv4Network((f"10.{second}.{host >> 8}.{host & 255}", length), strict=False),
    st.integers(0, 2), st.integers(0, 0xFFF), st.integers(18, 32),
)  # fmt: skip


@given(st.lists(subnets, max_size=8), st.lists(purposes, max_size=40))
def test_what_is_allocated_is_apart_from_everything_and_inside_its_supernet(
    taken: list[IPv4Network], wanted: list[tuple[RangePurpose, int | None]]
) -> None:
    room, found = Room(SUPERNETS, taken), list[IPv4Network]()
    for purpose, length in wanted:
        try:
            network = room.allocate("dijon", purpose, length)
        except NoRoomError:
            continue
        assert not any(network.overlaps(other) for other in (*taken, *found))
        assert any(network.subnet_of(item.network) for item in SUPERNETS if item.serves(purpose))
        found.append(network)


@given(st.lists(subnets, max_size=8), purposes)
def test_there_is_room_whenever_a_network_is_free(
    taken: list[IPv4Network], wanted: tuple[RangePurpose, int | None]
) -> None:
    purpose, length = wanted
    free = [
        network
        for item in sorted(SUPERNETS, key=lambda item: item.purpose is None)
        if item.serves(purpose)
        for network in item.network.subnets(new_prefix=max(length or 0, item.prefix_length))
        if not any(network.overlaps(other) for other in taken)
    ]
    try:
        assert Room(SUPERNETS, taken).allocate("dijon", purpose, length) == free[0]
    except NoRoomError:
        assert free == []


# -- numbers ------------------------------------------------------------------------------------------------------

RANGES = (VlanRange(site="dijon", first=100, last=101), VlanRange(site="dijon", first=1001, last=1007))


@pytest.mark.parametrize(
    ("taken", "retired", "site", "expected"),
    [
        pytest.param([], [], "dijon", 100, id="the first of the site's range"),
        pytest.param([("dijon", 100)], [], "dijon", 101, id="the first that no segment of the site has"),
        pytest.param([("besancon", 100)], [], "dijon", 100, id="one that another site has"),
        pytest.param([], [100], "dijon", 101, id="none that was anybody's, at whichever site"),
        pytest.param([], [100, 101], "dijon", 1001, id="the next range's when one is full"),
        pytest.param([], [100, 101, 1001], "dijon", 1006, id="none that switches keep to themselves"),
        pytest.param([], [], "besancon", 2, id="any, of a site that names no range"),
    ],
)
def test_the_first_free_vlan_is(taken: list[tuple[str, int]], retired: list[int], site: str, expected: int) -> None:
    numbers = Numbers(RANGES, taken, retired)
    assert numbers.allocate(site) == expected
    assert numbers.allocate(site) != expected


def test_numbers_run_out() -> None:
    with pytest.raises(NoRoomError, match="dijon has no number left for a VLAN"):
        Numbers(RANGES[:1], [("dijon", 100)], [101]).allocate("dijon")


# -- a region that grows ------------------------------------------------------------------------------------------


@contextmanager
def copied() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "region"
        shutil.copytree(SAMPLE, folder)
        yield folder


def finess(number: int) -> str:
    return f"99{number:06d}" + finess_key(f"99{number:06d}")


def grow(folder: Path, number: int) -> None:
    """Add a member, and an application for it whose tiers have no hosts yet; odd ones stand at the other site."""
    (folder / f"members/membre-{number}.yaml").write_text(
        f"id: membre-{number}\nname: Membre {number}\njoined: 2026-01-01\nestablishments:\n"
        f'  - {{finess: "{finess(number)}", name: Établissement {number}, postal_code: "21000", town: Dijon}}\n'
        f"contacts: [{{id: m-{number}, role: Direction, email: m@m.example, telephone: '0353010030'}}]\n"
    )
    host = f"hote-{number % 2}"
    site = ("dijon", "besancon")[number % 2]
    (folder / f"hosts/{host}.yaml").write_text(
        f"id: {host}\nsite: {site}\nrole: application\n"
        "interfaces: [{name: eth1, segment: dijon-imagerie, address: 10.21.10.99/24}]\n"
    )
    (folder / f"applications/service-{number}.yaml").write_text(
        f"id: service-{number}\nname: Service\nprofile: imaging-exchange\nenvironment: training\ndata_class: D3\n"
        f'continuity: C4\nestablishments: ["{finess(number)}"]\n'
        f"tiers:\n  - {{id: app, segment: service-{number}-app, hosts: [{host}]}}\n"
        f"  - {{id: data, segment: service-{number}-data, hosts: [{host}]}}\n"
    )


def located(folder: Path) -> LocatedRegion:
    return locate_region(folder)[0]


def allocate(folder: Path) -> Allocation:
    """Do what the command does: allocate, and write it down."""
    found, path = allocation(located(folder)), folder / "network.yaml"
    path.write_text(with_allocation(path.read_text(), found))
    return found


def plan(folder: Path) -> NetworkSheet:
    network = located(folder).network
    assert network is not None
    return network.value


@settings(max_examples=6)
@given(st.permutations(range(4)), st.integers(1, 4))
def test_a_region_grows_in_any_order_and_nothing_moves(order: Sequence[int], step: int) -> None:
    with copied() as folder:
        before = plan(folder).segments
        for start in range(0, len(order), step):
            for number in order[start : start + step]:
                grow(folder, number)
            allocate(folder)
            region = located(folder)
            assert region.network is not None
            after = region.network.value.segments
            assert after[: len(before)] == before
            assert [problem for rule in PLAN_RULES for problem in rule(region)] == []
            assert allocation(region) == Allocation((), ())
            before = after
        wanted = {name for n in order for name in (f"service-{n}-app", f"service-{n}-data", f"tunnel-{finess(n)}")}
        assert wanted <= {segment.id for segment in before}
        assert {segment.id for segment in before if segment.site == "besancon" and segment.purpose} == {
            "besancon-administration",
            "besancon-backup",
            "besancon-monitoring",
        }


def test_what_was_retired_is_given_to_nobody() -> None:
    with copied() as folder:
        grow(folder, 0)
        first = [item.segment.network for item in allocate(folder).segments]
        shutil.copy(SAMPLE / "network.yaml", folder / "network.yaml")
        rows = "".join(f"  - {{id: r-{n}, network: {network}, since: 2026-10-01}}\n" for n, network in enumerate(first))
        apply_edits(folder, [{"file": "network.yaml", "append": f"retired:\n{rows}"}])
        second = [item.segment.network for item in allocate(folder).segments]
        assert len(second) == len(first)
        assert set(first).isdisjoint(second)
        assert [problem for rule in PLAN_RULES for problem in rule(located(folder))] == []


COLLIDING = """\
  - id: tunnel-autun
    site: dijon
    kind: tunnel
    network: 10.21.30.0/24
    internal_ranges:
      - 192.168.1.0/24
      - 172.20.21.0/25
  - {id: tunnel-dole, site: dijon, kind: tunnel, network: 10.21.31.0/24, internal_ranges: [192.168.1.0/24]}
  - {id: tunnel-gray, site: besancon, kind: tunnel, network: 10.21.131.0/24, internal_ranges: [10.21.3.0/24]}
"""


def test_segments_that_had_no_vlan_get_one_and_the_others_keep_theirs() -> None:
    with copied() as folder:
        path = folder / "network.yaml"
        before = path.read_text()
        path.write_text(before.replace("    vlan: 110\n", ""))
        grow(folder, 0)
        found = allocate(folder)
        assert [(tag.segment, tag.vlan) for tag in found.tags] == [("dijon-imagerie", 103)]
        assert {item.segment.id: item.segment.vlan for item in found.segments} == {
            "service-0-app": 104,
            "service-0-data": 105,
            f"tunnel-{finess(0)}": None,
        }
        assert path.read_text().startswith(before.replace("vlan: 110", "vlan: 103"))


def test_establishments_with_addresses_of_others_get_a_pool_and_the_first_to_have_them_keeps_them() -> None:
    with copied() as folder:
        apply_edits(folder, [{"file": "network.yaml", "append": COLLIDING}])
        assert len(list(colliding_ranges_are_translated(located(folder)))) == 3
        found = allocate(folder)
        assert [(pool.segment, str(pool.network)) for pool in found.pools] == [
            ("tunnel-autun", "10.21.64.0/24"),  # 384 addresses, and no pool is larger than its supernet says
            ("tunnel-dole", "10.21.65.0/24"),
            ("tunnel-gray", "10.21.192.0/24"),
        ]
        assert list(colliding_ranges_are_translated(located(folder))) == []
        assert allocation(located(folder)).pools == ()


def test_a_tier_whose_hosts_nobody_has_described_is_placed_by_whoever_asks() -> None:
    with copied() as folder:
        grow(folder, 0)
        (folder / "hosts/hote-0.yaml").unlink()
        with pytest.raises(UnplacedError, match="tier app of service-0"):
            allocation(located(folder))
        found = {item.segment.id: item.segment.site for item in allocation(located(folder), "besancon").segments}
        assert found["service-0-app"] == found[f"tunnel-{finess(0)}"] == "besancon"


# -- the text -----------------------------------------------------------------------------------------------------

SHEET = (SAMPLE / "network.yaml").read_text()
HEAD, _, SEGMENTS = SHEET.partition("segments:\n")


def only_added(before: str, after: str) -> list[str]:
    """Give the lines that are new; whatever else differs is a failure."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    assert {code[0] for code in codes} <= {"equal", "insert"}
    return [line for code in codes if code[0] == "insert" for line in new[code[3] : code[4]]]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(SHEET, id="as the sample is written"),
        pytest.param(SHEET.replace("\n", "\r\n"), id="with the line ends of Windows"),
        pytest.param(SHEET + "\n# The end.\n", id="with a comment behind"),
        pytest.param(f"{SHEET}retired:\n  - {{id: a, network: 10.21.3.0/24, since: 2026-10-01}}\n", id="before a key"),
        pytest.param(SHEET.replace("\n  ", "\n"), id="without indentation"),
        pytest.param(SHEET.replace("10.21.2.0/24\n", "10.21.2.0/24 # last\n"), id="with a comment on its last line"),
    ],
)  # fmt: skip
def test_a_text_keeps_every_line(text: str, tmp_path: Path) -> None:
    folder = tmp_path / "region"
    shutil.copytree(SAMPLE, folder)
    grow(folder, 0)
    (folder / "network.yaml").write_bytes(text.encode())
    after = with_allocation(text, allocation(located(folder)))
    added = [line.strip() for line in only_added(text, after)]
    assert added[:2] == ["# Tier app of service-0.", "- id: service-0-app"]
    assert added.count("kind: tunnel") == 1
    assert ("\r\n" in after) == ("\r\n" in text)
    assert with_allocation(text, Allocation((), ())) == text


def test_a_file_that_ends_within_a_line_gets_an_end_of_line_first(tmp_path: Path) -> None:
    folder = tmp_path / "region"
    shutil.copytree(SAMPLE, folder)
    grow(folder, 0)
    text = SHEET.removesuffix("\n")
    (folder / "network.yaml").write_text(text)
    after = with_allocation(text, allocation(located(folder)))
    assert after.startswith(f"{text}\n  # Tier app of service-0.\n  - id: service-0-app\n")


def test_a_file_without_segments_gets_the_key(tmp_path: Path) -> None:
    folder = tmp_path / "region"
    shutil.copytree(SAMPLE, folder)
    text = HEAD[: HEAD.index("groups:")]
    (folder / "network.yaml").write_text(text)
    after = with_allocation(text, allocation(located(folder)))
    assert after.startswith(
        f"{text}segments:\n  # The platform's administration at dijon.\n  - id: dijon-administration\n"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            f"{HEAD}segments: [{{id: dijon-imagerie, site: dijon, kind: tier, network: 10.21.10.0/24}}]\n",
            "segments on line 44 stands in brackets",
            id="a list in brackets",
        ),
        pytest.param(f"{HEAD}segments: []\n", "segments on line 44 stands in brackets", id="an empty list"),
    ],
)
def test_what_cannot_be_added_to_is_left_to_its_author(text: str, message: str, tmp_path: Path) -> None:
    folder = tmp_path / "region"
    shutil.copytree(SAMPLE, folder)
    (folder / "network.yaml").write_text(text)
    with pytest.raises(NotEditableError, match=message):
        with_allocation(text, allocation(located(folder)))


def test_a_pool_stands_behind_the_ranges_that_it_is_for(tmp_path: Path) -> None:
    folder = tmp_path / "region"
    shutil.copytree(SAMPLE, folder)
    text = SHEET + COLLIDING
    (folder / "network.yaml").write_text(text)
    after = with_allocation(text, allocation(located(folder)))
    assert "      - 172.20.21.0/25\n    nat_pool: 10.21.64.0/24\n" in after
    assert "internal_ranges: [192.168.1.0/24], nat_pool: 10.21.65.0/24}\n" in after
    for added in ("    nat_pool: 10.21.64.0/24\n", ", nat_pool: 10.21.65.0/24", ", nat_pool: 10.21.192.0/24"):
        after = after.replace(added, "")
    assert after.startswith(f"{text}  # The platform's administration at besancon.\n")
