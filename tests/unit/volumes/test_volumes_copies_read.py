"""Whether the evidence keeps a copy of each header: what is planned of it, and what cannot be told."""

from dataclasses import replace
from pathlib import Path

import pytest
from fake_doors import World
from sample import APPLICATION, HOST, NOW, PUBLISHED, environment, region

from deploys.resources import HostVolume
from hosting_cli.desired import desired
from hosting_cli.errors import UnreadableError
from hosting_cli.keys.values import Key, KeysSeen
from hosting_cli.plan import plan
from hosting_cli.resources import HeaderCopy, header_copies
from hosting_cli.volumes.copy_reading import read_copies
from hosting_cli.volumes.standing import name_of
from inventory import naming
from inventory.key_policy import KeyKind
from inventory.resource import Reading, Subject

WANTED = desired(region(), environment(), PUBLISHED)
NAME = f"{HOST}:{APPLICATION}/data"
COPY, VOLUME = Subject(HeaderCopy.kind, NAME), Subject(HostVolume.kind, NAME)
PRESENT, EARLIER = "a" * 64, "b" * 64
DOWN = UnreadableError("object store", "it does not answer", "Is it running?")


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    name = naming.transit_key(APPLICATION, "volumes")
    key = Key(kind=KeyKind.TRANSIT_KEY, name=name, owner=APPLICATION, made_at=NOW, version=3, lowest_version=2)
    world.vault.known_keys = KeysSeen((key,), {})
    return world


def keep(world: World, *names: str) -> None:
    """Let the evidence hold copies of these names."""
    world.evidence.names = [f"{naming.header_copy(APPLICATION, HOST, 'data', '')}{name}" for name in names]


def host_reading(checksum: str | None = PRESENT) -> Reading:
    volume = WANTED[VOLUME]
    assert isinstance(volume, HostVolume)
    return Reading(f"host {HOST}", NOW, {VOLUME: replace(volume, header_checksum=checksum)})


def read(world: World, reading: Reading) -> Reading:
    (found,) = read_copies(world.session, WANTED, [reading])
    assert found.source == header_copies(HOST)
    return found


@pytest.mark.parametrize(
    ("names", "condition"),
    [
        ([name_of(PRESENT, 2)], "of the present header"),
        ([name_of(EARLIER, 3), name_of(PRESENT, 3)], "of the present header"),
        ([name_of(EARLIER, 3)], "of an earlier header, or of a retired key"),
        ([name_of(PRESENT, 1)], "of an earlier header, or of a retired key"),
        ([], None),
        (["notes.txt"], None),
    ],
    ids=["kept", "kept beside an earlier one", "an earlier one alone", "under a retired key", "none", "no copy at all"],
)
def test_a_copy_counts_that_is_of_the_present_header_and_can_be_opened(
    world: World, names: list[str], condition: str | None
) -> None:
    keep(world, *names)
    found = read(world, host_reading()).resources
    assert found is not None
    assert [item.state()["condition"] for item in found.values()] == ([condition] if condition else [])


def test_before_there_is_a_header_the_evidence_is_not_even_asked(world: World) -> None:
    world.evidence.error = DOWN
    assert read(world, host_reading(None)).resources == {}
    assert read(world, Reading(f"host {HOST}", NOW, {})).resources == {}
    assert world.evidence.asked == 0


@pytest.mark.parametrize("reading", [Reading(f"host {HOST}", NOW, None, "it is down"), host_reading()], ids=str)
def test_where_host_or_evidence_cannot_be_read_nothing_is_known_of_copies(world: World, reading: Reading) -> None:
    world.evidence.error = DOWN
    found = read(world, reading)
    assert found.resources is None
    assert found.reason == (reading.reason or str(DOWN))


def test_a_plan_asks_for_a_copy_that_is_missing_and_is_green_with_one(world: World) -> None:
    for names, expected in (([], [COPY]), ([name_of(PRESENT, 3)], [])):
        keep(world, *names)
        volume = host_reading()
        of_volume = {subject: item for subject, item in WANTED.items() if subject in {COPY, VOLUME}}
        readings = [volume, *read_copies(world.session, WANTED, [volume])]
        found = plan(of_volume.values(), readings, region="r", environment="test")
        assert [change.subject for change in found.changes] == expected
        assert (found.is_empty, found.blocked) == (not expected, ())


def test_a_region_without_evidence_asks_for_no_copies() -> None:
    without = region().model_copy(update={"evidence": None})
    assert not [item for item in desired(without, environment(), PUBLISHED).values() if isinstance(item, HeaderCopy)]
