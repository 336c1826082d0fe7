"""Keys as commands: what is said of them, with which exit status, and what is never taken for in order."""

from datetime import timedelta
from pathlib import Path

import pytest
from fake_doors import World
from sample import APPLICATION, HOST, NOW, region

from hosting_cli.commands import key as commands
from hosting_cli.commands.approve import approve
from hosting_cli.errors import RefusedError, UnreadableError, UsageError
from hosting_cli.keys.values import Key, KeysSeen
from hosting_cli.result import ExitStatus
from inventory import naming
from inventory.key_policy import KeyKind

ROLE = naming.host_role(APPLICATION, HOST)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Give a region without tunnels, so that nothing but the vault is asked."""
    world = World(tmp_path)
    vars(world.session)["region"] = region().model_copy(update={"tunnels": ()})
    return world


def key(age_days: int, name: str = "one", **attributes: object) -> Key:
    plain = {"kind": KeyKind.TRANSIT_KEY, "owner": APPLICATION, "made_at": NOW - timedelta(days=age_days)}
    return Key(name=name, **{**plain, **attributes})  # type: ignore[arg-type]


def know(world: World, *keys: Key, **unread: str) -> World:
    world.vault.known_keys = KeysSeen(keys, {KeyKind(kind): reason for kind, reason in unread.items()})
    return world


@pytest.mark.parametrize(
    ("keys", "status"),
    [
        ([key(1)], ExitStatus.DONE),
        ([key(350)], ExitStatus.DONE),
        ([key(1, "a"), key(365, "b")], ExitStatus.PENDING),
        ([key(365), key(1, "b", made_at=None)], ExitStatus.UNKNOWN),
    ],
    ids=["in order", "due is still in order", "overdue", "unknown outweighs overdue"],
)
def test_the_exit_status_tells_a_timer_what_is_the_matter(world: World, keys: list[Key], status: ExitStatus) -> None:
    assert commands.list_(know(world, *keys).session).status is status


def test_a_kind_that_cannot_be_read_is_unknown_and_hides_no_other(world: World) -> None:
    result = commands.list_(know(world, key(1), **{"secret-id": "not allowed"}).session)
    assert result.status is ExitStatus.UNKNOWN
    assert [item["name"] for item in result.data["keys"]] == ["one"]
    assert [error.subject for error in result.errors] == ["keys (secret-id)"]


def test_a_sealed_vault_leaves_everything_unknown_and_is_said_once(world: World) -> None:
    world.vault.sealed = True
    result = commands.list_(world.session)
    (error,) = result.errors
    assert result.status is ExitStatus.UNKNOWN
    assert all(kind.value in error.subject for kind in KeyKind)


def test_one_application_is_listed_alone(world: World) -> None:
    know(world, key(1), key(400, "other", owner="platform"))
    result = commands.list_(world.session, application=APPLICATION)
    assert ([item["name"] for item in result.data["keys"]], result.status) == (["one"], ExitStatus.DONE)


def test_a_key_is_shown_with_where_its_limit_comes_from(world: World) -> None:
    result = commands.show(know(world, key(1, kind=KeyKind.S3_CREDENTIALS)).session, "one")
    assert result.data["limit_days"] == 180
    assert "spécimen" in str(result.blocks)


def test_a_name_that_is_not_there_is_guessed(world: World) -> None:
    know(world, key(1, "hosting-imaging-objects"))
    with pytest.raises(UsageError, match="Did you mean hosting-imaging-objects"):
        commands.show(world.session, "hosting-imaging-object")


def test_the_policy_names_the_source_of_every_limit(world: World) -> None:
    result = commands.policy(world.session)
    assert result.data["limits"].keys() == {kind.value for kind in KeyKind}
    assert result.data["limits"]["transit-key"] == {"days": 365, "source": "the operator's own"}
    assert result.data["limits"]["s3-credentials"]["source"].startswith("Politique")


# -- rotation -----------------------------------------------------------------------------------------------------


def as_somebody(world: World, name: str) -> None:
    world.vault.person = name
    vars(world.session).pop("identity", None)


def test_a_rotation_in_production_is_recorded_and_waits_for_a_second_person(world: World) -> None:
    know(world, key(1, "hosting-imagerie-beaune-objects", version=3))
    asked = commands.rotate(world.session, "hosting-imagerie-beaune-objects")
    assert (asked.status, asked.data["request"]["goal"]) == (
        ExitStatus.PENDING,
        {"to_version": 4, "retire_older": False},
    )
    with pytest.raises(RefusedError, match="a second person"):
        approve(world.session, asked.data["procedure"])
    as_somebody(world, "token-officer")
    assert approve(world.session, asked.data["procedure"]).data["approved_by"] == "token-officer"
    assert not any(call.startswith("rotate") for call in world.vault.calls)


def test_the_word_is_for_keys_that_wait_for_it(world: World) -> None:
    know(world, key(1, "hosting-imagerie-beaune-objects", version=3))
    with pytest.raises(UsageError, match="waits for no moment"):
        commands.rotate(world.session, "hosting-imagerie-beaune-objects", switch=True)
    assert not world.session.journal.entries()


def test_asking_twice_asks_once(world: World) -> None:
    know(world, key(1, "hosting-imagerie-beaune-objects", version=3))
    digests = {commands.rotate(world.session, "hosting-imagerie-beaune-objects").data["procedure"] for _ in range(2)}
    assert len(digests) == 1
    assert [entry.kind for entry in world.session.journal.entries()] == ["request"]


@pytest.mark.parametrize(
    ("known", "retire", "reason"),
    [
        (key(1, "hosting-imagerie-beaune-objects"), True, "objects in buckets need its older versions"),
        (key(1, "x", kind=KeyKind.S3_CREDENTIALS), True, "it has nothing older to retire"),
        (key(1, "x", kind=KeyKind.S3_CREDENTIALS), False, "the vault records no access key"),
        (key(1, "hosting-gone-host/0", kind=KeyKind.SECRET_ID), False, "no file of the region asks for its role"),
        (key(1, f"{ROLE}/0", kind=KeyKind.SECRET_ID), False, "holds none that the vault knows"),
        (key(1, "x", kind=KeyKind.LUKS_RECOVERY), False, "no file of the region asks for it"),
        (key(1, "x", kind=KeyKind.RESTIC_PASSWORD, owner="gone"), False, "belongs to no application of the region"),
        (key(1, "hosting-peer-beaune", kind=KeyKind.PEER_CERTIFICATE), False, "its key is on the peer's firewall"),
        (key(1, "hosting-gateway-gone", kind=KeyKind.LINK_CERTIFICATE), False, "no file of the region asks for it"),
        (key(1, "gone:wg1", kind=KeyKind.WIREGUARD_KEY), False, "no file of the region asks for it"),
        (key(1, "gone:wg1", kind=KeyKind.WIREGUARD_KEY), True, "it has nothing older to retire"),
    ],
    ids=[
        "objects need older versions",
        "credentials have none",
        "no access key",
        "a role of nobody",
        "a host without one",
        "a passphrase of no volume",
        "a password of nobody",
        "a peer's certificate",
        "a certificate of no gateway",
        "a key of no interface",
        "a key of WireGuard has no former one",
    ],
)
def test_what_cannot_be_rotated_is_refused_before_anything_is_recorded(
    world: World, known: Key, retire: bool, reason: str
) -> None:
    world.hosts.answers[HOST] = {
        "identities": {"value": {}},
        "interfaces": {"value": {"kernel": {}, "kept": []}},
        "wireguard": {"value": {}},
        "manifest": {"value": None},
    }
    with pytest.raises(RefusedError, match=reason):
        commands.rotate(know(world, known).session, known.name, retire=retire)
    assert world.session.journal.entries() == ()


def test_a_key_that_nobody_can_see_is_unknown_and_not_absent(world: World) -> None:
    world.vault.sealed = True
    with pytest.raises(UnreadableError, match="may be of a kind that could not be read"):
        commands.rotate(world.session, "hosting-imagerie-beaune-objects")
