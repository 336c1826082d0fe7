"""Buckets and users as both the platform and applications have them, and the platform's own: evidence and logs.

Part of ``desired``, which says what should be; pure.
"""

from collections.abc import Iterator

from hosting_cli import store_policies
from hosting_cli.resources import (
    AccessKey,
    Bucket,
    Policy,
    SecretEntry,
    SecretPurpose,
    SecretsEngine,
    StoreUser,
    TransitKey,
)
from inventory import naming
from inventory.models import EvidenceBucket, LogBucket, Region
from inventory.resource import PLATFORM, Resource, Subject
from vault_policies import render

TRANSIT = Subject(SecretsEngine.kind, naming.TRANSIT_MOUNT)
KV = Subject(SecretsEngine.kind, naming.KV_MOUNT)

_EVIDENCE_KEYS = {naming.EVIDENCE_USER: render.SECRETS_KEY, naming.EVIDENCE_READER: render.READING_KEY}
"""What wraps the credentials of each user of the evidence."""


def platform_buckets(region: Region) -> Iterator[Resource]:
    """Yield the platform's locked buckets, and the users of its evidence; none where *region* names no store.

    Nobody but the store's administrator reads logs until somebody sends them.
    """
    if region.evidence is not None:
        name = naming.evidence_bucket(region)
        yield _locked(region, name, naming.EVIDENCE, region.evidence, region.evidence.lock_days)
        adds, reads = store_policies.evidence_user(name), store_policies.evidence_reader(name)
        for user, policy in ((naming.EVIDENCE_USER, adds), (naming.EVIDENCE_READER, reads)):
            key = _EVIDENCE_KEYS[user]
            yield from user_of(PLATFORM, region.evidence.store, user, policy, key=key, buckets=(name,))
    if region.logs is not None:
        days = region.logs.kept_days
        yield _locked(region, naming.log_bucket(region), naming.LOGS, region.logs, days, expire_days=days)


def evidence_user_of(policies: frozenset[str]) -> str:
    """Say as which user somebody with these rights opens the evidence: who only looks, as the one that only reads."""
    only_looks = naming.AUDITOR_POLICY in policies and naming.OPERATIONS_POLICY not in policies
    return naming.EVIDENCE_READER if only_looks else naming.EVIDENCE_USER


def evidence_credentials(user: str) -> SecretEntry:
    """Say under which entry the vault keeps the credentials of a user of the evidence."""
    return SecretEntry(
        name=naming.credentials_secret(PLATFORM, user),
        owner=PLATFORM,
        purpose=SecretPurpose.S3_CREDENTIALS,
        wrapped_by=_EVIDENCE_KEYS[user],
    )


def _locked(
    region: Region,
    name: str,
    purpose: str,
    kept: EvidenceBucket | LogBucket,
    lock_days: int,
    *,
    expire_days: int | None = None,
) -> Bucket:
    key = naming.transit_key(PLATFORM, purpose)
    return Bucket(
        name=name,
        owner=PLATFORM,
        store=kept.store,
        encryption_key=key,
        versioning=True,
        policy=policy_of(region, kept.store, name),
        lock_mode=kept.lock_mode.value,
        lock_days=lock_days,
        expire_days=expire_days,
        requires=(Subject(TransitKey.kind, key), Subject(Policy.kind, naming.S3_KMS_ROLE)),
    )


def policy_of(region: Region, store: str, bucket: str) -> str:
    """Give the policy of *bucket*, in words that the product which answers as *store* understands."""
    product = next(item.product for item in region.stores if item.id == store)
    provider = next(item for item in region.providers if item.id == product)
    return store_policies.tls_only(bucket, provider.plain_requests)


def user_of(
    owner: str, store: str, user: str, policy: str, *, key: str, buckets: tuple[str, ...]
) -> Iterator[Resource]:
    """Yield an IAM user of *owner* and its one access key, whose secret half the vault keeps wrapped by *key*."""
    needs = tuple(Subject(Bucket.kind, bucket) for bucket in buckets)
    made = StoreUser(name=user, owner=owner, store=store, policy=policy, requires=needs)
    yield made
    yield AccessKey(
        name=user,
        owner=owner,
        store=store,
        secret=naming.credentials_secret(owner, user),
        wrapped_by=key,
        requires=(made.subject, KV, Subject(TransitKey.kind, key)),
    )
