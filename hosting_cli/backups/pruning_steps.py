"""Carry out a prune that was asked for: who must have agreed, whether it is still right, and its steps."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from hosting_cli.backups.guard import Case
from hosting_cli.backups.history import Prune
from hosting_cli.backups.places import Place
from hosting_cli.backups.pruning import Proposal, propose
from hosting_cli.backups.repository import Repository
from hosting_cli.errors import EngineError, RefusedError, StalePlanError
from hosting_cli.procedure import Observed, Step, proof
from hosting_cli.request import Asked
from inventory.resource import Subject


class Opened(Protocol):
    """What the steps ask of the door of repositories."""

    def read(self, place: Place, *, as_pruner: bool = False) -> Repository | None:
        """Read a repository."""

    def forget(self, place: Place, snapshots: Sequence[str]) -> None:
        """Remove exactly *snapshots*."""

    def prune(self, place: Place) -> None:
        """Free room, and check the structure of what stays."""


def permitted(known: Asked) -> None:
    """Raise ``RefusedError`` unless *known* may be carried out: once, and in production past a second person."""
    subject = f"prune {known.request.digest[:12]}"
    if known.ended:
        raise RefusedError(subject, "was carried out already, or called off", "Run `hosting backup prune` anew.")
    if not known.is_approved:
        remedy = f"Have a second person run `hosting approve {known.request.digest[:12]}`."
        raise RefusedError(subject, "it is for production, and no second person approved it", remedy)


def agreed(wanted: Prune, cases: Sequence[Case]) -> None:
    """Raise unless the guard, and the retention, still let everything go that *wanted* names.

    What an earlier, killed run removed already is no reason against it.
    """
    for case in cases:
        proposal = _again(wanted, case)
        subject = f"repository {proposal.application}/{proposal.host}"
        if not proposal.allowed:
            what = "; ".join(refusal.sentence for refusal in proposal.refusals)
            raise RefusedError(subject, what, "Nothing was removed. Find out what happened.")
        moved = _asked(wanted, case) - {snapshot.id for snapshot in proposal.gone}
        if moved:
            what = f"{len(moved)} of the snapshots that were to go are to be kept by now"
            raise StalePlanError(subject, what, "Run `hosting backup prune` anew.")


def _asked(wanted: Prune, case: Case) -> frozenset[str]:
    """Name what *wanted* removes of what is still there."""
    part = wanted.of(case.repository.host)
    return frozenset(part.remove if part else ()) & {snapshot.id for snapshot in case.repository.snapshots}


def _again(wanted: Prune, case: Case) -> Proposal:
    """Judge anew, on the same words of the same person, about what is still there."""
    part = wanted.of(case.repository.host)
    if part is None:
        return propose(case)
    there = {snapshot.id for snapshot in case.repository.snapshots}
    return propose(replace(case, set_aside=part.set_aside & there, accepted=part.accepted & there))


def steps(wanted: Prune, places: Sequence[Place], door: Opened) -> tuple[Step, ...]:
    """Give the steps of *wanted* at *places*, in the order that is safe to interrupt."""
    return tuple(step for place in places for step in _of_place(wanted, place, door))


def _of_place(wanted: Prune, place: Place, door: Opened) -> tuple[Step, ...]:
    part = wanted.of(place.host)
    remove = part.remove if part else ()
    subject = Subject("repository", place.name)

    def left() -> frozenset[str]:
        return frozenset(remove) & {snapshot.id for snapshot in _seen(door, place).snapshots}

    def free() -> Observed:
        before = _seen(door, place)
        door.prune(place)
        after = _seen(door, place)
        lost = {one.id for one in before.snapshots} - {one.id for one in after.snapshots}
        if lost:
            what = f"{len(lost)} snapshots are gone that were to stay: {', '.join(sorted(lost))}"
            raise EngineError(str(subject), what, "The store still holds them: bring their versions back.")
        return {"size_bytes_before": before.size_bytes, "size_bytes": after.size_bytes, "left": len(after.snapshots)}

    names = ", ".join(sorted(name[:8] for name in remove))
    return (
        Step(
            subject,
            f"remove {len(remove)} snapshots: {names}",
            lambda: door.forget(place, sorted(left())),
            lambda: not left(),
        ),
        proof(subject, "free the room that nothing refers to, and check what stays", free),
    )


def _seen(door: Opened, place: Place) -> Repository:
    found = door.read(place, as_pruner=True)
    if found is None:
        raise EngineError(f"repository {place.name}", "is gone", "The store still holds its versions: bring them back.")
    return found
