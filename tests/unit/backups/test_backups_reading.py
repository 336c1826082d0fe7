"""What restic tells joined with what the store tells, and what the journal remembers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from repositories import NOW, case, nightly
from sample import APPLICATION, HOST, region

from hosting_cli.backups import history
from hosting_cli.backups.places import Place, places
from hosting_cli.backups.reading import joined
from hosting_cli.backups.standing import Rpo, Standing
from hosting_cli.backups.stored import StoredObject, Version
from hosting_cli.errors import UnreadableError
from hosting_cli.journal import Entry
from hosting_cli.request import Request, asked
from inventory.resource import Subject

ONE, OTHER = "a" * 64, "b" * 64


def place() -> Place:
    (found,) = places(region(), region().applications[0])
    return found


def told(identifier: str, **changes: Any) -> dict[str, Any]:
    """Give a snapshot in restic's own words."""
    return {
        "time": "2026-11-22T03:30:00.123456789+01:00",
        "tree": "c" * 64,
        "paths": ["/srv/imagerie"],
        "hostname": HOST,
        "id": identifier,
    } | changes


def stored(name: str, *more: Version) -> StoredObject:
    """Give an object as it was stored once, and what came of it since."""
    return StoredObject(name, (Version("1", NOW, "content", 100), *more))


HIDDEN = Version("2", NOW, None)


# -- joining ----------------------------------------------------------------------------------------------------------


def test_times_of_both_stand_beside_each_other() -> None:
    objects = [stored("config"), stored(f"snapshots/{ONE}")]
    summary = {"total_bytes_processed": 7, "total_files_processed": 2, "data_added": 3}
    found = joined(place(), [told(ONE, summary=summary)], objects, objects, NOW)
    (snapshot,) = found.snapshots
    assert snapshot.claimed == datetime(2026, 11, 22, 2, 30, tzinfo=UTC)
    assert snapshot.stored == NOW
    assert (snapshot.size_bytes, snapshot.files, snapshot.added_bytes) == (7, 2, 3)
    assert (found.application, found.host, found.size_bytes) == (APPLICATION, HOST, 200)


@pytest.mark.parametrize(
    "time", ["2026-11-22T02:30:00Z", "2026-11-22T02:30:00.5Z", "2026-11-21T21:30:00.000000001-05:00"]
)
def test_times_of_go_are_understood(time: str) -> None:
    (snapshot,) = joined(place(), [told(ONE, time=time)], [], [], NOW).snapshots
    assert snapshot.claimed == datetime(2026, 11, 22, 2, 30, tzinfo=UTC)


def test_a_snapshot_without_an_object_has_no_time_of_the_store() -> None:
    (snapshot,) = joined(place(), [told(ONE)], [], [], NOW).snapshots
    assert (snapshot.stored, snapshot.size_bytes) == (None, None)


def test_what_the_store_has_and_restic_cannot_open_is_named() -> None:
    objects = [stored(f"snapshots/{ONE}"), stored(f"snapshots/{OTHER}")]
    assert joined(place(), [told(ONE)], objects, objects, NOW).unreadable == (OTHER,)


@pytest.mark.parametrize("came", [True, False], ids=["came", "went"])
def test_what_came_or_went_while_we_looked_is_no_damage(came: bool) -> None:
    with_it, without = [stored(f"snapshots/{ONE}")], [stored(f"snapshots/{ONE}", HIDDEN)]
    before, after = ([], with_it) if came else (with_it, without)
    found = joined(place(), [told(ONE)] if came else [], before, after, NOW)
    assert found.unreadable == ()
    assert [snapshot.stored for snapshot in found.snapshots] == ([NOW] if came else [])


def test_locks_deletions_and_overwritten_objects_are_told_apart() -> None:
    objects = [
        stored("locks/l1"),
        stored("locks/l2", HIDDEN),
        stored(f"snapshots/{ONE}", HIDDEN),
        stored("data/ab/abcd", Version("2", NOW, "other content", 100)),
    ]
    found = joined(place(), [], objects, objects, NOW)
    assert [lock.id for lock in found.locks] == ["l1"]
    assert found.removed == {ONE}
    assert found.overwritten == ("data/ab/abcd",)


def test_a_repository_lies_in_its_hosts_folder_and_has_secrets_of_its_own() -> None:
    found = place()
    assert (found.bucket, found.prefix) == (f"bfc-{APPLICATION}-backup", f"{HOST}/")
    assert found.reader.name != found.pruner.name
    assert {entry.wrapped_by for entry in (found.password, found.reader, found.pruner)} == {
        f"hosting-{APPLICATION}-backups"
    }
    assert places(region(), region().applications[0].model_copy(update={"backup": None})) == ()


# -- what the journal remembers ---------------------------------------------------------------------------------------


def entry(kind: str, who: str = "token-one", **data: Any) -> Entry:
    return Entry(1, "2026-11-20T01:02:03.000Z", who, kind, data, "0" * 64)


def a_check(part: int, damage: str | None = None, parts: int = 3) -> Entry:
    return entry(history.CHECK, repository=place().name, part=part, parts=parts, damage=damage)


@pytest.mark.parametrize(
    ("entries", "part"),
    [
        ([], 1),
        ([a_check(1)], 2),
        ([a_check(1), a_check(2)], 3),
        ([a_check(3)], 1),
        ([a_check(1), a_check(2, "broken")], 2),
        ([a_check(1, parts=9)], 1),
    ],
    ids=["never", "the next", "the last", "from the start", "the damaged one again", "other parts"],
)
def test_each_check_reads_the_next_part(entries: list[Entry], part: int) -> None:
    assert history.next_part(history.checks(entries, place()), 3) == part


def restored(**changes: Any) -> Entry:
    data = {"proof": "backup-restores", "subject": f"host {HOST}", "verdict": "held", "sentence": ""} | changes
    return entry("proof", **({"observed": {"mount_point": "/srv/imagerie"}} | data))


@pytest.mark.parametrize(
    ("found", "counts"),
    [
        (restored(), True),
        (restored(verdict="broken"), False),
        (restored(subject="host another"), False),
        (restored(observed={"mount_point": "/srv/other"}), False),
        (restored(proof="object-encrypted"), False),
    ],
    ids=["good", "broken", "another host", "another application's volume", "another proof"],
)
def test_a_drill_is_a_restore_that_gave_the_right_bytes(found: Entry, counts: bool) -> None:
    last = history.last_drill([found], place(), ["/srv/imagerie"])
    assert (last == datetime(2026, 11, 20, 1, 2, 3, tzinfo=UTC)) is counts


REQUEST = Request(
    history.PRUNE,
    Subject("backups", APPLICATION),
    APPLICATION,
    "lab",
    {"after": None, "repositories": [{"host": HOST, "remove": [ONE], "set_aside": [], "accepted": []}]},
    second_person=True,
)
ASKED = entry("request", request=REQUEST.body())
BEGUN = entry("intent", procedure=REQUEST.digest, subject={}, sentence="")


def test_a_prune_is_read_back_as_it_was_asked_for() -> None:
    (known,) = asked([ASKED]).values()
    found = history.prune_of(known.request)
    assert (found.application, found.of("another")) == (APPLICATION, None)
    assert found.of(HOST) == history.RepositoryPrune(HOST, (ONE,), frozenset(), frozenset())


@pytest.mark.parametrize(
    ("entries", "removed"),
    [([ASKED], frozenset()), ([ASKED, BEGUN], {ONE}), ([ASKED, BEGUN, entry("completed", procedure="x")], {ONE})],
    ids=["asked for", "begun", "done"],
)
def test_what_a_begun_prune_removes_is_our_own_deed(entries: list[Entry], removed: set[str]) -> None:
    assert history.removed_by_us(entries, place()) == removed


def test_the_last_prune_is_the_last_that_ended() -> None:
    done = entry("completed", procedure=REQUEST.digest)
    assert history.last_prune(asked([ASKED, BEGUN]), APPLICATION) is None
    assert history.last_prune(asked([ASKED, BEGUN, done]), APPLICATION) == REQUEST.digest
    assert history.last_prune(asked([ASKED, BEGUN, done]), "another") is None


# -- how it stands ----------------------------------------------------------------------------------------------------

UNREAD = UnreadableError("store", "it does not answer", "Is it running?")


@pytest.mark.parametrize(
    ("age_minutes", "code", "rpo"),
    [(10, "C1", Rpo.MET), (16, "C1", Rpo.MISSED), (16, "C2", Rpo.MET), (1439, "C3", Rpo.MET), (1441, "C4", Rpo.MISSED)],
)
def test_the_age_is_held_against_the_class(age_minutes: int, code: str, rpo: Rpo) -> None:
    promise = next(item for item in region().continuity if item.code == code)
    last = nightly(1)[0].stored
    assert last is not None
    now = last + timedelta(minutes=age_minutes)
    repository = case(nightly(3)).repository
    assert Standing(place(), promise, now, repository, None, None, None).rpo is rpo


def test_unknown_is_not_missing_and_neither_is_met() -> None:
    promise = region().continuity[0]
    unread, never = (Standing(place(), promise, NOW, None, error, None, None) for error in (UNREAD, None))
    assert (unread.rpo, never.rpo) == (Rpo.UNKNOWN, Rpo.NEVER)
    assert unread.as_json()["unread"] == "it does not answer. Is it running?"
    assert (never.as_json()["snapshots"], never.as_json()["age_seconds"]) == (None, None)
