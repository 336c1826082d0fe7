"""Bringing files back as a command: from which snapshot, where to, and what the host is asked."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fake_doors import World
from sample import APPLICATION, GATEWAY, HOST, NOW
from test_commands_backup import INDEX, FakeRepositories, become, door, out_of_production, snapshot, two_volumes

from hosting_cli.backups.places import places
from hosting_cli.commands.approve import approve
from hosting_cli.commands.restore import restore
from hosting_cli.doors.hosts import Completed
from hosting_cli.errors import UsageError
from hosting_cli.result import ExitStatus, Result

LIVE = "/srv/imagerie/study.dcm"


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    vars(world.session)["repositories"] = FakeRepositories()
    return world


def asked(world: World, **options: Any) -> tuple[str, ...]:
    """Give what the host is asked, after its name."""
    world.hosts.commands.clear()
    assert restore(world.session, APPLICATION, options.pop("path", LIVE), **options).status is ExitStatus.DONE
    room, command = world.hosts.commands
    assert room == (HOST, "df", "--output=avail", "--block-size=1", "--", "/srv/imagerie")
    assert command[:4] == (HOST, "hosting-agent", "restore", APPLICATION)
    return command[4:]


def nights(world: World) -> list[str]:
    """Name the snapshots of the nights, the last night's first."""
    found = door(world).found
    assert found
    return [one.id for one in reversed(found.snapshots)]


def test_the_last_snapshot_is_restored_beside_what_is_there(world: World) -> None:
    last = nights(world)[0]
    assert asked(world) == (last, LIVE, f"/srv/imagerie/.hosting-restore-{last[:8]}")


def test_a_moment_chooses_what_the_store_had_then(world: World) -> None:
    when = (NOW - timedelta(days=3)).isoformat()
    assert asked(world, as_of=when)[0] == nights(world)[3]


def test_a_snapshot_is_chosen_by_its_name(world: World) -> None:
    chosen = nights(world)[7]
    assert asked(world, snapshot=chosen[:12])[0] == chosen


def test_a_lie_is_not_taken_for_the_last_snapshot_but_can_be_named(world: World) -> None:
    repositories, last = door(world), nights(world)[0]
    assert repositories.found
    lie = snapshot(99, NOW - timedelta(minutes=5), claimed=NOW + timedelta(days=9))
    repositories.found = replace(repositories.found, snapshots=(*repositories.found.snapshots, lie))
    assert asked(world)[0] == last
    assert asked(world, snapshot=lie.id)[0] == lie.id


@pytest.mark.parametrize(
    ("path", "options"),
    [("/srv/imagerie", {}), ("/srv/imagerie", {"into": "/srv/imagerie/not/there/yet"}), (LIVE, {})],
    ids=["a volume", "a volume into a folder", "a file"],
)
def test_what_has_room_is_restored_and_what_has_none_is_not(world: World, path: str, options: dict[str, Any]) -> None:
    door(world).sizes[path] = 100
    world.hosts.free_bytes["/srv/imagerie"] = 99
    refused = restore(world.session, APPLICATION, path, **options)
    assert refused.status is ExitStatus.FAILED
    assert "would be restored" in refused.errors[0].what
    assert [command[1] for command in world.hosts.commands] == ["df"]
    world.hosts.free_bytes["/srv/imagerie"] = 100
    assert restore(world.session, APPLICATION, path, **options).status is ExitStatus.DONE
    assert world.hosts.commands[-1][1:5] == ("hosting-agent", "restore", APPLICATION, nights(world)[0])


@pytest.mark.parametrize("options", [{}, {"in_place": True}, {"into": f"{INDEX}/back"}], ids=str)
def test_of_two_volumes_each_needs_room_for_its_own_files(world: World, options: dict[str, Any]) -> None:
    two_volumes(world)
    door(world).sizes = {"/srv/imagerie": 900, INDEX: 100}  # the snapshot has 1000
    world.hosts.free_bytes = {"/srv/imagerie": 900, INDEX: 100}
    assert restore(world.session, APPLICATION, INDEX, **options).status is ExitStatus.DONE
    world.hosts.free_bytes[INDEX] = 99
    assert restore(world.session, APPLICATION, INDEX, **options).status is ExitStatus.FAILED


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"into": "/tmp/back"}, "health data would lie in clear"),
        ({"into": "/srv/imagerie"}, "health data would lie in clear"),
        ({"into": "/srv/imagerie/../../tmp"}, "health data would lie in clear"),
        ({"path": "/etc/shadow"}, "no snapshot holds it"),
        ({"path": "/srv/imagerie/../../etc/shadow"}, "no snapshot holds it"),
        ({"as_of": "2020-01-01T00:00Z"}, "no snapshot that the store had at 2020-01-01"),
        ({"as_of": "tomorrow"}, "is no moment of the past"),
        ({"snapshot": "ffffffff"}, "is the beginning of no snapshots"),
        ({"snapshot": "ffffffff", "as_of": "2026-01-01T00:00Z"}, "says which snapshot"),
        ({"host": "dijon-gateway-1"}, "backs nothing of"),
    ],
    ids=[
        "in clear",
        "over the live files",
        "out of the volume",
        "not copied",
        "a way out",
        "too early",
        "no moment",
        "none",
        "both",
        "no such host",
    ],
)
def test_what_cannot_be_restored_is_explained_and_no_host_is_asked(
    world: World, options: dict[str, Any], why: str
) -> None:
    with pytest.raises(UsageError, match=why):
        restore(world.session, APPLICATION, options.pop("path", LIVE), **options)
    assert world.hosts.commands == []


def test_it_is_recorded_with_its_snapshot_and_how_long_it_took(world: World) -> None:
    asked(world)
    intent, done = world.session.journal.entries()[-2:]
    assert (intent.kind, done.kind) == ("intent", "done")
    observed = done.data["observed"]
    assert isinstance(observed, dict)
    assert observed.keys() == {"snapshot", "path", "target", "to", "store", "seconds"}


def test_a_restore_that_fails_is_an_error_in_the_hosts_own_words(world: World) -> None:
    def failing(host: str, argv: Sequence[str], stdin: str | None) -> Completed:
        return Completed(1, "", f"hosting-agent restore: snapshot does not hold {argv[4]}")

    world.hosts.on_run = failing
    result = restore(world.session, APPLICATION, LIVE)
    assert result.status is ExitStatus.FAILED
    assert "does not hold" in result.errors[0].what
    assert world.session.journal.entries()[-1].kind == "failed"


# -- into an empty volume, from another store, to another host --------------------------------------------------------


def test_a_whole_volume_goes_where_it_was(world: World) -> None:
    assert restore(world.session, APPLICATION, "/srv/imagerie", in_place=True).status is ExitStatus.DONE
    df, command = world.hosts.commands
    assert df[-1] == "/srv/imagerie"
    assert command[1:] == ("hosting-agent", "restore", APPLICATION, nights(world)[0], "/srv/imagerie", "/")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"path": LIVE, "in_place": True}, "is not a whole volume"),
        ({"path": "/srv/imagerie", "in_place": True, "into": "/srv/imagerie/x"}, "says where to"),
        ({"to": GATEWAY}, "is on no volume of imagerie-beaune on dijon-gateway-1"),
        ({"from_": "nowhere"}, "holds no backups of imagerie-beaune"),
    ],
    ids=["a file in place", "both", "no such volume there", "no such store"],
)
def test_what_goes_nowhere_is_explained(world: World, options: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        restore(world.session, APPLICATION, options.pop("path", LIVE), **options)
    assert world.hosts.commands == []


def test_how_far_the_host_is_is_said(world: World) -> None:
    line = '{"bytes": 1048576, "of": 4194304}\nand something else\n'
    world.hosts.on_run = lambda host, argv, stdin: Completed(0, line, "")
    restore(world.session, APPLICATION, LIVE)
    assert "25 %: 1 of 4 MiB" in world.said.getvalue()


SISTER = "dijon-app-2"


@pytest.fixture
def sister(world: World) -> World:
    """Give the application a second host, which backs up for itself."""
    (application,) = world.session.region.applications
    (tier,) = application.tiers
    tiers = (tier.model_copy(update={"hosts": (HOST, SISTER)}),)
    region = world.session.region.model_copy(
        update={"applications": (application.model_copy(update={"tiers": tiers}),)}
    )
    environment = world.session.environment
    hosts = {**environment.hosts, SISTER: environment.hosts[HOST]}
    authority = environment.vault.certificate_authority
    stores = {
        name: access.model_copy(update={"certificate_authority": authority})
        for name, access in environment.object_stores.items()
    }
    known = environment.model_copy(update={"hosts": hosts, "object_stores": stores})
    vars(world.session).update(region=region, environment=known)
    for place in places(region, region.applications[0]):
        world.vault.make_secret(place.password)
    return world


def to_sister(world: World) -> Result:
    return restore(world.session, APPLICATION, LIVE, host=HOST, to=SISTER)


def test_another_host_gets_it_by_a_grant_when_a_second_person_agreed(sister: World) -> None:
    waiting = to_sister(sister)
    assert waiting.status is ExitStatus.PENDING
    assert sister.hosts.commands == []
    become(sister, "token-officer")
    approve(sister.session, str(waiting.data["procedure"]))
    become(sister, "token-tester")
    given: list[str] = []

    def answer(host: str, argv: Sequence[str], stdin: Any) -> Completed:
        assert sister.store.keys["hosting-imagerie-beaune-restore"], "while the host reads, its user is there"
        given.append(stdin.reveal())
        return Completed(0, "", "")

    sister.hosts.on_run = answer
    assert to_sister(sister).status is ExitStatus.DONE
    _, (host, *argv) = sister.hosts.commands
    assert (host, *argv[:2]) == (SISTER, "hosting-agent", "restore-granted")
    assert given == [
        "wrapped: repository, object_store_region, certificate_authority, password, access_key_id, secret_access_key"
    ]
    assert sister.store.keys["hosting-imagerie-beaune-restore"] == []
    assert to_sister(sister).status is ExitStatus.PENDING, "an approval is for one restore"


def test_the_user_of_a_restore_ends_also_when_it_fails(sister: World) -> None:
    out_of_production(sister)
    sister.hosts.on_run = lambda host, argv, stdin: Completed(1, "", "hosting-agent: no room")
    assert to_sister(sister).status is ExitStatus.FAILED
    assert sister.store.keys["hosting-imagerie-beaune-restore"] == []
    sister.hosts.on_run = lambda host, argv, stdin: Completed(0, "", "")
    assert to_sister(sister).status is ExitStatus.DONE


def test_a_host_that_cannot_reach_the_store_is_not_asked(sister: World) -> None:
    environment = sister.session.environment
    cut = environment.hosts[SISTER].model_copy(update={"object_stores": {}})
    vars(sister.session)["environment"] = environment.model_copy(update={"hosts": {**environment.hosts, SISTER: cut}})
    with pytest.raises(UsageError, match="is not told where the object store dijon-objects answers"):
        to_sister(sister)


SECOND = "besancon-objects"


@pytest.fixture
def doubled(sister: World) -> World:
    """Give the application a second copy, on a store that its host reaches."""
    (application,) = sister.session.region.applications
    assert application.backup
    backup = application.backup.model_copy(update={"second_store": SECOND})
    applications = (application.model_copy(update={"backup": backup}),)
    environment = sister.session.environment
    (first,) = environment.object_stores.values()
    host = environment.hosts[HOST].model_copy(update={"object_stores": {SECOND: "https://10.0.2.102:8333"}})
    known = environment.model_copy(
        update={
            "object_stores": {**environment.object_stores, SECOND: first},
            "hosts": {**environment.hosts, HOST: host},
        }
    )
    region = sister.session.region.model_copy(update={"applications": applications})
    vars(sister.session).update(region=region, environment=known)
    vars(sister.session)["stores"] = {**sister.session.stores, SECOND: sister.store}
    return sister


def test_the_second_copy_is_granted_to_the_host_itself(doubled: World) -> None:
    done = restore(doubled.session, APPLICATION, LIVE, host=HOST, from_=SECOND)
    assert done.status is ExitStatus.DONE
    _, (host, *argv) = doubled.hosts.commands
    assert (host, *argv[:2]) == (HOST, "hosting-agent", "restore-granted")
    observed = doubled.session.journal.entries()[-1].data["observed"]
    assert isinstance(observed, dict)
    assert observed["store"] == SECOND
    assert doubled.store.keys["hosting-imagerie-beaune-restore"] == []


def test_the_second_copy_is_judged_by_the_times_of_the_first(doubled: World) -> None:
    """Copied days later, each snapshot would look like a lie; what is on record from the copying says otherwise."""
    repositories, world = door(doubled), doubled
    assert repositories.found
    late = tuple(replace(one, stored=NOW) for one in repositories.found.snapshots)
    honest = {one.id: one.stored.isoformat() for one in repositories.found.snapshots if one.stored}
    repositories.found = replace(repositories.found, snapshots=late)
    moment = (NOW - timedelta(days=3)).isoformat()
    with pytest.raises(UsageError, match="no snapshot that the store had at"):
        restore(world.session, APPLICATION, LIVE, host=HOST, from_=SECOND, as_of=moment)
    subject = {"kind": "repository", "name": f"{APPLICATION}/{HOST} at {SECOND}"}
    world.session.journal.append("done", {"procedure": "a", "subject": subject, "observed": {"snapshots": honest}})
    done = restore(world.session, APPLICATION, LIVE, host=HOST, from_=SECOND, as_of=moment)
    assert done.status is ExitStatus.DONE
    assert done.data["snapshot"] == late[-4].id
