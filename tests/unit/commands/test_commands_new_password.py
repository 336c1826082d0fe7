"""What is proven of a repository's new password before the old one goes, and what is said where little can be."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fake_doors import World
from sample import NOW
from test_commands_backup import FakeRepositories, door, snapshot

from hosting_cli.backups.places import Place, places
from hosting_cli.doors.repositories import Restored
from hosting_cli.rotations.repository import Rotation

GOOD, LIE = (
    snapshot(1, NOW - timedelta(hours=2)),
    snapshot(2, NOW - timedelta(hours=1), claimed=NOW + timedelta(days=9)),
)
FOUND, EMPTY = Restored(7, 1000, 12), Restored(2, 0, None)
SEEN = {"snapshot": GOOD.id, "believed": True, "files": 7, "bytes": 1000, "restored_bytes": 12}


@pytest.mark.parametrize(
    ("snapshots", "restored", "observed"),
    [
        ((GOOD,), FOUND, SEEN),
        ((GOOD, LIE), FOUND, SEEN),
        ((LIE,), FOUND, {**SEEN, "snapshot": LIE.id, "believed": False}),
        ((), FOUND, {"restored": "nothing: it holds no snapshot yet"}),
        (
            (GOOD,),
            EMPTY,
            {
                "snapshot": GOOD.id,
                "believed": True,
                "files": 2,
                "bytes": 0,
                "restored": "nothing: no file of it has any bytes",
            },
        ),
    ],
    ids=[
        "a file of the newest",
        "a lie is newer",
        "there are lies only",
        "no snapshot yet",
        "a repository without a byte",
    ],
)
def test_what_was_restored_is_said(
    tmp_path: Path, snapshots: tuple[Any, ...], restored: Restored, observed: dict[str, Any]
) -> None:
    world = World(tmp_path)
    vars(world.session)["repositories"] = FakeRepositories()
    repositories = door(world)
    assert repositories.found
    repositories.found = replace(repositories.found, snapshots=snapshots)
    asked: list[str] = []

    def restore(place: Place, identifier: str) -> Restored:
        asked.append(identifier)
        return restored

    vars(repositories)["restore_into_nothing"] = restore
    (place,) = places(world.session.region, world.session.region.applications[0])
    assert Rotation(world.session, place, "a", ("a",), "d" * 64)._restore(place) == observed
    assert asked == [value for name, value in observed.items() if name == "snapshot"]
    assert repositories.calls == ["read as pruner"]
