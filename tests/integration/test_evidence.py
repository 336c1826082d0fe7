"""The platform's evidence on a real store: added as a user that can do nothing else, locked, and never replaced."""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from engines_lab import STORE, Engines, backup_bucket

from hosting_cli.desired_buckets import platform_buckets
from hosting_cli.doors.evidence import EvidenceDoor
from hosting_cli.doors.objects import ObjectStoreDoor
from hosting_cli.errors import EngineError
from hosting_cli.resources import Bucket, StoreUser
from hosting_cli.secret import Secret
from inventory import naming
from inventory.models import Region

NUMBERS = count()


def name() -> str:
    return f"headers/{next(NUMBERS)}"


@pytest.fixture(scope="module")
def resources(region: Region) -> list[Any]:
    """Give the bucket and the user that the sample region asks for; locked for a day only."""
    found = [
        item for item in platform_buckets(region) if item.name in {naming.evidence_bucket(region), naming.EVIDENCE_USER}
    ]
    return [replace(item, lock_days=1) if isinstance(item, Bucket) else item for item in found]


def credentials(door: ObjectStoreDoor, user: str) -> Secret:
    key_id, secret = door.create_access_key(user)
    return Secret(json.dumps({"access_key_id": key_id, "secret_access_key": secret.reveal()}))


@pytest.fixture(scope="module")
def evidence(
    engines: Engines, store_door: ObjectStoreDoor, resources: list[Any], region: Region
) -> Iterator[EvidenceDoor]:
    for resource in resources:
        if isinstance(resource, Bucket | StoreUser):
            store_door.write(resource)
    pair = credentials(store_door, naming.EVIDENCE_USER)
    yield EvidenceDoor(engines.store_access(), lambda: pair, naming.evidence_bucket(region))
    store_door.delete(next(item for item in resources if isinstance(item, StoreUser)))


def test_the_bucket_and_its_user_read_back_as_the_files_ask(
    evidence: EvidenceDoor, store_door: ObjectStoreDoor, resources: list[Any]
) -> None:
    found = store_door.read().resources or {}
    for resource in resources:
        if isinstance(resource, Bucket | StoreUser):
            assert found[resource.subject].state() == resource.state()


def test_what_is_added_comes_back_and_lies_under_the_platforms_key(
    evidence: EvidenceDoor, store_door: ObjectStoreDoor, region: Region
) -> None:
    kept = evidence.add(first := name(), b"a header")
    assert (kept.name, kept.size_bytes, evidence.get(kept)) == (first, 8, b"a header")
    head = store_door.head_object(naming.evidence_bucket(region), first)
    assert (head.algorithm, head.key) == ("aws:kms", "hosting-platform-evidence")


def test_adding_the_same_again_adds_nothing_and_something_else_is_refused(evidence: EvidenceDoor) -> None:
    kept = evidence.add(again := name(), b"a header")
    assert evidence.add(again, b"a header") == kept
    with pytest.raises(EngineError, match="something else is kept under that name"):
        evidence.add(again, b"another header")
    assert evidence.kept(again) == (kept,)


def test_whoever_writes_past_the_door_changes_nothing_that_was_kept(
    evidence: EvidenceDoor, store_door: ObjectStoreDoor, region: Region
) -> None:
    bucket, kept = naming.evidence_bucket(region), evidence.add(name(), b"a header")
    evidence._client.s3.put_object(Bucket=bucket, Key=kept.name, Body=b"forged")
    assert store_door.get_object(bucket, kept.name) == b"forged"
    store_door.hide_object(bucket, kept.name)
    assert evidence.get(*evidence.kept(kept.name)) == b"a header"
    with pytest.raises(EngineError, match="DeleteObject is not allowed"):
        store_door.delete_object(bucket, kept.name)


def test_what_is_kept_is_listed_by_name_with_the_stores_own_time(evidence: EvidenceDoor) -> None:
    folder = name()
    added = [evidence.add(f"{folder}/{number}", bytes(number)) for number in (2, 1)]
    assert evidence.kept(folder) == tuple(reversed(added))
    assert evidence.kept(f"{folder}/none") == ()


def test_a_store_that_took_it_and_did_not_lock_it_is_found_out(engines: Engines, store_door: ObjectStoreDoor) -> None:
    bucket = replace(backup_bucket("bfc-unlocked-evidence"), store=STORE)
    store_door.write(bucket)
    unlocked: Any = {"ObjectLockEnabled": "Enabled"}
    s3 = store_door._client.s3
    s3.put_object_lock_configuration(Bucket=bucket.name, ObjectLockConfiguration=unlocked)
    own = engines.store.provisioner()
    with pytest.raises(EngineError, match="the store took it and did not lock it"):
        EvidenceDoor(engines.store_access(), lambda: own, bucket.name).add("a", b"1")
