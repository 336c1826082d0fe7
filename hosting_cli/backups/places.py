"""Where backups lie, and which secrets open them: what the region's files say.  Pure."""

from dataclasses import dataclass

from hosting_cli.desired import backed_up_hosts
from hosting_cli.resources import SecretEntry, SecretPurpose
from inventory import naming
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

    @property
    def prefix(self) -> str:
        """Give what the names of its objects begin with."""
        return f"{self.host}/"

    @property
    def name(self) -> str:
        """Name it for people and for the journal."""
        return f"{self.application}/{self.host}"


def places(region: Region, application: Application) -> tuple[Place, ...]:
    """Say where the backups of *application* lie: a repository for every host that holds a volume to be copied."""
    policy = application.backup
    if policy is None:
        return ()
    bucket = naming.backup_bucket(region, application.id)
    reader, pruner = (
        _entry(application, naming.credentials_secret(application.id, user), SecretPurpose.S3_CREDENTIALS)
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


def _entry(application: Application, name: str, purpose: SecretPurpose) -> SecretEntry:
    key = naming.transit_key(application.id, "backups")
    return SecretEntry(name=name, owner=application.id, purpose=purpose, wrapped_by=key)
