"""The words of a region as frozen values; nothing behind the loader sees a dictionary or a path.

Unknown keys and wrong types are errors.  Sizes are in GiB, durations in days unless the name says otherwise.
"""

from datetime import date
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from inventory.identifiers import Country, Finess, HttpsAddress, Identifier, Siren, Siret

NonEmpty = Annotated[str, Field(min_length=1, pattern=r"\S")]
Size = Annotated[int, Field(gt=0, le=1 << 20)]


class Model(BaseModel):
    """The base of every value: frozen, and strict about keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# -- who ----------------------------------------------------------------------------------------------------------


class HdsActivity(StrEnum):
    """The six activities of CSP R.1111-9, by the name that every source agrees on."""

    SITE = "physical-sites"
    HARDWARE = "hardware"
    VIRTUAL = "virtual-infrastructure"
    PLATFORM = "application-platform"
    OPERATIONS = "administration"
    BACKUP = "backup"


class Certificate(Model):
    """An HDS certificate: which activities it covers, and until when."""

    number: NonEmpty
    body: NonEmpty
    activities: Annotated[tuple[HdsActivity, ...], Field(min_length=1)]
    valid_from: date
    valid_until: date


class Contact(Model):
    """A role that can be reached, never a private person."""

    id: Identifier
    role: NonEmpty
    email: NonEmpty
    telephone: NonEmpty


class Operator(Model):
    """The group that runs the hosting and holds the HDS certificate."""

    name: NonEmpty
    siren: Siren | None = None
    country: Country
    certificate: Certificate


class Establishment(Model):
    """A place of a member (FINESS ET)."""

    finess: Finess
    name: NonEmpty
    siret: Siret | None = None
    postal_code: Annotated[str, Field(pattern=r"^\d{5}$")]
    town: NonEmpty


class Member(Model):
    """A legal entity (FINESS EJ) that joined the operator, with its establishments and contacts."""

    id: Identifier
    name: NonEmpty
    finess: Finess | None = None
    siren: Siren | None = None
    joined: date
    establishments: tuple[Establishment, ...] = ()
    contacts: Annotated[tuple[Contact, ...], Field(min_length=1)]


# -- where --------------------------------------------------------------------------------------------------------


class SiteKind(StrEnum):
    """What a site is for; hosts and storage live in datacentres only."""

    DATACENTRE = "datacentre"
    OFFICE = "office"
    ACCESS_POINT = "access-point"


class Site(Model):
    """A place with a country; whatever stores health data stands in the EEA (EXI 28)."""

    id: Identifier
    name: NonEmpty
    kind: SiteKind
    town: NonEmpty
    country: Country


class SegmentKind(StrEnum):
    """Whose network zone a segment is."""

    TIER = "tier"
    TUNNEL = "tunnel"
    PLATFORM = "platform"


class Segment(Model):
    """A network zone; traffic between two segments is dropped unless a flow says otherwise."""

    id: Identifier
    site: Identifier
    kind: SegmentKind
    network: IPv4Network
    establishment: Finess | None = None


class HostRole(StrEnum):
    """What a host does for others."""

    APPLICATION = "application"
    GATEWAY = "gateway"


class Interface(Model):
    """A network card of a host and its address in a segment."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9.]{1,14}$")]
    segment: Identifier
    address: IPv4Interface


class DataDevice(Model):
    """A block device that volumes may be carved from, by a name that survives reboots."""

    path: Annotated[str, Field(pattern=r"^/dev/disk/by-id/[A-Za-z0-9._:-]+$")]
    size_gib: Size


class Host(Model):
    """A Debian machine of the hosting."""

    id: Identifier
    site: Identifier
    role: HostRole
    interfaces: Annotated[tuple[Interface, ...], Field(min_length=1)]
    data_devices: tuple[DataDevice, ...] = ()


class ObjectStore(Model):
    """An S3 service and the site where it keeps what it is given."""

    id: Identifier
    site: Identifier
    product: Annotated[str, Field(pattern=r"^(seaweedfs|ceph-rgw)$")]


# -- what ---------------------------------------------------------------------------------------------------------


class DataClass(StrEnum):
    """How sensitive the data is (D3: identifiable health data, which HDS covers)."""

    HEALTH = "D3"
    PROFESSIONAL = "D2"
    INTERNAL = "D1"
    PUBLIC = "D0"


class Deployment(StrEnum):
    """What an application's environment is for."""

    PRODUCTION = "production"
    PREPRODUCTION = "preproduction"
    TRAINING = "training"


class FilesystemKind(StrEnum):
    """The file systems a volume may carry."""

    EXT4 = "ext4"
    XFS = "xfs"


class Volume(Model):
    """Encrypted storage of a tier: one on each of its hosts."""

    id: Identifier
    size_gib: Size
    filesystem: FilesystemKind = FilesystemKind.EXT4
    mount_point: Annotated[str, Field(pattern=r"^/srv/[a-z0-9][a-z0-9/-]*$")]


class Tier(Model):
    """A part of an application with its own hosts and segment."""

    id: Identifier
    segment: Identifier
    hosts: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    volumes: tuple[Volume, ...] = ()


class Bucket(Model):
    """An encrypted, versioned bucket for the application's objects."""

    id: Identifier
    store: Identifier
    noncurrent_days: Annotated[int, Field(gt=0)] | None = None


class Retention(Model):
    """How many snapshots of each rhythm are kept."""

    daily: Annotated[int, Field(ge=1)]
    weekly: Annotated[int, Field(ge=0)] = 0
    monthly: Annotated[int, Field(ge=0)] = 0


class LockMode(StrEnum):
    """How strictly a store holds locked objects."""

    GOVERNANCE = "governance"
    COMPLIANCE = "compliance"


class BackupPolicy(Model):
    """What is copied, when, where to, and for how long nobody can remove it."""

    store: Identifier
    volumes: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    schedule: NonEmpty
    retention: Retention
    lock_mode: LockMode = LockMode.COMPLIANCE
    lock_days: Annotated[int, Field(ge=1)]


class Flow(Model):
    """One row of the flow matrix; what is not a row is dropped.

    A source or destination is the id of a segment, or ``tier:<id>`` for a tier of the same application.
    """

    source: NonEmpty
    destination: NonEmpty
    protocol: Annotated[str, Field(pattern=r"^F-[A-Z0-9]+$")]
    purpose: NonEmpty
    owner: NonEmpty
    expires: date


class Application(Model):
    """What is hosted, for one or many establishments, in one environment."""

    id: Annotated[Identifier, Field(max_length=24)]
    name: NonEmpty
    profile: Identifier
    environment: Deployment
    data_class: DataClass
    continuity: Annotated[str, Field(pattern=r"^C[0-4]$")]
    hds_activities: tuple[HdsActivity, ...] = ()
    establishments: tuple[Finess, ...] = ()
    incident_contact: Identifier | None = None
    depends_on: tuple[Identifier, ...] = ()
    tiers: Annotated[tuple[Tier, ...], Field(min_length=1)]
    buckets: tuple[Bucket, ...] = ()
    backup: BackupPolicy | None = None
    flows: tuple[Flow, ...] = ()


class Protocol(Model):
    """A row of the flow catalogue: what a protocol code means on the wire."""

    code: Annotated[str, Field(pattern=r"^F-[A-Z0-9]+$")]
    name: NonEmpty
    transport: Annotated[str, Field(pattern=r"^(tcp|udp)$")]
    ports: Annotated[tuple[Annotated[int, Field(gt=0, lt=65536)], ...], Field(min_length=1)]
    encrypted: bool


class Profile(Model):
    """A service profile: what an application of this kind is expected to need."""

    id: Identifier
    name: NonEmpty
    data_class: DataClass
    continuity: Annotated[str, Field(pattern=r"^C[0-4]$")]
    hds_activities: tuple[HdsActivity, ...]
    protocols: tuple[str, ...]


class Region(Model):
    """All that one operator hosts: the whole of its files, as one value."""

    id: Annotated[Identifier, Field(max_length=32)]
    name: NonEmpty
    short: Annotated[Identifier, Field(max_length=8)]
    operator: Operator
    address_space: Annotated[tuple[IPv4Network, ...], Field(min_length=1)]
    contacts: Annotated[tuple[Contact, ...], Field(min_length=1)]
    sites: Annotated[tuple[Site, ...], Field(min_length=1)]
    stores: tuple[ObjectStore, ...] = ()
    segments: tuple[Segment, ...] = ()
    hosts: tuple[Host, ...] = ()
    members: tuple[Member, ...] = ()
    applications: tuple[Application, ...] = ()
    protocols: tuple[Protocol, ...] = ()
    profiles: tuple[Profile, ...] = ()


# -- which engines ------------------------------------------------------------------------------------------------


class LuksProfile(StrEnum):
    """How much work Argon2id does to open a volume; ``lab`` is for emulated machines only."""

    LAB = "lab"
    PRODUCTION = "production"


class VaultAccess(Model):
    """Where the vault answers and where the operator's own token is read from."""

    address: HttpsAddress
    certificate_authority: Path
    token_file: Path


class ObjectStoreAccess(Model):
    """Where the object store answers, and the KV path of the provisioner's S3 credentials."""

    endpoint: HttpsAddress
    region: NonEmpty
    certificate_authority: Path
    credentials: NonEmpty


class HostAccess(Model):
    """How a host is reached, and how it reaches the engines itself."""

    address: NonEmpty
    port: Annotated[int, Field(gt=0, lt=65536)] = 22
    host_key: Annotated[str, Field(pattern=r"^ssh-ed25519 [A-Za-z0-9+/=]+$")]
    bootstrap_key: Path | None = None
    vault_address: HttpsAddress
    object_store_endpoint: HttpsAddress
    vault_sees: IPv4Network


class Environment(Model):
    """The engines that a region is carried out on: addresses and paths, never a secret."""

    environment: Identifier
    luks_profile: LuksProfile = LuksProfile.PRODUCTION
    vault: VaultAccess
    object_store: ObjectStoreAccess
    administration_sources: Annotated[tuple[IPv4Network, ...], Field(min_length=1)]
    time_servers: tuple[IPv4Address, ...] = ()
    hosts: dict[Identifier, HostAccess]
    journal: Path
