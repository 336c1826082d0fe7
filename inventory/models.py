"""The words of a region as frozen values; nothing behind the loader sees a dictionary or a path.

Unknown keys and wrong types are errors.  Sizes are in GiB, durations in days unless the name says otherwise.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from inventory.compliance import Exclusion, Statement, Waiver
from inventory.frozen import Model
from inventory.identifiers import (
    ApplicationIdentifier,
    Country,
    Email,
    Finess,
    Identifier,
    NonEmpty,
    PostalCode,
    RegionIdentifier,
    RegionShort,
    Siren,
    Siret,
    Size,
    Telephone,
)
from inventory.key_policy import OWN, KeyPolicy
from inventory.links import Link, LinkNeeds
from inventory.network import Flow, Interface, NetworkSheet, Protocol
from inventory.notations import (
    Continuity,
    DatabaseName,
    Day,
    DevicePath,
    InterfaceName,
    MountPoint,
    Program,
    ProtocolCode,
    Schedule,
)
from inventory.providers import Provider

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
    valid_from: Day
    valid_until: Day


class Contact(Model):
    """A role that can be reached, never a private person."""

    id: Identifier
    role: NonEmpty
    email: Email
    telephone: Telephone


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
    postal_code: PostalCode
    town: NonEmpty
    links: tuple[Link, ...] = ()


class Member(Model):
    """A legal entity (FINESS EJ) that joined the operator, with its establishments and contacts."""

    id: Identifier
    name: NonEmpty
    finess: Finess | None = None
    siren: Siren | None = None
    joined: Day
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


class HostRole(StrEnum):
    """What a host does for others."""

    APPLICATION = "application"
    GATEWAY = "gateway"


class DataDevice(Model):
    """A block device that volumes may be carved from, by a name that survives reboots."""

    path: DevicePath
    size_gib: Size


class Host(Model):
    """A Debian machine of the hosting.

    ``trunks`` are network cards that carry several segments, each under its tag: what comes without one is nobody's.
    """

    id: Identifier
    site: Identifier
    role: HostRole
    trunks: tuple[InterfaceName, ...] = ()
    interfaces: Annotated[tuple[Interface, ...], Field(min_length=1)]
    data_devices: tuple[DataDevice, ...] = ()


class ObjectStore(Model):
    """An S3 service and the site where it keeps what it is given.

    ``product`` is a file of the catalogue's providers, and ``location`` what that provider calls the place.
    """

    id: Identifier
    site: Identifier
    product: Identifier
    location: Identifier | None = None


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
    mount_point: MountPoint


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
    quota_gib: Size | None = None


class Retention(Model):
    """Of how many of the last hours, days, weeks and months that have a snapshot the last one is kept."""

    hourly: Annotated[int, Field(ge=0)] = 0
    daily: Annotated[int, Field(ge=1)]
    weekly: Annotated[int, Field(ge=0)] = 0
    monthly: Annotated[int, Field(ge=0)] = 0


class LockMode(StrEnum):
    """How strictly a store holds locked objects."""

    GOVERNANCE = "governance"
    COMPLIANCE = "compliance"


class EvidenceBucket(Model):
    """Where the platform keeps what has to be shown later; nobody can remove any of it before its lock ends.

    No text gives a duration.  Three years are those of a certificate: what was done after one audit can be shown at
    every other until the renewal.
    """

    store: Identifier
    lock_mode: LockMode = LockMode.COMPLIANCE
    lock_days: Annotated[int, Field(ge=1)] = 1095
    source: NonEmpty = OWN


class LogBucket(Model):
    """Where logs are kept: for ``kept_days`` nobody can remove one, and then the store does.

    A year is what ANSSI's guide for sensitive systems asks for (R68), and the longest that the CNIL recommends.
    """

    store: Identifier
    lock_mode: LockMode = LockMode.COMPLIANCE
    kept_days: Annotated[int, Field(ge=1)] = 365
    source: NonEmpty = OWN


class DatabaseEngine(StrEnum):
    """The kinds of databases that can be copied while they are in use."""

    POSTGRESQL = "postgresql"


class Database(Model):
    """A database of the application: it runs on the hosts of ``volume``, which holds its files and its dumps."""

    engine: DatabaseEngine
    name: DatabaseName
    volume: Identifier


class RestoredCheck(Model):
    """The application's own check of what was restored: 0 says that the application could work with it.

    It finds the restored files where the live ones are, cannot write there, and has no network.
    """

    program: Program
    arguments: tuple[NonEmpty, ...] = ()
    timeout_seconds: Annotated[int, Field(ge=1, le=4 * 3600)] = 600


class BackupPolicy(Model):
    """What is copied, when, where to, and for how long nobody can remove it.

    Without a schedule or a retention of its own an application has those of its continuity class
    (`inventory.backups.rhythm_of`).  ``laxer_because`` says why it may ask for less than its class does.
    ``second_store``, at another site, holds a second copy of all of it.
    """

    store: Identifier
    second_store: Identifier | None = None
    volumes: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    schedule: Schedule | None = None
    retention: Retention | None = None
    laxer_because: NonEmpty | None = None
    lock_mode: LockMode = LockMode.COMPLIANCE
    lock_days: Annotated[int, Field(ge=1)]
    databases: tuple[Database, ...] = ()
    check: RestoredCheck | None = None


class Application(Model):
    """What is hosted, for one or many establishments, in one environment."""

    id: ApplicationIdentifier
    name: NonEmpty
    profile: Identifier
    environment: Deployment
    data_class: DataClass
    continuity: Continuity
    hds_activities: tuple[HdsActivity, ...] = ()
    establishments: tuple[Finess, ...] = ()
    incident_contact: Identifier | None = None
    depends_on: tuple[Identifier, ...] = ()
    tiers: Annotated[tuple[Tier, ...], Field(min_length=1)]
    buckets: tuple[Bucket, ...] = ()
    backup: BackupPolicy | None = None
    flows: tuple[Flow, ...] = ()

    @property
    def is_production(self) -> bool:
        """Tell whether people's care depends on it."""
        return self.environment is Deployment.PRODUCTION


class BackupRhythm(Model):
    """When backups are made, how long they are kept, and how often it is seen whether they are any good.

    A check reads one of ``check_parts`` parts of the data, another one each time.
    """

    schedule: Schedule
    retention: Retention
    check_days: Annotated[int, Field(ge=1)]
    check_parts: Annotated[int, Field(ge=1)]
    drill_days: Annotated[int, Field(ge=1)]


class ContinuityClass(Model):
    """What a continuity class promises: in French documents RTO is DMIA, and RPO is PDMA.

    ``backup`` is what that asks of the backups of its applications, at least.
    """

    code: Continuity
    name: NonEmpty
    availability_percent: Annotated[float, Field(gt=0, lt=100)]
    rto_minutes: Annotated[int, Field(gt=0)]
    rpo_minutes: Annotated[int, Field(gt=0)]
    means: NonEmpty
    backup: BackupRhythm


class ContinuityClasses(Model):
    """What `catalogue/continuity.yaml` holds: every class, once."""

    classes: Annotated[tuple[ContinuityClass, ...], Field(min_length=1)]


class Profile(Model):
    """A service profile: what an application of this kind is expected to need."""

    id: Identifier
    name: NonEmpty
    data_class: DataClass
    continuity: Continuity
    hds_activities: tuple[HdsActivity, ...]
    protocols: tuple[ProtocolCode, ...]
    links: LinkNeeds | None = None


class RegionSheet(Model):
    """What `region.yaml` holds: who operates, whom to call, where, what is kept, and how long keys may serve."""

    id: RegionIdentifier
    name: NonEmpty
    short: RegionShort
    operator: Operator
    contacts: Annotated[tuple[Contact, ...], Field(min_length=1)]
    sites: Annotated[tuple[Site, ...], Field(min_length=1)]
    stores: tuple[ObjectStore, ...] = ()
    evidence: EvidenceBucket | None = None
    logs: LogBucket | None = None
    key_policy: KeyPolicy = KeyPolicy()


class Region(NetworkSheet, RegionSheet):
    """All that one operator hosts: the whole of its files, as one value."""

    hosts: tuple[Host, ...] = ()
    members: tuple[Member, ...] = ()
    applications: tuple[Application, ...] = ()
    statements: tuple[Statement, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    protocols: tuple[Protocol, ...] = ()
    profiles: tuple[Profile, ...] = ()
    continuity: tuple[ContinuityClass, ...] = ()
    providers: tuple[Provider, ...] = ()
