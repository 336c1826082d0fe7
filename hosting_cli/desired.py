"""What should be on the engines: one pure function from a region's files to resources.

Order matters nowhere here: every resource names what it requires, and the plan puts them in order.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from deploys.desired import Published, region_resources
from deploys.resources import HostResource, HostVolume
from hosting_cli import store_policies
from hosting_cli.desired_buckets import KV, TRANSIT, platform_buckets, policy_of, user_of
from hosting_cli.desired_links import gateways_with_tunnels, links
from hosting_cli.resources import (
    SIGNING_TYPE,
    AccessKey,
    AppRole,
    AuthMethod,
    Bucket,
    HeaderCopy,
    Policy,
    SecretEntry,
    SecretPurpose,
    SecretsEngine,
    SshAuthority,
    SshRole,
    TransitKey,
)
from inventory import naming
from inventory.backups import backed_up_hosts
from inventory.environment import Environment, ObjectStoreAccess, RootOfLinks
from inventory.models import Application, BackupPolicy, Region, Tier
from inventory.resource import PLATFORM, Resource, Subject
from vault_policies import render

CERTIFICATE_SECONDS = 30 * 60
"""How long an operator's SSH certificate is valid: a run of the command line, not a working day."""

TOKEN_SECONDS = 10 * 60
"""How long a host's token lives: an unlock or a backup's start, after which it logs in again."""

APPROLE = Subject(AuthMethod.kind, naming.APPROLE_MOUNT)


def desired(region: Region, environment: Environment, published: Published) -> dict[Subject, Resource]:
    """Give every resource of *region*, by subject."""
    resources: list[Resource] = [*platform(region, environment), *platform_buckets(region)]
    for application in region.applications:
        resources += of_application(region, environment, application)
    on_hosts = region_resources(region, environment, published)
    resources += on_hosts
    resources += _header_copies(region, on_hosts)
    # Hosts name the vault's entry that they read; an entry of S3 credentials is made with its access key.
    makers = {Subject(SecretEntry.kind, key.secret): key.subject for key in resources if isinstance(key, AccessKey)}
    return {resource.subject: _requiring(resource, makers) for resource in resources}


def _requiring(resource: Resource, makers: Mapping[Subject, Subject]) -> Resource:
    """Let *resource* require what makes the things that it asks for."""
    if makers.keys().isdisjoint(resource.requires):
        return resource
    return replace(resource, requires=tuple(makers.get(required, required) for required in resource.requires))


def _header_copies(region: Region, on_hosts: Iterable[HostResource]) -> Iterator[Resource]:
    """Ask for a sealed copy of each volume's header, in a region that keeps evidence."""
    if region.evidence is None:
        return
    evidence = (
        Subject(Bucket.kind, naming.evidence_bucket(region)),
        Subject(AccessKey.kind, naming.EVIDENCE_USER),
    )
    for volume in on_hosts:
        if isinstance(volume, HostVolume):
            key = Subject(TransitKey.kind, naming.transit_key(volume.application, "volumes"))
            yield HeaderCopy(
                name=volume.name, owner=volume.owner, host=volume.host, requires=(volume.subject, key, *evidence)
            )


# -- platform -----------------------------------------------------------------------------------------------------


def platform(region: Region, environment: Environment) -> Iterator[Resource]:
    """Yield what the vault must hold before any application: engines, the SSH authority, the rights of people."""
    yield SecretsEngine(name=naming.TRANSIT_MOUNT, owner=PLATFORM, type="transit")
    yield SecretsEngine(name=naming.KV_MOUNT, owner=PLATFORM, type="kv", version=2)
    yield SecretsEngine(name=naming.PKI_MOUNT, owner=PLATFORM, type="pki")
    yield SecretsEngine(name=naming.SSH_MOUNT, owner=PLATFORM, type="ssh")
    yield AuthMethod(name=naming.APPROLE_MOUNT, owner=PLATFORM, type="approle")
    ssh = Subject(SecretsEngine.kind, naming.SSH_MOUNT)
    authority = SshAuthority(name=naming.SSH_MOUNT, owner=PLATFORM, requires=(ssh,))
    yield authority
    yield SshRole(
        name=f"{naming.SSH_MOUNT}/{naming.SSH_OPERATIONS_ROLE}",
        owner=PLATFORM,
        principals=(naming.SSH_OPERATIONS_ROLE,),
        ttl_seconds=CERTIFICATE_SECONDS,
        requires=(authority.subject,),
    )
    yield from links(region, signs_itself=environment.root_of_links is RootOfLinks.VAULT)
    for key in (render.SECRETS_KEY, render.PROBE_KEY, *render.keys_of_platform_buckets(region)):
        yield TransitKey(name=key, owner=PLATFORM, requires=(TRANSIT,))
    if region.evidence is not None:
        yield TransitKey(name=render.SIGNING_KEY, owner=PLATFORM, type=SIGNING_TYPE, requires=(TRANSIT,))
        yield TransitKey(name=render.READING_KEY, owner=PLATFORM, requires=(TRANSIT,))
    for name, text in render.platform_policies(region).items():
        yield Policy(name=name, owner=PLATFORM, text=text)
    for host in gateways_with_tunnels(region):
        if host in environment.hosts:
            text = render.gateway(region, host)
            yield from _identity(naming.host_role(PLATFORM, host), PLATFORM, text, environment, host)
    yield AppRole(
        name=naming.S3_KMS_ROLE,
        owner=PLATFORM,
        policies=(naming.S3_KMS_ROLE,),
        bound_cidrs=tuple(sorted({str(access.vault_sees) for access in environment.object_stores.values()})),
        token_ttl_seconds=24 * 3600,
        token_max_ttl_seconds=24 * 3600,
        requires=(APPROLE, Subject(Policy.kind, naming.S3_KMS_ROLE)),
    )


def _identity(name: str, owner: str, text: str, environment: Environment, host: str) -> Iterator[Resource]:
    """Yield the AppRole *name* of *host*, and the policy that says what it may."""
    policy = Policy(name=name, owner=owner, text=text)
    yield policy
    yield AppRole(
        name=name,
        owner=owner,
        policies=(name,),
        bound_cidrs=(str(environment.hosts[host].vault_sees),),
        token_ttl_seconds=TOKEN_SECONDS,
        token_max_ttl_seconds=TOKEN_SECONDS,
        requires=(APPROLE, policy.subject),
    )


def provisioner_entry(access: ObjectStoreAccess) -> SecretEntry:
    """Say under which entry an object store's provisioner credentials are kept; whoever sets it up stores them."""
    return SecretEntry(
        name=access.credentials,
        owner=PLATFORM,
        purpose=SecretPurpose.S3_CREDENTIALS,
        wrapped_by=render.SECRETS_KEY,
    )


# -- applications -------------------------------------------------------------------------------------------------


def of_application(region: Region, environment: Environment, application: Application) -> Iterator[Resource]:
    """Yield what *application* needs on the vault and on the object store."""
    for purpose in naming.KEY_PURPOSES:
        yield TransitKey(name=naming.transit_key(application.id, purpose), owner=application.id, requires=(TRANSIT,))
    for tier in application.tiers:
        yield from _secrets_of_volumes(application, tier)
    for host in hosts_of(application):
        text = render.application_host(region, application, host)
        yield from _identity(naming.host_role(application.id, host), application.id, text, environment, host)
    yield from _buckets(region, application)
    if application.backup:
        yield from _backup(region, application)


def resources_of(region: Region, environment: Environment, application: Application | None) -> tuple[Resource, ...]:
    """Give what *application* needs on the engines; without one, what the platform needs there."""
    if application is None:
        return (*platform(region, environment), *platform_buckets(region))
    return tuple(of_application(region, environment, application))


def hosts_of(application: Application) -> tuple[str, ...]:
    """Name the hosts of *application*, each once."""
    return tuple(sorted({host for tier in application.tiers for host in tier.hosts}))


def _secrets_of_volumes(application: Application, tier: Tier) -> Iterator[Resource]:
    for host in tier.hosts:
        for volume in tier.volumes:
            for slot, purpose in (("active", SecretPurpose.LUKS_PASSPHRASE), ("recovery", SecretPurpose.LUKS_RECOVERY)):
                name = naming.volume_secret(application.id, host, volume.id, slot)
                yield _secret(application, name, purpose, "volumes")


def _secret(application: Application, name: str, purpose: SecretPurpose, key_purpose: str) -> SecretEntry:
    key = naming.transit_key(application.id, key_purpose)
    requires = (KV, Subject(TransitKey.kind, key))
    return SecretEntry(name=name, owner=application.id, purpose=purpose, wrapped_by=key, requires=requires)


def _buckets(region: Region, application: Application) -> Iterator[Resource]:
    key = naming.transit_key(application.id, "objects")
    stores: dict[str, list[str]] = {}
    for bucket in application.buckets:
        name = naming.bucket(region, application.id, bucket.id)
        stores.setdefault(bucket.store, []).append(name)
        yield Bucket(
            name=name,
            owner=application.id,
            store=bucket.store,
            encryption_key=key,
            versioning=True,
            policy=policy_of(region, bucket.store, name),
            noncurrent_days=bucket.noncurrent_days,
            quota_gib=bucket.quota_gib,
            requires=(Subject(TransitKey.kind, key), Subject(Policy.kind, naming.S3_KMS_ROLE)),
        )
    for store, names in stores.items():
        user, policy = naming.data_user(application.id), store_policies.data_user(names)
        yield from user_of(application.id, store, user, policy, key=key, buckets=tuple(names))


def _backup(region: Region, application: Application) -> Iterator[Resource]:
    """Yield the locked bucket, the users that add to it and prune it, and a restic password for every host."""
    policy = application.backup
    if policy is None:
        return
    name = naming.backup_bucket(region, application.id)
    key = naming.transit_key(application.id, "backups")
    yield _locked_bucket(region, application, policy, policy.store, name)
    hosts = backed_up_hosts(application)
    adds = store_policies.backup_user(name, hosts)
    yield from user_of(application.id, policy.store, naming.backup_user(application.id), adds, key=key, buckets=(name,))
    pruner, prunes = naming.prune_user(application.id), store_policies.prune_user(name)
    yield from user_of(application.id, policy.store, pruner, prunes, key=key, buckets=(name,))
    yield Policy(name=pruner, owner=application.id, text=render.backup_prune(region, application))
    if policy.second_store is not None:
        yield from _second_copy(region, application, policy, policy.second_store)
    for host in hosts:
        yield _secret(
            application, naming.repository_secret(application.id, host), SecretPurpose.RESTIC_PASSWORD, "backups"
        )


def _locked_bucket(region: Region, application: Application, policy: BackupPolicy, store: str, name: str) -> Resource:
    key = naming.transit_key(application.id, "backups")
    return Bucket(
        name=name,
        owner=application.id,
        store=store,
        encryption_key=key,
        versioning=True,
        policy=policy_of(region, store, name),
        lock_mode=policy.lock_mode.value,
        lock_days=policy.lock_days,
        requires=(Subject(TransitKey.kind, key), Subject(Policy.kind, naming.S3_KMS_ROLE)),
    )


def _second_copy(region: Region, application: Application, policy: BackupPolicy, store: str) -> Iterator[Resource]:
    """Yield the locked bucket at another site, who adds to it and prunes it, and who reads the first for it.

    It lies under the same transit key as the first, so that the end of that key is the end of both.
    """
    first, second = naming.backup_bucket(region, application.id), naming.copy_bucket(region, application.id)
    key = naming.transit_key(application.id, "backups")
    yield _locked_bucket(region, application, policy, store, second)
    for user, where, bucket, text in (
        (naming.copy_reader(application.id), policy.store, first, store_policies.copy_reader(first)),
        (naming.copy_user(application.id), store, second, store_policies.copy_user(second)),
        (naming.copy_prune_user(application.id), store, second, store_policies.prune_user(second)),
    ):
        yield from user_of(application.id, where, user, text, key=key, buckets=(bucket,))
    yield Policy(
        name=naming.copy_user(application.id), owner=application.id, text=render.backup_copy(region, application)
    )
