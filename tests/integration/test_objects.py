import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from http.client import HTTPConnection, HTTPException
from itertools import count
from time import monotonic, sleep
from typing import Any

import pytest
from dying import Killed
from engines_lab import STORE, Engines, backup_bucket, data_bucket, data_user, log_bucket

from hosting_cli import capabilities, store_policies
from hosting_cli.capabilities import Support
from hosting_cli.doors import store_buckets, store_probes, store_quotas, store_scratch
from hosting_cli.doors.objects import ObjectStoreDoor
from hosting_cli.doors.openbao import OpenBao
from hosting_cli.doors.store_client import StoreClient
from hosting_cli.errors import EngineError, RefusedError
from hosting_cli.plan import Change, Finding, compare
from hosting_cli.resources import AccessKey, Bucket, StoreResource, StoreUser
from hosting_cli.secret import Secret
from inventory import naming
from inventory.models import Region

NUMBERS = count()
QUOTA = {"seaweedfs-quota": ""}


def name() -> str:
    return f"bfc-test-{next(NUMBERS)}"


def state(door: ObjectStoreDoor, resource: StoreResource) -> object:
    """Read one resource as the door reads all of them, which takes a while when tests have made many."""
    if isinstance(resource, Bucket):
        found: StoreResource | None = store_buckets.read_bucket(door._client, resource.name, STORE, door._region)
    else:
        found = (door.read().resources or {}).get(resource.subject)  # type: ignore[assignment]
    return found and found.state()


def raw(door: ObjectStoreDoor) -> Any:
    """Give the client beneath *door*, to do what somebody else might do."""
    return door._client.s3


# -- resources ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        data_bucket,
        backup_bucket,
        log_bucket,
        lambda it: replace(data_bucket(it), expire_days=400),
        lambda it: data_bucket(it, noncurrent_days=None),
        lambda it: replace(data_bucket(it), quota_gib=500),
        lambda it: data_user(it, "b"),
    ],
    ids=["data bucket", "backup bucket", "log bucket", "both lifecycle rules", "without lifecycle", "quota", "user"],
)
def test_what_was_written_reads_back_and_writing_again_changes_nothing(store_door: ObjectStoreDoor, make: Any) -> None:
    resource = make(name())
    resource = replace(resource, name=f"hosting-{resource.name}") if isinstance(resource, StoreUser) else resource
    store_door.write(resource)
    first = state(store_door, resource)
    store_door.write(resource)
    assert first is not None
    assert state(store_door, resource) == first
    assert (
        first == (replace(resource, owner=resource.name[8:]) if make(name()).kind == "store-user" else resource).state()
    )


def encrypt_under_another_key(s3: Any, bucket: str) -> None:
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "hosting-another"}
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=rules)


def say_that_another_owns_it(s3: Any, bucket: str) -> None:
    tags = {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket=bucket)["TagSet"]} | {"owner": "another"}
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": k, "Value": v} for k, v in tags.items()]})


def let_everybody_read(s3: Any, bucket: str) -> None:
    granted = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [granted]}))


def test_a_user_belongs_to_whoever_owns_its_buckets(store_door: ObjectStoreDoor) -> None:
    bucket = replace(data_bucket(name()), owner="an-app-backup")
    user = replace(data_user(f"hosting-{name()}", bucket.name), owner="an-app-backup")
    store_door.write(bucket)
    store_door.write(user)
    assert state(store_door, user) == user.state()


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (lambda s3, it: s3.delete_bucket_encryption(Bucket=it), {"encryption_key": None}),
        (encrypt_under_another_key, {"encryption_key": "hosting-another"}),
        (say_that_another_owns_it, {"owner": "another"}),
        (
            lambda s3, it: s3.put_bucket_versioning(Bucket=it, VersioningConfiguration={"Status": "Suspended"}),
            {"versioning": False},
        ),
        (lambda s3, it: s3.delete_bucket_policy(Bucket=it), {"policy": None}),
        (lambda s3, it: s3.delete_bucket_lifecycle(Bucket=it), {"noncurrent_days": None}),
        (
            lambda s3, it: s3.put_bucket_lifecycle_configuration(
                Bucket=it,
                LifecycleConfiguration={
                    "Rules": [{"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]
                },
            ),
            {"noncurrent_days": None, "deviations": ["lifecycle rule x"]},
        ),
        (
            lambda s3, it: s3.put_bucket_acl(Bucket=it, ACL="public-read"),
            {"public_access": ["READ for everybody"]},
        ),
        (
            lambda s3, it: s3.put_bucket_cors(
                Bucket=it,
                CORSConfiguration={"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["https://x.example"]}]},
            ),
            {"cross_origin": ["https://x.example"]},
        ),
    ],
    ids=[
        "no encryption",
        "another key",
        "another owner on its tags",
        "no versioning",
        "no policy",
        "no lifecycle",
        "objects that expire",
        "open to everybody",
        "open to scripts of a web site",
    ],
)
def test_what_somebody_changed_is_seen_and_mended(
    store_door: ObjectStoreDoor, change: Any, seen: dict[str, object]
) -> None:
    bucket = data_bucket(name())
    store_door.write(bucket)
    change(raw(store_door), bucket.name)
    assert state(store_door, bucket) == bucket.state() | seen
    store_door.write(bucket)
    assert state(store_door, bucket) == bucket.state()


@pytest.mark.parametrize("wanted", [None, 3], ids=["where none is asked for", "where another is asked for"])
def test_a_quota_that_somebody_set_is_seen_and_mended(store_door: ObjectStoreDoor, wanted: int | None) -> None:
    bucket = replace(data_bucket(name()), quota_gib=wanted)
    store_door.write(bucket)
    store_quotas.set_quota(store_door._client, bucket.name, 1)
    assert state(store_door, bucket) == bucket.state() | {"quota_gib": 1}
    store_door.write(bucket)
    assert state(store_door, bucket) == bucket.state()


def test_a_full_bucket_takes_nothing_more_once_its_store_has_looked(store_door: ObjectStoreDoor) -> None:
    """The claim of the catalogue: nobody but the store itself is asked to hold it to its quota."""
    bucket = data_bucket(name())
    store_door.write(bucket)
    small = json.dumps({"quota_size": 4096, "quota_unit": "B", "quota_enabled": True}).encode()
    store_door._client.beyond_s3("PUT", bucket.name, QUOTA, small)
    store_door.put_object(bucket.name, "filling", b"x" * 8192)
    deadline = monotonic() + 150
    with pytest.raises(EngineError, match="PutObject failed"):
        while monotonic() < deadline:
            store_door.put_object(bucket.name, "more", b"x")
            sleep(2)
    assert store_door.get_object(bucket.name, "filling") == b"x" * 8192
    store_door.write(bucket)
    store_door.put_object(bucket.name, "more", b"x")


def test_a_policy_that_somebody_put_in_place_of_ours_is_seen_and_mended(store_door: ObjectStoreDoor) -> None:
    bucket = data_bucket(name())
    store_door.write(bucket)
    let_everybody_read(raw(store_door), bucket.name)
    found = compare(bucket, store_buckets.read_bucket(store_door._client, bucket.name, STORE, store_door._region))
    assert isinstance(found, Change)
    assert found.differing == ("policy",)
    store_door.write(bucket)
    assert state(store_door, bucket) == bucket.state()


@pytest.mark.parametrize(
    ("retention", "seen"),
    [
        ({"Mode": "GOVERNANCE", "Days": 1}, {"lock_mode": "governance"}),
        ({"Mode": "COMPLIANCE", "Days": 2}, {"lock_days": 2}),
        ({}, {"lock_mode": None, "lock_days": None}),
    ],
    ids=["a weaker mode", "other days", "no lock"],
)
def test_a_lock_that_somebody_changed_is_seen_and_mended(
    store_door: ObjectStoreDoor, retention: dict[str, object], seen: dict[str, object]
) -> None:
    bucket = backup_bucket(name())
    store_door.write(bucket)
    rule = {"Rule": {"DefaultRetention": retention}} if retention else {}
    raw(store_door).put_object_lock_configuration(
        Bucket=bucket.name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", **rule}
    )
    assert state(store_door, bucket) == bucket.state() | seen
    store_door.write(bucket)
    assert state(store_door, bucket) == bucket.state()


def test_a_bucket_that_lost_our_mark_is_named_and_left_alone(store_door: ObjectStoreDoor) -> None:
    bucket = data_bucket(name())
    store_door.write(bucket)
    store_door.put_object(bucket.name, "seed", b"1")
    user = replace(data_user(naming.backup_user("another-app"), bucket.name), owner="another-app")
    store_door.write(user)
    raw(store_door).delete_bucket_tagging(Bucket=bucket.name)
    assert bucket.subject not in (store_door.read().resources or {})
    found = store_door.read({bucket.name}).resources or {}
    assert found[user.subject].state() == user.state()
    seen = found[bucket.subject]
    assert seen.state() == bucket.state() | {"mark": "missing", "owner": ""}
    conflict = compare(bucket, seen)
    assert isinstance(conflict, Finding)
    assert conflict.reason.startswith("mark is missing where ours is asked for")
    with pytest.raises(EngineError, match="exists and is not ours"):
        store_door.write(bucket)


def test_another_policy_of_a_user_is_seen_and_removed(store_door: ObjectStoreDoor) -> None:
    user = data_user(f"hosting-{name()}", "b")
    store_door.write(user)
    allowed = store_policies.data_user(["bfc-other"])
    store_door._client.iam.put_user_policy(UserName=user.name, PolicyName="more", PolicyDocument=allowed)
    seen = (store_door.read().resources or {})[user.subject]
    assert isinstance(seen, StoreUser)
    assert seen.deviations == ("another policy, more",)
    store_door.write(user)
    seen = (store_door.read().resources or {})[user.subject]
    assert isinstance(seen, StoreUser)
    assert (seen.deviations, seen.policy) == ((), user.policy)


def test_what_is_not_ours_never_appears_and_is_not_touched(store_door: ObjectStoreDoor) -> None:
    s3, foreign, elsewhere = raw(store_door), name(), name()
    s3.create_bucket(Bucket=foreign)
    s3.put_object(Bucket=foreign, Key="theirs", Body=b"1")
    s3.create_bucket(Bucket=elsewhere)
    marks = [("managed-by", "hosting"), ("region", "other"), ("owner", "x")]
    s3.put_bucket_tagging(Bucket=elsewhere, Tagging={"TagSet": [{"Key": k, "Value": v} for k, v in marks]})
    store_door._client.iam.create_user(UserName=f"somebody-{foreign}")
    names = {subject.name for subject in store_door.read().resources or {}}
    assert not names & {foreign, elsewhere, f"somebody-{foreign}"}
    for bucket in (foreign, elsewhere):
        with pytest.raises(EngineError, match="exists and is not ours"):
            store_door.write(data_bucket(bucket))
    assert {(tag["Key"], tag["Value"]) for tag in s3.get_bucket_tagging(Bucket=elsewhere)["TagSet"]} == set(marks)
    assert s3.get_object(Bucket=foreign, Key="theirs")["Body"].read() == b"1"


def test_a_bucket_made_without_a_lock_can_never_hold_backups(store_door: ObjectStoreDoor) -> None:
    bucket = data_bucket(name())
    store_door.write(bucket)
    with pytest.raises(EngineError, match="its objects cannot be locked"):
        store_door.write(backup_bucket(bucket.name))


def test_nothing_that_bears_data_is_deleted(store_door: ObjectStoreDoor) -> None:
    bucket = data_bucket(name())
    store_door.write(bucket)
    with pytest.raises(RefusedError, match="not deleted here"):
        store_door.delete(bucket)
    assert state(store_door, bucket) == bucket.state()


def test_an_access_key_is_not_written(store_door: ObjectStoreDoor) -> None:
    key = AccessKey(name="hosting-x", owner="x", store=STORE, secret="x", wrapped_by="x")
    with pytest.raises(RefusedError, match="Keys are made"):
        store_door.write(key)


@pytest.fixture
def dying(store_door: ObjectStoreDoor, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Give a way to let so many requests through, and die before the next one is sent."""
    from botocore.httpsession import URLLib3Session

    send, left = URLLib3Session.send, [0]

    def counted(self: URLLib3Session, request: object) -> object:
        if not left[0]:
            raise Killed
        left[0] -= 1
        return send(self, request)

    def limit(requests: int) -> None:
        left[0] = requests
        monkeypatch.setattr(URLLib3Session, "send", counted)

    yield limit
    monkeypatch.undo()


@pytest.mark.parametrize("requests", range(12))
@pytest.mark.parametrize("make", [data_bucket, log_bucket])
def test_a_bucket_half_made_is_taken_up_again(
    store_door: ObjectStoreDoor, make: Any, requests: int, dying: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = make(name())
    dying(requests)
    with suppress(Killed):
        store_door.write(bucket)
    monkeypatch.undo()
    store_door.write(bucket)
    assert state(store_door, bucket) == bucket.state()


@pytest.mark.parametrize("requests", range(4))
def test_a_user_half_made_or_half_deleted_is_taken_up_again(
    store_door: ObjectStoreDoor, requests: int, dying: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = data_user(f"hosting-{name()}", "bfc-b")
    dying(requests)
    with suppress(Killed):
        store_door.write(user)
    monkeypatch.undo()
    store_door.write(user)
    store_door.create_access_key(user.name)
    dying(requests)
    with suppress(Killed):
        store_door.delete(user)
    monkeypatch.undo()
    store_door.delete(user)
    store_door.delete(user)
    assert state(store_door, user) is None
    assert store_door.access_key_ids(user.name) == ()


# -- keys and users -----------------------------------------------------------------------------------------------


def test_access_keys_are_listed_made_and_dropped(store_door: ObjectStoreDoor) -> None:
    user = data_user(f"hosting-{name()}", "bfc-b")
    assert store_door.access_key_ids(user.name) == ()
    store_door.write(user)
    first, _ = store_door.create_access_key(user.name)
    second, _ = store_door.create_access_key(user.name)
    assert set(store_door.access_key_ids(user.name)) == {first, second}
    store_door.delete_access_key(user.name, first)
    store_door.delete_access_key(user.name, first)
    assert store_door.access_key_ids(user.name) == (second,)


def as_user(door: ObjectStoreDoor, user: StoreUser) -> Any:
    door.write(user)
    key_id, secret = door.create_access_key(user.name)
    return door._client.s3_as(key_id, secret)


def is_allowed(attempt: Any) -> bool:
    from botocore.exceptions import ClientError

    try:
        attempt()
    except ClientError as error:
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 403
        return False
    return True


VERBS = {
    "list": lambda s3, it: s3.list_objects_v2(Bucket=it),
    "list versions": lambda s3, it: s3.list_object_versions(Bucket=it),
    "locate": lambda s3, it: s3.get_bucket_location(Bucket=it),
    "get": lambda s3, it: s3.get_object(Bucket=it, Key="seed"),
    "put": lambda s3, it: s3.put_object(Bucket=it, Key="made", Body=b"1"),
    "delete": lambda s3, it: s3.delete_object(Bucket=it, Key="seed"),
    "delete a lock": lambda s3, it: s3.delete_object(Bucket=it, Key="h/locks/seed"),
    "read policy": lambda s3, it: s3.get_bucket_policy(Bucket=it),
    "drop policy": lambda s3, it: s3.delete_bucket_policy(Bucket=it),
    "drop encryption": lambda s3, it: s3.delete_bucket_encryption(Bucket=it),
    "suspend versions": lambda s3, it: s3.put_bucket_versioning(
        Bucket=it, VersioningConfiguration={"Status": "Suspended"}
    ),
    "expire objects": lambda s3, it: s3.put_bucket_lifecycle_configuration(
        Bucket=it,
        LifecycleConfiguration={
            "Rules": [{"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]
        },
    ),
    "unlock": lambda s3, it: s3.put_object_lock_configuration(
        Bucket=it, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}
    ),
    "delete bucket": lambda s3, it: s3.delete_bucket(Bucket=it),
}


@pytest.mark.parametrize(
    ("role", "where", "may"),
    [
        ("data", "data", {"list", "locate", "get", "put", "delete", "delete a lock"}),
        ("data", "backup", set()),
        ("backup", "backup", {"list", "list versions", "locate", "get", "put", "delete a lock"}),
        ("backup", "data", set()),
        ("prune", "backup", {"list", "list versions", "locate", "get", "put", "delete", "delete a lock"}),
        ("prune", "data", set()),
        ("copy reader", "backup", {"list", "list versions", "locate", "get"}),
        ("copy", "backup", {"list", "list versions", "locate", "get", "put"}),
        ("copy", "data", set()),
        ("restore", "backup", {"list", "locate"}),
        ("restore", "data", set()),
        ("evidence", "backup", {"list", "list versions", "locate", "get", "put"}),
        ("evidence", "data", set()),
    ],
    ids=[
        "data user in its bucket",
        "data user in the backups",
        "backup user in its bucket",
        "backup user in the data",
        "pruning user in the backups",
        "pruning user in the data",
        "copy reader in the backups",
        "copy user in the copy",
        "copy user in the data",
        "restore user in another repository",
        "restore user in the data",
        "evidence user in its bucket",
        "evidence user in the data",
    ],
)
def test_access_matrix_of_users(store_door: ObjectStoreDoor, role: str, where: str, may: set[str]) -> None:
    buckets: dict[str, Bucket] = {"data": data_bucket(name()), "backup": backup_bucket(name())}
    for bucket in buckets.values():
        store_door.write(bucket)
        for key in ("seed", "h/locks/seed"):
            store_door.put_object(bucket.name, key, b"1")
    rights = {
        "data": store_policies.data_user([buckets["data"].name]),
        "backup": store_policies.backup_user(buckets["backup"].name, ["h"]),
        "prune": store_policies.prune_user(buckets["backup"].name),
        "copy reader": store_policies.copy_reader(buckets["backup"].name),
        "copy": store_policies.copy_user(buckets["backup"].name),
        "restore": store_policies.restore_user(buckets["backup"].name, "another-host"),
        "evidence": store_policies.evidence_user(buckets["backup"].name),
    }
    user = replace(data_user(f"hosting-{name()}", "-"), policy=rights[role])
    s3 = as_user(store_door, user)
    allowed = {verb for verb, attempt in VERBS.items() if is_allowed(lambda a=attempt: a(s3, buckets[where].name))}
    assert allowed == may


@pytest.mark.parametrize("policy", [store_policies.data_user, lambda its: store_policies.prune_user(*its)])
def test_whoever_a_quota_holds_does_not_set_it(store_door: ObjectStoreDoor, policy: Any) -> None:
    from botocore.exceptions import ClientError

    bucket = replace(data_bucket(name()), quota_gib=1)
    store_door.write(bucket)
    user = replace(data_user(f"hosting-{name()}", "-"), policy=policy([bucket.name]))
    store_door.write(user)
    key_id, secret = store_door.create_access_key(user.name)
    pair = Secret(json.dumps({"access_key_id": key_id, "secret_access_key": secret.reveal()}))
    none = b'{"quota_size": 0, "quota_unit": "B", "quota_enabled": false}'
    with pytest.raises(ClientError, match="AccessDenied"):
        StoreClient(store_door._client._access, lambda: pair).beyond_s3("PUT", bucket.name, QUOTA, none)
    assert state(store_door, bucket) == bucket.state()


def test_the_writer_of_backups_destroys_no_version(store_door: ObjectStoreDoor) -> None:
    bucket = backup_bucket(name())
    store_door.write(bucket)
    user = replace(data_user(f"hosting-{name()}", "-"), policy=store_policies.backup_user(bucket.name, ["h"]))
    s3 = as_user(store_door, user)
    for key in ("data/1", "h/locks/1"):
        version = s3.put_object(Bucket=bucket.name, Key=key, Body=b"1")["VersionId"]
        for client in (s3, raw(store_door)):
            delete = lambda c=client, k=key, v=version: c.delete_object(  # noqa: E731
                Bucket=bucket.name, Key=k, VersionId=v, BypassGovernanceRetention=True
            )
            assert not is_allowed(delete)
    with pytest.raises(EngineError, match="DeleteObject is not allowed"):
        store_door.delete_object(bucket.name, "data/1")


def test_a_dropped_key_is_refused_at_once(store_door: ObjectStoreDoor) -> None:
    bucket = data_bucket(name())
    store_door.write(bucket)
    user = replace(data_user(naming.backup_user("another-app"), bucket.name), owner="another-app")
    s3 = as_user(store_door, user)
    put = lambda: s3.put_object(Bucket=bucket.name, Key="a", Body=b"1")  # noqa: E731
    assert is_allowed(put)
    store_door.delete_access_key(user.name, store_door.access_key_ids(user.name)[0])
    assert not is_allowed(put)


# -- encryption ---------------------------------------------------------------------------------------------------


def test_an_object_lies_under_the_applications_key_and_is_unreadable_while_it_is_disabled(
    store_door: ObjectStoreDoor, vault_door: OpenBao
) -> None:
    bucket = data_bucket(name())
    store_door.write(bucket)
    store_door.put_object(bucket.name, "proof", b"bytes")
    head = store_door.head_object(bucket.name, "proof")
    assert (head.algorithm, head.key) == ("aws:kms", bucket.encryption_key)
    # Read once before, so that a data key kept in the store's memory would be noticed.
    assert store_door.get_object(bucket.name, "proof") == b"bytes"
    vault_door.set_key_enabled(str(bucket.encryption_key), False)
    try:
        with pytest.raises(EngineError, match="GetObject failed: 500"):
            store_door.get_object(bucket.name, "proof")
        with pytest.raises(EngineError, match="PutObject failed: 500"):
            store_door.put_object(bucket.name, "another", b"bytes")
    finally:
        vault_door.set_key_enabled(str(bucket.encryption_key), True)
    assert store_door.get_object(bucket.name, "proof") == b"bytes"
    store_door.delete_object(bucket.name, "proof")
    store_door.delete_object(bucket.name, "proof")
    assert not raw(store_door).list_object_versions(Bucket=bucket.name).get("Versions")


def test_the_store_may_not_use_keys_that_no_bucket_has(store_door: ObjectStoreDoor) -> None:
    bucket = replace(data_bucket(name()), encryption_key="hosting-imagerie-beaune-volumes")
    store_door.write(bucket)
    with pytest.raises(EngineError, match="PutObject failed: 500"):
        store_door.put_object(bucket.name, "a", b"1")


# -- capabilities -------------------------------------------------------------------------------------------------


def test_every_capability_is_found_and_a_second_probe_finds_the_same(
    store_door: ObjectStoreDoor, region: Region
) -> None:
    found = store_door.capabilities()
    assert {name: item.support for name, item in found.items()} == dict.fromkeys(found, Support.SUPPORTED), found
    assert store_door.capabilities() == found
    s3, bucket = raw(store_door), naming.scratch_bucket(region.id)
    left = s3.list_object_versions(Bucket=bucket).get("Versions", [])
    assert {item["Key"].rpartition("/")[2] for item in left} <= {"locked"}
    assert bucket not in {subject.name for subject in store_door.read().resources or {}}
    users = [user["UserName"] for user in store_door._client.iam.list_users()["Users"]]
    assert store_scratch.PROBE_USER not in users


def test_a_store_that_ignores_encryption_is_found_out(
    store_door: ObjectStoreDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, capabilities.DEFAULT_ENCRYPTION)
    monkeypatch.setattr(raw(store_door), "put_bucket_encryption", lambda **_: {})
    found = store_door.capabilities()
    assert found[capabilities.DEFAULT_ENCRYPTION].support is Support.INEFFECTIVE


def only(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Probe these capabilities and no others."""
    monkeypatch.setattr(store_probes, "_PROBES", {name: store_probes._PROBES[name] for name in names})


def test_a_key_that_the_store_cannot_use_is_a_refusal(
    store_door: ObjectStoreDoor, vault_door: OpenBao, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vault_policies.render import PROBE_KEY

    only(monkeypatch, capabilities.DEFAULT_ENCRYPTION, capabilities.VERSIONING)
    vault_door.set_key_enabled(PROBE_KEY, False)
    try:
        found = store_door.capabilities()
    finally:
        vault_door.set_key_enabled(PROBE_KEY, True)
    assert found[capabilities.DEFAULT_ENCRYPTION].support is Support.REFUSED
    assert found[capabilities.VERSIONING].support is Support.SUPPORTED


def test_strangers_are_refused_and_one_who_is_not_is_found_out(store_door: ObjectStoreDoor) -> None:
    bucket = data_bucket(name())
    store_door.write(bucket)
    store_door.put_object(bucket.name, "seed", b"1")
    answers = store_door.answers_to_strangers(bucket.name, "seed", writing=True)
    assert answers == {"list": 403, "read": 403, "write": 403}
    raw(store_door).put_bucket_acl(Bucket=bucket.name, ACL="public-read")
    opened = store_door.answers_to_strangers(bucket.name, "seed", writing=False)
    assert opened == {"list": 200, "read": 200}
    raw(store_door).put_bucket_acl(Bucket=bucket.name, ACL="private")
    allowed = store_policies.statement("Allow", ["s3:GetObject"], f"{bucket.name}/*", principal="*")
    raw(store_door).put_bucket_policy(Bucket=bucket.name, Policy=allowed)
    opened = store_door.answers_to_strangers(bucket.name, "seed", writing=True)
    assert opened == {"list": 403, "read": 200, "write": 403}
    assert store_door.object_names(bucket.name, "") == ("seed",)


# -- what listens -------------------------------------------------------------------------------------------------


def test_no_port_of_the_store_gives_objects_without_tls(store_door: ObjectStoreDoor, engines: Engines) -> None:
    bucket = data_bucket(name())
    store_door.write(bucket)
    store_door.put_object(bucket.name, "seed", b"plain bytes")
    for port in engines.store.ports:
        for path in (f"/{bucket.name}/seed", f"/buckets/{bucket.name}/seed", f"/buckets/{bucket.name}/?limit=9"):
            connection = HTTPConnection("127.0.0.1", port, timeout=3)
            with suppress(OSError, HTTPException):
                connection.request("GET", path)
                answer = connection.getresponse()
                assert answer.status != 200 or b"seed" not in answer.read(), (port, path)
            connection.close()


def test_credentials_that_are_no_json_are_an_error_that_shows_nothing(engines: Engines) -> None:
    door = ObjectStoreDoor(engines.store_access(), lambda: Secret("canary-4711"), store=STORE, region="x")
    reading = door.read()
    assert reading.resources is None
    assert "holds no S3 credentials" in str(reading.reason)
    assert "canary" not in str(reading.reason)


def test_wrong_credentials_are_unknown(engines: Engines) -> None:
    wrong = json.dumps({"access_key_id": "NOBODY", "secret_access_key": "none"})
    door = ObjectStoreDoor(engines.store_access(), lambda: Secret(wrong), store=STORE, region="x")
    reading = door.read()
    assert reading.resources is None
    assert "must be those of an administrator" in str(reading.reason)
