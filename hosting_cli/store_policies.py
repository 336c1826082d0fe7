"""The policies of buckets and of their users, as canonical JSON text; pure.

Whoever compares a policy with the one that a store gives back compares the text that ``canonical`` makes of both.
"""

import json
from collections.abc import Mapping, Sequence

from inventory.providers import PlainRequest
from inventory.resource import Json

VERSION = "2012-10-17"
LOCKS = "locks"
"""Where restic keeps the locks of a repository, which is the host's folder in the bucket: the only objects that a
backup's writer may delete."""

_READ_BUCKET = ["s3:GetBucketLocation", "s3:ListBucket"]
_READ_HISTORY = [*_READ_BUCKET, "s3:ListBucketVersions"]

_NOT_TLS: Mapping[str, Json] = {"Bool": {"aws:SecureTransport": "false"}}
_TLS_UNSAID: Mapping[str, Json] = {"Null": {"aws:SecureTransport": "true"}}
_PLAIN_REQUESTS: Mapping[PlainRequest, tuple[str, Mapping[str, Json]]] = {
    PlainRequest.SAID: ("TlsOnly", _NOT_TLS),
    PlainRequest.UNSAID: ("TlsOnlyWhereUnsaid", _TLS_UNSAID),
}


def canonical(policy: str) -> str:
    """Write a policy's JSON text in the one form that is compared: sets sorted, sets of one without brackets."""
    return _text(_normal(json.loads(policy)))


def tls_only(bucket: str, shown: Sequence[PlainRequest] = (PlainRequest.SAID,)) -> str:
    """Refuse whatever does not come over TLS, in each of the ways in which that is *shown* by the store's product."""
    return _policy(
        [
            {
                "Sid": name,
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [_bucket(bucket), _objects(bucket)],
                "Condition": dict(condition),
            }
            for name, condition in map(_PLAIN_REQUESTS.__getitem__, shown)
        ]
    )


def data_user(buckets: Sequence[str]) -> str:
    """Let an application work with the objects of its buckets, and with nothing else of them."""
    names = sorted(buckets)
    objects = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
    return _policy(
        [
            _allow("Buckets", _READ_BUCKET, [_bucket(name) for name in names]),
            _allow("Objects", objects, [_objects(name) for name in names]),
        ]
    )


def backup_user(bucket: str, hosts: Sequence[str]) -> str:
    """Let *hosts* add to their backups and read them, but remove nothing except the locks of their repositories."""
    return _policy(
        [
            _allow("Bucket", _READ_HISTORY, [_bucket(bucket)]),
            _allow("Add", ["s3:GetObject", "s3:PutObject"], [_objects(bucket)]),
            _allow("Locks", ["s3:DeleteObject"], [_objects(bucket, f"{host}/{LOCKS}/") for host in hosts]),
        ]
    )


def prune_user(bucket: str) -> str:
    """Let whoever prunes write and delete objects, so that the store hides them; no version, and no lock, goes."""
    objects = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    return _policy([_allow("Bucket", _READ_HISTORY, [_bucket(bucket)]), _allow("Objects", objects, [_objects(bucket)])])


def evidence_user(bucket: str) -> str:
    """Let whoever keeps evidence add objects and read them in every version; nothing can be removed, nor hidden."""
    objects = ["s3:GetObject", "s3:GetObjectRetention", "s3:GetObjectVersion", "s3:PutObject"]
    return _policy([_allow("Bucket", _READ_HISTORY, [_bucket(bucket)]), _allow("Add", objects, [_objects(bucket)])])


def evidence_reader(bucket: str) -> str:
    """Let an auditor read evidence in every version, and until when it is locked; nothing can be added."""
    objects = ["s3:GetObject", "s3:GetObjectRetention", "s3:GetObjectVersion"]
    return _policy([_allow("Bucket", _READ_HISTORY, [_bucket(bucket)]), _allow("Read", objects, [_objects(bucket)])])


def copy_reader(bucket: str) -> str:
    """Let whoever copies backups read them where they lie first, and do nothing else there."""
    return _policy(
        [
            _allow("Bucket", _READ_HISTORY, [_bucket(bucket)]),
            _allow("Read", ["s3:GetObject"], [_objects(bucket)]),
        ]
    )


def copy_user(bucket: str) -> str:
    """Let whoever copies backups add to the second copy and read it, but remove nothing, not even a lock."""
    return _policy(
        [
            _allow("Bucket", _READ_HISTORY, [_bucket(bucket)]),
            _allow("Add", ["s3:GetObject", "s3:PutObject"], [_objects(bucket)]),
        ]
    )


def restore_user(bucket: str, host: str) -> str:
    """Let whoever restores once read the repository of *host*, and nothing beside it."""
    return _policy(
        [
            _allow("Bucket", _READ_BUCKET, [_bucket(bucket)]),
            _allow("Read", ["s3:GetObject"], [_objects(bucket, f"{host}/")]),
        ]
    )


def statement(effect: str, actions: Sequence[str], resource: str, *, principal: str | None = None) -> str:
    """Give a policy of one statement about *resource* (``bucket/prefix*``), for a bucket when it names a principal."""
    named: dict[str, Json] = {} if principal is None else {"Principal": principal}
    return _policy([{"Effect": effect, "Action": list(actions), "Resource": [_bucket(resource)], **named}])


def _allow(name: str, actions: Sequence[str], resources: Sequence[str]) -> Json:
    return {"Sid": name, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def _bucket(name: str) -> str:
    return f"arn:aws:s3:::{name}"


def _objects(name: str, prefix: str = "") -> str:
    return f"arn:aws:s3:::{name}/{prefix}*"


def _policy(statements: Sequence[Json]) -> str:
    return _text(_normal({"Version": VERSION, "Statement": list(statements)}))


def _normal(value: Json) -> Json:
    """Normalise what stores give back in other forms than they were given: sets of actions and of resources."""
    if isinstance(value, dict):
        return {name: _set(item) if name in {"Action", "Resource"} else _normal(item) for name, item in value.items()}
    return [_normal(item) for item in value] if isinstance(value, list) else value


def _set(value: Json) -> Json:
    if not isinstance(value, list):
        return value
    items: list[Json] = [*sorted(str(item) for item in value)]
    return items[0] if len(items) == 1 else items


def _text(policy: Json) -> str:
    return json.dumps(policy, sort_keys=True, separators=(",", ":"))
