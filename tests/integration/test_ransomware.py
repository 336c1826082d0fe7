"""Somebody has a host, and everything that it may: they try to destroy its backups, and nothing is lost."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import sleep
from typing import Any

import pytest
from backups_lab import Host, seen, vault_session
from botocore.exceptions import ClientError

from hosting_cli.backups.places import Place
from hosting_cli.commands import backup
from hosting_cli.doors.objects import ObjectStoreDoor
from hosting_cli.doors.openbao import OpenBao
from hosting_cli.errors import EngineError
from hosting_cli.result import ExitStatus
from hosting_cli.secret import Secret
from hosting_cli.session import Session, now

JUNK = b"your files have been encrypted"
CONTENTS = [b"study a", b"study b"]


@pytest.fixture
def intruder(store_door: ObjectStoreDoor, vault_door: OpenBao, place: Place) -> Any:
    pair = json.loads(vault_door.reveal_secret(place.reader).reveal())
    return store_door._client.s3_as(pair["access_key_id"], Secret(pair["secret_access_key"]))


def is_refused(attempt: Callable[[], Any]) -> bool:
    try:
        answer = attempt()
    except ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied"
        return True
    return {error["Code"] for error in answer.get("Errors", ())} == {"AccessDenied"}


def attempts(s3: Any, bucket: str, name: str, version: str) -> dict[str, Callable[[], Any]]:
    """Give every way to destroy an object that S3 knows, and every way to make it destroyable."""
    long_ago = datetime.now(UTC) - timedelta(days=1)
    one = {"Bucket": bucket, "Key": name}
    rule = {"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""}}
    expiring = {"Rules": [rule | {"NoncurrentVersionExpiration": {"NoncurrentDays": 1}}]}
    unlocked = {"ObjectLockEnabled": "Enabled"}
    shorter = {"Mode": "GOVERNANCE", "RetainUntilDate": long_ago}
    return {
        "delete": lambda: s3.delete_object(**one),
        "delete version": lambda: s3.delete_object(**one, VersionId=version, BypassGovernanceRetention=True),
        "delete many": lambda: s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": name}]}),
        "shorten retention": lambda: s3.put_object_retention(**one, VersionId=version, Retention=shorter),
        "drop default retention": lambda: s3.put_object_lock_configuration(
            Bucket=bucket, ObjectLockConfiguration=unlocked
        ),
        "expire versions": lambda: s3.put_bucket_lifecycle_configuration(
            Bucket=bucket, LifecycleConfiguration=expiring
        ),
        "suspend versions": lambda: s3.put_bucket_versioning(
            Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}
        ),
        "drop policy": lambda: s3.delete_bucket_policy(Bucket=bucket),
        "drop encryption": lambda: s3.delete_bucket_encryption(Bucket=bucket),
        "delete bucket": lambda: s3.delete_bucket(Bucket=bucket),
        "read an older version": lambda: s3.get_object(**one, VersionId=version),
    }


def test_nothing_that_a_host_may_destroys_a_backup(
    session: Session,
    place: Place,
    writer: Host,
    intruder: Any,
    store_door: ObjectStoreDoor,
) -> None:
    engineer = vault_session(session)
    for content in CONTENTS:
        writer.back_up(content)
    good = seen(session, place)
    own = [snapshot.id for snapshot in good.snapshots if str(writer.file.parent) in snapshot.paths]
    contents = {snapshot: writer.restored(snapshot) for snapshot in own}
    assert set(CONTENTS) <= set(contents.values())
    (repository,) = backup.show(engineer, place.application).data["repositories"]
    said_before = {refusal["rule"] for refusal in repository["refusals"]}  # of what tests before have left
    objects = store_door.stored_objects(place.bucket, place.prefix)
    sleep(1)  # the store tells times to the second
    known_good = now()
    sleep(1)

    # They cannot destroy …
    for item in objects:
        name = place.prefix + item.name
        if not item.name.startswith("locks/"):
            tried = attempts(intruder, place.bucket, name, item.versions[-1].id)
            assert [way for way, attempt in tried.items() if not is_refused(attempt)] == []

    # … but write over everything, add a key of their own, and a snapshot that is none.
    for item in objects:
        intruder.put_object(Bucket=place.bucket, Key=place.prefix + item.name, Body=JUNK)
    for name in ("snapshots/" + "e" * 64, "keys/" + "e" * 64):
        intruder.put_object(Bucket=place.bucket, Key=place.prefix + name, Body=JUNK)

    # It is seen, as unknown and not as empty.
    shown = backup.list_(engineer)
    assert (shown.status, shown.data["backups"][0]["rpo"]) == (ExitStatus.UNKNOWN, "unknown")

    # And it comes back.
    planned = backup.recover(engineer, place.application, known_good.isoformat(), dry_run=True)
    assert planned.status is ExitStatus.PENDING
    hidden = {item["object"] for item in planned.data["objects"] if item["action"] == "hide"}
    gone = {item.name for item in objects if not item.is_visible}  # locks, and what tests before have pruned
    assert hidden == gone | {"snapshots/" + "e" * 64, "keys/" + "e" * 64}
    result = backup.recover(engineer, place.application, known_good.isoformat())
    assert [step["state"] for step in result.data["steps"]] == ["done", "done"]
    after = seen(session, place)
    assert (after.overwritten, after.unreadable) == ((), ())
    assert [(one.id, one.stored, one.tree) for one in after.snapshots] == [
        (one.id, one.stored, one.tree) for one in good.snapshots
    ]
    assert {snapshot: writer.restored(snapshot) for snapshot in own} == contents
    (checked,) = backup.check(engineer, place.application, parts=1).data["checks"]
    assert checked["found"] == "whole"
    (repository,) = backup.show(engineer, place.application).data["repositories"]
    assert {refusal["rule"] for refusal in repository["refusals"]} <= said_before

    # Once more changes nothing.
    again = backup.recover(engineer, place.application, known_good.isoformat())
    assert [step["state"] for step in again.data["steps"]] == ["in order", "in order"]


def test_a_version_that_is_not_what_its_name_says_is_not_put_on_top(
    place: Place,
    writer: Host,
    intruder: Any,
    store_door: ObjectStoreDoor,
) -> None:
    name = f"{place.prefix}data/ee/{'e' * 64}"
    version = intruder.put_object(Bucket=place.bucket, Key=name, Body=JUNK)["VersionId"]
    with pytest.raises(EngineError, match="does not have the digest that its name promises"):
        store_door.put_back(place.bucket, name, version, sha256="e" * 64)
