"""What only two doors together can tell; what one of them could not see is never taken for in order."""

import threading
from dataclasses import replace
from functools import partial

import pytest
from sample import NOW

from deploys.resources import HostIdentity
from hosting_cli.actual import access_key, read_all, with_vault_view, without_credentials
from hosting_cli.resources import VAULT, AccessKey, Policy, SecretEntry, SecretPurpose
from inventory.resource import Reading, Resource

WANTED = AccessKey(
    name="hosting-imagerie", owner="imagerie", store="one", secret="imagerie/credentials", wrapped_by="k"
)
IDENTITY = HostIdentity(
    host="one", name="one:imagerie", owner="imagerie", application="imagerie", role="hosting-imagerie-one", accessor="a"
)


def reading(*resources: Resource, source: str = "host one") -> Reading:
    return Reading(source, NOW, {resource.subject: resource for resource in resources})


@pytest.mark.parametrize(
    ("listed", "recorded", "condition"),
    [
        pytest.param([], None, None, id="neither has a key"),
        pytest.param(["a"], "a", "in use", id="both know the one key"),
        pytest.param(["a"], None, "its secret is not in the vault", id="an interrupted run made a key"),
        pytest.param(["a", "b"], None, "its secret is not in the vault", id="two interrupted runs did"),
        pytest.param([], "a", "the store does not know it", id="somebody deleted the key"),
        pytest.param(["b"], "a", "the store does not know it", id="somebody replaced the key"),
        pytest.param(["a", "b"], "a", "another key of the user is valid too", id="the former key still opens"),
    ],
)
def test_an_access_key_is_in_use_only_when_both_agree(
    listed: list[str], recorded: str | None, condition: str | None
) -> None:
    found = access_key(WANTED, listed, recorded)
    assert (found.condition if found else None) == condition


def test_an_access_key_in_use_is_as_wanted() -> None:
    assert access_key(WANTED, ["a"], "a") == WANTED


@pytest.mark.parametrize(
    ("found", "accessors", "condition"),
    [
        pytest.param(IDENTITY, {"hosting-imagerie-one": frozenset({"a"})}, "in use", id="the vault knows it"),
        pytest.param(
            IDENTITY,
            {"hosting-imagerie-one": frozenset({"b"})},
            "the vault does not know its secret-id",
            id="the vault knows another",
        ),
        pytest.param(
            IDENTITY,
            {"hosting-imagerie-one": frozenset()},
            "the vault does not know its secret-id",
            id="somebody destroyed it",
        ),
        pytest.param(IDENTITY, {}, "the vault does not know its secret-id", id="the role could not be read"),
        pytest.param(
            replace(IDENTITY, accessor=None),
            {"hosting-imagerie-one": frozenset({"a"})},
            "the vault does not know its secret-id",
            id="the host does not know its own",
        ),
        pytest.param(
            replace(IDENTITY, condition="without its credential"),
            {"hosting-imagerie-one": frozenset({"a"})},
            "without its credential",
            id="the host has lost its half",
        ),
    ],
)
def test_an_identity_is_in_use_only_when_the_vault_says_so(
    found: HostIdentity, accessors: dict[str, frozenset[str]], condition: str
) -> None:
    joined = with_vault_view(reading(found), accessors).resources
    assert joined is not None
    (resource,) = joined.values()
    assert isinstance(resource, HostIdentity)
    assert resource.condition == condition


def test_an_unread_host_stays_unread() -> None:
    unread = Reading("host one", NOW, None, "it is down")
    assert with_vault_view(unread, {}) is unread


def test_entries_of_s3_credentials_are_read_with_their_keys_and_not_twice() -> None:
    policy = Policy(name="p", owner="imagerie", text="")
    kept = SecretEntry(name="a", owner="imagerie", purpose=SecretPurpose.LUKS_PASSPHRASE, wrapped_by="k")
    dropped = SecretEntry(name="b", owner="imagerie", purpose=SecretPurpose.S3_CREDENTIALS, wrapped_by="k")
    departed = replace(dropped, name="c")
    found = without_credentials(reading(policy, kept, dropped, departed, source=VAULT), {"a", "b"}).resources
    assert found == {policy.subject: policy, kept.subject: kept, departed.subject: departed}


@pytest.mark.parametrize("untouched", [Reading(VAULT, NOW, None, "it is sealed"), reading(IDENTITY)], ids=str)
def test_other_readings_are_left_alone(untouched: Reading) -> None:
    assert without_credentials(untouched, ()) is untouched


def test_readers_are_called_at_once_and_answer_in_their_order() -> None:
    meeting = threading.Barrier(3, timeout=10)

    def reader(source: str) -> Reading:
        meeting.wait()
        return Reading(source, NOW, {})

    found = read_all([partial(lambda name: [reader(name)], name) for name in ("one", "two", "three")])
    assert [item.source for item in found] == ["one", "two", "three"]


def test_nothing_to_read_is_no_error() -> None:
    assert read_all([]) == ()
