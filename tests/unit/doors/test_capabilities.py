from hosting_cli.doors.capabilities import (
    DEFAULT_ENCRYPTION,
    OBJECT_LOCK,
    TAGS,
    VERSIONING,
    Capability,
    Support,
    missing,
    scratch_bucket,
)
from inventory.resource import Subject

IMAGES, BACKUP = Subject("bucket", "bfc-app-images"), Subject("bucket", "bfc-app-backup")
GOOD = Capability(Support.SUPPORTED, "seen")


def test_nothing_is_missing_where_everything_needed_is_supported() -> None:
    assert missing({VERSIONING: GOOD}, {VERSIONING: (IMAGES,)}) == ()


def test_what_nobody_needs_is_not_missing() -> None:
    refused = Capability(Support.REFUSED, "405")
    assert missing({TAGS: refused}, {TAGS: ()}) == ()
    assert missing({TAGS: refused}, {}) == ()


def test_each_missing_capability_is_one_error_that_names_it_and_who_needs_it() -> None:
    found = {
        OBJECT_LOCK: Capability(Support.REFUSED, "PutObjectLockConfiguration answered 501 NotImplemented"),
        DEFAULT_ENCRYPTION: Capability(Support.INEFFECTIVE, "stored in the clear"),
        VERSIONING: GOOD,
    }
    needed = {OBJECT_LOCK: (BACKUP,), DEFAULT_ENCRYPTION: (BACKUP, IMAGES), VERSIONING: (BACKUP,)}
    errors = missing(found, needed)
    assert [error.subject for error in errors] == [
        "bucket bfc-app-backup, bucket bfc-app-images",
        "bucket bfc-app-backup",
    ]
    assert "`default-encryption` is accepted-but-ineffective (stored in the clear)" in errors[0].what
    assert "`object-lock` is refused (PutObjectLockConfiguration answered 501 NotImplemented)" in errors[1].what


def test_what_was_not_probed_is_missing() -> None:
    assert "it was not probed" in missing({}, {VERSIONING: (IMAGES,)})[0].what


def test_the_scratch_bucket_has_a_name_that_stores_accept() -> None:
    assert 3 <= len(scratch_bucket("r" * 32)) <= 63
