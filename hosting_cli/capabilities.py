"""What an object store must be able to do, and who needs it.  Pure: ``doors.store_probes`` finds out what it can."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from hosting_cli.errors import MissingCapabilityError
from hosting_cli.resources import Bucket, StoreResource, StoreUser
from inventory.resource import Subject

VERSIONING = "versioning"
OBJECT_LOCK = "object-lock"
DEFAULT_ENCRYPTION = "default-encryption"
UNKNOWN_KEY_REFUSED = "unknown-key-refused"
BUCKET_POLICY = "bucket-policy"
TLS_ONLY = "tls-only"
SCOPED_USERS = "scoped-users"
STRANGERS_REFUSED = "strangers-refused"
TAGS = "tags"
LIFECYCLE = "lifecycle"
QUOTA = "quota"

ALL = (
    VERSIONING,
    OBJECT_LOCK,
    DEFAULT_ENCRYPTION,
    UNKNOWN_KEY_REFUSED,
    BUCKET_POLICY,
    TLS_ONLY,
    SCOPED_USERS,
    STRANGERS_REFUSED,
    TAGS,
    LIFECYCLE,
    QUOTA,
)


class Support(StrEnum):
    """How a store answered: only the first is good, and the last is the dangerous one."""

    SUPPORTED = "supported"
    REFUSED = "refused"
    INEFFECTIVE = "accepted-but-ineffective"


@dataclass(frozen=True)
class Capability:
    """What a probe of one capability showed, and how."""

    support: Support
    reason: str


def needs(resource: StoreResource) -> tuple[str, ...]:
    """Name the capabilities without which *resource* would not be what it says."""
    if isinstance(resource, StoreUser):
        return (SCOPED_USERS,)
    if not isinstance(resource, Bucket):
        return ()
    wanted = {
        VERSIONING: resource.versioning,
        DEFAULT_ENCRYPTION: resource.encryption_key is not None,
        UNKNOWN_KEY_REFUSED: resource.encryption_key is not None,
        BUCKET_POLICY: resource.policy is not None,
        TLS_ONLY: resource.policy is not None,
        OBJECT_LOCK: resource.lock_mode is not None,
        LIFECYCLE: (resource.noncurrent_days, resource.expire_days) != (None, None),
        QUOTA: resource.quota_gib is not None,
        STRANGERS_REFUSED: True,
        TAGS: True,
    }
    return tuple(name for name, wanted_here in wanted.items() if wanted_here)


def lacking(
    found: Mapping[str, Capability], resources: Iterable[StoreResource]
) -> dict[Subject, MissingCapabilityError]:
    """Give an error for each resource that needs what *found* does not show as supported, naming all of it."""
    errors = {}
    for resource in resources:
        reasons = [_lack(name, found) for name in needs(resource)]
        reasons = [reason for reason in reasons if reason]
        if reasons:
            remedy = "Use a store that has it, or change what needs it."
            errors[resource.subject] = MissingCapabilityError(str(resource.subject), "; ".join(reasons), remedy)
    return errors


def _lack(name: str, found: Mapping[str, Capability]) -> str:
    capability = found.get(name, Capability(Support.REFUSED, "it was not probed"))
    if capability.support is Support.SUPPORTED:
        return ""
    return f"the object store's `{name}` is {capability.support.value} ({capability.reason})"
