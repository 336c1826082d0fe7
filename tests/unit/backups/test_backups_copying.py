"""What a second copy lacks, in which order it comes, and how far it is behind."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from repositories import NOW, nightly, snapshot

from hosting_cli.backups.copying import FOLDERS, LARGEST_BYTES, Lag, Listed, difference, lag
from hosting_cli.backups.copying_steps import bringing_keys, copying, following, hiding_keys
from hosting_cli.backups.places import Pair, all_places, pairs
from hosting_cli.errors import EngineError, RefusedError
from inventory.models import Application, ObjectStore, Region

PACK, INDEX, KEY, CONFIG, SNAPSHOT = "data/aa/aa01", "index/bb", "keys/cc", "config", "snapshots/dd"
ALL = (PACK, INDEX, KEY, CONFIG, SNAPSHOT)


def listed(*names: str, size_bytes: int = 10) -> tuple[Listed, ...]:
    return tuple(Listed(name, size_bytes) for name in names)


# -- what is lacking --------------------------------------------------------------------------------------------------


def test_what_is_referred_to_comes_before_what_refers_to_it() -> None:
    found = difference(listed(*reversed(ALL), "locks/ee", "readme"), ())
    assert [[item.name for item in folder] for folder in found.lacking] == [[name] for name in ALL]
    assert (found.lacking_objects, found.lacking_bytes, found.surplus, found.unlike) == (5, 50, (), ())


@pytest.mark.parametrize(
    ("first", "second", "lacking", "surplus", "unlike"),
    [
        pytest.param(listed(*ALL), listed(*ALL), 0, (), (), id="both alike"),
        pytest.param(listed(PACK), (), 1, (), (), id="one is new"),
        pytest.param((), listed(PACK, SNAPSHOT), 0, (PACK, SNAPSHOT), (), id="the first lets go"),
        pytest.param(listed(PACK), listed(PACK, size_bytes=9), 0, (), (PACK,), id="another size"),
        pytest.param(listed(PACK, size_bytes=LARGEST_BYTES + 1), (), 0, (), (PACK,), id="no pack is as large"),
        pytest.param((), listed("locks/ee"), 0, (), (), id="locks are nobody's business"),
    ],
)
def test_two_stores_are_compared(
    first: tuple[Listed, ...],
    second: tuple[Listed, ...],
    lacking: int,
    surplus: tuple[str, ...],
    unlike: tuple[str, ...],
) -> None:
    found = difference(first, second)
    assert (found.lacking_objects, found.surplus, found.unlike) == (lacking, surplus, unlike)


# -- how far it is behind ---------------------------------------------------------------------------------------------


def test_a_copy_is_dated_by_the_first_store() -> None:
    nights = nightly(3)
    copied = {one.id for one in nights[:2]}
    found = lag("besancon", nights, copied)
    assert found == Lag("besancon", nights[1].stored, 1, nights[2].stored)
    assert not found.is_late(NOW)
    assert found.is_late(NOW + timedelta(hours=24))


def test_a_copy_that_lacks_nothing_is_never_late() -> None:
    nights = nightly(3)
    found = lag("besancon", nights, {one.id for one in nights})
    assert not found.is_late(NOW + timedelta(days=99))


def test_an_empty_copy_has_no_newest() -> None:
    assert lag("besancon", (snapshot(NOW),), ()).newest is None


# -- where it lies ----------------------------------------------------------------------------------------------------


def pair_of(region: Region, application: Application) -> Pair:
    (found,) = pairs(region, application)
    return found


def test_the_second_copy_has_a_bucket_and_users_of_its_own(doubled: tuple[Region, Application]) -> None:
    pair = pair_of(*doubled)
    assert (pair.second.store, pair.second.bucket) == ("besancon-objects", "bfc-imagerie-beaune-backup-copy")
    assert pair.second.password == pair.first.password
    assert len({entry.name for place in all_places(*doubled) for entry in (place.reader, place.pruner)}) == 4
    assert pair.first.name != pair.second.name


@pytest.fixture
def doubled() -> tuple[Region, Application]:
    """Give the sample with a second store, and its application with a second copy there."""
    from sample import region

    (application,) = region().applications
    assert application.backup is not None
    backup = application.backup.model_copy(update={"second_store": "besancon-objects"})
    doubled = application.model_copy(update={"backup": backup})
    store = ObjectStore(id="besancon-objects", site="besancon", product="seaweedfs")
    stores = (*region().stores, store)
    return region().model_copy(update={"stores": stores, "applications": (doubled,)}), doubled


# -- bringing it up to date, and following a prune --------------------------------------------------------------------


class FakeWay:
    """Two stores in memory; ``refuses`` are objects whose content is not what their names promise."""

    def __init__(self, first: tuple[str, ...], second: tuple[str, ...] = ()) -> None:
        self.shown = {1: list(first), 2: list(second)}
        self.refuses: set[str] = set()
        self.same = True

    def first(self, folders: Sequence[str] = FOLDERS) -> tuple[Listed, ...]:
        return listed(*(name for name in self.shown[1] if name.startswith(tuple(folders))))

    def second(self, folders: Sequence[str] = FOLDERS) -> tuple[Listed, ...]:
        return listed(*(name for name in self.shown[2] if name.startswith(tuple(folders))))

    def dates(self) -> dict[str, object]:
        return {name.removeprefix("snapshots/"): NOW for name in self.shown[1] if name.startswith("snapshots/")}

    def is_same_repository(self) -> bool:
        return self.same

    def carry(self, name: str) -> str | None:
        if name in self.refuses:
            return "not its digest"
        assert name not in self.shown[2], "nothing is sent twice"
        self.shown[2].append(name)
        return None

    def hide(self, name: str) -> None:
        self.shown[2].remove(name)


def silent(_line: str) -> None:
    """Say nothing."""


def test_everything_is_carried_in_order_and_dated_once(doubled: tuple[Region, Application]) -> None:
    way = FakeWay(ALL)
    seen = copying(pair_of(*doubled), way, (), silent).do()
    assert tuple(way.shown[2]) == ALL
    assert seen == {"objects": 5, "bytes": 50, "came_meanwhile": 0, "snapshots": {"dd": NOW.isoformat()}}
    again = copying(pair_of(*doubled), way, {"dd"}, silent).do()
    assert again == {"objects": 0, "bytes": 0, "came_meanwhile": 0, "snapshots": {}}


@pytest.mark.parametrize("number", range(len(ALL)))
def test_nothing_that_could_refer_to_a_refused_object_is_carried(
    doubled: tuple[Region, Application], number: int
) -> None:
    way = FakeWay(ALL)
    way.refuses = {ALL[number]}
    with pytest.raises(EngineError, match="1 objects are not copied"):
        copying(pair_of(*doubled), way, (), silent).do()
    assert tuple(way.shown[2]) == ALL[:number]


def test_another_repository_is_left_alone(doubled: tuple[Region, Application]) -> None:
    way = FakeWay(ALL)
    way.same = False
    with pytest.raises(RefusedError, match="there is another repository in its place"):
        copying(pair_of(*doubled), way, (), silent).do()
    assert way.shown[2] == []


def test_the_copy_follows_a_prune(doubled: tuple[Region, Application]) -> None:
    way = FakeWay(("data/ff", INDEX, KEY, CONFIG, SNAPSHOT), (*ALL, "snapshots/old"))
    for step in following(pair_of(*doubled), way, {"old"}, (), silent):
        step.do()
        assert step.is_done is None or step.is_done()
    assert sorted(way.shown[2]) == sorted(way.shown[1])


def test_a_new_key_comes_and_the_old_one_goes(doubled: tuple[Region, Application]) -> None:
    way = FakeWay(("keys/new", CONFIG, PACK), (KEY, CONFIG))
    for step in (bringing_keys(pair_of(*doubled), way), hiding_keys(pair_of(*doubled), way)):
        assert step.is_done is not None
        assert not step.is_done()
        step.do()
        assert step.is_done()
    assert way.shown[2] == [CONFIG, "keys/new"], "nothing but keys"


def test_a_copy_that_was_never_made_gets_no_key(doubled: tuple[Region, Application]) -> None:
    step = bringing_keys(pair_of(*doubled), FakeWay((KEY, CONFIG)))
    assert step.is_done is not None
    assert step.is_done()


def test_snapshots_that_no_prune_let_go_stay_in_the_copy(doubled: tuple[Region, Application]) -> None:
    way = FakeWay((KEY, CONFIG), ALL)
    *_, hide = following(pair_of(*doubled), way, {"old"}, (), silent)
    with pytest.raises(RefusedError, match="lacks snapshots that no prune has let go: dd"):
        hide.do()
    assert tuple(way.shown[2]) == ALL
    assert len(FOLDERS) == len(ALL)
