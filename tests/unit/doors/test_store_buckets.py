"""What a bucket's answers mean, for answers that a real store cannot be brought to give without lasting harm."""

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from hosting_cli.doors.store_buckets import key_name, read_bucket
from hosting_cli.doors.store_openings import NOT_BLOCKED


class Answers:
    """Answer every question as told; raise what is an error."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers

    def __getattr__(self, operation: str) -> Any:
        def ask(**_: object) -> Any:
            answer = self.answers[operation]
            if isinstance(answer, str):
                status = {"AccessDenied": 403}.get(answer, 404)
                raise ClientError(
                    {"Error": {"Code": answer}, "ResponseMetadata": {"HTTPStatusCode": status}}, operation
                )  # type: ignore[typeddict-item]
            return answer

        return ask


OURS = {
    "TagSet": [
        {"Key": "managed-by", "Value": "hosting"},
        {"Key": "region", "Value": "r"},
        {"Key": "owner", "Value": "a"},
    ]
}
BARE = {
    "get_bucket_tagging": OURS,
    "get_bucket_versioning": {},
    "get_object_lock_configuration": "ObjectLockConfigurationNotFoundError",
    "get_bucket_lifecycle_configuration": "NoSuchLifecycleConfiguration",
    "get_bucket_encryption": "ServerSideEncryptionConfigurationNotFoundError",
    "get_bucket_policy": "NoSuchBucketPolicy",
    "get_bucket_acl": {"Owner": {"ID": "us"}, "Grants": [{"Grantee": {"ID": "us"}, "Permission": "FULL_CONTROL"}]},
    "get_public_access_block": "NotImplemented",
    "get_bucket_cors": "NoSuchCORSConfiguration",
    "beyond_s3": b"<ListBucketResult/>",  # a store that does not know what it is asked for
}


def client(**answers: Any) -> Any:
    told = Answers(**answers)
    return SimpleNamespace(s3=told, beyond_s3=lambda *_: told.beyond_s3())


def read(**answers: Any) -> Any:
    return read_bucket(client(**{**BARE, **answers}), "b", "s", "r")


def test_a_bucket_with_nothing_set_reads_as_that() -> None:
    bucket = read()
    assert (bucket.owner, bucket.versioning, bucket.encryption_key, bucket.policy) == ("a", False, None, None)
    assert (bucket.lock_mode, bucket.lock_days, bucket.noncurrent_days, bucket.deviations) == (None, None, None, ())
    assert (bucket.expire_days, bucket.public_access, bucket.cross_origin, bucket.mark) == (None, (), (), "ours")


@pytest.mark.parametrize("operation", sorted(BARE))
def test_what_may_not_be_read_is_an_error_and_never_absent(operation: str) -> None:
    with pytest.raises(ClientError):
        read(**{operation: "AccessDenied"})


@pytest.mark.parametrize("tags", ["NoSuchTagSet", {"TagSet": []}, {"TagSet": OURS["TagSet"][:2]}])
def test_a_bucket_without_our_whole_mark_is_asked_for_nothing_else(tags: Any) -> None:
    assert read_bucket(client(get_bucket_tagging=tags), "b", "s", "r") is None
    assert read_bucket(client(get_bucket_tagging=OURS), "b", "s", "another") is None


def test_encryption_with_a_key_of_the_store_itself_is_no_encryption_of_ours() -> None:
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert read(get_bucket_encryption={"ServerSideEncryptionConfiguration": {"Rules": [rule]}}).encryption_key is None


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ("hosting-app-objects", "hosting-app-objects"),
        ("arn:aws:kms:eu-west-1:000000000000:key/hosting-app-objects", "hosting-app-objects"),
        (None, None),
        ("", None),
    ],
)
def test_a_key_is_named_with_or_without_an_arn(said: str | None, key: str | None) -> None:
    assert key_name(said) == key


def test_a_retention_in_years_is_a_deviation() -> None:
    rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Years": 1}}
    bucket = read(
        get_object_lock_configuration={"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", "Rule": rule}}
    )
    assert (bucket.lock_mode, bucket.lock_days) == ("compliance", None)
    assert bucket.deviations == ("default retention is 1 years",)


@pytest.mark.parametrize(
    "change",
    [
        {"Status": "Disabled"},
        {"Expiration": {"Days": 1}},
        {"ID": "another"},
        {"Filter": {"Prefix": "tmp/"}},
    ],
)
def test_a_rule_that_is_not_quite_ours_is_a_deviation(change: dict[str, Any]) -> None:
    rule = {"ID": "hosting-noncurrent", "Status": "Enabled", "NoncurrentVersionExpiration": {"NoncurrentDays": 3}}
    assert read(get_bucket_lifecycle_configuration={"Rules": [rule]}).noncurrent_days == 3
    bucket = read(get_bucket_lifecycle_configuration={"Rules": [{**rule, **change}]})
    assert bucket.noncurrent_days is None
    assert len(bucket.deviations) == 1


@pytest.mark.parametrize(
    ("grantee", "seen"),
    [
        ({"ID": "somebody"}, "READ for somebody"),
        ({"URI": "http://acs.amazonaws.com/groups/global/AllUsers"}, "READ for everybody"),
        ({"URI": "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"}, "READ for every user of the store"),
        (
            {"URI": "http://acs.amazonaws.com/groups/s3/LogDelivery"},
            "READ for http://acs.amazonaws.com/groups/s3/LogDelivery",
        ),
        ({"EmailAddress": "x@y.example"}, "READ for somebody"),
    ],
    ids=["another account", "everybody", "every user", "another group", "whoever it is"],
)
def test_whoever_else_gets_in_by_a_list_is_named(grantee: dict[str, str], seen: str) -> None:
    answer = {"Owner": {"ID": "us"}, "Grants": [{"Grantee": grantee, "Permission": "READ"}]}
    assert read(get_bucket_acl=answer).public_access == (seen,)


BLOCK = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        ("NotImplemented", ()),
        ({"PublicAccessBlockConfiguration": BLOCK}, ()),
        ({"PublicAccessBlockConfiguration": BLOCK | {"BlockPublicPolicy": False}}, (NOT_BLOCKED,)),
        ("NoSuchPublicAccessBlockConfiguration", (NOT_BLOCKED,)),
    ],
    ids=["a store that knows no block", "blocked", "blocked but for policies", "not blocked"],
)
def test_a_block_counts_where_the_store_knows_one(answer: Any, seen: tuple[str, ...]) -> None:
    assert read(get_public_access_block=answer).public_access == seen


@pytest.mark.parametrize(
    ("answer", "quota_gib", "deviations"),
    [
        (b"<ListBucketResult/>", None, ()),
        ("NotImplemented", None, ()),
        (b'{"quota_size": 0, "quota_unit": "B", "quota_enabled": false}', None, ()),
        (b'{"quota_size": 5368709120, "quota_unit": "B", "quota_enabled": true}', 5, ()),
        (b'{"quota_size": 5000, "quota_unit": "B", "quota_enabled": true}', None, ("quota of 5000 B",)),
    ],
    ids=["a list of objects", "refused as unknown", "none", "of whole GiB", "of another size"],
)
def test_a_quota_counts_where_the_store_knows_one(
    answer: Any, quota_gib: int | None, deviations: tuple[str, ...]
) -> None:
    found = read(beyond_s3=answer)
    assert (found.quota_gib, found.deviations) == (quota_gib, deviations)


def test_origins_whose_scripts_get_in_are_named_once() -> None:
    rules = [{"AllowedOrigins": ["https://b.example", "https://a.example"]}, {"AllowedOrigins": ["https://b.example"]}]
    assert read(get_bucket_cors={"CORSRules": rules}).cross_origin == ("https://a.example", "https://b.example")


@pytest.mark.parametrize(
    ("tags", "objects", "mark"),
    [
        ("NoSuchTagSet", {}, None),
        ("NoSuchTagSet", {"Versions": [{}]}, "missing"),
        ({"TagSet": [{"Key": "cost", "Value": "1"}]}, {}, "missing"),
        (OURS, {}, "ours"),
    ],
    ids=["empty, as a killed run leaves it", "in use without tags", "tagged by somebody", "ours"],
)
def test_a_bucket_of_one_of_our_names_without_our_mark_is_seen_unless_it_is_new(
    tags: Any, objects: Any, mark: str | None
) -> None:
    answers = {**BARE, "get_bucket_tagging": tags, "list_object_versions": objects}
    found = read_bucket(client(**answers), "b", "s", "r", expected=True)
    assert (found and found.mark) == mark
