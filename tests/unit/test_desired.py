"""What should be on the vault and the object store, for the sample region and for regions of any size."""

import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from graphlib import TopologicalSorter
from ipaddress import IPv4Network
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, TypeVar

import pytest
from fake_doors import STORE
from sample import APPLICATION, FOLDER, HOST, NOW, PUBLISHED, environment, environment_of, region

from deploys.desired import Published
from deploys.resources import HostResource, HostUnit, HostVolume
from hosting_cli import desired as desired_module
from hosting_cli.desired import CERTIFICATE_SECONDS, TOKEN_SECONDS, desired, provisioner_entry
from hosting_cli.desired_buckets import evidence_user_of
from hosting_cli.desired_links import LONGEST_LINK_DAYS
from hosting_cli.resources import (
    AccessKey,
    AppRole,
    AuthMethod,
    Bucket,
    HeaderCopy,
    PkiAuthority,
    PkiRole,
    Policy,
    SecretEntry,
    SecretPurpose,
    SecretsEngine,
    SshRole,
    StoreResource,
    StoreUser,
    TransitKey,
    VaultResource,
)
from inventory import naming
from inventory.environment import Environment
from inventory.load import load_region, locate_region
from inventory.models import Region
from inventory.resource import PLATFORM, Resource, Subject
from inventory.rules.names import RESERVED, generated_names
from tests.unit.inventory.large_region import LargeRegion
from vault_policies import render

if TYPE_CHECKING:
    from _typeshed import TraceFunction

Kind = TypeVar("Kind", bound=Resource)


@cache
def of_sample() -> dict[Subject, Resource]:
    return desired(region(), environment(), PUBLISHED)


def every(kind: type[Kind], found: dict[Subject, Resource] | None = None) -> dict[str, Kind]:
    everything = of_sample() if found is None else found
    return {resource.name: resource for resource in everything.values() if isinstance(resource, kind)}


@cache
def generated(factor: float) -> tuple[Region, Environment]:
    files = LargeRegion(factor)
    files.flows //= 4
    with tempfile.TemporaryDirectory() as folder:
        files.write(Path(folder) / "region")
        made = load_region(Path(folder) / "region", NOW.date())
    return made, environment_of(made)


@cache
def of_generated(factor: float) -> dict[Subject, Resource]:
    return desired(*generated(factor), PUBLISHED)


SMALL = 0.02
"""How much of the whole of Bourgogne-Franche-Comté: 5 applications on 23 hosts, with 71 flows."""

REGIONS: dict[str, Callable[[], dict[Subject, Resource]]] = {
    "sample": of_sample,
    "generated": lambda: of_generated(SMALL),
}


# -- the vault ----------------------------------------------------------------------------------------------------


def test_the_engines_that_everything_stands_on_are_asked_for() -> None:
    engines = {name: (engine.type, engine.version) for name, engine in every(SecretsEngine).items()}
    assert engines == {"transit": ("transit", None), "kv": ("kv", 2), "pki": ("pki", None), "ssh": ("ssh", None)}
    assert every(AuthMethod)["approle"].type == "approle"


def test_an_application_has_a_key_for_each_purpose() -> None:
    keys = {name for name, key in every(TransitKey).items() if key.owner == APPLICATION}
    assert keys == {f"hosting-{APPLICATION}-{purpose}" for purpose in ("objects", "volumes", "backups")}


@pytest.mark.parametrize("name", sorted(every(TransitKey)))
def test_no_key_can_be_exported_or_deleted(name: str) -> None:
    key = every(TransitKey)[name]
    assert (key.exportable, key.deletion_allowed) == (False, False)


def test_an_application_has_an_identity_on_each_host_bound_to_what_the_vault_sees() -> None:
    role = every(AppRole)[naming.host_role(APPLICATION, HOST)]
    assert role.bound_cidrs == (str(environment().hosts[HOST].vault_sees),)
    assert IPv4Network(role.bound_cidrs[0]).num_addresses == 1
    assert role.policies == (role.name,)
    assert role.token_ttl_seconds <= role.token_max_ttl_seconds == TOKEN_SECONDS


def test_the_object_store_has_an_identity_bound_to_what_the_vault_sees() -> None:
    role = every(AppRole)[naming.S3_KMS_ROLE]
    assert role.bound_cidrs == (str(environment().object_stores[STORE].vault_sees),)


def test_every_role_has_a_policy_that_is_asked_for_too() -> None:
    assert {policy for role in every(AppRole).values() for policy in role.policies} <= every(Policy).keys()


def test_the_store_may_use_the_keys_of_buckets_and_the_one_it_is_probed_with() -> None:
    text = every(Policy)[naming.S3_KMS_ROLE].text
    keys = {bucket.encryption_key for bucket in every(Bucket).values()} | {naming.transit_key(PLATFORM, "probe")}
    assert {key for key in every(TransitKey) if f'path "transit/decrypt/{key}"' in text} == keys


def test_operators_get_certificates_that_end_with_their_work() -> None:
    role = every(SshRole)["ssh/hosting-operations"]
    assert (role.principals, role.ttl_seconds) == (("hosting-operations",), CERTIFICATE_SECONDS)
    assert CERTIFICATE_SECONDS <= 3600


def test_the_authority_of_links_outlives_what_it_may_issue_last_and_is_proven_by_a_name_that_cannot_exist() -> None:
    authority, role = every(PkiAuthority)["pki"], every(PkiRole)["pki/hosting-proof"]
    limit = region().key_policy.limits.pki_authority.days
    assert (authority.algorithm, authority.validity_days - limit) == ("ecdsa-secp384r1-sha384", LONGEST_LINK_DAYS)
    assert (authority.organization, authority.country) == (region().operator.name, region().operator.country)
    assert (role.names, role.ttl_seconds) == (("proof.hosting.invalid",), 300)


def test_a_volume_has_two_passphrases_wrapped_by_the_volumes_key() -> None:
    entries = every(SecretEntry)
    slots = {slot: entries[f"{APPLICATION}/volumes/{HOST}/data/{slot}"] for slot in ("active", "recovery")}
    assert {slot: entry.purpose for slot, entry in slots.items()} == {
        "active": SecretPurpose.LUKS_PASSPHRASE,
        "recovery": SecretPurpose.LUKS_RECOVERY,
    }
    assert {entry.wrapped_by for entry in slots.values()} == {f"hosting-{APPLICATION}-volumes"}


def test_a_repository_has_a_password_wrapped_by_the_backups_key() -> None:
    entry = every(SecretEntry)[f"{APPLICATION}/backups/{HOST}/repository"]
    assert (entry.purpose, entry.wrapped_by) == (SecretPurpose.RESTIC_PASSWORD, f"hosting-{APPLICATION}-backups")


def test_credentials_of_the_provisioner_are_wrapped_by_a_key_of_the_platform() -> None:
    entry = provisioner_entry(environment().object_stores[STORE])
    assert (entry.owner, entry.name) == (PLATFORM, environment().object_stores[STORE].credentials)
    assert entry.wrapped_by in every(TransitKey)


# -- the object store ---------------------------------------------------------------------------------------------


def test_buckets_are_encrypted_under_the_key_of_their_purpose() -> None:
    keys = {name: bucket.encryption_key for name, bucket in every(Bucket).items()}
    assert keys == {
        f"bfc-{APPLICATION}-images": f"hosting-{APPLICATION}-objects",
        f"bfc-{APPLICATION}-backup": f"hosting-{APPLICATION}-backups",
        "bfc-platform-evidence": "hosting-platform-evidence",
        "bfc-platform-logs": "hosting-platform-logs",
    }


@pytest.mark.parametrize("name", sorted(every(Bucket)))
def test_every_bucket_is_versioned_and_refuses_what_is_not_tls(name: str) -> None:
    bucket = every(Bucket)[name]
    assert bucket.versioning
    (statement,) = json.loads(bucket.policy or "{}")["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]


def test_backups_are_locked_and_objects_are_not() -> None:
    buckets = every(Bucket)
    backup, images = buckets[f"bfc-{APPLICATION}-backup"], buckets[f"bfc-{APPLICATION}-images"]
    assert (backup.lock_mode, backup.lock_days) == ("compliance", 30)
    assert (images.lock_mode, images.lock_days, images.noncurrent_days) == (None, None, 90)


def test_a_bucket_has_the_quota_that_its_file_asks_for() -> None:
    (own,) = region().applications
    limited = own.model_copy(update={"buckets": tuple(it.model_copy(update={"quota_gib": 500}) for it in own.buckets)})
    found = desired(region().model_copy(update={"applications": (limited,)}), environment(), PUBLISHED)
    quotas = {name: bucket.quota_gib for name, bucket in every(Bucket, found).items() if bucket.quota_gib}
    assert quotas == {f"bfc-{APPLICATION}-images": 500}


def test_evidence_and_logs_are_locked_and_only_logs_expire() -> None:
    buckets = every(Bucket)
    evidence, logs = buckets["bfc-platform-evidence"], buckets["bfc-platform-logs"]
    assert (evidence.lock_mode, evidence.lock_days, evidence.expire_days) == ("compliance", 1095, None)
    assert (logs.lock_mode, logs.lock_days, logs.expire_days) == ("compliance", 365, 365)
    assert (evidence.owner, logs.owner) == (PLATFORM, PLATFORM)


def test_a_region_that_names_no_store_for_them_has_neither() -> None:
    bare = region().model_copy(update={"evidence": None, "logs": None})
    names = {subject.name for subject in desired(bare, environment(), PUBLISHED)}
    assert not {name for name in names if "evidence" in name or "logs" in name}
    assert naming.EVIDENCE_USER in {subject.name for subject in of_sample()}


@pytest.mark.parametrize(
    ("policies", "user"),
    [
        ({naming.AUDITOR_POLICY, "default"}, naming.EVIDENCE_READER),
        ({naming.OPERATIONS_POLICY, "default"}, naming.EVIDENCE_USER),
        ({naming.OPERATIONS_POLICY, naming.AUDITOR_POLICY}, naming.EVIDENCE_USER),
    ],
    ids=["an auditor reads", "operations add", "who is both adds"],
)
def test_the_evidence_is_opened_as_the_user_that_fits_somebodys_rights(policies: set[str], user: str) -> None:
    assert evidence_user_of(frozenset(policies)) == user


def reached_by(user: StoreUser) -> set[str]:
    """Name the buckets that the user's policy speaks of."""
    resources = [
        name
        for statement in json.loads(user.policy or "{}")["Statement"]
        for name in ([statement["Resource"]] if isinstance(statement["Resource"], str) else statement["Resource"])
    ]
    assert all(name.startswith("arn:aws:s3:::") for name in resources)
    return {name.removeprefix("arn:aws:s3:::").partition("/")[0] for name in resources}


def test_a_user_reaches_only_its_buckets() -> None:
    assert {name: reached_by(user) for name, user in every(StoreUser).items()} == {
        f"hosting-{APPLICATION}": {f"bfc-{APPLICATION}-images"},
        f"hosting-{APPLICATION}-backup": {f"bfc-{APPLICATION}-backup"},
        f"hosting-{APPLICATION}-prune": {f"bfc-{APPLICATION}-backup"},
        "hosting-platform-evidence": {"bfc-platform-evidence"},
        "hosting-platform-evidence-reader": {"bfc-platform-evidence"},
    }


def test_who_writes_backups_cannot_remove_them() -> None:
    policy = json.loads(every(StoreUser)[naming.backup_user(APPLICATION)].policy or "{}")
    removing = [
        statement["Resource"] for statement in policy["Statement"] if "s3:DeleteObject" in str(statement["Action"])
    ]
    assert removing == [f"arn:aws:s3:::bfc-{APPLICATION}-backup/{HOST}/locks/*"]
    assert "s3:DeleteObjectVersion" not in str(policy)
    assert "s3:BypassGovernanceRetention" not in str(policy)


def test_every_user_has_one_access_key_whose_secret_half_the_vault_keeps() -> None:
    keys = every(AccessKey)
    assert keys.keys() == every(StoreUser).keys()
    assert {key.secret for key in keys.values()} == {f"{key.owner}/object-store/{name}" for name, key in keys.items()}
    assert keys[naming.backup_user(APPLICATION)].wrapped_by == f"hosting-{APPLICATION}-backups"


# -- prerequisites ------------------------------------------------------------------------------------------------


def requirements(found: dict[Subject, Resource]) -> dict[Subject, set[Subject]]:
    return {subject: set(resource.requires) for subject, resource in found.items()}


@pytest.mark.parametrize("which", ["sample", "generated"])
def test_whatever_is_required_is_asked_for_too(which: str) -> None:
    found = REGIONS[which]()
    required = set().union(*requirements(found).values())
    assert required - found.keys() == set()


@pytest.mark.parametrize("which", ["sample", "generated"])
def test_prerequisites_have_no_circle(which: str) -> None:
    found = REGIONS[which]()
    order = list(TopologicalSorter(requirements(found)).static_order())
    assert len(order) == len(found)


@pytest.mark.parametrize(
    ("later", "earlier"),
    [
        pytest.param(Bucket, TransitKey, id="a bucket waits for its key"),
        pytest.param(StoreUser, Bucket, id="a user waits for its buckets"),
        pytest.param(AccessKey, StoreUser, id="an access key waits for its user"),
        pytest.param(SecretEntry, TransitKey, id="a secret waits for the key that wraps it"),
        pytest.param(AppRole, Policy, id="an identity waits for its policy"),
        pytest.param(TransitKey, SecretsEngine, id="a key waits for its engine"),
        pytest.param(HostVolume, SecretEntry, id="a volume waits for its passphrases"),
    ],
)
def test_what_must_be_there_first(later: type[Resource], earlier: type[Resource]) -> None:
    for resource in every(later).values():
        assert any(required.kind == earlier.kind for required in resource.requires), resource.subject


def test_a_backup_waits_for_the_access_key_and_the_bucket_that_it_writes_with() -> None:
    timer = every(HostUnit)[f"{HOST}:hosting-backup-{APPLICATION}.timer"]
    assert {
        Subject(AccessKey.kind, naming.backup_user(APPLICATION)),
        Subject(Bucket.kind, f"bfc-{APPLICATION}-backup"),
    } <= set(timer.requires)


# -- one application cannot see another ---------------------------------------------------------------------------


def words_of(resource: Resource) -> str:
    """Give everything that *resource* says, contents that are not compared included."""
    return json.dumps([vars(resource), [str(subject) for subject in resource.requires]], default=str)


def secret_names(application: str, everything: dict[Subject, Resource]) -> Iterator[str]:
    """Name what nobody but *application* may be told the way to."""
    for resource in everything.values():
        if resource.owner == application and isinstance(resource, TransitKey | Bucket | StoreUser | AppRole):
            yield resource.name
        if resource.owner == application and isinstance(resource, SecretEntry):
            yield resource.name


def test_nothing_of_an_application_speaks_of_what_is_anothers() -> None:
    everything = of_generated(SMALL)
    applications = sorted({resource.owner for resource in everything.values()} - {PLATFORM})
    assert len(applications) > 1
    names = {application: set(secret_names(application, everything)) for application in applications}
    for application in applications:
        foreign = set().union(*(names[other] for other in applications if other != application))
        telling = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, sorted(foreign)))})(?![\w-])")
        for resource in everything.values():
            if resource.owner == application:
                assert telling.findall(words_of(resource)) == [], resource.subject


def test_a_policy_names_paths_of_its_own_application_only() -> None:
    everything = of_generated(SMALL)
    for policy in every(Policy, everything).values():
        if policy.owner == PLATFORM:
            continue
        paths = [line.split('"')[1] for line in policy.text.splitlines() if line.startswith("path ")]
        shared = {"auth/token/lookup-self", "auth/token/renew-self", "auth/token/revoke-self"}
        assert [path for path in paths if path not in shared and policy.owner not in path] == []
        assert not [path for path in paths if path.endswith("*")]


def test_every_resource_of_an_application_is_its_own() -> None:
    """Names differ between applications: whoever is read by name reads one application's thing."""
    owners: dict[Subject, set[str]] = {}
    made, where = generated(SMALL)
    for application in made.applications:
        for resource in desired_module.of_application(made, where, application):
            owners.setdefault(resource.subject, set()).add(resource.owner)
    assert [subject for subject, found in owners.items() if len(found) > 1] == []


# -- the function -------------------------------------------------------------------------------------------------


def test_the_same_files_give_the_same_resources() -> None:
    assert desired(region(), environment(), PUBLISHED) == of_sample()


def test_the_key_of_the_ssh_authority_changes_no_state() -> None:
    before = desired(region(), environment(), Published((), PUBLISHED.certificate_authority))
    assert {s: r.state() for s, r in before.items()} == {s: r.state() for s, r in of_sample().items()}


def test_every_source_is_one_that_is_read() -> None:
    sources = {resource.source for resource in of_sample().values()}
    assert sources == {
        "vault",
        "object-store dijon-objects",
        f"host {HOST}",
        "host dijon-gateway-1",
        f"header-copies of {HOST}",
    }
    assert all(isinstance(r, VaultResource | StoreResource | HostResource | HeaderCopy) for r in of_sample().values())


def lines_run(factor: float) -> int:
    """Count the lines of Python that the desired state of a region takes: a time that no busy machine changes."""
    made, where = generated(factor)
    count = 0

    def trace(_frame: FrameType, event: str, _argument: object) -> "TraceFunction":
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        desired(made, where, PUBLISHED)
    finally:
        sys.settrace(before)
    return count


def test_twice_the_region_takes_at_most_twice_the_work() -> None:
    assert lines_run(2 * SMALL) <= 2.3 * lines_run(SMALL)


# -- names --------------------------------------------------------------------------------------------------------


def test_every_name_that_is_made_for_an_application_is_held_against_those_of_others() -> None:
    """The rule on names computes them without the engines' resources: it must know every kind of them."""
    located, _ = locate_region(FOLDER, NOW.date())
    assert located.sheet is not None
    (place,) = located.applications
    known = {(name.space, name.text) for name in generated_names(located.sheet.value, place)}
    spaces = {"key": TransitKey, "role": Policy, "user": StoreUser, "bucket": Bucket}
    made = {
        (space, resource.name)
        for space, kind in spaces.items()
        for resource in every(kind).values()
        if resource.owner == APPLICATION
    }
    labels = {("volume", volume.label) for volume in every(HostVolume).values()}
    for_a_while = {("user", naming.restore_user(APPLICATION))}
    assert known == made | labels | {("application", APPLICATION)} | for_a_while
    hosts = {role.name for role in every(AppRole).values() if role.owner == APPLICATION}
    assert hosts | {naming.prune_user(APPLICATION)} == {name for space, name in known if space == "role"}


def test_no_application_can_be_given_a_name_of_the_platform() -> None:
    platforms = {
        resource.name for resource in (*every(Policy).values(), *every(AppRole).values()) if is_platform(resource)
    }
    hosts = {naming.host_role(PLATFORM, host.id) for host in region().hosts}
    assert {("role", name) for name in platforms - hosts} == {key for key in RESERVED if key[0] == "role"}
    assert not [name for name in render.people() if name.startswith(naming.PREFIX)]
    keys = {naming.transit_key(PLATFORM, name.rpartition("-")[2]) for name in every(TransitKey) if "platform" in name}
    assert keys == {key.name for key in every(TransitKey).values() if is_platform(key)}
    assert ("application", PLATFORM) in RESERVED


def is_platform(resource: Resource) -> bool:
    return resource.owner == PLATFORM
