"""IAM users as resources, and their access keys."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from hosting_cli import store_policies
from hosting_cli.doors.store_client import CONNECTIONS, StoreClient, code_of
from hosting_cli.errors import EngineError
from hosting_cli.resources import StoreUser
from hosting_cli.secret import Secret
from inventory import naming

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

POLICY = "hosting"
"""The name of the one inline policy of a user."""

KNOWN_AFTER_SECONDS = 10
"""How long a store may take before it knows an access key that it made."""

RETRY_SECONDS = 0.5

_ABSENT = "NoSuchEntity"
_BUCKET = re.compile(r"arn:aws:s3:::([^/\"*]+)")


def read_users(client: StoreClient, store: str, owners: Mapping[str, str]) -> Iterator[StoreUser]:
    """Yield every user with our prefix; *owners* says whose each bucket is, hence whose a user of it is."""
    with client.reading():
        pages = client.iam.get_paginator("list_users").paginate()
        names = [user["UserName"] for page in pages for user in page["Users"]]
        ours = [name for name in names if name.startswith(naming.PREFIX)]
        with ThreadPoolExecutor(max_workers=CONNECTIONS) as pool:
            yield from pool.map(lambda name: _read(client.iam, name, store, owners), ours)


def write_user(client: StoreClient, user: StoreUser) -> None:
    """Create *user* and give it its one policy; idempotent, and never without a policy that could do more."""
    from botocore.exceptions import ClientError

    with client.changing():
        try:
            client.iam.create_user(UserName=user.name)
        except ClientError as error:
            if code_of(error) != "EntityAlreadyExists":
                raise
        if user.policy is not None:
            client.iam.put_user_policy(UserName=user.name, PolicyName=POLICY, PolicyDocument=user.policy)
        kept = frozenset() if user.policy is None else frozenset({POLICY})
        for name in _policy_names(client.iam, user.name) - kept:
            client.iam.delete_user_policy(UserName=user.name, PolicyName=name)


def delete_user(client: StoreClient, name: str) -> None:
    """Delete the user *name* with its keys and policies, keys first, so that it loses access at once.  Idempotent."""
    for key_id in access_key_ids(client, name):
        delete_access_key(client, name, key_id)
    with client.changing():
        for policy in _policy_names(client.iam, name):
            client.iam.delete_user_policy(UserName=name, PolicyName=policy)
        _unless_absent(lambda: client.iam.delete_user(UserName=name))


# -- access keys --------------------------------------------------------------------------------------------------


def access_key_ids(client: StoreClient, user: str) -> tuple[str, ...]:
    """List the access keys of *user*; none when there is no such user."""
    with client.reading():
        answer = _unless_absent(lambda: client.iam.list_access_keys(UserName=user))
    return tuple(sorted(key["AccessKeyId"] for key in (answer or {}).get("AccessKeyMetadata", ())))


def create_access_key(client: StoreClient, user: str) -> tuple[str, Secret]:
    """Make an access key of *user*; its secret half is told only now."""
    with client.changing():
        key = client.iam.create_access_key(UserName=user)["AccessKey"]
    return key["AccessKeyId"], Secret(key["SecretAccessKey"])


def delete_access_key(client: StoreClient, user: str, key_id: str) -> None:
    """Delete an access key.  Idempotent."""
    with client.changing():
        _unless_absent(lambda: client.iam.delete_access_key(UserName=user, AccessKeyId=key_id))


def try_access_key(client: StoreClient, bucket: str, key_id: str, secret: Secret) -> None:
    """List *bucket* with an access key; raise ``EngineError`` when that is refused.

    A store may need moments to know a key that it has just made, so refusals count only when those are over.
    """
    from botocore.exceptions import ClientError

    s3, deadline = client.s3_as(key_id, secret), time.monotonic() + KNOWN_AFTER_SECONDS
    with client.changing():
        while True:
            try:
                s3.list_objects_v2(Bucket=bucket, MaxKeys=1)
            except ClientError as error:
                if time.monotonic() > deadline:
                    what = f"the store refuses it on {bucket} ({code_of(error)})"
                    raise EngineError(f"access key {key_id}", what, "Look at the policy of its user.") from None
                time.sleep(RETRY_SECONDS)
            else:
                return


# -- details ------------------------------------------------------------------------------------------------------


def _read(iam: "IAMClient", name: str, store: str, owners: Mapping[str, str]) -> StoreUser:
    policies = _policy_names(iam, name)
    policy = _policy(iam, name) if POLICY in policies else None
    others = tuple(sorted(f"another policy, {other}" for other in policies - {POLICY}))
    return StoreUser(name=name, owner=_owner(name, policy, owners), store=store, policy=policy, deviations=others)


def _owner(name: str, policy: str | None, owners: Mapping[str, str]) -> str:
    """Say whose a user is: by the buckets it reaches, or before it reaches any, by its name."""
    known = {owners[bucket] for bucket in _BUCKET.findall(policy or "") if bucket in owners}
    if len(known) == 1:
        return known.pop()
    return naming.owner_of_user(name)


def _policy(iam: "IAMClient", name: str) -> str | None:
    answer = _unless_absent(lambda: iam.get_user_policy(UserName=name, PolicyName=POLICY))
    if answer is None:
        return None
    document = answer["PolicyDocument"]
    return store_policies.canonical(document if isinstance(document, str) else json.dumps(document))


def _policy_names(iam: "IAMClient", name: str) -> frozenset[str]:
    answer = _unless_absent(lambda: iam.list_user_policies(UserName=name))
    return frozenset((answer or {}).get("PolicyNames", ()))


def _unless_absent(ask: Any) -> Any:
    from botocore.exceptions import ClientError

    try:
        return ask()
    except ClientError as error:
        if code_of(error) == _ABSENT:
            return None
        raise
