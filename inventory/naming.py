"""The names that things of the hosting carry on the engines; one place, so that every room spells them alike.

Everything of ours starts with ``hosting-`` (vault, IAM) or with the region's short name (buckets).
"""

import re

from inventory.models import RegionSheet
from inventory.resource import PLATFORM

PREFIX = "hosting-"

TRANSIT_MOUNT = "transit"
KV_MOUNT = "kv"
PKI_MOUNT = "pki"
SSH_MOUNT = "ssh"
APPROLE_MOUNT = "approle"

KV_ROOT = "hosting"
"""Below the KV mount; entry names in this module are relative to it."""

LEASES = "leases"
"""Beside it: who runs which runbook now.  No secret is kept there."""

HEADER_COPIES = "headers/"
"""What the names of copies of LUKS headers begin with in the platform's evidence."""

NEXT = "-next"
"""What the names of entries end with that keep a passphrase during its rotation: the only ones that are ever ended."""

KEY_PURPOSES = ("objects", "volumes", "backups")
"""What each application has a transit key of its own for."""

PLATFORM_PURPOSES = EVIDENCE, LOGS = "evidence", "logs"
"""What the platform has a bucket, and a transit key, of its own for."""

SIGNING = "signing"
"""What the platform has a transit key for that signs its evidence, and encrypts nothing."""

READING = "reading"
"""What the platform has a transit key for that wraps what auditors may open, and nothing else."""

OPERATIONS_POLICY = "people-operations"
APPROVER_POLICY = "people-approver"
DESTRUCTION_POLICY = "people-destruction"
AUDITOR_POLICY = "people-auditor"
ON_CALL_POLICY = "people-on-call"
BREAK_GLASS_POLICY = "people-break-glass"
"""Policies of people do not begin with ``PREFIX``: whoever writes or hands out what does, reaches none of them."""

SSH_OPERATIONS_ROLE = "hosting-operations"
SSH_TRIAL_ROLE = "rotation-trial"
"""By which a rotation signs with an authority that is not the one that signs; no plan knows it."""

PKI_PROOF_ROLE = "hosting-proof"
PKI_PROOF_NAME = "proof.hosting.invalid"
"""Whom certificates are issued to that prove an authority: a name that cannot exist (RFC 6761)."""

S3_KMS_ROLE = "hosting-s3-kms"
METRICS_POLICY = "hosting-metrics"
NEIGHBOUR_PROBE_POLICY = "hosting-neighbour-probe"

EVIDENCE_USER = f"{PREFIX}{PLATFORM}-{EVIDENCE}"
"""The IAM user that adds to the platform's evidence, and reads it back."""

EVIDENCE_READER = f"{EVIDENCE_USER}-reader"
"""The IAM user that reads the platform's evidence and does nothing else: an auditor."""


def transit_key(application: str, purpose: str) -> str:
    """Name the key that wraps everything of *application* for *purpose*, one of ``KEY_PURPOSES``."""
    return f"{PREFIX}{application}-{purpose}"


def host_role(application: str, host: str) -> str:
    """Name the AppRole, and its policy, of *application* on *host*."""
    return f"{PREFIX}{application}-{host}"


def volume_secret(application: str, host: str, volume: str, slot: str) -> str:
    """Name the KV entry of a LUKS passphrase; *slot* is ``active`` or ``recovery``."""
    return f"{application}/volumes/{host}/{volume}/{slot}"


def next_volume_secret(application: str, host: str, volume: str, slot: str) -> str:
    """Name the KV entry of the passphrase that is about to replace that of *slot*; no host may read it."""
    return volume_secret(application, host, volume, f"{slot}{NEXT}")


def volume_of_secret(name: str) -> tuple[str, str] | None:
    """Say of which host and volume a KV entry keeps a passphrase; ``None`` for an entry that is none's."""
    found = re.fullmatch(r"[^/]+/volumes/([^/]+)/([^/]+)/[^/]+", name)
    return (found[1], found[2]) if found else None


def header_copy(application: str, host: str, volume: str, name: str) -> str:
    """Name a copy of a LUKS header in the platform's evidence; without *name*, what their names begin with."""
    return f"{HEADER_COPIES}{application}/{host}/{volume}/{name}"


def repository_secret(application: str, host: str) -> str:
    """Name the KV entry of the restic password of *application* on *host*."""
    return f"{application}/backups/{host}/repository"


def credentials_secret(application: str, user: str) -> str:
    """Name the KV entry of the S3 credentials of *user*."""
    return f"{application}/object-store/{user}"


def bucket(region: RegionSheet, application: str, name: str) -> str:
    """Name a data bucket on the object store."""
    return f"{region.short}-{application}-{name}"


def backup_bucket(region: RegionSheet, application: str) -> str:
    """Name the locked bucket that holds the backups of *application*."""
    return f"{region.short}-{application}-backup"


def evidence_bucket(region: RegionSheet) -> str:
    """Name the locked bucket of what has to be shown later: copies of headers, records, reports."""
    return bucket(region, PLATFORM, EVIDENCE)


def log_bucket(region: RegionSheet) -> str:
    """Name the locked bucket that holds the logs of the platform and of its hosts, for as long as they are kept."""
    return bucket(region, PLATFORM, LOGS)


def copy_bucket(region: RegionSheet, application: str) -> str:
    """Name the locked bucket, of another store, that holds the second copy of the backups of *application*."""
    return f"{region.short}-{application}-backup-copy"


def scratch_bucket(region: str) -> str:
    """Name the bucket in which the region tries what an object store can do."""
    return f"{PREFIX}scratch-{region}"


def data_user(application: str) -> str:
    """Name the IAM user that reads and writes the application's data buckets."""
    return f"{PREFIX}{application}"


def backup_user(application: str) -> str:
    """Name the IAM user that can add to the application's backups but not remove from them."""
    return f"{PREFIX}{application}-backup"


def prune_user(application: str) -> str:
    """Name the IAM user that can prune the application's backups, and the vault policy of whoever acts as it."""
    return f"{PREFIX}{application}-prune"


def copy_reader(application: str) -> str:
    """Name the IAM user that reads the application's backups where they lie first, to copy them."""
    return f"{PREFIX}{application}-copy-reader"


def copy_user(application: str) -> str:
    """Name the IAM user that can add to the second copy but not remove from it, and the vault policy of who copies."""
    return f"{PREFIX}{application}-copy"


def copy_prune_user(application: str) -> str:
    """Name the IAM user that can hide objects of the second copy, when a prune has let them go."""
    return f"{PREFIX}{application}-copy-prune"


def restore_user(application: str) -> str:
    """Name the IAM user that reads one repository of the application for one restore, and is no more afterwards."""
    return f"{PREFIX}{application}-restore"


def owner_of_user(user: str) -> str:
    """Say of which application *user* would be, or that it is the platform's, by its name alone."""
    if user in {EVIDENCE_USER, EVIDENCE_READER}:
        return PLATFORM
    ends = "backup|copy-reader|copy-prune|copy|prune|restore"
    return re.sub(f"-({ends})$", "", user.removeprefix(PREFIX))


def volume_label(application: str, volume: str) -> str:
    """Name the LUKS label, the mapper device and the units of a volume."""
    return f"{PREFIX}{application}-{volume}"


def gateway_identity(region: RegionSheet, host: str) -> str:
    """Name a gateway of ours in its certificate, below a domain that no name server of the world answers for."""
    return f"{host}.gateways.{region.short}.internal"


def peer_identity(region: RegionSheet, tunnel: str) -> str:
    """Name the other end of a tunnel in its certificate."""
    return f"{tunnel}.peers.{region.short}.internal"


def gateway_role(host: str) -> str:
    """Name the role by which a gateway is certified: the PKI's, and that of its own identity in the vault."""
    return f"{PREFIX}gateway-{host}"


def peer_role(tunnel: str) -> str:
    """Name the PKI's role by which operations certify the other end of a tunnel."""
    return f"{PREFIX}peer-{tunnel}"


def lease_path(name: str) -> str:
    """Give the vault's path of the lease *name*."""
    return f"{KV_MOUNT}/data/{LEASES}/{name}"
