"""What an object store can really do, found out by behaviour: several answer 200 to what they then ignore.

One scratch bucket per region and store stays, because it is locked from its creation on; what a probe puts into it is
removed again, but for one object that is locked for seconds and removed by the next probe.
"""

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from hosting_cli import store_policies
from hosting_cli.capabilities import (
    BUCKET_POLICY,
    DEFAULT_ENCRYPTION,
    LIFECYCLE,
    OBJECT_LOCK,
    QUOTA,
    SCOPED_USERS,
    STRANGERS_REFUSED,
    TAGS,
    TLS_ONLY,
    UNKNOWN_KEY_REFUSED,
    VERSIONING,
    Capability,
    Support,
)
from hosting_cli.doors import store_quotas
from hosting_cli.doors.store_buckets import NO_ENCRYPTION, key_name
from hosting_cli.doors.store_client import StoreClient, code_of, status_of, unless
from hosting_cli.doors.store_scratch import (
    Scratch,
    bypass_lock,
    clean,
    delete_version,
    denial,
    is_allowed,
    prepare,
    scratch_user,
    under_policy,
)
from inventory import naming
from inventory.providers import PlainRequest
from vault_policies.render import PROBE_KEY

_LOCK_SECONDS = 3
_PLAIN_SECONDS = 3
_QUOTA_GIB = 1 << 10


class IneffectiveError(Exception):
    """The store accepted something and then behaved as if it had not; the text says how."""


def probe(client: StoreClient, region: str) -> Mapping[str, Capability]:
    """Try everything and give what each showed; raise ``UnreadableError`` when the store does not answer at all."""
    scratch = Scratch(client, naming.scratch_bucket(region), secrets.token_hex(6))
    with client.changing():
        prepare(scratch)
        try:
            return {name: _judge(function, scratch) for name, function in _PROBES.items()}
        finally:
            clean(scratch)


# -- probes: each returns how it knows, or raises -----------------------------------------------------------------


def _versioning(scratch: Scratch) -> str:
    name = scratch.name("versioned")
    first, second = (scratch.s3.put_object(Bucket=scratch.bucket, Key=name, Body=b) for b in (b"1", b"2"))
    old, new = first.get("VersionId"), second.get("VersionId")
    if not old or old == new:
        raise IneffectiveError("two writes of one object are not two versions")
    body = scratch.s3.get_object(Bucket=scratch.bucket, Key=name, VersionId=old)["Body"].read()
    if body != b"1":
        raise IneffectiveError("an older version comes back with other bytes")
    return "an overwritten object came back by its version"


def _object_lock(scratch: Scratch) -> str:
    retention: Any = {"Mode": "GOVERNANCE", "Days": 1}
    configuration: Any = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}}
    scratch.s3.put_object_lock_configuration(Bucket=scratch.bucket, ObjectLockConfiguration=configuration)
    name = scratch.name("locked-by-default")
    version = scratch.s3.put_object(Bucket=scratch.bucket, Key=name, Body=b"1")["VersionId"]
    _must_be_refused("a version under default retention was deleted", lambda: delete_version(scratch, name, version))
    name, until = scratch.name("locked"), datetime.now(UTC) + timedelta(seconds=_LOCK_SECONDS)
    version = scratch.s3.put_object(
        Bucket=scratch.bucket, Key=name, Body=b"1", ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=until
    )["VersionId"]
    _must_be_refused("a version locked for compliance was deleted", lambda: bypass_lock(scratch, name, version))
    return "locked versions could not be deleted, by default retention and for compliance"


def _default_encryption(scratch: Scratch) -> str:
    default: Any = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": PROBE_KEY}
    configuration: Any = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
    scratch.s3.put_bucket_encryption(Bucket=scratch.bucket, ServerSideEncryptionConfiguration=configuration)
    name = scratch.name("encrypted")
    try:
        scratch.s3.put_object(Bucket=scratch.bucket, Key=name, Body=b"1")
        head = scratch.s3.head_object(Bucket=scratch.bucket, Key=name)
        if (head.get("ServerSideEncryption"), key_name(head.get("SSEKMSKeyId"))) != ("aws:kms", PROBE_KEY):
            raise IneffectiveError("an object put without headers does not lie under the bucket's key")
        if scratch.s3.get_object(Bucket=scratch.bucket, Key=name)["Body"].read() != b"1":
            raise IneffectiveError("an encrypted object comes back with other bytes")
    finally:
        unless(lambda: scratch.s3.delete_bucket_encryption(Bucket=scratch.bucket), NO_ENCRYPTION)
    return f"an object put without headers lay under {PROBE_KEY}"


def _unknown_key_refused(scratch: Scratch) -> str:
    def put() -> object:
        return scratch.s3.put_object(
            Bucket=scratch.bucket,
            Key=scratch.name("unknown-key"),
            Body=b"1",
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=f"{naming.PREFIX}no-such-key",
        )

    _must_be_refused("an object was put under a key that does not exist", put, at_least=400)
    return "an object under a key that does not exist was refused"


def _scoped_users(scratch: Scratch) -> str:
    with scratch_user(scratch) as user:
        user.put_object(Bucket=scratch.bucket, Key=scratch.name("own/1"), Body=b"1")
        _must_be_refused(
            "a user reached objects beyond its policy",
            lambda: user.put_object(Bucket=scratch.bucket, Key=scratch.name("other/1"), Body=b"1"),
        )
        _must_be_refused(
            "a user listed what its policy does not name", lambda: user.list_objects_v2(Bucket=scratch.bucket)
        )
    return "a user reached exactly what its policy names"


def _bucket_policy(scratch: Scratch) -> str:
    with scratch_user(scratch) as user, under_policy(scratch, denial(scratch)):
        user.put_object(Bucket=scratch.bucket, Key=scratch.name("own/2"), Body=b"1")
        _must_be_refused(
            "a user did what the bucket's policy denies",
            lambda: user.put_object(Bucket=scratch.bucket, Key=scratch.name("own/denied"), Body=b"1"),
        )
    return "a user was refused what the bucket's policy denies"


def _tls_only(scratch: Scratch) -> str:
    if _serves_plain(scratch.s3.meta.endpoint_url):
        raise IneffectiveError("the address also answers requests that are not encrypted")
    for shown in ((PlainRequest.SAID,), (PlainRequest.SAID, PlainRequest.UNSAID)):
        with scratch_user(scratch) as user, under_policy(scratch, store_policies.tls_only(scratch.bucket, shown)):
            if is_allowed(lambda: user.put_object(Bucket=scratch.bucket, Key=scratch.name("own/3"), Body=b"1")):
                forms = " and ".join(shown)
                return f"plain requests get no answer, and the policy by what is {forms} lets encrypted ones pass"
    raise IneffectiveError("every form of the policy also refuses requests that are encrypted")


def _strangers_refused(scratch: Scratch) -> str:
    nobody, name = scratch.client.s3_as_nobody(), scratch.name("own/4")
    scratch.s3.put_object(Bucket=scratch.bucket, Key=name, Body=b"1")
    attempts: Mapping[str, Callable[[], object]] = {
        "listed a bucket": lambda: nobody.list_objects_v2(Bucket=scratch.bucket),
        "read an object": lambda: nobody.get_object(Bucket=scratch.bucket, Key=name),
        "wrote an object": lambda: nobody.put_object(Bucket=scratch.bucket, Key=f"{name}-by-nobody", Body=b"1"),
    }
    for what, attempt in attempts.items():
        _must_be_refused(f"somebody without credentials {what}", attempt)
    return "somebody without credentials could neither list, nor read, nor write"


def _tags(scratch: Scratch) -> str:
    tags: Any = {"TagSet": [{"Key": "probe", "Value": scratch.prefix}]}
    scratch.s3.put_bucket_tagging(Bucket=scratch.bucket, Tagging=tags)
    if scratch.s3.get_bucket_tagging(Bucket=scratch.bucket)["TagSet"] != tags["TagSet"]:
        raise IneffectiveError("a bucket's tags do not come back as they were set")
    return "a bucket's tags came back"


def _lifecycle(scratch: Scratch) -> str:
    rule: Any = {
        "ID": "probe",
        "Status": "Enabled",
        "Filter": {"Prefix": scratch.prefix},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
    }
    scratch.s3.put_bucket_lifecycle_configuration(Bucket=scratch.bucket, LifecycleConfiguration={"Rules": [rule]})
    try:
        rules = scratch.s3.get_bucket_lifecycle_configuration(Bucket=scratch.bucket).get("Rules", [])
    finally:
        scratch.s3.delete_bucket_lifecycle(Bucket=scratch.bucket)
    if [item.get("NoncurrentVersionExpiration") for item in rules] != [{"NoncurrentDays": 30}]:
        raise IneffectiveError("a lifecycle rule does not come back as it was set")
    return "a lifecycle rule came back"


def _quota(scratch: Scratch) -> str:
    store_quotas.set_quota(scratch.client, scratch.bucket, _QUOTA_GIB)
    try:
        found = store_quotas.quota(scratch.client, scratch.bucket)
    finally:
        store_quotas.set_quota(scratch.client, scratch.bucket, None)
    if found != (_QUOTA_GIB, ()):
        raise IneffectiveError("a bucket's quota does not come back as it was set")
    return "a bucket's quota came back"


_PROBES: Mapping[str, Callable[[Scratch], str]] = {
    VERSIONING: _versioning,
    OBJECT_LOCK: _object_lock,
    DEFAULT_ENCRYPTION: _default_encryption,
    UNKNOWN_KEY_REFUSED: _unknown_key_refused,
    SCOPED_USERS: _scoped_users,
    STRANGERS_REFUSED: _strangers_refused,
    BUCKET_POLICY: _bucket_policy,
    TLS_ONLY: _tls_only,
    TAGS: _tags,
    LIFECYCLE: _lifecycle,
    QUOTA: _quota,
}


# -- judging ------------------------------------------------------------------------------------------------------


def _judge(function: Callable[[Scratch], str], scratch: Scratch) -> Capability:
    from botocore.exceptions import ClientError

    try:
        return Capability(Support.SUPPORTED, function(scratch))
    except ClientError as error:
        return Capability(Support.REFUSED, f"{error.operation_name} answered {status_of(error)} {code_of(error)}")
    except IneffectiveError as error:
        return Capability(Support.INEFFECTIVE, str(error))


def _must_be_refused(otherwise: str, attempt: Callable[[], object], *, at_least: int = 403) -> None:
    from botocore.exceptions import ClientError

    try:
        attempt()
    except ClientError as error:
        if status_of(error) >= at_least:
            return
        raise
    raise IneffectiveError(otherwise)


def _serves_plain(endpoint: str) -> bool:
    """Tell whether the address also speaks S3 without TLS: any answer but a complaint about the protocol."""
    address = urlsplit(endpoint)
    connection = HTTPConnection(str(address.hostname), address.port or 443, timeout=_PLAIN_SECONDS)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status != 400
    except OSError:
        return False
    finally:
        connection.close()
