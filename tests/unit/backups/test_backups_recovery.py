"""What a moment of the past looked like, and what separates the present from it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some
from repositories import NOW

from hosting_cli.backups.recovery import PutBack, Recovery, recovery
from hosting_cli.backups.stored import StoredObject, Version

HASH, OTHER = "a" * 64, "b" * 64


def history(name: str, *contents: str | None) -> StoredObject:
    """Give an object that had each of *contents* for an hour, the first from *NOW* on; ``None`` is its deletion."""
    return StoredObject(
        name,
        tuple(Version(str(number), NOW + timedelta(hours=number), content) for number, content in enumerate(contents)),
    )


SOON = NOW + timedelta(minutes=30)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (history(f"data/aa/{HASH}", "good"), Recovery((), ())),
        (history(f"data/aa/{HASH}", "good", "junk"), Recovery((PutBack(f"data/aa/{HASH}", "0", HASH),), ())),
        (history(f"snapshots/{HASH}", "good", None), Recovery((PutBack(f"snapshots/{HASH}", "0", HASH),), ())),
        (history("config", "good", "junk"), Recovery((PutBack("config", "0", None),), ())),
        (history(f"data/aa/{HASH}", "good", "junk", "good"), Recovery((), ())),
        (history(f"locks/{HASH}", "held", None), Recovery((), ())),
        (history(f"locks/{HASH}", "held", "junk"), Recovery((), (f"locks/{HASH}",))),
    ],
    ids=["as it was", "overwritten", "deleted", "of no digest", "put back", "a lock let go", "a lock overwritten"],
)
def test_what_was_there_comes_back(item: StoredObject, expected: Recovery) -> None:
    assert recovery([item], SOON) == expected


@pytest.mark.parametrize(
    ("name", "goes"),
    [
        (f"snapshots/{HASH}", True),
        (f"index/{HASH}", True),
        (f"keys/{HASH}", True),
        (f"locks/{HASH}", True),
        (f"data/aa/{HASH}", False),
    ],
)
def test_what_came_later_is_hidden_where_restic_reads_everything(name: str, goes: bool) -> None:
    found = recovery([history(name, "later")], NOW - timedelta(hours=1))
    assert (found.put_back, found.hide) == ((), (name,) if goes else ())


def test_what_was_pruned_before_and_written_anew_is_hidden_again() -> None:
    item = history(f"data/aa/{HASH}", "good", None, "junk")
    assert recovery([item], NOW + timedelta(minutes=90)) == Recovery((), (item.name,))


def test_snapshots_that_are_hidden_are_named_for_the_journal() -> None:
    found = recovery([history(f"snapshots/{HASH}", "x"), history(f"keys/{OTHER}", "x")], NOW - timedelta(hours=1))
    assert found.hidden_snapshots == (HASH,)
    assert found.put_back or found.hide


histories = some.lists(some.sampled_from(["good", "junk", None]), min_size=1, max_size=6)
moments = some.integers(-90, 400).map(lambda minutes: NOW + timedelta(minutes=minutes))


def carried_out(item: StoredObject, found: Recovery) -> StoredObject:
    """Do what *found* says, as the store does it: something comes on top, and nothing goes."""
    later = datetime(2027, 1, 1, tzinfo=UTC)
    on_top: Sequence[str | None] = [
        *(version.content for put in found.put_back for version in item.versions if version.id == put.version),
        *([None] if item.name in found.hide else []),
    ]
    return StoredObject(item.name, (*item.versions, *(Version("9", later, content) for content in on_top)))


@given(histories, moments, some.sampled_from([f"snapshots/{HASH}", f"data/aa/{HASH}", "config"]))
def test_afterwards_it_is_what_it_was_and_nothing_is_left_to_do(
    contents: list[str | None], moment: datetime, name: str
) -> None:
    item = history(name, *contents)
    after = carried_out(item, recovery([item], moment))
    then = item.at(moment)
    assert recovery([after], moment) == Recovery((), ())
    if then is not None:
        assert after.versions[-1].content == then.content
    assert set(item.versions) <= set(after.versions)
