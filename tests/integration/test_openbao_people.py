"""Role × path × verb: what each role may do and what not, tried with a token of each on the real server."""

import pytest
from engines_lab import Engines

from hosting_cli.doors.openbao import OpenBao
from hosting_cli.resources import Policy
from hosting_cli.secret import Secret
from inventory import naming
from inventory.key_policy import KeyKind
from inventory.models import Application, Region
from inventory.resource import PLATFORM, Json
from vault_policies import render

APP, HOST, GATEWAY = "imagerie-beaune", "dijon-app-1", "dijon-gateway-1"
KEY = f"transit/keys/hosting-{APP}-objects"
VOLUME = f"kv/data/hosting/{APP}/volumes/{HOST}/data/active"
ROLE = f"auth/approle/role/{naming.host_role(APP, HOST)}"
NO_KEY = "transit/keys/hosting-nobody-objects"
CREDENTIALS = f"kv/data/hosting/{APP}/object-store"
FORBIDDEN = 403

NOTHING: Json = {"ciphertext": "vault:v1:bm8="}
"""What no key has ever encrypted."""

UNWRITTEN: Json = {"data": {}, "options": {"cas": 1 << 30}}
"""What is written only on top of a version that no entry ever has."""

ROLES = {
    "operations": (render.OPERATIONS_POLICY,),
    "approver": (render.APPROVER_POLICY,),
    "auditor": (render.AUDITOR_POLICY,),
    "on call": (render.ON_CALL_POLICY,),
    "break-glass": (render.BREAK_GLASS_POLICY,),
    "destruction": (render.OPERATIONS_POLICY, render.DESTRUCTION_POLICY),
    "metrics": (naming.METRICS_POLICY,),
    "host": (naming.host_role(APP, HOST),),
    "prune": (naming.prune_user(APP),),
    "copy": (naming.copy_user(APP),),
    "store": (naming.S3_KMS_ROLE,),
    "gateway": (naming.host_role(PLATFORM, GATEWAY),),
}
"""People, and what works without them: an application on its host, whoever prunes and copies, the object store, a
gateway that ends tunnels.
"""

# What is asked must do no harm where it is allowed, so that every row can be tried; the letters are those who may, in
# the order of ROLES: o, a(pprover), A(uditor), c(all), g(lass), d(estruction), m(etrics), h(ost), p(rune), k(copy),
# s(tore), (gate)w(ay).
MATRIX: list[tuple[str, str, Json, str]] = [
    ("GET", "auth/token/lookup-self", None, "oaAcgdmhpkw"),
    ("GET", "sys/mounts", None, "oAd"),
    ("GET", "sys/policies/acl/people-operations", None, "oAd"),
    ("POST", "sys/policies/acl/people-operations", {"policy": ""}, ""),
    ("POST", "sys/policies/acl/people-break-glass", {"policy": ""}, ""),
    ("GET", KEY, None, "oAcgdms"),
    ("POST", f"{KEY}/config", {"deletion_allowed": False}, "od"),
    ("POST", f"{KEY}/config", {"exportable": True}, ""),
    ("POST", f"{KEY}/trim", {"min_available_version": 0}, ""),
    ("POST", f"{KEY}/soft-delete-restore", {}, "ocgd"),
    ("POST", f"transit/sign/{render.SIGNING_KEY}", {"input": "aGk="}, "od"),
    ("POST", f"transit/verify/{render.SIGNING_KEY}", {"input": "aGk=", "signature": "vault:v1:bm8="}, "oAd"),
    ("GET", f"transit/export/signing-key/{render.SIGNING_KEY}", None, ""),
    ("GET", f"transit/export/encryption-key/hosting-{APP}-objects", None, ""),
    ("GET", f"transit/backup/hosting-{APP}-objects", None, ""),
    ("POST", f"transit/encrypt/hosting-{APP}-volumes", {"plaintext": "aGk="}, "od"),
    ("POST", f"transit/encrypt/hosting-{APP}-objects", {"plaintext": "aGk="}, "ods"),
    ("POST", f"transit/encrypt/hosting-{APP}-backups", {"plaintext": "aGk="}, "ods"),
    ("POST", f"transit/encrypt/{render.SECRETS_KEY}", {"plaintext": "aGk="}, "od"),
    ("POST", f"transit/decrypt/hosting-{APP}-volumes", NOTHING, "odh"),
    ("POST", f"transit/decrypt/hosting-{APP}-objects", NOTHING, "odhs"),
    ("POST", f"transit/decrypt/hosting-{APP}-backups", NOTHING, "odhpks"),
    ("POST", f"transit/decrypt/{render.SECRETS_KEY}", NOTHING, "od"),
    ("POST", f"transit/decrypt/{render.READING_KEY}", NOTHING, "oAd"),
    ("POST", f"transit/encrypt/{render.READING_KEY}", {"plaintext": "aGk="}, "od"),
    ("POST", f"transit/rewrap/hosting-{APP}-volumes", NOTHING, "od"),
    ("GET", VOLUME, None, "oAdh"),
    ("GET", VOLUME.replace("active", "recovery"), None, "oAd"),
    ("GET", VOLUME.replace(HOST, "dijon-app-2"), None, "oAd"),
    ("GET", f"kv/data/hosting/{APP}/backups/{HOST}/repository", None, "oAdhp"),
    ("GET", f"kv/data/hosting/{APP}/backups/dijon-app-2/repository", None, "oAdp"),
    ("GET", f"{CREDENTIALS}/hosting-{APP}", None, "oAdh"),
    ("GET", f"{CREDENTIALS}/hosting-{APP}-backup", None, "oAdh"),
    ("GET", f"{CREDENTIALS}/hosting-{APP}-prune", None, "oAdp"),
    ("GET", f"{CREDENTIALS}/hosting-{APP}-copy-prune", None, "oAdp"),
    ("GET", f"{CREDENTIALS}/hosting-{APP}-copy", None, "oAdk"),
    ("GET", f"{CREDENTIALS}/hosting-{APP}-copy-reader", None, "oAdk"),
    ("GET", CREDENTIALS.replace(APP, "another"), None, "oAd"),
    ("GET", "kv/data/hosting/platform/object-store-admin", None, "oAd"),
    ("GET", "kv/data/somebody/else", None, ""),
    ("GET", "kv/data/leases/nobody", None, "ocd"),
    ("POST", "kv/data/leases/nobody", UNWRITTEN, "ocd"),
    ("POST", "kv/destroy/leases/nobody", {"versions": [1 << 30]}, ""),
    ("LIST", f"kv/metadata/hosting/{APP}/", None, "oAdm"),
    ("POST", f"kv/data/hosting/{APP}/backups/{HOST}/repository", UNWRITTEN, "od"),
    ("POST", f"{CREDENTIALS}/hosting-{APP}-prune", UNWRITTEN, "od"),
    ("GET", VOLUME.replace("/data/", "/metadata/", 1), None, "oAdm"),
    ("GET", "sys/metrics", None, "m"),
    ("POST", VOLUME, UNWRITTEN, "od"),
    ("POST", VOLUME.replace("/data/", "/destroy/", 1), {"versions": [1 << 30]}, ""),
    ("POST", VOLUME.replace("/data/", "/delete/", 1), {"versions": [1 << 30]}, ""),
    ("GET", ROLE, None, "oAcd"),
    ("LIST", f"{ROLE}/secret-id", None, "oAcgdm"),
    ("POST", f"{ROLE}/secret-id/lookup", {"secret_id": "none"}, "h"),
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
    ("LIST", "pki/certs", None, "oAdm"),
    ("GET", "pki/roles/hosting-proof", None, "oAd"),
    ("POST", "pki/config/crl", {"disable": True}, ""),
    ("POST", "pki/roles/hosting-matrix", {"allow_any_name": True}, ""),
    ("POST", "pki/roles/other", {}, ""),
    ("POST", "pki/sign/hosting-proof", {"csr": "none"}, "od"),
    ("POST", "pki/sign/hosting-peer-beaune", {"csr": "none"}, "od"),
    ("POST", f"pki/sign/hosting-gateway-{GATEWAY}", {"csr": "none"}, "w"),
    ("POST", "pki/sign/hosting-gateway-other", {"csr": "none"}, ""),
    ("POST", "pki/issuers/generate/root/exported", {"common_name": "x", "key_type": "none"}, ""),
    ("POST", "pki/issuers/generate/root/internal", {"common_name": "x", "key_type": "none"}, "od"),
    ("POST", "pki/issuers/generate/root/existing", {"common_name": "x", "key_ref": "none"}, "od"),
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
    ("POST", "auth/token/lookup-accessor", {"accessor": "none"}, "oAgd"),
    ("LIST", "auth/token/accessors", None, "oAgd"),
    ("POST", "auth/token/revoke-accessor", {"accessor": "none"}, "g"),
    ("POST", "auth/token/renew-self", {"increment": "60s"}, "oaAcgdmhpk"),
    ("GET", "sys/audit", None, "oAd"),
    ("POST", "sys/audit/matrix", {"type": "none"}, ""),
    ("GET", "sys/policies/acl/root", None, ""),
    # The same of what does not exist, where it would change something of what does.
    ("DELETE", f"{NO_KEY}/soft-delete", None, "ogd"),
    ("DELETE", NO_KEY, None, "d"),
    ("POST", f"{NO_KEY}/rotate", {}, "od"),
    ("POST", "ssh/config/issuers", {"default": "none"}, "od"),
    ("POST", "pki/config/issuers", {"default": "none"}, "od"),
    ("POST", f"{ROLE}/secret-id-accessor/destroy", {"secret_id_accessor": "none"}, "ogd"),
]
LETTERS = dict(zip("oaAcgdmhpksw", ROLES, strict=True))


@pytest.fixture(scope="module")
def people(root_door: OpenBao, vault_door: OpenBao, region: Region, application: Application) -> dict[str, Secret]:
    """Give a token of each role, on a vault that has all that the sample needs, and would if it kept second copies."""
    assert vault_door.read().resources
    for name, text in (
        (naming.prune_user(APP), render.backup_prune(region, application)),
        (naming.copy_user(APP), render.backup_copy(region, application)),
    ):
        vault_door.write(Policy(name=name, owner=APP, text=text))
    own = Policy(name=naming.host_role(PLATFORM, GATEWAY), owner=PLATFORM, text=render.gateway(region, GATEWAY))
    vault_door.write(own)
    without_people = {role: vault_door.token_for(ROLES[role], ttl_seconds=600) for role in ("host", "store", "gateway")}
    return {
        role: root_door.issue_token(f"matrix-{role.replace(' ', '-')}", policies, period_seconds=600)
        for role, policies in ROLES.items()
    } | without_people


@pytest.mark.parametrize("row", MATRIX, ids=[f"{method} {path}" for method, path, _, _ in MATRIX])
def test_each_row_is_allowed_to_those_and_refused_to_all_others(
    vault_door: OpenBao, people: dict[str, Secret], row: tuple[str, str, Json, str]
) -> None:
    method, path, body, letters = row
    answers = {role: vault_door.attempt(token, method, path, body) for role, token in people.items()}
    assert {role for role, status in answers.items() if status != FORBIDDEN} == {LETTERS[it] for it in letters}


def test_only_a_sealed_envelope_seals_the_vault(vault_door: OpenBao, people: dict[str, Secret]) -> None:
    """The one row whose only form would stop everything: there the vault is asked."""
    rights = {role: vault_door.capabilities_of(token, ("sys/seal",))["sys/seal"] for role, token in people.items()}
    assert {role for role, found in rights.items() if found != ("deny",)} == {"break-glass"}


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
    assert door.pki.issued() == vault_door.pki.issued()
    assert door.keys().unread.keys() >= {KeyKind.LUKS_PASSPHRASE}
