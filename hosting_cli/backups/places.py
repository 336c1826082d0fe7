"""Where backups lie, and which secrets open them: what the region's files say.  Pure."""

from dataclasses import dataclass, replace

from hosting_cli.resources import SecretEntry, SecretPurpose
from inventory import naming
from inventory.backups import backed_up_hosts
from inventory.models import Application, Region


@dataclass(frozen=True)
class Place:
    """Where the repository of one application on one host lies, and which secrets open it."""

    application: str
    host: str
    store: str
    bucket: str
    password: SecretEntry
    reader: SecretEntry
    pruner: SecretEntry
    is_second: bool = False

    @property
    def prefix(self) -> str:
        """Give what the names of its objects begin with."""
        return f"{self.host}/"

    @property
    def name(self) -> str:
        """Name it for people and for the journal."""
        return f"{self.application}/{self.host}" + (f" at {self.store}" if self.is_second else "")


@dataclass(frozen=True)
class Pair:
    """A repository and its second copy at another site; *reader* reads the first, for whoever copies."""

    first: Place
    second: Place
    reader: SecretEntry


def places(region: Region, application: Application) -> tuple[Place, ...]:
    """Say where the backups of *application* lie: a repository for every host that holds a volume to be copied."""
    policy = application.backup
    if policy is None:
        return ()
    bucket = naming.backup_bucket(region, application.id)
    reader, pruner = (
        _credentials(application, user)
        for user in (naming.backup_user(application.id), naming.prune_user(application.id))
    )
    return tuple(
        Place(
            application=application.id,
            host=host,
            store=policy.store,
            bucket=bucket,
            password=_entry(application, naming.repository_secret(application.id, host), SecretPurpose.RESTIC_PASSWORD),
            reader=reader,
            pruner=pruner,
        )
        for host in backed_up_hosts(application)
    )


def pairs(region: Region, application: Application) -> tuple[Pair, ...]:
    """Say where the second copies of the backups of *application* lie, if it asks for any."""
    second_store = application.backup.second_store if application.backup else None
    if second_store is None:
        return ()
    reader, adder, pruner = (
        _credentials(application, user(application.id))
        for user in (naming.copy_reader, naming.copy_user, naming.copy_prune_user)
    )
    bucket = naming.copy_bucket(region, application.id)
    return tuple(
        Pair(
            first,
            replace(first, store=second_store, bucket=bucket, reader=adder, pruner=pruner, is_second=True),
            reader,
        )
        for first in places(region, application)
    )


def all_places(region: Region, application: Application) -> tuple[Place, ...]:
    """Say where every copy of the backups of *application* lies, the second ones last."""
    return (*places(region, application), *(pair.second for pair in pairs(region, application)))


def _credentials(application: Application, user: str) -> SecretEntry:
    return _entry(application, naming.credentials_secret(application.id, user), SecretPurpose.S3_CREDENTIALS)


def _entry(application: Application, name: str, purpose: SecretPurpose) -> SecretEntry:
    key = naming.transit_key(application.id, "backups")
    return SecretEntry(name=name, owner=application.id, purpose=purpose, wrapped_by=key)
