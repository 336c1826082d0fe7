import contextlib
from collections.abc import Iterator
from dataclasses import replace

import pytest
from dying import Killed
from engines_lab import Engines, limit, secret_entries, vault_resources

from hosting_cli.doors import vault_reading
from hosting_cli.doors.openbao import OpenBao
from hosting_cli.doors.vault_client import VaultClient
from hosting_cli.errors import EngineError, RefusedError
from hosting_cli.resources import AppRole, Policy, SshAuthority, SshRole, TransitKey, VaultResource
from inventory import naming
from inventory.environment import VaultAccess
from inventory.models import Region
from inventory.resource import PLATFORM, Json
from vault_policies.mark import Mark


def state(door: OpenBao, resource: VaultResource) -> object:
    found = (door.read().resources or {}).get(resource.subject)
    return found and found.state()


def test_what_was_written_reads_back_as_it_should_be(vault_door: OpenBao, region: Region) -> None:
    wanted = {resource.subject: resource for resource in (*vault_resources(region), *secret_entries(region))}
    reading = vault_door.read()
    assert reading.resources is not None, reading.reason
    states = {subject: found.state() for subject, found in reading.resources.items() if subject in wanted}
    assert states == {subject: resource.state() for subject, resource in wanted.items()}


def test_writing_again_changes_nothing(vault_door: OpenBao, region: Region) -> None:
    before = vault_door.read().resources
    key = vault_door.trusted_ssh_keys()
    for resource in vault_resources(region):
        vault_door.write(resource)
    assert vault_door.read().resources == before
    assert vault_door.trusted_ssh_keys() == key


def test_reading_level_by_level_as_hashicorp_vault_needs_it_gives_the_same(
    vault_door: OpenBao, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = vault_door.read().resources
    monkeypatch.setattr(VaultClient, "listed", lambda self, path, method="LIST": None)
    assert vault_door.read().resources == expected


def test_reading_takes_few_requests(vault_door: OpenBao, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    raw = VaultClient.raw

    def counted(self: VaultClient, method: str, path: str, *arguments: object, **options: object) -> object:
        asked.append(f"{method} {path}")
        return raw(self, method, path, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(VaultClient, "raw", counted)
    vault_door.read()
    singly = [path for path in asked if "/keys/hosting-" in path or "/role/hosting-" in path or "/roles/" in path]
    assert len(asked) - len(singly) <= 14  # six of them about the authority of links
    assert len(asked) == len(set(asked))


@pytest.fixture
def foreign(engines: Engines) -> Iterator[None]:
    engines.as_root("POST", "transit/keys/somebody-else", {})
    engines.as_root("POST", "sys/policies/acl/somebody-else", {"policy": 'path "x" { capabilities = ["read"] }'})
    engines.as_root("POST", "sys/policies/acl/hosting-unmarked", {"policy": 'path "x" { capabilities = ["read"] }'})
    other = Mark("another-region", "app").line()
    engines.as_root(
        "POST", "sys/policies/acl/hosting-elsewhere", {"policy": f'{other}path "x" {{ capabilities = ["read"] }}'}
    )
    engines.as_root("POST", "auth/approle/role/somebody-else", {"token_policies": ["default"]})
    engines.as_root("POST", "kv/data/hosting/unmarked", {"data": {"ciphertext": "vault:v1:x"}})
    engines.as_root(
        "POST", "kv/metadata/hosting/elsewhere", {"custom_metadata": Mark("another-region", "app").attributes()}
    )
    engines.as_root("POST", "kv/data/hosting/elsewhere", {"data": {"ciphertext": "vault:v1:x"}})
    engines.as_root("POST", "ssh/roles/somebody-else", {"key_type": "ca", "allow_user_certificates": True})
    yield


@pytest.mark.usefixtures("foreign")
def test_what_is_not_ours_never_appears(vault_door: OpenBao) -> None:
    names = {subject.name for subject in vault_door.read().resources or {}}
    assert not {name for name in names if "somebody-else" in name or "elsewhere" in name or "unmarked" in name}


ROLE = AppRole(
    name="hosting-tampered",
    owner=PLATFORM,
    policies=("hosting-tampered",),
    bound_cidrs=("127.0.1.77/32",),
    token_ttl_seconds=60,
    token_max_ttl_seconds=60,
)
SSH_ROLE = SshRole(name="ssh/hosting-tampered", owner=PLATFORM, principals=("hosting-tampered",), ttl_seconds=60)


@pytest.mark.parametrize(
    "tampered",
    [
        (ROLE, "auth/approle/role/hosting-tampered", {"bind_secret_id": False}, "bind_secret_id is False"),
        (ROLE, "auth/approle/role/hosting-tampered", {"token_bound_cidrs": []}, "token_bound_cidrs is empty"),
        (ROLE, "auth/approle/role/hosting-tampered/role-id", {"role_id": "guess"}, "role_id is not the role's name"),
        (SSH_ROLE, "ssh/roles/hosting-tampered", {"allow_host_certificates": True}, "allow_host_certificates is True"),
    ],
    ids=["no secret-id needed", "tokens of use anywhere", "another role-id", "host certificates"],
)
def test_a_setting_that_weakens_a_role_is_seen_and_mended(
    vault_door: OpenBao, engines: Engines, tampered: tuple[VaultResource, str, dict[str, Json], str]
) -> None:
    resource, path, body, deviation = tampered
    vault_door.write(resource)
    assert state(vault_door, resource) == resource.state()
    # Roles of the SSH engine are written whole, those of AppRole attribute by attribute.
    kept = engines.as_root("GET", path)["data"] if path.startswith("ssh/") else {}
    engines.as_root("POST", path, kept | body)
    seen = (vault_door.read().resources or {})[resource.subject]
    assert isinstance(seen, AppRole | SshRole)
    assert deviation in seen.deviations
    vault_door.write(resource)
    assert state(vault_door, resource) == resource.state()
    vault_door.delete(resource)
    assert state(vault_door, resource) is None
    vault_door.delete(resource)


def test_a_policy_changed_by_hand_is_read_as_it_is(vault_door: OpenBao, engines: Engines, region: Region) -> None:
    text = Mark(region.id, PLATFORM).line() + 'path "a" { capabilities = ["read"] }\n'
    policy = Policy(name="hosting-by-hand", owner=PLATFORM, text=text)
    vault_door.write(policy)
    assert state(vault_door, policy) == policy.state()
    engines.as_root("POST", "sys/policies/acl/hosting-by-hand", {"policy": text.replace("read", "update")})
    assert state(vault_door, policy) == replace(policy, text=text.replace("read", "update")).state()
    vault_door.delete(policy)
    assert state(vault_door, policy) is None


def test_a_disabled_key_is_seen_and_enabled_by_writing_it(vault_door: OpenBao, region: Region) -> None:
    key = TransitKey(name="hosting-test-objects", owner="test")
    vault_door.write(key)
    vault_door.set_key_enabled(key.name, False)
    seen = (vault_door.read().resources or {})[key.subject]
    assert isinstance(seen, TransitKey)
    assert seen.deviations == ("soft_deleted is True",)
    vault_door.write(key)
    assert state(vault_door, key) == key.state()


def test_a_key_that_somebody_made_exportable_is_an_error_and_not_taken(vault_door: OpenBao, engines: Engines) -> None:
    engines.as_root("POST", "transit/keys/hosting-test-exportable", {"exportable": True})
    with pytest.raises(EngineError, match="exportable: True, which a vault never takes back"):
        vault_door.write(TransitKey(name="hosting-test-exportable", owner="test"))


def test_a_key_whose_deletion_somebody_allowed_is_protected_again(vault_door: OpenBao, engines: Engines) -> None:
    key = TransitKey(name="hosting-test-deletable", owner="test")
    vault_door.write(key)
    engines.as_root("POST", f"transit/keys/{key.name}/config", {"deletion_allowed": True})
    assert state(vault_door, key) == replace(key, deletion_allowed=True).state()
    vault_door.write(key)
    assert state(vault_door, key) == key.state()


def test_nothing_that_bears_data_is_deleted(vault_door: OpenBao, region: Region) -> None:
    bearing = [item for item in (*vault_resources(region), *secret_entries(region)) if item.data_bearing]
    assert {item.kind for item in bearing} == {
        "secrets-engine",
        "auth-method",
        "ssh-authority",
        "pki-authority",
        "transit-key",
        "secret",
    }
    before = vault_door.read().resources
    for item in bearing:
        with pytest.raises(RefusedError, match="not deleted here"):
            vault_door.delete(item)
    assert vault_door.read().resources == before


def test_another_engine_at_our_mount_is_named_not_replaced(vault_door: OpenBao) -> None:
    from hosting_cli.resources import SecretsEngine

    with pytest.raises(EngineError, match="another engine is mounted there: kv"):
        vault_door.write(SecretsEngine(name="kv", owner=PLATFORM, type="transit"))


def test_an_ssh_authority_is_never_made_twice(vault_door: OpenBao) -> None:
    before = vault_door.trusted_ssh_keys()
    vault_door.write(SshAuthority(name=naming.SSH_MOUNT, owner=PLATFORM))
    assert len(before) == 1
    assert vault_door.trusted_ssh_keys() == before


@pytest.mark.parametrize("requests", range(5))
def test_a_writer_killed_after_any_request_is_taken_up_again(
    operations_access: VaultAccess, region: Region, requests: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = (
        TransitKey(name=f"hosting-killed{requests}-objects", owner=f"killed{requests}"),
        replace(ROLE, name=f"hosting-killed{requests}", policies=("hosting-killed",)),
    )
    for resource in written:
        with monkeypatch.context() as patched:
            limit(patched, requests)
            with contextlib.suppress(Killed):
                OpenBao(operations_access, region=region.id).write(resource)
        door = OpenBao(operations_access, region=region.id)
        door.write(resource)
        assert state(door, resource) == resource.state()


def test_the_mounts_are_the_ones_that_are_read() -> None:
    assert set(vault_reading.ENGINE_MOUNTS) == {"transit", "kv", "pki", "ssh"}
