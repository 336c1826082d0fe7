"""The quota of a bucket, which S3 has no word for: SeaweedFS does, by a subresource of its own.

Its gateway looks once a minute which buckets are full, and refuses what comes afterwards.  A store that does not know
the subresource answers as if it had not been named: with the list of the bucket's objects, of which none are asked for.
"""

import json

from hosting_cli.doors.store_client import StoreClient, unless

GIB = 1 << 30

_QUOTA = {"seaweedfs-quota": ""}
_QUOTA_AND_NO_OBJECTS = {**_QUOTA, "max-keys": "0"}
_UNKNOWN = ("NotImplemented", "MethodNotAllowed", "InvalidArgument")


def quota(client: StoreClient, bucket: str) -> tuple[int | None, tuple[str, ...]]:
    """Give the quota in GiB, ``None`` if there is none; and one that is no whole number of them, in words."""
    answer = unless(lambda: client.beyond_s3("GET", bucket, _QUOTA_AND_NO_OBJECTS), *_UNKNOWN)
    try:
        found = json.loads(answer or b"{}")
    except ValueError:
        return None, ()
    if not found.get("quota_enabled"):
        return None, ()
    whole, rest = divmod(found["quota_size"], GIB)
    is_ours = found["quota_unit"] == "B" and not rest
    return (whole, ()) if is_ours else (None, (f"quota of {found['quota_size']} {found['quota_unit']}",))


def set_quota(client: StoreClient, bucket: str, quota_gib: int | None) -> None:
    """Let the bucket hold *quota_gib*, or as much as comes; nothing is sent where that is so already."""
    if quota(client, bucket) == (quota_gib, ()):
        return
    wanted = {"quota_size": (quota_gib or 0) * GIB, "quota_unit": "B", "quota_enabled": quota_gib is not None}
    client.beyond_s3("PUT", bucket, _QUOTA, json.dumps(wanted).encode())
