"""Who may let which plan be carried out, and whether the approved plan is still true.  Pure: journal entries in.

A plan of production, or one that deletes or replaces anything, needs a second person: whoever approves must not be who
asked for it.  An approval names the plan's digest, so it is for what was shown and for nothing else.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from deploys.resources import source as host_source
from hosting_cli.errors import UsageError
from hosting_cli.journal import Entry
from hosting_cli.plan import Action, Change, Finding, Plan, from_document
from inventory.resource import Json, Subject

SHORTEST_PREFIX = 8
"""How many hexadecimal digits of a digest must be given at least."""


@dataclass(frozen=True)
class Recorded:
    """A plan as the journal holds it: what it is, from which files, who asked, who approved, what of it was begun."""

    plan: Plan
    files: str = ""
    requested_by: frozenset[str] = frozenset()
    approved_by: frozenset[str] = frozenset()
    begun: frozenset[Subject] = frozenset()


def recorded_plans(entries: Iterable[Entry]) -> dict[str, Recorded]:
    """Collect the plans of a journal by digest; what its procedures say in the same words is none of theirs."""
    found: dict[str, Recorded] = {}
    for entry in entries:
        if entry.kind == "plan":
            plan = from_document(cast("dict[str, Json]", entry.data["plan"]))
            known = found.get(plan.digest) or Recorded(plan, str(entry.data.get("files", "")))
            found[plan.digest] = replace(known, requested_by=known.requested_by | {entry.who})
        elif entry.kind in {"approval", "intent", "applied"} and "plan" in entry.data:
            digest = str(entry.data["plan"])
            found[digest] = _followed(found[digest], entry)
    return found


def _followed(recorded: Recorded, entry: Entry) -> Recorded:
    """Add what *entry* says about a plan; one that was carried out whole has used its approval up."""
    if entry.kind == "applied":
        return Recorded(recorded.plan, recorded.files)
    if entry.kind == "approval":
        return replace(recorded, approved_by=recorded.approved_by | {entry.who})
    subject = cast("dict[str, str]", entry.data["subject"])
    return replace(recorded, begun=recorded.begun | {Subject(subject["kind"], subject["name"])})


def find(prefix: str, plans: Mapping[str, Recorded]) -> Recorded:
    """Find the one plan whose digest starts with *prefix*; raise ``UsageError`` saying why there is none."""
    found = [digest for digest in plans if digest.startswith(prefix.lower())]
    if len(prefix) < SHORTEST_PREFIX:
        what = f"names too little: give at least {SHORTEST_PREFIX} digits"
    elif len(found) == 1:
        return plans[found[0]]
    else:
        what = f"is the beginning of {len(found) or 'no'} recorded plans"
    raise UsageError(f"plan {prefix}", what, "Run `hosting plan`, and take the digest that it prints.")


def approver_refusal(recorded: Recorded, approver: str) -> str | None:
    """Say why *approver* may not approve, if so."""
    if not needs_second_person(recorded.plan) or approver not in recorded.requested_by:
        return None
    why = "it deletes or replaces something" if recorded.plan.destroys else "it is for production"
    return f"{approver} asked for this plan, and {why}: a second person must approve it"


def needs_second_person(plan: Plan) -> bool:
    """Tell whether who asked for *plan* may not be the one to approve it."""
    return plan.production or plan.destroys


def refusals(recorded: Recorded, now: Plan, *, files: str) -> tuple[str, ...]:
    """Say why *recorded* may not be carried out although *now* is what it would be; nothing if it may.

    An interrupted run leaves a plan half carried out.  What is left of it is still the approved plan when every change
    of *now* stands in it with the same goal, and every change that is gone was begun.  Where something was begun, what
    hangs together with it may have moved too (a unit whose file changed waits to take note); as long as *files*, the
    digest of the region's files, is the one that was approved, it moves to nothing else than what they ask for.
    While something is ``unread``, nobody can tell whether anything moved.
    """
    moved = () if unread(recorded, now) else _moved(recorded, now, same_files=files == recorded.files)
    return (*_unapproved(recorded), *moved)


def unread(recorded: Recorded, now: Plan) -> tuple[Finding, ...]:
    """Name what could be read when *recorded* was planned and cannot be *now*, with the reason."""
    known = {finding.subject for finding in recorded.plan.unknown}
    return tuple(finding for finding in now.unknown if finding.subject not in known)


def _unapproved(recorded: Recorded) -> Sequence[str]:
    if not recorded.approved_by:
        return ["nobody approved it"]
    if needs_second_person(recorded.plan) and not recorded.approved_by - recorded.requested_by:
        return ["only who asked for it approved it; a second person must"]
    return []


def _moved(recorded: Recorded, now: Plan, *, same_files: bool) -> Sequence[str]:
    if now.digest == recorded.plan.digest:
        return []
    if not recorded.begun:
        return ["it is no longer true: the files or the engines have changed since"]
    approved = {change.subject: change for change in recorded.plan.changes}
    under_way = _under_way(recorded, approved) if same_files else set()
    left = {change.subject for change in now.changes}
    reasons = [
        reason
        for change in now.changes
        if change.source not in under_way or change.action in {Action.DELETE, Action.REPLACE}
        if (reason := _foreign(change, approved, recorded.begun))
    ]
    reasons += [
        f"{subject} is done, but not by this plan"
        for subject in sorted(approved.keys() - left - recorded.begun)
        if approved[subject].source not in under_way
    ]
    return reasons


def _under_way(recorded: Recorded, approved: Mapping[Subject, Change]) -> set[str]:
    """Name the sources on which a killed run was at work.

    Hosts are converged all at once: where one was begun, others may have been, of which nobody was left to tell.
    """
    begun = {approved[subject].source for subject in recorded.begun if subject in approved}
    hosts = {change.source for change in approved.values() if change.source.startswith(host_source(""))}
    return begun | hosts if begun & hosts else begun


def _foreign(change: Change, approved: dict[Subject, Change], begun: frozenset[Subject]) -> str | None:
    """Say why *change* is not one that was approved, if so."""
    known = approved.get(change.subject)
    if known is None:
        return f"{change.subject} would change, which was not approved"
    if known.after != change.after:
        return f"{change.subject} would become something else than what was approved"
    if known.before != change.before and change.subject not in begun:
        return f"{change.subject} is not what it was when the plan was approved"
    return None
