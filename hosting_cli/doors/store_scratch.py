"""The bucket in which probes work, and the user that they make for moments; only what is locked stays behind."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from hosting_cli import store_policies
from hosting_cli.doors import store_users
from hosting_cli.doors.store_client import StoreClient, code_of, status_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PROBE_USER = "probe-of-hosting"
"""Not with our prefix: a reading does not take it for a user that somebody wants."""


@dataclass(frozen=True)
class Scratch:
    """Where a probe works: the scratch bucket, and names that no other probe uses."""

    client: StoreClient
    bucket: str
    prefix: str

    @property
    def s3(self) -> "S3Client":
        """Give the provisioner's client."""
        return self.client.s3

    def name(self, what: str) -> str:
        """Name an object of this probe."""
        return f"{self.prefix}/{what}"


def prepare(scratch: Scratch) -> None:
    """Make the scratch bucket, locked from its making on.  Idempotent."""
    from botocore.exceptions import ClientError

    try:
        scratch.s3.create_bucket(Bucket=scratch.bucket, ObjectLockEnabledForBucket=True)
    except ClientError as error:
        if code_of(error) != "BucketAlreadyOwnedByYou":
            raise


def clean(scratch: Scratch) -> None:
    """Remove what this probe left, and what former ones had to leave; what is still locked is left to the next."""
    answer = scratch.s3.list_object_versions(Bucket=scratch.bucket)
    for version in (*answer.get("Versions", ()), *answer.get("DeleteMarkers", ())):
        is_allowed(partial(bypass_lock, scratch, version["Key"], version["VersionId"]))


def delete_version(scratch: Scratch, name: str, version: str) -> object:
    """Delete one version of an object."""
    return scratch.s3.delete_object(Bucket=scratch.bucket, Key=name, VersionId=version)


def bypass_lock(scratch: Scratch, name: str, version: str) -> object:
    """Delete one version of an object, although governance locks it."""
    return scratch.s3.delete_object(Bucket=scratch.bucket, Key=name, VersionId=version, BypassGovernanceRetention=True)


@contextmanager
def scratch_user(scratch: Scratch) -> Iterator["S3Client"]:
    """Make a user that may put objects below ``own/``, for the time of a probe."""
    store_users.delete_user(scratch.client, PROBE_USER)
    iam = scratch.client.iam
    iam.create_user(UserName=PROBE_USER)
    try:
        iam.put_user_policy(UserName=PROBE_USER, PolicyName=store_users.POLICY, PolicyDocument=_rights(scratch))
        yield scratch.client.s3_as(*store_users.create_access_key(scratch.client, PROBE_USER))
    finally:
        store_users.delete_user(scratch.client, PROBE_USER)


@contextmanager
def under_policy(scratch: Scratch, policy: str) -> Iterator[None]:
    """Give the scratch bucket a policy, for the time of a probe."""
    scratch.s3.put_bucket_policy(Bucket=scratch.bucket, Policy=policy)
    try:
        yield
    finally:
        scratch.s3.delete_bucket_policy(Bucket=scratch.bucket)


def _rights(scratch: Scratch) -> str:
    return store_policies.statement("Allow", ["s3:PutObject"], f"{scratch.bucket}/{scratch.prefix}/own/*")


def denial(scratch: Scratch) -> str:
    """Deny everybody one object of the scratch user's."""
    name = f"{scratch.bucket}/{scratch.prefix}/own/denied"
    return store_policies.statement("Deny", ["s3:PutObject"], name, principal="*")


def is_allowed(attempt: Callable[[], object]) -> bool:
    """Tell whether *attempt* passes; a 403 is a refusal, and every other failure is raised."""
    from botocore.exceptions import ClientError

    try:
        attempt()
    except ClientError as error:
        if status_of(error) == 403:
            return False
        raise
    return True
