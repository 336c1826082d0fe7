"""What a prune would remove, of which repository, and whether the guard lets it.  Pure.

The request's digest names what would be removed and on what grounds, so an approval is for exactly that.  Snapshots
that come later do not move it: they can only make more go, which waits for the next prune.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from hosting_cli.backups.guard import Case, Refusal, judge
from hosting_cli.backups.history import PRUNE
from hosting_cli.backups.repository import Snapshot, in_order
from hosting_cli.backups.retention import Decision, keep
from hosting_cli.errors import UsageError
from hosting_cli.request import Request
from inventory.models import Application
from inventory.resource import Json, Subject


@dataclass(frozen=True)
class Proposal:
    """What would become of one repository, and what speaks against it."""

    application: str
    host: str
    decisions: tuple[Decision, ...]
    refusals: tuple[Refusal, ...]
    set_aside: frozenset[str] = frozenset()
    accepted: frozenset[str] = frozenset()

    @property
    def gone(self) -> tuple[Snapshot, ...]:
        """Give the snapshots that would go, the oldest first."""
        return tuple(decision.snapshot for decision in self.decisions if not decision.kept)

    @property
    def allowed(self) -> bool:
        """Tell whether nothing speaks against it."""
        return not self.refusals

    def document(self) -> dict[str, Json]:
        """Give what is recorded, shown and approved."""
        return {
            "application": self.application,
            "host": self.host,
            "remove": [snapshot.id for snapshot in self.gone],
            "set_aside": [*sorted(self.set_aside)],
            "accepted": [*sorted(self.accepted)],
        }


def propose(case: Case) -> Proposal:
    """Decide by the retention, or by who set a snapshot aside, and have the guard judge it.

    *case* comes without decisions.  Raise ``UsageError`` for snapshots that do not exist, or that nobody has reason to
    set aside or to accept: the guard must have named them.
    """
    plain = _decided(replace(case, set_aside=frozenset(), accepted=frozenset()))
    named = {identifier for refusal in judge(plain) for identifier in refusal.snapshots}
    set_aside, accepted = (_whole(case, chosen, named) for chosen in (case.set_aside, case.accepted))
    decided = _decided(replace(case, set_aside=set_aside, accepted=accepted))
    return Proposal(
        case.repository.application, case.repository.host, decided.decisions, judge(decided), set_aside, accepted
    )


def _decided(case: Case) -> Case:
    """Add what becomes of each snapshot; those set aside take no part in the retention."""
    lies = tuple(
        Decision(snapshot, False, ("set aside: somebody looked at it and does not believe it",))
        for snapshot in in_order(case.repository.snapshots)
        if snapshot.id in case.set_aside
    )
    return replace(case, decisions=(*keep(case.counted, case.retention), *lies))


def _whole(case: Case, chosen: Iterable[str], named: set[str]) -> frozenset[str]:
    """Give the whole identifiers of snapshots that are named by their beginning."""
    return frozenset(_one(case, prefix, named) for prefix in chosen)


def _one(case: Case, prefix: str, named: set[str]) -> str:
    found = [snapshot.id for snapshot in case.repository.snapshots if snapshot.id.startswith(prefix)]
    subject = f"snapshot {prefix}"
    if len(found) != 1:
        what = f"is the beginning of {len(found) or 'no'} snapshots of {case.repository.host}"
        raise UsageError(subject, what, "Take the identifiers that `hosting backup show` prints.")
    if found[0] not in named:
        raise UsageError(subject, "the guard has nothing against it", "Name only snapshots that a refusal names.")
    return found[0]


def request(application: Application, environment: str, proposals: Sequence[Proposal], *, after: str | None) -> Request:
    """Ask that exactly what *proposals* let go is removed; *after* names the prune before, so that each is another."""
    documents: list[Json] = [proposal.document() for proposal in proposals]
    return Request(
        PRUNE,
        Subject("backups", application.id),
        application.id,
        environment,
        {"repositories": documents, "after": after},
        second_person=application.is_production,
    )
