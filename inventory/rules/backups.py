"""Whether backups are what the continuity class of their application asks for, or somebody says why not."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from inventory.backups import hosts_with_databases, is_rarer, kept_days, kept_shorter, with_own
from inventory.located import LocatedRegion, Placed
from inventory.models import Application, BackupPolicy, ContinuityClass
from inventory.problems import Problem, Words, quoted
from inventory.schedules import longest_gap_minutes

_LAXER = "ask for as much, or say in laxer_because why less is enough"


def backups_keep_to_their_class(region: LocatedRegion) -> Iterator[Problem]:
    """Find backups that are rarer, or kept for shorter, than their class asks, without a word of why."""
    classes = _classes(region)
    for application in region.applications:
        policy, promise = application.value.backup, classes[application.value.continuity]
        if policy is None:
            continue
        laxer = list(_laxer(policy, promise))
        if policy.laxer_because is None:
            yield from (application.problem(("backup", key), words) for key, words in laxer)
        elif not laxer:
            what = "a reason is given for asking less than the class does"
            words = Words(
                what, f"neither schedule nor retention is laxer than {promise.code} asks", "remove the reason"
            )
            yield application.problem(("backup", "laxer_because"), words)


def _classes(region: LocatedRegion) -> Mapping[str, ContinuityClass]:
    return {item.code: item for item in region.catalogue.continuity.value.classes}


def _laxer(policy: BackupPolicy, promise: ContinuityClass) -> Iterator[tuple[str, Words]]:
    """Give the key of each thing that *policy* asks less of than its class, with the words about it."""
    asked = promise.backup
    if policy.schedule is not None and is_rarer(policy.schedule, asked.schedule):
        what = f"up to {_time(policy.schedule)} pass between two backups"
        yield "schedule", Words(what, f"class {promise.code} asks for one every {_time(asked.schedule)}", _LAXER)
    shorter = kept_shorter(policy.retention, asked.retention) if policy.retention is not None else ()
    if shorter:
        counts = ", ".join(f"{name} {getattr(asked.retention, name)}" for name in shorter)
        what = f"the retention keeps less than {counts}"
        yield "retention", Words(what, f"class {promise.code} asks for that", _LAXER)


def _time(schedule: str) -> str:
    minutes = longest_gap_minutes(schedule)
    return f"{minutes // 60} hours" if minutes % 60 == 0 and minutes > 60 else f"{minutes} minutes"


def locks_end_with_the_retention(region: LocatedRegion) -> Iterator[Problem]:
    """Find backups that stay locked when the last snapshot that needs them is forgotten: room nobody can free."""
    for application in region.applications:
        policy = application.value.backup
        kept = _kept_days(region, application)
        if policy is not None and policy.lock_days > kept:
            what = f"backups are locked for {policy.lock_days} days"
            why = f"the retention keeps none longer than {kept} days and nobody could free the room"
            remedy = f"keep snapshots longer or lock for at most {kept} days"
            yield application.problem(("backup", "lock_days"), Words(what, why, remedy))


def _kept_days(region: LocatedRegion, application: Placed[Application]) -> int:
    promise = _classes(region)[application.value.continuity]
    return kept_days(with_own(promise.backup, application.value.backup).retention)


def second_copies_are_elsewhere(region: LocatedRegion) -> Iterator[Problem]:
    """Find second copies at the site of the first: what takes one takes the other."""
    stores = {store.value.id: store.value for store in region.stores}
    for application in region.applications:
        backup = application.value.backup
        if backup is None or backup.second_store is None:
            continue
        first, second = stores.get(backup.store), stores.get(backup.second_store)
        if first is not None and second is not None and first.site == second.site:
            what = f"the second copy on {second.id} stands at {second.site}, as the first on {first.id} does"
            why = "a fire or a flood takes both"
            yield application.problem(("backup", "second_store"), Words(what, why, "choose a store at another site"))


def databases_lie_on_backed_up_volumes(region: LocatedRegion) -> Iterator[Problem]:
    """Find databases on volumes that are not copied: their dumps would never leave the host; and any named twice."""
    for application in region.applications:
        policy = application.value.backup
        seen = set()
        for number, database in enumerate(policy.databases if policy else ()):
            if policy and database.volume not in policy.volumes:
                what = f"volume {quoted(database.volume)} is not in the backup"
                words = Words(what, "a dump that stays on the host is lost with it", "choose one of backup.volumes")
                yield application.problem(("backup", "databases", number, "volume"), words)
            if (key := (database.engine, database.name)) in seen:
                what = f"the database {database.name} stands twice"
                words = Words(what, "each is dumped once", "remove one of them")
                yield application.problem(("backup", "databases", number, "name"), words)
            seen.add(key)


def a_host_has_databases_of_one_application(region: LocatedRegion) -> Iterator[Problem]:
    """Find hosts on which two applications have databases: they would share one server, its account and its files."""
    holders: dict[str, set[str]] = defaultdict(set)
    for application in region.applications:
        policy = application.value.backup
        if policy is None or not policy.databases:
            continue
        for host in sorted(hosts_with_databases(application.value)):
            holders[host].add(application.value.id)
            if len(holders[host]) > 1:
                other = min(holders[host] - {application.value.id})
                what = f"{host} has databases of {other} already"
                words = Words(what, "one application must not see another", "place the tier on a host of its own")
                yield application.problem(("backup", "databases"), words, at_key=True)
