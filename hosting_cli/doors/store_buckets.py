"""Buckets as resources: read by what they really are set to, written in steps that can be interrupted anywhere."""

from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hosting_cli import store_policies
from hosting_cli.doors import store_openings, store_quotas
from hosting_cli.doors.store_client import CONNECTIONS, StoreClient, code_of, unless
from hosting_cli.errors import EngineError
from hosting_cli.resources import MISSING, Bucket
from vault_policies.mark import Mark

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NONCURRENT_RULE, EXPIRY_RULE = "hosting-noncurrent", "hosting-expiry"
_DAYS = {NONCURRENT_RULE: ("NoncurrentVersionExpiration", "NoncurrentDays"), EXPIRY_RULE: ("Expiration", "Days")}
"""Where each of our lifecycle rules says its number."""

NO_ENCRYPTION = "ServerSideEncryptionConfigurationNotFoundError"
NO_LOCK = ("ObjectLockConfigurationNotFoundError", "NoSuchObjectLockConfiguration")
_KMS = "aws:kms"
_KEY_ARN = "key/"


def read_buckets(client: StoreClient, store: str, region: str, expected: Collection[str] = ()) -> Iterator[Bucket]:
    """Yield every bucket that carries the mark of *region*, and those of the *expected* names that do not.

    Foreign ones of any other name are asked for nothing but their tags.
    """
    with client.reading():
        names = [found["Name"] for page in _pages(client.s3) for found in page.get("Buckets", ())]
        with ThreadPoolExecutor(max_workers=CONNECTIONS) as pool:
            found = pool.map(lambda name: read_bucket(client, name, store, region, name in expected), names)
            yield from (bucket for bucket in found if bucket is not None)


def write_bucket(client: StoreClient, bucket: Bucket, region: str) -> None:
    """Create *bucket* and set it up; every step may be repeated, and an unfinished one is taken up again.

    The mark comes right after the bucket itself, so that what a killed run leaves is known as ours.
    Raise ``EngineError`` for a bucket of that name that is somebody else's, and for one that can never be locked.
    """
    with client.changing():
        _create(client.s3, bucket, region)
        _tag(client.s3, bucket, region)
        _set_versioning(client.s3, bucket)
        _set_encryption(client.s3, bucket)
        _set_lock(client.s3, bucket)
        _set_lifecycle(client.s3, bucket)
        _set_policy(client.s3, bucket)
        store_quotas.set_quota(client, bucket.name, bucket.quota_gib)
        store_openings.close(client.s3, bucket.name)


# -- reading ------------------------------------------------------------------------------------------------------


def _pages(s3: "S3Client") -> Iterator[Any]:
    yield from s3.get_paginator("list_buckets").paginate()


def read_bucket(client: StoreClient, name: str, store: str, region: str, expected: bool = False) -> Bucket | None:
    """Read one bucket; ``None`` when it does not carry the mark of *region*, unless it is *expected* and is in use."""
    tags = _tags(client.s3, name)
    mark = Mark.of(tags)
    if mark is not None and mark.region == region:
        return _settings(client, name, store, mark.owner)
    if expected and (tags or _holds_objects(client.s3, name)):
        return replace(_settings(client, name, store, mark.owner if mark else ""), mark=MISSING)
    return None


def _settings(client: StoreClient, name: str, store: str, owner: str) -> Bucket:
    s3 = client.s3
    quota_gib, quota_deviations = store_quotas.quota(client, name)
    lock_mode, lock_days, lock_deviations = _lock(s3, name)
    lifecycle, lifecycle_deviations = _lifecycle(s3, name)
    return Bucket(
        name=name,
        owner=owner,
        store=store,
        encryption_key=_encryption_key(s3, name),
        versioning=s3.get_bucket_versioning(Bucket=name).get("Status") == "Enabled",
        policy=_policy(s3, name),
        lock_mode=lock_mode,
        lock_days=lock_days,
        noncurrent_days=lifecycle.get(NONCURRENT_RULE),
        expire_days=lifecycle.get(EXPIRY_RULE),
        quota_gib=quota_gib,
        public_access=store_openings.public_access(s3, name),
        cross_origin=store_openings.cross_origin(s3, name),
        deviations=(*lock_deviations, *lifecycle_deviations, *quota_deviations),
    )


def _tags(s3: "S3Client", name: str, *absent: str) -> dict[str, str]:
    # Tags that may not be read are not "no tags": the bucket might be ours, and then it would be taken for missing.
    answer = unless(lambda: s3.get_bucket_tagging(Bucket=name), "NoSuchTagSet", "NoSuchBucket", *absent)
    return {tag["Key"]: tag["Value"] for tag in (answer or {}).get("TagSet", ())}


def _encryption_key(s3: "S3Client", name: str) -> str | None:
    answer = unless(lambda: s3.get_bucket_encryption(Bucket=name), NO_ENCRYPTION)
    rules = (answer or {}).get("ServerSideEncryptionConfiguration", {}).get("Rules", ())
    for rule in rules:
        default = rule.get("ApplyServerSideEncryptionByDefault", {})
        if default.get("SSEAlgorithm") == _KMS:
            return key_name(default.get("KMSMasterKeyID"))
    return None


def key_name(identifier: str | None) -> str | None:
    """Give the transit key that a store names, which some do as the end of an ARN."""
    return identifier.rpartition(_KEY_ARN)[2] if identifier else None


def _policy(s3: "S3Client", name: str) -> str | None:
    answer = unless(lambda: s3.get_bucket_policy(Bucket=name), "NoSuchBucketPolicy")
    return store_policies.canonical(answer["Policy"]) if answer else None


def _lock(s3: "S3Client", name: str) -> tuple[str | None, int | None, tuple[str, ...]]:
    """Give the mode and the days of the default retention, and what else it says."""
    answer = _lock_configuration(s3, name) or {}
    retention = answer.get("ObjectLockConfiguration", {}).get("Rule", {}).get("DefaultRetention", {})
    mode, years = retention.get("Mode"), retention.get("Years")
    deviations = (f"default retention is {years} years",) if years else ()
    return mode.lower() if mode else None, retention.get("Days"), deviations


def _lock_configuration(s3: "S3Client", name: str) -> Any:
    return unless(lambda: s3.get_object_lock_configuration(Bucket=name), *NO_LOCK)


def _lifecycle(s3: "S3Client", name: str) -> tuple[dict[str, int], tuple[str, ...]]:
    """Give the days of each of our rules, by its name, and every rule that is not quite one of ours."""
    answer = unless(lambda: s3.get_bucket_lifecycle_configuration(Bucket=name), "NoSuchLifecycleConfiguration")
    days: dict[str, int] = {}
    deviations = []
    for rule in (answer or {}).get("Rules", ()):
        found = _days(rule)
        if found is not None and _says_only(rule, found):
            days[rule["ID"]] = found
        else:
            deviations.append(f"lifecycle rule {rule.get('ID', 'without a name')}")
    return days, tuple(deviations)


def _days(rule: Mapping[str, Any]) -> int | None:
    """Give the number of days in a rule of ours; ``None`` for any other."""
    action, number = _DAYS.get(rule.get("ID", ""), ("", ""))
    days: int | None = rule.get(action, {}).get(number)
    return days


def _says_only(rule: Mapping[str, Any], days: int) -> bool:
    """Tell whether *rule* is the one that we write, whatever of it a store leaves unsaid or says twice."""
    said = {name: value for name, value in rule.items() if value not in ("", {}, {"Prefix": ""})}
    return said == {name: value for name, value in _rule(rule["ID"], days).items() if name != "Filter"}


# -- writing ------------------------------------------------------------------------------------------------------


def _create(s3: "S3Client", bucket: Bucket, region: str) -> None:
    from botocore.exceptions import ClientError

    taken = False
    try:
        # An object lock is possible from creation on, or on many stores never.
        s3.create_bucket(Bucket=bucket.name, ObjectLockEnabledForBucket=bucket.lock_mode is not None)
    except ClientError as error:
        if code_of(error) not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
            raise
        # The second also means: yours, but not with these settings.
        taken = code_of(error) == "BucketAlreadyExists"
    tags = _tags(s3, bucket.name, "AccessDenied")
    mark = Mark.of(tags)
    unmarked_of_ours = mark is None and not taken and not tags and not _holds_objects(s3, bucket.name)
    if not unmarked_of_ours and (mark is None or mark.region != region):
        raise _foreign(bucket)


def _foreign(bucket: Bucket) -> EngineError:
    remedy = "Give the region another short name, or the store's owner another bucket."
    return EngineError(str(bucket.subject), "a bucket of that name exists and is not ours", remedy)


def _holds_objects(s3: "S3Client", name: str) -> bool:
    answer = s3.list_object_versions(Bucket=name, MaxKeys=1)
    return bool(answer.get("Versions") or answer.get("DeleteMarkers"))


def _tag(s3: "S3Client", bucket: Bucket, region: str) -> None:
    attributes = Mark(region, bucket.owner).attributes()
    tags: Any = {"TagSet": [{"Key": name, "Value": value} for name, value in attributes.items()]}
    s3.put_bucket_tagging(Bucket=bucket.name, Tagging=tags)


def _set_versioning(s3: "S3Client", bucket: Bucket) -> None:
    if bucket.lock_mode is None:  # a lock brings versioning with it, and refuses that it is touched
        configuration: Any = {"Status": "Enabled" if bucket.versioning else "Suspended"}
        s3.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration=configuration)


def _set_encryption(s3: "S3Client", bucket: Bucket) -> None:
    if bucket.encryption_key is None:
        unless(lambda: s3.delete_bucket_encryption(Bucket=bucket.name), NO_ENCRYPTION)
        return
    default: Any = {"SSEAlgorithm": _KMS, "KMSMasterKeyID": bucket.encryption_key}
    configuration: Any = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
    s3.put_bucket_encryption(Bucket=bucket.name, ServerSideEncryptionConfiguration=configuration)


def _set_lock(s3: "S3Client", bucket: Bucket) -> None:
    if bucket.lock_mode is None or bucket.lock_days is None:
        return
    if _lock_configuration(s3, bucket.name) is None:
        remedy = "It was made without a lock and can never get one. Move its objects, remove it by hand, apply again."
        raise EngineError(str(bucket.subject), "its objects cannot be locked", remedy)
    retention: Any = {"Mode": bucket.lock_mode.upper(), "Days": bucket.lock_days}
    configuration: Any = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}}
    s3.put_object_lock_configuration(Bucket=bucket.name, ObjectLockConfiguration=configuration)


def _set_lifecycle(s3: "S3Client", bucket: Bucket) -> None:
    wanted = {NONCURRENT_RULE: bucket.noncurrent_days, EXPIRY_RULE: bucket.expire_days}
    rules: Any = [_rule(name, days) for name, days in wanted.items() if days is not None]
    if rules:
        s3.put_bucket_lifecycle_configuration(Bucket=bucket.name, LifecycleConfiguration={"Rules": rules})
    elif _lifecycle(s3, bucket.name) != ({}, ()):
        s3.delete_bucket_lifecycle(Bucket=bucket.name)


def _rule(name: str, days: int) -> dict[str, Any]:
    """Write our rule *name*; what expires in a versioned bucket is hidden first, and removed a day later."""
    expiry = {"Expiration": {"Days": days}} if name == EXPIRY_RULE else {}
    noncurrent = {"NoncurrentVersionExpiration": {"NoncurrentDays": 1 if expiry else days}}
    return {"ID": name, "Status": "Enabled", "Filter": {"Prefix": ""}, **expiry, **noncurrent}


def _set_policy(s3: "S3Client", bucket: Bucket) -> None:
    if bucket.policy is not None:
        s3.put_bucket_policy(Bucket=bucket.name, Policy=bucket.policy)
    elif _policy(s3, bucket.name) is not None:
        s3.delete_bucket_policy(Bucket=bucket.name)
