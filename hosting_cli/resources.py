"""The kinds of resources on the engines: OpenBao and the object store.  Those of hosts are in ``deploys.desired``."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from inventory.resource import Resource

VAULT = "vault"
"""The source of everything that OpenBao or Vault answers for."""


def object_store(store: str) -> str:
    """Name the source of what the object store *store* answers for."""
    return f"object-store {store}"


# -- vault --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class VaultResource(Resource):
    """Anything that is read from the vault.

    ``deviations`` are settings that no attribute speaks of and that are not what we write, in the vault's own words
    (``soft_deleted is True``): never any in what should be, so that a plan shows them and writing mends them.
    """

    deviations: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """Name the vault."""
        return VAULT


@dataclass(frozen=True, kw_only=True)
class SecretsEngine(VaultResource):
    """A secrets engine mounted at ``name`` (transit, kv, pki, ssh)."""

    kind: ClassVar[str] = "secrets-engine"
    data_bearing: ClassVar[bool] = True
    immutable: ClassVar[frozenset[str]] = frozenset({"type", "version"})

    type: str
    version: int | None = None


@dataclass(frozen=True, kw_only=True)
class AuthMethod(VaultResource):
    """An auth method mounted at ``name``."""

    kind: ClassVar[str] = "auth-method"
    data_bearing: ClassVar[bool] = True
    immutable: ClassVar[frozenset[str]] = frozenset({"type"})

    type: str


@dataclass(frozen=True, kw_only=True)
class SshAuthority(VaultResource):
    """The certificate authority of the SSH engine mounted at ``name``; its private key never leaves the vault."""

    kind: ClassVar[str] = "ssh-authority"
    data_bearing: ClassVar[bool] = True
    immutable: ClassVar[frozenset[str]] = frozenset({"algorithm"})

    algorithm: str = "ed25519"


@dataclass(frozen=True, kw_only=True)
class SshRole(VaultResource):
    """Who may get which certificates from the SSH authority; ``name`` is ``<mount>/<role>``."""

    kind: ClassVar[str] = "ssh-role"

    principals: tuple[str, ...]
    ttl_seconds: int


@dataclass(frozen=True, kw_only=True)
class PkiAuthority(VaultResource):
    """The authority of certificates for links, of the engine mounted at ``name``; its key never leaves the vault.

    How long it is valid and what it calls itself is decided when it is made.
    """

    kind: ClassVar[str] = "pki-authority"
    data_bearing: ClassVar[bool] = True
    immutable: ClassVar[frozenset[str]] = frozenset({"algorithm"})

    algorithm: str = "ecdsa-secp384r1-sha384"
    common_name: str = field(default="", compare=False, metadata={"state": False})
    organization: str = field(default="", compare=False, metadata={"state": False})
    country: str = field(default="", compare=False, metadata={"state": False})
    validity_days: int = field(default=0, compare=False, metadata={"state": False})
    signs_itself: bool = field(default=True, compare=False, metadata={"state": False})


@dataclass(frozen=True, kw_only=True)
class PkiRole(VaultResource):
    """Who may get which certificates from the authority of links; ``name`` is ``<mount>/<role>``."""

    kind: ClassVar[str] = "pki-role"

    names: tuple[str, ...]
    ttl_seconds: int


@dataclass(frozen=True, kw_only=True)
class Policy(VaultResource):
    """A policy rendered from ``vault_policies/``; compared by its text."""

    kind: ClassVar[str] = "policy"

    text: str


SIGNING_TYPE = "ed25519"
"""The type of a transit key that signs."""


@dataclass(frozen=True, kw_only=True)
class TransitKey(VaultResource):
    """A key that never leaves the vault, to encrypt or to sign: not exportable, deletion not allowed."""

    kind: ClassVar[str] = "transit-key"
    data_bearing: ClassVar[bool] = True
    immutable: ClassVar[frozenset[str]] = frozenset({"type"})

    type: str = "aes256-gcm96"
    exportable: bool = False
    deletion_allowed: bool = False


@dataclass(frozen=True, kw_only=True)
class AppRole(VaultResource):
    """The identity of one application on one host, bound to the address that the vault sees for it."""

    kind: ClassVar[str] = "app-role"

    policies: tuple[str, ...]
    bound_cidrs: tuple[str, ...]
    token_ttl_seconds: int
    token_max_ttl_seconds: int


class SecretPurpose(StrEnum):
    """What a stored secret opens, which also says how it is made."""

    LUKS_PASSPHRASE = "luks-passphrase"  # noqa: S105 a purpose, not a passphrase
    LUKS_RECOVERY = "luks-recovery"
    RESTIC_PASSWORD = "restic-password"  # noqa: S105 a purpose, not a password
    S3_CREDENTIALS = "s3-credentials"


@dataclass(frozen=True, kw_only=True)
class SecretEntry(VaultResource):
    """A generated secret, kept below ``kv/hosting/`` at ``name`` as ciphertext of the transit key ``wrapped_by``."""

    kind: ClassVar[str] = "secret"
    data_bearing: ClassVar[bool] = True
    immutable: ClassVar[frozenset[str]] = frozenset({"purpose", "wrapped_by"})

    purpose: SecretPurpose
    wrapped_by: str


OURS, MISSING = "ours", "missing"
"""Whose mark a bucket of one of our names carries."""


# -- object store -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class StoreResource(Resource):
    """Anything that is read from the object store ``store``; ``deviations`` as in the vault."""

    store: str
    deviations: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """Name the object store."""
        return object_store(self.store)


@dataclass(frozen=True, kw_only=True)
class Bucket(StoreResource):
    """A bucket: default SSE-KMS under ``encryption_key``, versioned, a TLS-only policy, our tags, perhaps locked.

    ``mark`` says whether our tags are on it: one of our names without them is another's, or somebody took them off.
    ``public_access`` names whoever else gets in, and ``cross_origin`` the web sites whose scripts do: never any.
    ``policy`` is the canonical JSON text of the bucket policy; ``lock_*`` is its default retention.  The store removes
    objects after ``expire_days``, and what was replaced or deleted after ``noncurrent_days``; it takes no more than
    ``quota_gib``.
    """

    kind: ClassVar[str] = "bucket"
    data_bearing: ClassVar[bool] = True
    immutable: ClassVar[frozenset[str]] = frozenset({"mark"})

    encryption_key: str | None
    versioning: bool
    policy: str | None
    lock_mode: str | None = None
    lock_days: int | None = None
    noncurrent_days: int | None = None
    expire_days: int | None = None
    quota_gib: int | None = None
    public_access: tuple[str, ...] = ()
    cross_origin: tuple[str, ...] = ()
    mark: str = OURS


@dataclass(frozen=True, kw_only=True)
class StoreUser(StoreResource):
    """An IAM user that reaches only what its policy names."""

    kind: ClassVar[str] = "store-user"

    policy: str | None


@dataclass(frozen=True, kw_only=True)
class AccessKey(StoreResource):
    """The one access key of the user ``name``, whose secret half is the vault's entry ``secret``.

    ``condition`` joins two readings: the key identifiers that the store lists for the user, and the one that the
    entry's metadata records.  Anything but ``in use`` means: make a new key, store it, read it back, drop the others.
    """

    kind: ClassVar[str] = "access-key"

    secret: str
    wrapped_by: str
    condition: str = "in use"


# -- evidence -----------------------------------------------------------------------------------------------------


def header_copies(host: str) -> str:
    """Name the source of what the platform's evidence keeps of the headers of *host*."""
    return f"header-copies of {host}"


@dataclass(frozen=True, kw_only=True)
class HeaderCopy(Resource):
    """The sealed copy of a volume's header in the platform's evidence; ``name`` is the volume's.

    ``condition`` joins two readings: which header the volume has, and of which headers copies are kept.  A copy is kept
    only after it was opened, so that whichever is kept opened once.
    """

    kind: ClassVar[str] = "header-copy"
    data_bearing: ClassVar[bool] = True

    host: str = field(compare=False, metadata={"state": False})
    condition: str = "of the present header"

    @property
    def source(self) -> str:
        """Name the copies of its host."""
        return header_copies(self.host)
