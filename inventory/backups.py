"""What is asked of an application's backups: by its own file, and by its continuity class where that says nothing."""

from collections.abc import Iterable

from inventory.models import Application, BackupPolicy, BackupRhythm, ContinuityClass, Region, Retention
from inventory.schedules import longest_gap_minutes


def class_of(region: Region, application: Application) -> ContinuityClass:
    """Give the continuity class of *application*: what it promises."""
    return next(item for item in region.continuity if item.code == application.continuity)


def rhythm_of(region: Region, application: Application) -> BackupRhythm:
    """Give when *application* is backed up, for how long that is kept, and how often it is checked and drilled."""
    return with_own(class_of(region, application).backup, application.backup)


def with_own(asked: BackupRhythm, policy: BackupPolicy | None) -> BackupRhythm:
    """Put the schedule and the retention that *policy* has of its own in place of those *asked* for."""
    own = {} if policy is None else {"schedule": policy.schedule, "retention": policy.retention}
    return asked.model_copy(update={name: value for name, value in own.items() if value is not None})


def longest_age_minutes(region: Region, application: Application) -> int:
    """Say how old the newest backup may become before somebody is to be woken.

    That is the RPO of the class, unless the schedule cannot keep it: C0, whose minute is for replication, and an
    application that gave a reason for less.  Then it is one and a half times what passes between two backups.
    """
    promised = class_of(region, application).rpo_minutes
    gap = longest_gap_minutes(rhythm_of(region, application).schedule)
    return promised if gap < promised else gap * 3 // 2


def backed_up_hosts(application: Application) -> tuple[str, ...]:
    """Name the hosts that hold a volume which the backup policy of *application* copies, each once."""
    copied = application.backup.volumes if application.backup else ()
    tiers = [tier for tier in application.tiers if any(volume.id in copied for volume in tier.volumes)]
    return tuple(sorted({host for tier in tiers for host in tier.hosts}))


def kept_days(retention: Retention) -> int:
    """Give the age in days that the oldest kept snapshot reaches."""
    return max(retention.daily, retention.weekly * 7, retention.monthly * 30)


def is_rarer(schedule: str, asked: str) -> bool:
    """Tell whether *schedule* ever waits for longer than *asked* does."""
    return longest_gap_minutes(schedule) > longest_gap_minutes(asked)


def kept_shorter(retention: Retention, asked: Retention) -> tuple[str, ...]:
    """Name the rhythms of *asked* that *retention* does not reach, by its own count or that of a shorter rhythm."""
    reached = {"hourly": retention.hourly, "daily": retention.daily}
    reached["weekly"] = max(retention.weekly, retention.daily // 7)
    reached["monthly"] = max(retention.monthly, retention.daily // 31, retention.weekly * 7 // 31)
    return tuple(name for name, count in _counts(asked) if reached[name] < count)


def _counts(retention: Retention) -> Iterable[tuple[str, int]]:
    return retention.model_dump().items()


def hosts_with_databases(application: Application) -> frozenset[str]:
    """Name the hosts on which *application* has databases: those of the volumes that these lie on."""
    volumes = {database.volume for database in application.backup.databases} if application.backup else set()
    return frozenset(
        host for tier in application.tiers if volumes & {volume.id for volume in tier.volumes} for host in tier.hosts
    )
