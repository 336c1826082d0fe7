"""The door of an object store: S3, and its IAM API, at one address."""

from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from hosting_cli.backups.stored import StoredObject
from hosting_cli.capabilities import Capability
from hosting_cli.doors import store_buckets, store_history, store_probes, store_users
from hosting_cli.doors.store_client import StoreClient, status_when
from hosting_cli.errors import HostingError, RefusedError
from hosting_cli.resources import OURS, Bucket, StoreResource, StoreUser, object_store
from hosting_cli.secret import Secret
from inventory.environment import ObjectStoreAccess
from inventory.resource import Reading, Resource, Subject


@dataclass(frozen=True)
class Head:
    """What a store says of an object without giving it: how it is encrypted, under which key, in which version."""

    algorithm: str | None
    key: str | None
    version: str | None


@dataclass(frozen=True)
class ObjectVersion:
    """One version of an object that the store keeps, whether whoever lists the bucket sees it or not."""

    name: str
    version: str
    size_bytes: int


class ObjectStoreDoor:
    """What the hosting asks of an object store; nothing is sent before the first method is called.

    Every method raises ``UnreadableError`` when the store does not answer or is not trusted, and ``EngineError`` when
    it refuses, unless its own text says otherwise.
    """

    def __init__(
        self, access: ObjectStoreAccess, credentials: Callable[[], Secret], *, store: str, region: str
    ) -> None:
        self._client = StoreClient(access, credentials)
        self._store = store
        self._region = region

    def capabilities(self) -> Mapping[str, Capability]:
        """Find out by behaviour what the store can do, in a scratch bucket that stays; takes about a second."""
        return store_probes.probe(self._client, self._region)

    # -- resources ----------------------------------------------------------------------------------------------------

    def read(self, expected: Collection[str] = ()) -> Reading:
        """Read our buckets and users; raise nothing: what could not be read is unknown, with its reason.

        A bucket of an *expected* name is read although it lacks our mark, if it is in use.
        """
        taken_at = datetime.now(UTC)
        try:
            buckets = tuple(store_buckets.read_buckets(self._client, self._store, self._region, expected))
            owners = {bucket.name: bucket.owner for bucket in buckets if bucket.mark == OURS}
            users = tuple(store_users.read_users(self._client, self._store, owners))
        except HostingError as error:
            return Reading(object_store(self._store), taken_at, None, str(error))
        found: dict[Subject, Resource] = {resource.subject: resource for resource in (*buckets, *users)}
        return Reading(object_store(self._store), taken_at, found)

    def write(self, resource: StoreResource) -> None:
        """Create or update a bucket or a user.  Idempotent, and taken up again where it was interrupted."""
        match resource:
            case Bucket():
                store_buckets.write_bucket(self._client, resource, self._region)
            case StoreUser():
                store_users.write_user(self._client, resource)
            case _:
                raise RefusedError(str(resource.subject), "it is not written like this", "Keys are made, not written.")

    def delete(self, resource: StoreResource) -> None:
        """Delete a user; raise ``RefusedError`` for whatever bears data.  Idempotent."""
        if not isinstance(resource, StoreUser):
            remedy = "Destroying data is a workflow of its own, with a second person and a waiting time."
            raise RefusedError(str(resource.subject), "it bears data and is not deleted here", remedy)
        store_users.delete_user(self._client, resource.name)

    def location(self, bucket: str) -> str:
        """Say where the store keeps *bucket*, in its own word for the place; what says nothing is ``us-east-1``."""
        with self._client.reading():
            answer = self._client.s3.get_bucket_location(Bucket=bucket)
        return answer.get("LocationConstraint") or "us-east-1"

    # -- access keys --------------------------------------------------------------------------------------------------

    def access_key_ids(self, user: str) -> tuple[str, ...]:
        """List the access keys of *user*; none when there is no such user."""
        return store_users.access_key_ids(self._client, user)

    def create_access_key(self, user: str) -> tuple[str, Secret]:
        """Make an access key of *user*: its identifier, and the secret half, which is told only now."""
        return store_users.create_access_key(self._client, user)

    def delete_access_key(self, user: str, key_id: str) -> None:
        """Delete an access key.  Idempotent."""
        store_users.delete_access_key(self._client, user, key_id)

    def try_access_key(self, bucket: str, key_id: str, secret: Secret) -> None:
        """List *bucket* with an access key; raise ``EngineError`` when that is refused, seconds after it was made."""
        store_users.try_access_key(self._client, bucket, key_id, secret)

    # -- histories of objects -----------------------------------------------------------------------------------------

    def stored_objects(self, bucket: str, prefix: str) -> tuple[StoredObject, ...]:
        """List every object below *prefix* with all of its versions, names relative to *prefix*."""
        return store_history.stored_objects(self._client, bucket, prefix)

    def put_back(self, bucket: str, name: str, version: str, *, sha256: str | None) -> None:
        """Put an older version on top again, if its content has the digest *sha256*; nothing is removed."""
        store_history.put_back(self._client, bucket, name, version, sha256=sha256)

    def hide_object(self, bucket: str, name: str) -> None:
        """Hide an object; every version of it stays.  Idempotent."""
        store_history.hide(self._client, bucket, name)

    # -- objects, for proofs ------------------------------------------------------------------------------------------

    def put_object(self, bucket: str, name: str, body: bytes) -> None:
        """Put an object as an application does: without a word about encryption."""
        with self._client.changing():
            self._client.s3.put_object(Bucket=bucket, Key=name, Body=body)

    def get_object(self, bucket: str, name: str) -> bytes:
        """Get an object's bytes."""
        with self._client.changing():
            return self._client.s3.get_object(Bucket=bucket, Key=name)["Body"].read()

    def object_names(self, bucket: str, prefix: str, *, at_most: int = 1000) -> tuple[str, ...]:
        """Name the first objects of *bucket* that begin with *prefix*, those that are deleted left out."""
        with self._client.reading():
            answer = self._client.s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=at_most)
        return tuple(item["Key"] for item in answer.get("Contents", ()))

    def versions(self, bucket: str, prefix: str = "", *, at_most: int = 1000) -> tuple[ObjectVersion, ...]:
        """Name the first versions of *bucket* whose objects begin with *prefix*, those hidden by a deletion too."""
        with self._client.reading():
            pages = self._client.s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
            found = (item for page in pages for item in page.get("Versions", ()))
            return tuple(ObjectVersion(it["Key"], it["VersionId"], it["Size"]) for it in islice(found, at_most))

    def get_version(self, bucket: str, name: str, version: str, *, at_most_bytes: int = 65536) -> bytes:
        """Get the beginning of one version of an object, hidden or not."""
        with self._client.changing():
            body = self._client.s3.get_object(Bucket=bucket, Key=name, VersionId=version)["Body"]
            with closing(body):
                return body.read(at_most_bytes)

    def head_object(self, bucket: str, name: str) -> Head:
        """Ask how an object is encrypted."""
        with self._client.changing():
            answer = self._client.s3.head_object(Bucket=bucket, Key=name)
        key = store_buckets.key_name(answer.get("SSEKMSKeyId"))
        return Head(answer.get("ServerSideEncryption"), key, answer.get("VersionId"))

    def answers_to_strangers(self, bucket: str, name: str, *, writing: bool) -> Mapping[str, int]:
        """Try without credentials to list, to read *name*, and if *writing* to put an object; give each HTTP status.

        What somebody should have been kept from putting is removed again.
        """
        with self._client.changing():
            nobody = self._client.s3_as_nobody()
            answers = {
                "list": status_when(lambda: nobody.list_objects_v2(Bucket=bucket)),
                "read": status_when(lambda: nobody.get_object(Bucket=bucket, Key=name)),
            }
            if writing:
                put = f"{name}-by-nobody"
                answers["write"] = status_when(lambda: nobody.put_object(Bucket=bucket, Key=put, Body=b""))
                self.delete_object(bucket, put)
            return answers

    def delete_object(self, bucket: str, name: str) -> None:
        """Delete an object with all of its versions; raise ``EngineError`` when a lock holds one.  Idempotent."""
        with self._client.changing():
            answer = self._client.s3.list_object_versions(Bucket=bucket, Prefix=name)
            for version in (*answer.get("Versions", ()), *answer.get("DeleteMarkers", ())):
                if version["Key"] == name:
                    self._client.s3.delete_object(Bucket=bucket, Key=name, VersionId=version["VersionId"])
