"""The policies of buckets and of their users, as canonical JSON text; pure.

Whoever compares a policy with the one that a store gives back compares the text that ``canonical`` makes of both.
"""

import json
from collections.abc import Sequence

from inventory.resource import Json

VERSION = "2012-10-17"
LOCKS = "locks"
"""Where restic keeps the locks of a repository: the only objects that a backup's writer may delete."""

_READ_BUCKET = ["s3:GetBucketLocation", "s3:ListBucket"]
_MULTIPART = ["s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]


def canonical(policy: str) -> str:
    """Write a policy's JSON text in the one form that is compared."""
    return _text(json.loads(policy))


def tls_only(bucket: str) -> str:
    """Refuse whatever does not come over TLS.

    Said twice, because stores differ: some set ``aws:SecureTransport`` on plain requests, to false; others only ever
    set it to true, so that on plain requests it is missing.
    """
    plain: tuple[tuple[str, Json], ...] = (
        ("TlsOnly", {"Bool": {"aws:SecureTransport": "false"}}),
        ("TlsOnlyWhereUnset", {"Null": {"aws:SecureTransport": "true"}}),
    )
    return _policy(
        [
            {
                "Sid": name,
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [_bucket(bucket), _objects(bucket)],
                "Condition": condition,
            }
            for name, condition in plain
        ]
    )


def data_user(buckets: Sequence[str]) -> str:
    """Let an application work with the objects of its buckets, and with nothing else of them."""
    names = sorted(buckets)
    objects = ["s3:DeleteObject", "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", *_MULTIPART]
    return _policy(
        [
            _allow("Buckets", _READ_BUCKET, [_bucket(name) for name in names]),
            _allow("Objects", sorted(objects), [_objects(name) for name in names]),
        ]
    )


def backup_user(bucket: str) -> str:
    """Let a host add to its backups and read them, but remove nothing except the repository's own locks."""
    return _policy(
        [
            _allow("Bucket", _READ_BUCKET, [_bucket(bucket)]),
            _allow("Add", sorted(["s3:GetObject", "s3:PutObject", *_MULTIPART]), [_objects(bucket)]),
            _allow("Locks", ["s3:DeleteObject"], [_objects(bucket, f"{LOCKS}/")]),
        ]
    )


def _allow(name: str, actions: Sequence[str], resources: Sequence[str]) -> Json:
    return {"Sid": name, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def _bucket(name: str) -> str:
    return f"arn:aws:s3:::{name}"


def _objects(name: str, prefix: str = "") -> str:
    return f"arn:aws:s3:::{name}/{prefix}*"


def _policy(statements: Sequence[Json]) -> str:
    return _text({"Version": VERSION, "Statement": list(statements)})


def _text(policy: Json) -> str:
    return json.dumps(policy, sort_keys=True, separators=(",", ":"))
