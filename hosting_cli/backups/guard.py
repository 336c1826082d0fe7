"""Whether snapshots may be let go: allowed, or refused with every reason at once.  Pure.

A host can add to its repository and holds its password, so it can add snapshots that are lies: dated as it likes, of
nothing, or many of them, until a retention lets the good ones go.  It cannot choose when the object store took an
object.  What is judged here is therefore what the store says, and how a repository compares with its own past.
(ANSSI-BP-100 asks for a systematic check of abnormal volumes.)
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from statistics import median

from hosting_cli.backups.repository import Repository, Snapshot, in_order, order
from hosting_cli.backups.retention import Decision, day_of
from inventory.models import Retention


@dataclass(frozen=True)
class Limits:
    """What is still taken for normal.

    A snapshot's object comes when its backup ends, so the two times differ by as long as a backup may last
    (``TimeoutStartSec`` of its unit), and in the other direction by no more than clocks differ.
    """

    longest_backup: timedelta = timedelta(hours=6)
    clock_skew: timedelta = timedelta(minutes=5)
    lock_is_stale_after: timedelta = timedelta(minutes=30)
    drill_every: timedelta = timedelta(days=92)
    smallest_share: float = 0.5
    largest_multiple: float = 2.0
    added_share: float = 0.5
    added_multiple: float = 10.0
    compared_with: int = 30
    fewest_compared: int = 3
    most_a_day: int = 12
    busiest_day_multiple: float = 3.0


@dataclass(frozen=True)
class Refusal:
    """One reason why nothing is let go: the rule, the snapshots that it names, and a sentence."""

    rule: str
    sentence: str
    snapshots: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """What is judged: a repository, what would become of its snapshots, and what is known beside it.

    ``last_drill`` is when a restore from this repository was last seen to give the right bytes, ``None`` if never;
    ``removed_by_us`` names the snapshots that the journal says we removed.  ``set_aside`` are those that somebody
    decided to remove as lies: they count for nothing.  ``accepted`` are unusual ones that somebody looked at.
    """

    repository: Repository
    decisions: tuple[Decision, ...]
    retention: Retention
    now: datetime
    last_drill: datetime | None = None
    removed_by_us: frozenset[str] = frozenset()
    set_aside: frozenset[str] = frozenset()
    accepted: frozenset[str] = frozenset()
    limits: Limits = Limits()

    @cached_property
    def counted(self) -> tuple[Snapshot, ...]:
        """Give all snapshots but those set aside, in order."""
        return in_order(snapshot for snapshot in self.repository.snapshots if snapshot.id not in self.set_aside)

    @cached_property
    def plausible(self) -> tuple[Snapshot, ...]:
        """Give those that are dated rightly and of this host, in order."""
        return tuple(snapshot for snapshot in self.counted if not doubts(snapshot, self))

    @cached_property
    def gone(self) -> tuple[Snapshot, ...]:
        """Give what would be let go by the retention, in order."""
        letting_go = {decision.snapshot.id for decision in self.decisions if not decision.kept}
        return tuple(snapshot for snapshot in self.counted if snapshot.id in letting_go)

    @cached_property
    def trusted(self) -> tuple[Snapshot, ...]:
        """Give what would be kept and is plausible, in order."""
        return tuple(snapshot for snapshot in self.plausible if snapshot not in self.gone)

    def stands_for(self, snapshot: Snapshot) -> Snapshot | None:
        """Give the first snapshot after *snapshot* that would be kept and holds all of its paths."""
        later = (one for one in self.trusted if _is_after(one, snapshot))
        return next((one for one in later if set(snapshot.paths) <= set(one.paths)), None)


def judge(case: Case) -> tuple[Refusal, ...]:
    """Give every reason against letting anything go; none means that it is allowed."""
    return tuple(refusal for rule in RULES for refusal in rule(case))


def doubts(snapshot: Snapshot, case: Case) -> tuple[str, ...]:
    """Say what is wrong with one snapshot by itself; nothing if it is plausible."""
    reasons = (_misdated(snapshot, case.limits, case.now), _foreign(snapshot, case.repository.host))
    return tuple(reason for reason in reasons if reason)


def _is_after(later: Snapshot, earlier: Snapshot) -> bool:
    return later.stored is not None and earlier.stored is not None and order(later) > order(earlier)


# -- one snapshot ---------------------------------------------------------------------------------------------------


def _misdated(snapshot: Snapshot, limits: Limits, now: datetime) -> str | None:
    """Say how the time that the host claims disagrees with the store's own."""
    claimed, stored = snapshot.claimed, snapshot.stored
    if stored is None:
        return "the store has no object of that name, so nobody can tell when it came"
    if stored > now + limits.clock_skew:
        return f"the store says that it comes at {_minute(stored)}, which is in the future: one of our clocks is wrong"
    if claimed > stored + limits.clock_skew:
        return f"claims {_minute(claimed)}, later than the store took it, {_minute(stored)}"
    if stored - claimed > limits.longest_backup:
        return f"claims {_minute(claimed)}, but the store took it at {_minute(stored)}: no backup lasts that long"
    return None


def _foreign(snapshot: Snapshot, host: str) -> str | None:
    return None if snapshot.host == host else f"says that it is of {snapshot.host}, in the repository of {host}"


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M %Z").strip()


# -- rules ----------------------------------------------------------------------------------------------------------


def every_snapshot_is_plausible(case: Case) -> Iterator[Refusal]:
    """Refuse while a snapshot is there that lies about its time or its host: why would it?"""
    for snapshot in case.counted:
        for reason in doubts(snapshot, case):
            yield Refusal("plausible", f"snapshot {snapshot.short_id} {reason}", (snapshot.id,))


def nothing_was_overwritten(case: Case) -> Iterator[Refusal]:
    """Refuse when an object was replaced by other content: restic never does, somebody else did."""
    names = case.repository.overwritten
    if names:
        sentence = f"{len(names)} objects were overwritten with other content, {names[0]} among them"
        yield Refusal("overwritten", sentence)


def every_snapshot_can_be_opened(case: Case) -> Iterator[Refusal]:
    """Refuse while the store has snapshots that the repository's password does not open."""
    names = case.repository.unreadable
    if names:
        yield Refusal("unreadable", f"{len(names)} snapshots cannot be opened, {names[0][:8]} among them", names)


def nothing_was_removed_behind_our_back(case: Case) -> Iterator[Refusal]:
    """Refuse when snapshots were deleted that no prune of ours removed."""
    unknown = tuple(sorted(case.repository.removed - case.removed_by_us))
    if unknown:
        yield Refusal("removed", f"{len(unknown)} snapshots were deleted, and not by a recorded prune", unknown)


def what_stays_is_like_what_was_before(case: Case) -> Iterator[Refusal]:
    """Refuse when what would stand for the past is far smaller or larger than that past.

    Judged are the newest snapshot, and each that would stay in place of one let go, against the median of those before
    it.  What lies in the past does not move: who adds many lies later does not make the first of them usual.
    """
    judged = {one.id: one for one in (case.stands_for(snapshot) for snapshot in case.gone) if one is not None}
    judged |= {one.id: one for one in case.trusted[-1:]}
    for snapshot in in_order(judged.values()):
        if snapshot.id not in case.accepted:
            before = [one for one in case.plausible if _is_after(snapshot, one)][-case.limits.compared_with :]
            yield from _unusual(case.limits, snapshot, "bytes", [one.size_bytes for one in before], snapshot.size_bytes)
            yield from _unusual(case.limits, snapshot, "files", [one.files for one in before], snapshot.files)
            yield from _all_new(case.limits, snapshot, before)


def _unusual(
    limits: Limits, judged: Snapshot, what: str, before: Sequence[int | None], value: int | None
) -> Iterator[Refusal]:
    known = [other for other in before if other is not None]
    if value is None:
        yield Refusal("size", f"nobody can tell how many {what} {judged.short_id} holds", (judged.id,))
        return
    usual = median(known) if len(known) >= limits.fewest_compared else value
    if not usual * limits.smallest_share <= value <= usual * limits.largest_multiple:
        how = "shrank" if value < usual else "grew"
        sentence = f"{judged.short_id} holds {value} {what} where {usual:.0f} are usual: it {how}"
        yield Refusal("size", sentence, (judged.id,))


def _all_new(limits: Limits, judged: Snapshot, before: Sequence[Snapshot]) -> Iterator[Refusal]:
    """Find a snapshot in which nearly everything is new: files that were encrypted look like that."""
    known = [one.added_bytes for one in before if one.added_bytes is not None]
    if len(known) < limits.fewest_compared:
        return
    if judged.added_bytes is None:
        sentence = f"{judged.short_id} does not tell how much of it is new, as those before it do"
        yield Refusal("added", sentence, (judged.id,))
        return
    whole, usual = judged.size_bytes or 0, median(known)
    if judged.added_bytes > max(whole * limits.added_share, usual * limits.added_multiple):
        sentence = (
            f"{judged.added_bytes} of the {whole} bytes of {judged.short_id} are new, where {usual:.0f} are usual"
        )
        yield Refusal("added", f"{sentence}: files that somebody has encrypted look like that", (judged.id,))


def no_day_has_far_more_than_the_others(case: Case) -> Iterator[Refusal]:
    """Refuse when a day has many more snapshots than days have: a flood pushes good ones out."""
    days: dict[str, list[str]] = {}
    for snapshot in case.counted:
        if snapshot.stored is not None:
            days.setdefault(day_of(snapshot.stored), []).append(snapshot.id)
    usual = median(map(len, days.values())) if days else 0
    most = max(case.limits.most_a_day, usual * case.limits.busiest_day_multiple)
    for day, named in sorted(days.items()):
        if len(named) > most and not case.accepted.issuperset(named):
            yield Refusal("flood", f"{len(named)} snapshots came on {day}, where {usual:.0f} are usual", tuple(named))


def a_drill_was_good_lately(case: Case) -> Iterator[Refusal]:
    """Refuse when nobody has lately seen that what is kept can be restored."""
    days = case.limits.drill_every.days
    if case.last_drill is None:
        yield Refusal("drill", "no restore from this repository is on record: nobody knows whether what stays is good")
    elif case.now - case.last_drill > case.limits.drill_every:
        sentence = f"the last good restore was on {day_of(case.last_drill)}, more than {days} days ago"
        yield Refusal("drill", sentence)


def enough_days_are_left(case: Case) -> Iterator[Refusal]:
    """Refuse when fewer days would be left with a plausible snapshot than the retention keeps."""
    left, had = _days(case.trusted), _days(case.plausible)
    fewest = min(case.retention.daily, len(had))
    if case.gone and len(left) < fewest:
        yield Refusal("too-few", f"{len(left)} days would be left with a plausible snapshot, and {fewest} must be")


def _days(snapshots: Iterable[Snapshot]) -> set[str]:
    return {day_of(snapshot.stored) for snapshot in snapshots if snapshot.stored is not None}


def something_newer_stands_for_what_goes(case: Case) -> Iterator[Refusal]:
    """Refuse to let a snapshot go when no newer one that would stay holds all the paths that it held."""
    for snapshot in case.gone:
        if snapshot.id not in case.accepted and case.stands_for(snapshot) is None:
            sentence = f"nothing newer than {snapshot.short_id} would stay that holds {', '.join(snapshot.paths)}"
            yield Refusal("newer", sentence, (snapshot.id,))


def nobody_works_there(case: Case) -> Iterator[Refusal]:
    """Refuse while a lock is fresh: a backup or a check is under way."""
    for lock in case.repository.locks:
        if case.now - lock.stored <= case.limits.lock_is_stale_after:
            yield Refusal("lock", f"somebody works in it since {_minute(lock.stored)} (lock {lock.id[:8]})")


RULES: tuple[Callable[[Case], Iterator[Refusal]], ...] = (
    every_snapshot_is_plausible,
    nothing_was_overwritten,
    every_snapshot_can_be_opened,
    nothing_was_removed_behind_our_back,
    what_stays_is_like_what_was_before,
    no_day_has_far_more_than_the_others,
    a_drill_was_good_lately,
    enough_days_are_left,
    something_newer_stands_for_what_goes,
    nobody_works_there,
)
"""Every rule; each yields its refusals, and all of them are told at once."""
