from hosting_cli.capabilities import (
    DEFAULT_ENCRYPTION,
    OBJECT_LOCK,
    SCOPED_USERS,
    Capability,
    Support,
    lacking,
    needs,
)
from hosting_cli.resources import AccessKey, Bucket, StoreUser
from inventory import naming

IMAGES = Bucket(name="images", owner="app", store="one", encryption_key="key", versioning=True, policy="{}")
BACKUP = Bucket(
    name="backup", owner="app", store="one", encryption_key="key", versioning=True, policy="{}", lock_mode="compliance"
)
USER = StoreUser(name="user", owner="app", store="one", policy="{}")
KEY = AccessKey(name="user", owner="app", store="one", secret="app/key", wrapped_by="key")
GOOD = Capability(Support.SUPPORTED, "seen")
ALL_GOOD = {name: GOOD for resource in (IMAGES, BACKUP, USER) for name in needs(resource)}


def test_a_resource_needs_what_its_attributes_promise() -> None:
    assert OBJECT_LOCK in needs(BACKUP)
    assert OBJECT_LOCK not in needs(IMAGES)
    assert needs(USER) == (SCOPED_USERS,)
    assert needs(KEY) == ()


def test_nothing_is_lacking_where_everything_needed_is_supported() -> None:
    assert lacking(ALL_GOOD, [IMAGES, BACKUP, USER, KEY]) == {}


def test_what_nobody_needs_is_not_lacking() -> None:
    found = {**ALL_GOOD, OBJECT_LOCK: Capability(Support.REFUSED, "405")}
    assert lacking(found, [IMAGES, USER]) == {}


def test_each_resource_gets_one_error_that_names_it_and_everything_it_lacks() -> None:
    found = {
        **ALL_GOOD,
        OBJECT_LOCK: Capability(Support.REFUSED, "PutObjectLockConfiguration answered 501 NotImplemented"),
        DEFAULT_ENCRYPTION: Capability(Support.INEFFECTIVE, "stored in the clear"),
    }
    errors = lacking(found, [IMAGES, BACKUP, USER])
    assert errors.keys() == {IMAGES.subject, BACKUP.subject}
    assert errors[BACKUP.subject].subject == "bucket backup"
    assert "`default-encryption` is accepted-but-ineffective (stored in the clear)" in errors[BACKUP.subject].what
    assert "`object-lock` is refused (PutObjectLockConfiguration answered 501" in errors[BACKUP.subject].what


def test_what_was_not_probed_is_lacking() -> None:
    assert "it was not probed" in lacking({}, [IMAGES])[IMAGES.subject].what


def test_the_scratch_bucket_has_a_name_that_stores_accept() -> None:
    assert 3 <= len(naming.scratch_bucket("r" * 32)) <= 63
