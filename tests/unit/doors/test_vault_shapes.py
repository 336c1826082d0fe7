from typing import Any

import pytest

from hosting_cli.doors import vault_shapes as shapes
from hosting_cli.resources import AppRole, SshRole, TransitKey

ROLE = AppRole(
    name="hosting-app-host",
    owner="app",
    policies=("hosting-app-host",),
    bound_cidrs=("127.0.1.11/32",),
    token_ttl_seconds=600,
    token_max_ttl_seconds=600,
)
SSH_ROLE = SshRole(name="ssh/hosting-operations", owner="platform", principals=("hosting-operations",), ttl_seconds=60)
KEY_DATA = {
    "name": "hosting-app-objects",
    "type": "aes256-gcm96",
    "exportable": False,
    "deletion_allowed": False,
    "allow_plaintext_backup": False,
    "derived": False,
    "imported_key": False,
}


def answered(role: AppRole) -> dict[str, Any]:
    """Give what the vault answers about *role* once it was written: policies are sent as text and come as a list."""
    body = shapes.app_role_body(role)
    return {**body, "token_policies": body["token_policies"].split(",")}


def test_a_role_reads_as_it_was_written() -> None:
    assert shapes.app_role(ROLE.name, "app", answered(ROLE), ROLE.name) == ROLE


def test_a_role_is_written_so_that_the_rights_of_operations_can_be_held_against_it() -> None:
    assert shapes.app_role_body(ROLE)["token_policies"] == "hosting-app-host"


def test_addresses_of_tokens_may_come_back_without_a_length() -> None:
    data = answered(ROLE) | {"token_bound_cidrs": ["127.0.1.11"]}
    assert shapes.app_role(ROLE.name, "app", data, ROLE.name).deviations == ()


@pytest.mark.parametrize(
    ("changed", "role_id", "deviation"),
    [
        ({"secret_id_bound_cidrs": None}, "hosting-app-host", "token_bound_cidrs is 127.0.1.11/32"),
        ({"token_bound_cidrs": None}, "hosting-app-host", "token_bound_cidrs is empty"),
        ({"token_no_default_policy": False}, "hosting-app-host", "token_no_default_policy is False"),
        ({"token_period": 60}, "hosting-app-host", "token_period is 60"),
        ({"secret_id_num_uses": 1}, "hosting-app-host", "secret_id_num_uses is 1"),
        ({}, "a-random-one", "role_id is not the role's name"),
    ],
)
def test_what_a_role_says_otherwise_is_a_deviation(changed: dict[str, object], role_id: str, deviation: str) -> None:
    read = shapes.app_role(ROLE.name, "app", answered(ROLE) | changed, role_id)
    assert deviation in read.deviations


def test_a_server_that_does_not_know_a_setting_has_no_deviation() -> None:
    data = {name: value for name, value in answered(ROLE).items() if name != "token_type"}
    assert shapes.app_role(ROLE.name, "app", data, ROLE.name).deviations == ()


def test_an_ssh_role_reads_as_it_was_written() -> None:
    assert shapes.ssh_role(SSH_ROLE.name, shapes.ssh_role_body(SSH_ROLE)) == SSH_ROLE


@pytest.mark.parametrize(
    ("changed", "deviation"),
    [
        ({"max_ttl": 86400}, "max_ttl is 86400"),
        ({"allowed_extensions": "permit-pty,permit-port-forwarding"}, "allowed_extensions is"),
        ({"allow_user_key_ids": True}, "allow_user_key_ids is True"),
    ],
)
def test_what_an_ssh_role_says_otherwise_is_a_deviation(changed: dict[str, object], deviation: str) -> None:
    read = shapes.ssh_role(SSH_ROLE.name, shapes.ssh_role_body(SSH_ROLE) | changed)
    assert any(found.startswith(deviation) for found in read.deviations)


def test_more_principals_are_seen() -> None:
    read = shapes.ssh_role(SSH_ROLE.name, shapes.ssh_role_body(SSH_ROLE) | {"allowed_users": "root,hosting-operations"})
    assert read.principals == ("hosting-operations", "root")


@pytest.mark.parametrize(
    ("name", "owner"),
    [("hosting-app-objects", "app"), ("hosting-an-app-backups", "an-app"), ("hosting-platform-secrets", "platform")],
)
def test_the_name_of_a_key_says_whose_it_is(name: str, owner: str) -> None:
    assert shapes.transit_key(KEY_DATA | {"name": name}) == TransitKey(name=name, owner=owner)


@pytest.mark.parametrize("setting", ["soft_deleted", "allow_plaintext_backup", "imported_key", "derived"])
def test_what_weakens_a_key_is_a_deviation(setting: str) -> None:
    assert shapes.transit_key(KEY_DATA | {setting: True}).deviations == (f"{setting} is True",)


@pytest.mark.parametrize(
    ("details", "readable"),
    [
        ({"current_version": 0, "versions": {}}, False),
        ({"current_version": 0, "versions": None}, False),
        ({"current_version": 1, "versions": {"1": {"destroyed": False, "deletion_time": ""}}}, True),
        ({"current_version": 1, "versions": {"1": {"destroyed": True, "deletion_time": ""}}}, False),
        ({"current_version": 1, "versions": {"1": {"destroyed": False, "deletion_time": "2026-11-22"}}}, False),
    ],
    ids=["metadata only", "metadata only, said otherwise", "a value", "destroyed", "deleted"],
)
def test_an_entry_is_readable_when_its_last_version_is(details: dict[str, object], readable: bool) -> None:
    assert shapes.is_readable(details) is readable


def test_an_algorithm_is_named_as_the_api_does() -> None:
    assert shapes.algorithm("ssh-ed25519 AAAA\n") == "ed25519"
