"""What a real vault tells of keys and secrets: versions and ages, and nothing when it may not."""

import time
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from engines_lab import Engines

from hosting_cli.desired_links import LONGEST_LINK_DAYS
from hosting_cli.doors.openbao import OpenBao
from hosting_cli.errors import EngineError
from hosting_cli.keys.values import Key, KeysSeen
from hosting_cli.resources import SecretEntry, SecretPurpose, TransitKey
from hosting_cli.secret import Secret
from inventory import naming
from inventory.key_policy import KeyKind
from inventory.models import Application, Region
from vault_policies import render

NUMBERS = count()
A_MINUTE = timedelta(minutes=1)


@pytest.fixture
def key(vault_door: OpenBao) -> str:
    """Make a transit key of the test's own."""
    name = f"hosting-test-keys{next(NUMBERS)}-volumes"
    vault_door.write(TransitKey(name=name, owner=name))
    return name


@pytest.fixture
def entry(vault_door: OpenBao, key: str) -> SecretEntry:
    """Make a secret wrapped by that key."""
    made = SecretEntry(name=f"test/keys/{key}", owner="test", purpose=SecretPurpose.RESTIC_PASSWORD, wrapped_by=key)
    vault_door.make_secret(made)
    return made


def named(seen: KeysSeen, name: str) -> Key:
    (found,) = (key for key in seen.keys if key.name == name)
    return found


def is_recent(moment: datetime | None) -> bool:
    return moment is not None and abs(datetime.now(UTC) - moment) < A_MINUTE


def test_everything_that_the_vault_keeps_is_read(vault_door: OpenBao, application: Application, host: str) -> None:
    role = naming.host_role(application.id, host)
    vault_door.wrapped_secret_id(role, ttl_seconds=60, note={"host": host})
    seen = vault_door.keys()
    assert seen.unread == {}
    kinds = {key.kind for key in seen.keys}
    assert kinds >= {KeyKind(purpose) for purpose in SecretPurpose if purpose is not SecretPurpose.S3_CREDENTIALS}
    assert kinds >= {KeyKind.TRANSIT_KEY, KeyKind.SECRET_ID, KeyKind.SSH_AUTHORITY}
    (authority,) = (key for key in seen.keys if key.kind is KeyKind.SSH_AUTHORITY)
    assert (authority.made_at, bool(authority.unknown)) == (None, True)
    assert {key.owner for key in seen.keys if key.kind is KeyKind.SECRET_ID} >= {application.id}
    made = [key.made_at for key in seen.keys if key.name.startswith(role)]
    assert None not in made and is_recent(max(filter(None, made)))  # tests before may have made others


def test_a_rotated_key_has_a_new_age_and_a_secret_under_it_an_old_wrapping(
    vault_door: OpenBao, engines: Engines, key: str, entry: SecretEntry
) -> None:
    before = named(vault_door.keys(), key)
    assert (before.version, before.rotated_at, before.lowest_version) == (1, None, 1)
    engines.as_root("POST", f"transit/keys/{key}/rotate", {})
    seen = vault_door.keys()
    assert named(seen, key).version == 2
    assert is_recent(named(seen, key).rotated_at)
    assert (named(seen, entry.name).wrapped_by, named(seen, entry.name).wrapped_version) == (key, 1)


def test_a_secret_id_that_has_ended_is_no_key_any_more(
    vault_door: OpenBao, engines: Engines, application: Application, host: str
) -> None:
    path = f"auth/approle/role/{naming.host_role(application.id, host)}/secret-id"
    accessor = engines.as_root("POST", path, {"ttl": "1s"})["data"]["secret_id_accessor"]
    lookup = {"secret_id_accessor": accessor}
    deadline = datetime.now(UTC) + A_MINUTE
    while engines.as_root("POST", f"{path}-accessor/lookup", lookup):
        assert datetime.now(UTC) < deadline
        time.sleep(0.2)
    assert accessor in vault_door.secret_id_accessors(naming.host_role(application.id, host))
    seen = vault_door.keys()
    assert seen.unread == {}
    assert not [key for key in seen.keys if accessor.startswith(key.name.rpartition("/")[2])]


def test_a_disabled_key_is_read_as_disabled(vault_door: OpenBao, key: str) -> None:
    vault_door.set_key_enabled(key, enabled=False)
    assert named(vault_door.keys(), key).disabled
    vault_door.set_key_enabled(key, enabled=True)
    assert not named(vault_door.keys(), key).disabled


def test_a_replaced_secret_was_rotated(vault_door: OpenBao, entry: SecretEntry) -> None:
    assert named(vault_door.keys(), entry.name).rotated_at is None
    vault_door.replace_secret(entry, Secret("another"), note={})
    found = named(vault_door.keys(), entry.name)
    assert (found.version, is_recent(found.rotated_at)) == (2, True)


def test_the_authority_of_links_ends_when_its_certificate_does(vault_door: OpenBao, region: Region) -> None:
    found = named(vault_door.keys(), "pki")
    assert found.made_at is not None and found.expires_at is not None
    days = (found.expires_at - found.made_at).days
    assert days == region.key_policy.limits.pki_authority.days + LONGEST_LINK_DAYS


def test_what_a_token_may_not_see_is_unknown_and_never_absent(
    engines: Engines, root_door: OpenBao, vault_door: OpenBao, region: Region
) -> None:
    token = root_door.issue_token("approver", (render.APPROVER_POLICY,), period_seconds=600)
    door = OpenBao(engines.vault_access(engines.token_file("approver", token)), region=region.id)
    seen = door.keys()
    assert {key.kind for key in seen.keys} == {KeyKind.PKI_AUTHORITY}  # whose certificate is shown to everybody
    of_tunnels = {KeyKind.LINK_CERTIFICATE, KeyKind.PEER_CERTIFICATE, KeyKind.WIREGUARD_KEY}
    assert seen.unread.keys() == set(KeyKind) - {KeyKind.PKI_AUTHORITY} - of_tunnels
    with pytest.raises(EngineError, match="may not LIST pki/certs"):
        door.pki.issued()
