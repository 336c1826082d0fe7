"""Looking at everything at once: what one door could not see hides nothing of the others, and is never absent."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_doors import SEALED, STORE, World
from sample import APPLICATION, GATEWAY, HOST, NOW, PUBLISHED, environment, region

from deploys import reading as host_reading
from deploys.resources import HostIdentity, HostResource
from hosting_cli.desired import desired, provisioner_entry
from hosting_cli.errors import EngineError, UnreadableError
from hosting_cli.plan import Action
from hosting_cli.resources import (
    VAULT,
    AccessKey,
    Policy,
    SecretEntry,
    SecretPurpose,
    StoreUser,
    header_copies,
    object_store,
)
from hosting_cli.survey import ACCESS_KEY_NOTE, Survey, plan_of, read_hosts, read_store, survey
from inventory import naming
from inventory.resource import Json, Reading, Resource, Subject

WANTED = desired(region(), environment(), PUBLISHED)
COPIES = header_copies(HOST)
ROLE = naming.host_role(APPLICATION, HOST)
DOWN = UnreadableError(f"host {HOST}", "127.0.0.1:20001 cannot be reached", "See whether the host is up.")


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.hosts.answers = {HOST: blank(HOST), GATEWAY: blank(GATEWAY)}
    return world


def blank(host: str) -> dict[str, Any]:
    """Give the answer of a host that has nothing of what is asked of it."""
    request = host_reading.request(r for r in WANTED.values() if isinstance(r, HostResource) and r.host == host)
    devices = {"/dev/disk/by-id/virtio-data": {"present": False}}
    return {
        part: {"value": value}
        for part, value in {
            "files": dict.fromkeys(names(request, "files")),
            "units": {unit: {"LoadState": "not-found"} for unit in names(request, "units")},
            "texts": dict.fromkeys(names(request, "texts")),
            "storage": {"devices": devices, "volumes": {}},
            "packages": [],
            "presence": [],
            "pending": [],
            "firewall": None,
            "interfaces": {"kernel": {}, "kept": []},
            "manifest": None,
            "identities": {},
            "wireguard": {},
        }.items()
        if not (part == "storage" and host == GATEWAY)
    }


def names(request: Mapping[str, Json], part: str) -> list[str]:
    listed = request[part]
    assert isinstance(listed, list)
    return [str(name) for name in listed]


def by_source(found: Survey) -> dict[str, Reading]:
    return {reading.source: reading for reading in found.readings}


def unknown(found: Survey) -> set[str]:
    return {reading.source for reading in found.readings if reading.resources is None}


# -- everything ---------------------------------------------------------------------------------------------------


def test_every_source_that_is_asked_for_is_read(world: World) -> None:
    found = survey(world.session)
    assert by_source(found).keys() == {resource.source for resource in WANTED.values()}
    assert unknown(found) == set()


def test_a_sealed_vault_hides_what_only_it_can_tell_and_nothing_is_taken_for_absent(world: World) -> None:
    world.vault.sealed = True
    found = survey(world.session)
    assert unknown(found) == {VAULT, object_store(STORE), f"host {HOST}", f"host {GATEWAY}", COPIES}
    assert all("sealed" in str(reading.reason) for reading in found.readings)
    plan = plan_of(world.session, found)
    assert plan.changes == ()
    assert {finding.subject for finding in plan.unknown} == unknown(found) - {COPIES}  # told with their host


def test_a_sealed_vault_does_not_hide_a_store_without_users(world: World) -> None:
    world.vault.sealed = True
    (found,) = read_store(world.session, STORE, {})
    assert found.resources == {}


def test_a_store_that_is_down_hides_nothing_else(world: World) -> None:
    world.store.resources, world.store.reason = None, "it does not answer"
    found = survey(world.session)
    assert by_source(found)[object_store(STORE)].reason == "it does not answer"
    assert by_source(found)[VAULT].resources == {}
    assert by_source(found)[f"host {GATEWAY}"].resources is not None


def test_one_unreachable_host_does_not_hide_another(world: World) -> None:
    world.hosts.answers[HOST] = DOWN
    found = survey(world.session)
    assert unknown(found) == {f"host {HOST}", COPIES}
    assert by_source(found)[f"host {HOST}"].reason == "127.0.0.1:20001 cannot be reached. See whether the host is up."
    assert [finding.subject for finding in plan_of(world.session, found).unknown] == [f"host {HOST}"]


def test_without_a_certificate_to_log_in_with_every_host_is_unknown_and_the_rest_is_not(world: World) -> None:
    world.hosts.locked_out = EngineError("vault", "the token may not POST ssh/sign", "Its policy must allow it.")
    found = survey(world.session)
    assert unknown(found) == {f"host {HOST}", f"host {GATEWAY}", COPIES}


def test_what_was_seen_is_given_by_subject(world: World) -> None:
    policy = Policy(name="hosting-x", owner="x", text="")
    readings = (Reading(VAULT, NOW, {policy.subject: policy}), Reading("host one", NOW, None, "it is down"))
    assert Survey({}, readings).actual == {policy.subject: policy}


def test_the_plan_of_an_application_leaves_others_alone(world: World) -> None:
    policy = Policy(name="hosting-other", owner="other", text="")
    world.vault.resources[policy.subject] = policy
    found = survey(world.session)
    assert policy.subject in {change.subject for change in plan_of(world.session, found).changes}
    of_one = plan_of(world.session, found, APPLICATION)
    assert (of_one.scope, of_one.production) == (APPLICATION, True)
    assert policy.subject not in {change.subject for change in of_one.changes}


# -- access keys --------------------------------------------------------------------------------------------------


def keys_of(reading: Reading) -> dict[str, str]:
    assert reading.resources is not None
    return {r.name: r.condition for r in reading.resources.values() if isinstance(r, AccessKey)}


def test_access_keys_are_held_against_what_the_vault_records(world: World) -> None:
    user = naming.data_user(APPLICATION)
    world.store.keys = {user: ["a"], naming.backup_user(APPLICATION): ["b"]}
    world.vault.notes[naming.credentials_secret(APPLICATION, user)] = {ACCESS_KEY_NOTE: "a"}
    (found,) = read_store(world.session, STORE, WANTED)
    assert keys_of(found) == {user: "in use", naming.backup_user(APPLICATION): "its secret is not in the vault"}


@pytest.mark.parametrize(
    "error", [SEALED, EngineError("vault", "the token may not GET", "Ask.")], ids=["sealed", "403"]
)
def test_a_store_whose_keys_cannot_be_held_against_the_vault_is_unknown(
    world: World, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_name: str) -> Mapping[str, str]:
        raise error

    user = StoreUser(name="u", owner="x", store=STORE, policy=None)
    world.store.resources = {user.subject: user}
    monkeypatch.setattr(world.vault, "secret_notes", refuse)
    (found,) = read_store(world.session, STORE, WANTED)
    assert (found.resources, found.reason) == (None, str(error))


def credentials(name: str, owner: str) -> SecretEntry:
    return SecretEntry(
        name=name, owner=owner, purpose=SecretPurpose.S3_CREDENTIALS, wrapped_by=naming.transit_key(owner, "objects")
    )


def test_credentials_of_an_application_that_left_the_files_are_kept_as_its_other_secrets_are(world: World) -> None:
    user = naming.data_user("departed")
    entries = (
        credentials(naming.credentials_secret("departed", user), "departed"),
        credentials(naming.credentials_secret(APPLICATION, naming.data_user(APPLICATION)), APPLICATION),
        provisioner_entry(world.session.environment.object_stores[STORE]),
        replace(credentials("departed/volumes/x/data/active", "departed"), purpose=SecretPurpose.LUKS_PASSPHRASE),
    )
    world.vault.resources = {entry.subject: entry for entry in entries}
    left = StoreUser(name=user, owner="departed", store=STORE, policy=None)
    world.store.resources = {left.subject: left}
    plan = plan_of(world.session, survey(world.session))
    assert {finding.subject for finding in plan.kept} == {str(entries[0].subject), str(entries[3].subject)}
    assert len({finding.reason for finding in plan.kept}) == 1
    assert [change.subject for change in plan.changes if change.action is Action.DELETE] == [left.subject]


# -- identities of hosts ------------------------------------------------------------------------------------------


def identity_of(world: World, accessor: str) -> Reading:
    """Read the sample's host with an identity of *accessor*, and nothing else asked of it."""
    wanted: dict[Subject, Resource] = {s: r for s, r in WANTED.items() if isinstance(r, HostIdentity)}
    held = {"role": ROLE, "accessor": accessor, "has_credential": True}
    parts: dict[str, Json] = {
        "identities": {APPLICATION: held},
        "interfaces": {"kernel": {}, "kept": []},
        "manifest": None,
        "wireguard": {},
    }
    world.hosts.answers[HOST] = {part: {"value": value} for part, value in parts.items()}
    (found,) = read_hosts(world.session, wanted, [HOST])
    return found


def condition(reading: Reading) -> str:
    (resource,) = (reading.resources or {}).values()
    assert isinstance(resource, HostIdentity)
    return resource.condition


def test_an_identity_is_held_against_what_the_vault_lists(world: World) -> None:
    world.vault.accessors[ROLE] = ["known"]
    assert condition(identity_of(world, "known")) == "in use"
    assert condition(identity_of(world, "other")) == "the vault does not know its secret-id"


def test_a_host_whose_role_the_vault_cannot_tell_about_is_unknown(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_role: str) -> tuple[str, ...]:
        raise SEALED

    monkeypatch.setattr(world.vault, "secret_id_accessors", refuse)
    found = identity_of(world, "known")
    assert (found.resources, found.reason) == (None, str(SEALED))


def test_only_the_hosts_that_are_named_are_read(world: World) -> None:
    assert [reading.source for reading in read_hosts(world.session, WANTED, [GATEWAY])] == [f"host {GATEWAY}"]
