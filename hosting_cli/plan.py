"""Compare what should be with what is: desired resources and readings in, a plan out.  No I/O.

A plan is a value with a digest.  It says what would change and in which order, what could not be read, what waits for
that, and what stays although no file asks for it any more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from graphlib import TopologicalSorter
from typing import Any

from pydantic import TypeAdapter

from hosting_cli.canonical import digest
from inventory.resource import Json, Reading, Resource, Subject

PLAN_VERSION = 1


class Action(StrEnum):
    """What a change does."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"


@dataclass(frozen=True)
class Change:
    """One step from what is to what should be; ``None`` means absent."""

    subject: Subject
    action: Action
    owner: str
    source: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    requires: tuple[Subject, ...] = ()

    @property
    def differing(self) -> tuple[str, ...]:
        """Name the attributes that change."""
        before, after = self.before or {}, self.after or {}
        return tuple(name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name))


@dataclass(frozen=True)
class Finding:
    """Something that a plan does not do, and why: a source it could not read, a change that waits, a thing it keeps."""

    subject: str
    reason: str


@dataclass(frozen=True)
class Plan:
    """What separates desired from read, for one region, environment and scope."""

    region: str
    environment: str
    scope: str
    production: bool
    changes: tuple[Change, ...]
    in_order: int
    unknown: tuple[Finding, ...] = ()
    blocked: tuple[Finding, ...] = ()
    conflicts: tuple[Finding, ...] = ()
    kept: tuple[Finding, ...] = ()
    version: int = PLAN_VERSION

    def body(self) -> dict[str, Json]:
        """Give everything that the digest covers, as plain JSON."""
        body: dict[str, Json] = _adapter().dump_python(self, mode="json")
        return body

    @cached_property
    def digest(self) -> str:
        """Name this plan; an approval names the same."""
        return digest(self.body())

    def document(self) -> dict[str, Json]:
        """Give the plan as people keep it: its body and its digest."""
        return {**self.body(), "digest": self.digest}

    @property
    def is_empty(self) -> bool:
        """Tell whether everything was read and is in order."""
        return not (self.changes or self.unknown or self.blocked or self.conflicts)

    @property
    def destroys(self) -> bool:
        """Tell whether anything would be deleted or replaced."""
        return any(change.action in {Action.DELETE, Action.REPLACE} for change in self.changes)


def from_document(document: Mapping[str, Any]) -> Plan:
    """Read back what ``document`` wrote; raise ``ValueError`` if it is no plan or its digest is not its own."""
    found = _adapter().validate_python({name: value for name, value in document.items() if name != "digest"})
    if found.digest != document.get("digest"):
        raise ValueError("the plan's digest is not that of its content")
    return found


def plan(
    desired: Iterable[Resource],
    readings: Iterable[Reading],
    *,
    region: str,
    environment: str,
    scope: str = "region",
    production: bool = True,
    owners: frozenset[str] | None = None,
) -> Plan:
    """Compare *desired* with *readings*, for the resources of *owners* (``None``: everybody's)."""
    wanted = {resource.subject: resource for resource in desired}
    unread = {reading.source: reading for reading in readings if reading.resources is None}
    actual = {
        subject: resource
        for reading in readings
        if reading.resources
        for subject, resource in reading.resources.items()
    }
    in_scope = _in_scope(wanted, owners)
    everything = in_scope | {subject for subject, found in actual.items() if owners is None or found.owner in owners}
    read = [subject for subject in everything if subject not in wanted or wanted[subject].source not in unread]
    # Nearly everything is in order: equal values need no look at their states, and no sorting.
    differing = sorted(subject for subject in read if wanted.get(subject) != actual.get(subject))
    changes: list[Change] = []
    conflicts: list[Finding] = []
    kept: list[Finding] = []
    in_order = len(read) - len(differing)
    for subject in differing:
        should = wanted.get(subject)
        match compare(should, actual.get(subject)):
            case None:
                in_order += 1
            case Change() as change:
                changes.append(change)
            case Finding() as finding:
                (kept if should is None else conflicts).append(finding)
    ready, blocked = _unblocked(changes, wanted, unread, {finding.subject for finding in conflicts})
    told = unread.keys() & {wanted[subject].source for subject in in_scope}
    return Plan(
        region=region,
        environment=environment,
        scope=scope,
        production=production,
        changes=_ordered(ready),
        in_order=in_order,
        unknown=tuple(
            Finding(source, unread[source].reason or "") for source in sorted(told) if unread[source].behind not in told
        ),
        blocked=tuple(blocked),
        conflicts=tuple(conflicts),
        kept=tuple(kept),
    )


def compare(should: Resource | None, is_now: Resource | None) -> Change | Finding | None:
    """Say what separates the two: a change, a finding where no plan may act, or nothing."""
    before, after = _state(is_now), _state(should)
    known = should or is_now
    if known is None or before == after:
        return None
    action = _action(known, before, after)
    if known.data_bearing and action in {Action.DELETE, Action.REPLACE}:
        return Finding(str(known.subject), _why_kept(known, before, after))
    requires = should.requires if should else ()
    return Change(known.subject, action, known.owner, known.source, before, after, requires)


def _state(resource: Resource | None) -> dict[str, Json] | None:
    return resource.state() if resource else None


def _action(known: Resource, before: dict[str, Json] | None, after: dict[str, Json] | None) -> Action:
    if before is None:
        return Action.CREATE
    if after is None:
        return Action.DELETE
    return Action.REPLACE if known.fixed(before, after) else Action.UPDATE


def _why_kept(known: Resource, before: dict[str, Json] | None, after: dict[str, Json] | None) -> str:
    if before is None or after is None:
        return "no file asks for it any more; it bears data, so only an offboarding ends it"
    fixed = known.fixed(before, after)
    differences = ", ".join(
        f"{name} is {_said(before, name)} where {_said(after, name)} is asked for" for name in fixed
    )
    remedies = "".join(f"; {known.remedies[name]}" for name in fixed if name in known.remedies)
    return f"{differences}; it bears data and cannot be changed in place{remedies}"


def _said(state: Mapping[str, Json], name: str) -> str:
    value = state.get(name)
    return (", ".join(map(str, value)) or "none") if isinstance(value, list) else str(value)


def _in_scope(wanted: Mapping[Subject, Resource], owners: frozenset[str] | None) -> set[Subject]:
    """Take the resources of *owners* and all that they require, whoever owns it."""
    found = {subject for subject, resource in wanted.items() if owners is None or resource.owner in owners}
    open_ends = list(found)
    while open_ends:
        for required in wanted[open_ends.pop()].requires:
            if required in wanted and required not in found:
                found.add(required)
                open_ends.append(required)
    return found


def _unblocked(
    changes: Sequence[Change],
    wanted: Mapping[Subject, Resource],
    unread: Mapping[str, Reading],
    conflicting: set[str],
) -> tuple[list[Change], list[Finding]]:
    """Part the changes that can be made from those that wait for something unknown or in conflict."""
    reasons: dict[Subject, str | None] = {}

    def obstacle(subject: Subject) -> str | None:
        """Say why *subject* cannot be relied on, following what it requires."""
        if subject not in reasons:
            reasons[subject] = None  # ends a circle; desired resources have none
            resource = wanted.get(subject)
            if resource is None:
                reasons[subject] = None
            elif resource.source in unread:
                reasons[subject] = f"{unread[resource.source].behind or resource.source} could not be read"
            elif str(subject) in conflicting:
                reasons[subject] = f"{subject} is in conflict"
            else:
                reasons[subject] = next(filter(None, map(obstacle, resource.requires)), None)
        return reasons[subject]

    blocked = [
        Finding(str(change.subject), f"waits: {reason}") for change in changes if (reason := obstacle(change.subject))
    ]
    return [change for change in changes if obstacle(change.subject) is None], blocked


def _ordered(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Put prerequisites first and deletions last; by name where neither decides."""
    made = {change.subject: change for change in changes if change.action is not Action.DELETE}
    removed = sorted(
        (change for change in changes if change.action is Action.DELETE), key=lambda change: change.subject
    )
    sorter = TopologicalSorter({subject: set(change.requires) & made.keys() for subject, change in made.items()})
    sorter.prepare()
    order: list[Change] = []
    while sorter.is_active():
        level = sorted(sorter.get_ready())
        order += [made[subject] for subject in level]
        sorter.done(*level)
    return (*order, *removed)


@cache  # made when a plan is first written or read: most commands do neither
def _adapter() -> TypeAdapter[Plan]:
    return TypeAdapter(Plan)
