"""Role × path × verb: what each of the people may do and what not, tried with their tokens on the real server."""

import pytest
from engines_lab import Engines

from hosting_cli.doors.openbao import OpenBao
from hosting_cli.secret import Secret
from inventory import naming
from inventory.key_policy import KeyKind
from inventory.models import Application, Region
from inventory.resource import Json
from vault_policies import render

APP, HOST = "imagerie-beaune", "dijon-app-1"
KEY = f"transit/keys/hosting-{APP}-objects"
VOLUME = f"kv/data/hosting/{APP}/volumes/{HOST}/data/active"
ROLE = f"auth/approle/role/{naming.host_role(APP, HOST)}"
FORBIDDEN = 403

ROLES = {
    "operations": (render.OPERATIONS_POLICY,),
    "approver": (render.APPROVER_POLICY,),
    "auditor": (render.AUDITOR_POLICY,),
    "on call": (render.ON_CALL_POLICY,),
    "break-glass": (render.BREAK_GLASS_POLICY,),
    "destruction": (render.OPERATIONS_POLICY, render.DESTRUCTION_POLICY),
    "metrics": (naming.METRICS_POLICY,),
}

# What is asked must do no harm where it is allowed, so that every row can be tried; the letters are those who may, in
# the order of ROLES: o, a(pprover), A(uditor), c(all), g(lass), d(estruction), m(etrics).
MATRIX: list[tuple[str, str, Json, str]] = [
    ("GET", "auth/token/lookup-self", None, "oaAcgdm"),
    ("GET", "sys/mounts", None, "oAd"),
    ("GET", "sys/policies/acl/people-operations", None, "oAd"),
    ("POST", "sys/policies/acl/people-operations", {"policy": ""}, ""),
    ("POST", "sys/policies/acl/people-break-glass", {"policy": ""}, ""),
    ("GET", KEY, None, "oAcgdm"),
    ("POST", f"{KEY}/config", {"deletion_allowed": False}, "od"),
    ("POST", f"{KEY}/config", {"exportable": True}, ""),
    ("POST", f"{KEY}/trim", {"min_available_version": 0}, ""),
    ("POST", f"{KEY}/soft-delete-restore", {}, "ocgd"),
    ("GET", f"transit/export/encryption-key/hosting-{APP}-objects", None, ""),
    ("GET", f"transit/backup/hosting-{APP}-objects", None, ""),
    ("POST", f"transit/encrypt/hosting-{APP}-volumes", {"plaintext": "aGk="}, "od"),
    ("POST", f"transit/decrypt/hosting-{APP}-volumes", {"ciphertext": "vault:v1:bm8="}, "od"),
    ("POST", f"transit/rewrap/hosting-{APP}-volumes", {"ciphertext": "vault:v1:bm8="}, "od"),
    ("GET", VOLUME, None, "oAd"),
    ("GET", VOLUME.replace("/data/", "/metadata/", 1), None, "oAdm"),
    ("GET", "sys/metrics", None, "m"),
    ("POST", VOLUME, {"data": {}, "options": {"cas": 1 << 30}}, "od"),
    ("POST", VOLUME.replace("/data/", "/destroy/", 1), {"versions": [1 << 30]}, ""),
    ("POST", VOLUME.replace("/data/", "/delete/", 1), {"versions": [1 << 30]}, ""),
    ("GET", ROLE, None, "oAcd"),
    ("LIST", f"{ROLE}/secret-id", None, "oAcgdm"),
    ("POST", f"{ROLE}/secret-id-accessor/lookup", {"secret_id_accessor": "none"}, "oAgdm"),
    ("POST", "ssh/sign/hosting-operations", {"public_key": "none"}, "ocd"),
    ("LIST", "ssh/issuers", None, "oAdm"),
    ("POST", "ssh/config/ca", {"private_key": "chosen", "public_key": "chosen"}, ""),
    ("POST", "ssh/issuers/import/next-matrix", {"private_key": "chosen", "public_key": "chosen"}, ""),
    ("POST", "ssh/issuers/import/other", {"generate_signing_key": True}, ""),
    ("POST", "ssh/issuer/none", {"issuer_name": "former-none"}, "od"),
    ("POST", "ssh/issuer/none", {"issuer_name": "other"}, ""),
    ("DELETE", "ssh/issuer/former-none", None, "od"),
    ("DELETE", "ssh/issuer/none", None, ""),
    ("GET", "ssh/roles/rotation-trial", None, "od"),
    ("POST", "ssh/sign/rotation-trial", {"public_key": "none"}, "od"),
    ("POST", f"{ROLE}/secret-id", {"num_uses": -1}, "od"),
    ("GET", "pki/config/crl", None, "oAd"),
    ("LIST", "pki/certs", None, "oAd"),
    ("GET", "pki/roles/hosting-proof", None, "oAd"),
    ("POST", "pki/config/crl", {"disable": True}, ""),
    ("POST", "pki/roles/hosting-matrix", {"allow_any_name": True}, ""),
    ("POST", "pki/roles/other", {}, ""),
    ("POST", "pki/sign/hosting-proof", {"csr": "none"}, "od"),
    ("POST", "pki/issuers/generate/root/exported", {"common_name": "x", "key_type": "none"}, ""),
    ("POST", "pki/issuers/generate/root/internal", {"common_name": "x", "key_type": "none"}, "od"),
    ("POST", "pki/issuers/generate/intermediate/internal", {"common_name": "x", "key_type": "none"}, "od"),
    ("POST", "pki/issuers/generate/intermediate/exported", {"common_name": "x", "key_type": "none"}, ""),
    ("POST", "pki/issuers/import/cert", {"pem_bundle": "none"}, "od"),
    ("LIST", "pki/keys", None, "od"),
    ("POST", "pki/issuers/import/bundle", {"pem_bundle": "none"}, ""),
    ("POST", "pki/issuer/none", {"issuer_name": "other"}, ""),
    ("POST", "pki/key/none", {"key_name": "other"}, ""),
    ("DELETE", "pki/issuer/none", None, ""),
    ("DELETE", "pki/issuer/former-none", None, "od"),
    ("DELETE", "pki/key/none", None, ""),
    ("DELETE", "pki/key/former-none", None, "od"),
    ("POST", "pki/revoke", {"serial_number": "00"}, "od"),
    ("POST", "auth/token/create", {"ttl": "1s"}, ""),
    ("POST", "auth/token/lookup-accessor", {"accessor": "none"}, "g"),
    ("LIST", "auth/token/accessors", None, "g"),
    ("GET", "sys/audit", None, ""),
]
LETTERS = dict(zip("oaAcgdm", ROLES, strict=True))


@pytest.fixture(scope="module")
def people(root_door: OpenBao, vault_door: OpenBao) -> dict[str, Secret]:
    """Give a token of each role, on a vault that has all that the sample needs."""
    assert vault_door.read().resources
    return {
        role: root_door.issue_token(f"matrix-{role.replace(' ', '-')}", policies, period_seconds=600)
        for role, policies in ROLES.items()
    }


@pytest.mark.parametrize("row", MATRIX, ids=[f"{method} {path}" for method, path, _, _ in MATRIX])
def test_each_row_is_allowed_to_those_and_refused_to_all_others(
    vault_door: OpenBao, people: dict[str, Secret], row: tuple[str, str, Json, str]
) -> None:
    method, path, body, letters = row
    answers = {role: vault_door.attempt(token, method, path, body) for role, token in people.items()}
    assert max(answers.values()) < 500
    assert {role for role, status in answers.items() if status != FORBIDDEN} == {LETTERS[it] for it in letters}


DANGEROUS = [
    ("sys/seal", {"break-glass"}),
    (f"{KEY}/soft-delete", {"operations", "break-glass", "destruction"}),
    (f"{KEY}/rotate", {"operations", "destruction"}),
    ("ssh/config/issuers", {"operations", "destruction"}),
    ("auth/token/revoke-accessor", {"break-glass"}),
    (f"{ROLE}/secret-id-accessor/destroy", {"operations", "break-glass", "destruction"}),
]
"""Where even one allowed request would change something: there the vault is asked."""


@pytest.mark.parametrize(("path", "allowed"), DANGEROUS, ids=[path for path, _ in DANGEROUS])
def test_what_is_too_dangerous_to_try_is_allowed_to_those_alone(
    vault_door: OpenBao, people: dict[str, Secret], path: str, allowed: set[str]
) -> None:
    rights = {role: vault_door.capabilities_of(token, (path,))[path] for role, token in people.items()}
    assert {role for role, found in rights.items() if found != ("deny",)} == allowed


def test_only_for_a_destruction_may_a_key_be_deleted(vault_door: OpenBao, people: dict[str, Secret]) -> None:
    for key, allowed in ((KEY, {"destruction"}), (f"transit/keys/{render.SECRETS_KEY}", set[str]())):
        rights = {role: vault_door.capabilities_of(token, (key,))[key] for role, token in people.items()}
        assert {role for role, found in rights.items() if "delete" in found} == allowed


def test_an_auditor_sees_all_keys_and_no_secret(
    engines: Engines, people: dict[str, Secret], region: Region, application: Application, vault_door: OpenBao
) -> None:
    door = OpenBao(engines.vault_access(engines.token_file("auditor", people["auditor"])), region=region.id)
    assert door.keys() == vault_door.keys()
    assert door.keys().unread == {}
    assert door.read().resources == vault_door.read().resources
    assert application.id in {key.owner for key in door.keys().keys}


def test_metrics_see_every_age_and_no_ciphertext(
    engines: Engines, people: dict[str, Secret], region: Region, vault_door: OpenBao
) -> None:
    door = OpenBao(engines.vault_access(engines.token_file("metrics", people["metrics"])), region=region.id)
    seen, everything = door.keys(ages_only=True), vault_door.keys()
    assert seen.unread == {}
    assert {(key.kind, key.name, key.made_at) for key in seen.keys} == {
        (key.kind, key.name, key.made_at) for key in everything.keys
    }
    assert {key.wrapped_version for key in seen.keys} == {None}
    assert door.keys().unread.keys() >= {KeyKind.LUKS_PASSPHRASE}
