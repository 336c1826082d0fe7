"""What is tried of a bucket before and after its key ends: never nothing that looks like something."""

from pathlib import Path

import pytest
from fake_doors import STORE, World
from sample import APPLICATION, NOW

from hosting_cli.erasure.objects import PROBE, BucketTrial
from hosting_cli.errors import EngineError, RefusedError
from hosting_cli.keys.values import Key, KeysSeen
from hosting_cli.resources import Bucket
from inventory.key_policy import KeyKind

KEY, NAME, PROCEDURE = "hosting-imaging-objects", "bfc-imaging-images", "c0ffee123456789"
PUT = f"{PROBE}c0ffee123456"


def bucket(key: str | None = KEY) -> Bucket:
    return Bucket(name=NAME, owner=APPLICATION, store=STORE, encryption_key=key, versioning=True, policy=None)


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    key = Key(kind=KeyKind.TRANSIT_KEY, name=KEY, owner=APPLICATION, made_at=NOW)
    world.vault.known_keys = KeysSeen((key,), {})
    return world


def end_key(world: World) -> None:
    world.vault.known_keys = KeysSeen((), {})
    world.store.readable = lambda: False


def of(world: World, key: str | None = KEY) -> BucketTrial:
    return BucketTrial(world.session, bucket(key), [KEY], PROCEDURE)


def names(trial: BucketTrial) -> list[str]:
    return [item.name for item in trial.chosen]


@pytest.mark.parametrize(
    ("visible", "hidden", "chosen"),
    [
        ({}, {}, [PUT]),
        ({"scan": b"x"}, {}, [PUT, "scan"]),
        ({}, {"scan": b"x"}, [PUT, "scan"]),
        ({"empty": b""}, {"scan": b"x"}, [PUT, "scan"]),
    ],
    ids=["nothing but a probe", "an object", "a hidden one", "one that is empty needs no key"],
)
def test_a_probe_and_what_lies_there_are_read_before_and_are_not_after(
    world: World, visible: dict[str, bytes], hidden: dict[str, bytes], chosen: list[str]
) -> None:
    world.store.objects = {(NAME, name): body for name, body in visible.items()}
    world.store.hidden = {(NAME, name): body for name, body in hidden.items()}
    trial = of(world)
    assert trial.control()["control"] == "read"
    assert names(trial) == chosen
    end_key(world)
    seen = trial.trial()
    assert (seen["tried"], seen["readable"]) == (True, False)
    assert len(seen["refusals"]) == len(chosen)  # type: ignore[arg-type]


def test_a_run_after_a_killed_one_tries_what_that_one_had_read(world: World) -> None:
    of(world).control()
    end_key(world)
    trial = of(world)
    assert trial.control()["control"] == "its key was ended by an earlier run"
    assert names(trial) == [PUT]
    assert trial.trial()["tried"] is True


def test_where_nothing_could_be_tried_nothing_is_called_unreadable(world: World) -> None:
    end_key(world)
    trial = of(world)
    trial.control()
    assert trial.trial() == {"objects": [], "tried": False, "reason": "nothing in it could be tried"}
    assert not trial.was_tried
    assert (NAME, PUT) not in world.store.objects


def test_an_object_that_is_still_read_is_an_error(world: World) -> None:
    trial = of(world)
    trial.control()
    with pytest.raises(EngineError, match="can still be read although hosting-imaging-objects is gone"):
        trial.trial()


def test_an_object_that_is_gone_proves_nothing(world: World) -> None:
    trial = of(world)
    trial.control()
    end_key(world)
    world.store.objects.clear()
    with pytest.raises(EngineError, match="is not there any more: failing to read it proves nothing"):
        trial.trial()


@pytest.mark.parametrize("key", [None, "hosting-another-objects"], ids=["no key", "another's"])
def test_a_bucket_that_no_key_of_the_application_covers_must_be_empty_hidden_objects_included(
    world: World, key: str | None
) -> None:
    trial = of(world, key)
    assert trial.control()["objects"] == []
    assert (trial.was_tried, world.store.objects) == (False, {})
    world.store.hidden[NAME, "scan"] = b"x"
    with pytest.raises(RefusedError, match="its objects lie under no key of the application"):
        trial.control()
