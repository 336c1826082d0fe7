"""Who may do what, tried with real tokens on the real server."""

import json
import ssl
from collections.abc import Iterator
from http.client import HTTPSConnection
from ipaddress import ip_address, ip_network

import pytest
from engines_lab import HOST_ADDRESS, Engines, secret_entries

from hosting_cli.backups.places import Place
from hosting_cli.doors.openbao import OpenBao
from hosting_cli.errors import EngineError
from hosting_cli.secret import Secret
from inventory import naming
from inventory.models import Application, Region
from inventory.resource import Json
from vault_policies import render
from vault_policies.paths import too_dangerous_to_try, vault_paths_of

FORBIDDEN = 403


@pytest.fixture
def tokens(vault_door: OpenBao, application: Application, host: str) -> Iterator[dict[str, Secret]]:
    policies = {
        "host": naming.host_role(application.id, host),
        "neighbour": naming.NEIGHBOUR_PROBE_POLICY,
        "store": naming.S3_KMS_ROLE,
    }
    made = {name: vault_door.token_for((policy,), ttl_seconds=300) for name, policy in policies.items()}
    yield made
    for token in made.values():
        vault_door.revoke(token)


# -- neighbours ---------------------------------------------------------------------------------------------------


def test_a_neighbour_is_refused_on_every_path_and_the_owner_is_not(
    vault_door: OpenBao, tokens: dict[str, Secret], region: Region, application: Application, place: Place
) -> None:
    """*place* has every entry of the application stored, so that what its host reads depends on nothing else."""
    paths = vault_paths_of(region, application)
    answers = {
        (method, path): vault_door.attempt(tokens["neighbour"], method, path, body) for method, path, body in paths
    }
    assert {request: status for request, status in answers.items() if status != FORBIDDEN} == {}
    own = [path for method, path, _ in paths if method == "GET"]
    readable = {path for path in own if vault_door.attempt(tokens["host"], "GET", path, None) == 200}
    users = (naming.data_user(application.id), naming.backup_user(application.id))
    assert readable == {
        f"kv/data/hosting/{entry}"
        for entry in (
            naming.volume_secret(application.id, place.host, "data", "active"),
            naming.repository_secret(application.id, place.host),
            *(naming.credentials_secret(application.id, user) for user in users),
        )
    }
    assert len(paths) > 90


def test_the_paths_are_real_ones_and_harm_nothing_even_where_they_are_allowed(
    vault_door: OpenBao, root_door: OpenBao, region: Region, application: Application
) -> None:
    """Prove something by the refusals: a misspelt path would be refused to everybody."""
    before, secrets = vault_door.read(), [vault_door.reveal_secret(entry) for entry in secret_entries(region)]
    attempts = vault_paths_of(region, application)
    answers = {(method, path): root_door._client.raw(method, path, body) for method, path, body in attempts}
    unknown = [key for key, answer in answers.items() if "unsupported" in answer.text or "no handler" in answer.text]
    assert unknown == []
    assert FORBIDDEN not in {answer.status_code for answer in answers.values()}
    assert vault_door.read().resources == before.resources
    assert [vault_door.reveal_secret(entry) for entry in secret_entries(region)] == secrets


def test_a_neighbour_may_do_nothing_where_trying_would_destroy(
    vault_door: OpenBao, tokens: dict[str, Secret], application: Application
) -> None:
    paths = too_dangerous_to_try(application)
    assert set(vault_door.capabilities_of(tokens["neighbour"], paths).values()) == {("deny",)}
    assert set(vault_door.capabilities_of(tokens["host"], paths).values()) == {("deny",)}


# -- rights that give rights --------------------------------------------------------------------------------------

KEY = "hosting-imagerie-beaune"


@pytest.fixture(scope="module")
def people(root_door: OpenBao) -> dict[str, Secret]:
    return {"operations": root_door.issue_token("matrix", (render.OPERATIONS_POLICY,), period_seconds=600)}


def test_an_operations_engineer_cannot_allow_a_key_to_be_deleted(
    vault_door: OpenBao, people: dict[str, Secret]
) -> None:
    path = f"transit/keys/{KEY}-objects/config"
    assert vault_door.attempt(people["operations"], "POST", path, {"deletion_allowed": True}) == FORBIDDEN
    assert vault_door.attempt(people["operations"], "POST", path, {"deletion_allowed": False}) == 200


def test_a_token_for_proofs_never_has_the_rights_of_people(vault_door: OpenBao) -> None:
    for policy in render.people():
        with pytest.raises(EngineError):
            vault_door.token_for((policy,), ttl_seconds=60)


ROLE_PATH = "auth/approle/role/hosting-raised"
MINE = "hosting-s3-kms"
ROLE_BODIES: list[tuple[str, dict[str, Json], int]] = [
    (ROLE_PATH, {"token_policies": MINE}, 204),
    (ROLE_PATH, {"token_policies": render.OPERATIONS_POLICY}, FORBIDDEN),
    (ROLE_PATH, {"token_policies": render.APPROVER_POLICY}, FORBIDDEN),
    (ROLE_PATH, {"token_policies": f"{MINE},{render.APPROVER_POLICY}"}, FORBIDDEN),
    (ROLE_PATH, {"token_policies": f" {render.APPROVER_POLICY}"}, FORBIDDEN),
    (ROLE_PATH, {"token_policies": [render.APPROVER_POLICY]}, FORBIDDEN),
    (ROLE_PATH, {"token_policies": [MINE]}, FORBIDDEN),
    (ROLE_PATH, {"token_policies": {"a": render.APPROVER_POLICY}}, 400),
    (ROLE_PATH, {"TOKEN_POLICIES": render.APPROVER_POLICY}, FORBIDDEN),
    (ROLE_PATH, {"policies": render.APPROVER_POLICY}, FORBIDDEN),
    (f"{ROLE_PATH}/policies", {"token_policies": render.APPROVER_POLICY}, FORBIDDEN),
    (f"{ROLE_PATH}/policies", {"token_policies": [render.APPROVER_POLICY]}, FORBIDDEN),
    (f"{ROLE_PATH}/policies", {"policies": render.APPROVER_POLICY}, FORBIDDEN),
    (f"{ROLE_PATH}/custom-secret-id", {"secret_id": "chosen"}, FORBIDDEN),
]


@pytest.mark.parametrize("row", ROLE_BODIES, ids=[f"{path} {body}" for path, body, _ in ROLE_BODIES])
def test_an_operations_engineer_gives_no_role_the_rights_of_people(
    vault_door: OpenBao, root_door: OpenBao, people: dict[str, Secret], row: tuple[str, dict[str, Json], int]
) -> None:
    path, body, status = row
    root_door._client.post(ROLE_PATH, {"token_policies": MINE})
    try:
        assert vault_door.attempt(people["operations"], "POST", path, body) == status
        role = root_door._client.get(ROLE_PATH)
        assert role is not None and role["data"]["token_policies"] == [MINE]
    finally:
        root_door._client.delete(ROLE_PATH)


@pytest.mark.usefixtures("vault_door")
def test_an_operations_engineer_does_not_choose_who_a_token_says_it_is(
    root_door: OpenBao, people: dict[str, Secret]
) -> None:
    path, body = "auth/token/create/hosting-proofs", {"policies": [MINE], "ttl": "60s"}
    for more in ({"display_name": "approver"}, {"entity_alias": "approver"}, {"meta": {"user": "approver"}}):
        assert root_door.attempt(people["operations"], "POST", path, {**body, **more}) == FORBIDDEN
    assert root_door.attempt(people["operations"], "POST", path, body) == 200


def test_identities_tell_people_apart(vault_door: OpenBao, root_door: OpenBao) -> None:
    assert vault_door.identity() == "token-operations"
    assert root_door.identity() == "root"


def test_a_revoked_token_is_of_no_use(vault_door: OpenBao, application: Application, host: str) -> None:
    token = vault_door.token_for((naming.host_role(application.id, host),), ttl_seconds=60)
    assert vault_door.attempt(token, "GET", "auth/token/lookup-self", None) == 200
    vault_door.revoke(token)
    assert vault_door.attempt(token, "GET", "auth/token/lookup-self", None) == FORBIDDEN


# -- identities of hosts ------------------------------------------------------------------------------------------


def request(engines: Engines, source: str, path: str, body: object, token: Secret | None = None) -> tuple[int, dict]:  # type: ignore[type-arg]
    """Send a request from a loopback address, as the vault sees the hosts of a lab."""
    context = ssl.create_default_context(cafile=str(engines.vault.certificates.authority))
    connection = HTTPSConnection("127.0.0.1", engines.vault.port, context=context, source_address=(source, 0))
    headers = {"X-Vault-Token": token.reveal()} if token else {}
    try:
        connection.request("POST" if body is not None else "GET", f"/v1/{path}", json.dumps(body), headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read() or b"{}")
    finally:
        connection.close()


def test_a_secret_id_is_of_use_from_its_host_only(
    vault_door: OpenBao, engines: Engines, region: Region, application: Application, host: str
) -> None:
    role = naming.host_role(application.id, host)
    wrapped, accessor = vault_door.wrapped_secret_id(role, ttl_seconds=60, note={"host": host})
    assert accessor in vault_door.secret_id_accessors(role)
    secret_id = vault_door.unwrapped(wrapped).reveal()
    login = {"role_id": role, "secret_id": secret_id}
    elsewhere, _ = request(engines, "127.0.1.12", "auth/approle/login", login)
    assert elsewhere in {400, 403}
    status, answer = request(engines, HOST_ADDRESS, "auth/approle/login", login)
    assert status == 200
    token = Secret(answer["auth"]["client_token"])
    assert answer["auth"]["token_policies"] == [role]
    path = f"kv/data/hosting/{secret_entries(region)[0].name}"
    assert request(engines, HOST_ADDRESS, path, None, token)[0] == 200
    assert request(engines, "127.0.1.12", path, None, token)[0] == FORBIDDEN
    vault_door.destroy_secret_id(role, accessor)
    vault_door.destroy_secret_id(role, accessor)
    assert accessor not in vault_door.secret_id_accessors(role)
    assert request(engines, HOST_ADDRESS, "auth/approle/login", login)[0] == 400


def test_the_addresses_of_this_test_are_different_ones() -> None:
    assert ip_address(HOST_ADDRESS) in ip_network("127.0.0.0/8")
    assert HOST_ADDRESS != "127.0.1.12"


def test_a_wrapping_token_works_once(vault_door: OpenBao, application: Application, host: str) -> None:
    role = naming.host_role(application.id, host)
    wrapped, accessor = vault_door.wrapped_secret_id(role, ttl_seconds=60, note={})
    vault_door.unwrapped(wrapped)
    with pytest.raises(EngineError, match="wrapping token is not valid"):
        vault_door.unwrapped(wrapped)
    vault_door.destroy_secret_id(role, accessor)


def test_a_role_that_does_not_exist_has_no_secret_ids(vault_door: OpenBao) -> None:
    assert vault_door.secret_id_accessors("hosting-nobody") == ()
    vault_door.destroy_secret_id("hosting-nobody", "none")


# -- ssh ----------------------------------------------------------------------------------------------------------


def test_a_certificate_names_its_principal_and_ends_soon(vault_door: OpenBao) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    public = Ed25519PrivateKey.generate().public_key()
    line = public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
    signed = vault_door.sign_ssh_key(line, role=naming.SSH_OPERATIONS_ROLE, ttl_seconds=600)
    certificate = serialization.load_ssh_public_identity(signed.encode())
    assert isinstance(certificate, serialization.SSHCertificate)
    assert certificate.valid_principals == [b"hosting-operations"]
    assert set(certificate.extensions) == {b"permit-pty"}
    assert 600 <= certificate.valid_before - certificate.valid_after <= 1000
    authority = certificate.signature_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    assert (authority.decode(),) == vault_door.trusted_ssh_keys()


def test_a_certificate_under_a_foreign_role_is_refused(vault_door: OpenBao) -> None:
    with pytest.raises(EngineError, match="Its policy must allow `create or update` on `ssh/sign/hosting-other`"):
        vault_door.sign_ssh_key("ssh-ed25519 AAAA", role="hosting-other", ttl_seconds=60)
