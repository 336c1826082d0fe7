"""Backups: how they stand, what is kept and why, whether they are whole, and letting go behind a guard."""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from hosting_cli.backups.opened import (
    case_of,
    pair_of,
    places_of,
    places_on,
    proposed,
    readings,
    standing_of,
)
from hosting_cli.commands.backup_copy import copy
from hosting_cli.commands.backup_export import export, verify
from hosting_cli.commands.backup_options import (
    AcceptOption,
    ApplicationArgument,
    DigestOption,
    DryRunOption,
    DueOption,
    HostOption,
    MomentOption,
    OptionalApplicationArgument,
    PartsOption,
    SetAsideOption,
    StoreOption,
)
from hosting_cli.commands.backup_recovery import moment_of, recovered, shown_recovery
from hosting_cli.commands.backup_tables import proposal_json, refusal_error, standing_row, tables_of
from hosting_cli.commands.plan import ApplicationOption
from hosting_cli.errors import EngineError, HostingError, UsageError
from hosting_cli.result import ExitStatus, Result, Table, status_of, text
from hosting_cli.session import Session
from inventory.backups import rhythm_of
from inventory.resource import Json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hosting_cli.backups.history import Prune
    from hosting_cli.backups.places import Place
    from hosting_cli.backups.pruning import Proposal
    from hosting_cli.backups.standing import Standing
    from hosting_cli.procedure import Step
    from hosting_cli.request import Asked, Request

__all__ = ["check", "copy", "export", "list_", "prune", "recover", "show", "verify"]

AT_ONCE = 4
"""How many repositories are read at once: restic derives a key for each, which takes memory and a processor."""


# -- looking ----------------------------------------------------------------------------------------------------------


def list_(session: Session, application: ApplicationOption = None) -> Result:
    """List how the backups of each application and host stand.

    The newest snapshot by the object store's own time, its age beside the RPO (PDMA) that the continuity class
    promises, the room that the repository takes, how far its second copy is, its last check and its last restore that
    gave the right bytes.  What cannot be read is unknown.  Exit status 0 when every promise is met, 3 when one is
    missed or a second copy is late, 4 when one is unknown.
    """
    standings = standings_of(session, application)
    errors = tuple(error for standing in standings for error in standing.errors)
    rows = tuple(standing_row(standing) for standing in standings)
    columns = (
        *("RPO", "application", "host", "last backup", "age", "promised", "snapshots", "size"),
        *("second copy", "check", "restore"),
    )
    blocks = (Table("", columns, rows),) if rows else (text("No application asks for backups."),)
    met = all(standing.rpo.value == "met" and not standing.is_copied_late for standing in standings)
    status = status_of(errors, ExitStatus.DONE if met else ExitStatus.PENDING)
    return Result("backup list", {"backups": [dict(item.as_json()) for item in standings]}, blocks, status, errors)


def standings_of(session: Session, application: str | None) -> "list[Standing]":
    """Read every repository of *application*, or of all, some at once, and hold each against its promise."""
    asked = [(item, place) for item in session.chosen(application) for place in places_of(session, item)]
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return list(pool.map(lambda pair: standing_of(session, *pair), asked))


def show(
    session: Session, application: ApplicationArgument, host: HostOption = None, store: StoreOption = None
) -> Result:
    """Show every snapshot, whether it is kept and why.

    As the retention of the files asks, by the days of the object store's clock.  And what the guard has against letting
    the others go: see `hosting backup prune`.
    """
    from hosting_cli.backups.pruning import propose

    cases = [case_of(session, place, found) for place, found in readings(session, application, host, store=store)]
    proposals = [propose(case) for case in cases]
    return Result(
        "backup show",
        {"repositories": [proposal_json(proposal) for proposal in proposals]},
        tuple(block for proposal in proposals for block in tables_of(proposal)),
    )


# -- checking ---------------------------------------------------------------------------------------------------------


def check(
    session: Session,
    application: OptionalApplicationArgument = None,
    *,
    host: HostOption = None,
    store: StoreOption = None,
    parts: PartsOption = None,
    due: DueOption = False,
) -> Result:
    """Check repositories, and read a part of their data.

    Everything that snapshots refer to must be there, and one part of the data is read and verified; the next check
    takes the next part, so that in COUNT checks all of it was read.  Each check is recorded.  Hosts check their own
    repositories by a timer; this is for those who do not take their word.  With --due, all repositories are checked,
    second copies too, whose class asks for it by now, or whose last check found damage: fit for a timer.  Exit status
    3 when something is damaged, 4 when a repository could not be read.
    """
    from hosting_cli.backups.due import asked_or_due, check_is_due

    found, errors = asked_or_due(session, application, host, check_is_due if due else None, store=store)
    rows = []
    for place, _ in found:
        try:
            rows.append(_checked(session, place, parts))
        except HostingError as error:
            errors.append(error)
    data: list[Json] = [
        {"application": row[1], "host": row[2], "store": row[3], "part": row[4], "found": row[5]} for row in rows
    ]
    columns = ("check", "application", "host", "store", "part", "found")
    block = Table("", columns, tuple(rows)) if rows else text("No check is due." if due else "Nothing was checked.")
    damaged = any(row[0] == "failed" for row in rows)
    status = status_of(errors, ExitStatus.PENDING if damaged else ExitStatus.DONE)
    return Result("backup check", {"checks": data}, (block,), status, tuple(errors))


def _checked(session: Session, place: "Place", parts: int | None) -> tuple[str, ...]:
    """Check one repository, record it, and give its row."""
    from hosting_cli.backups.history import CHECK, checks, next_part

    parts = parts or rhythm_of(session.region, session.application(place.application)).check_parts
    part = next_part(checks(session.journal.entries(), place), parts)
    damage = _damage(session, place, part, parts)
    entry: dict[str, Json] = {"repository": place.name, "part": part, "parts": parts, "damage": damage}
    session.journal.append(CHECK, {**entry, "sentence": damage or f"whole; part {part} of {parts} was read"})
    state = "failed" if damage else "done"
    return state, place.application, place.host, place.store, f"{part} of {parts}", damage or "whole"


def _damage(session: Session, place: "Place", part: int, parts: int) -> str | None:
    """Check one repository; give what is damaged, if anything."""
    with session.progress.stage(f"{place.name}: checking, and reading part {part} of {parts}"):
        try:
            session.repositories.check(place, part, parts)
        except EngineError as error:
            return error.what
    return None


# -- letting go -------------------------------------------------------------------------------------------------------


def prune(
    session: Session,
    application: ApplicationArgument,
    digest: DigestOption = None,
    set_aside: SetAsideOption = None,
    accept: AcceptOption = None,
) -> Result:
    """Let snapshots go that no retention asks for, past a guard.

    Without --digest nothing is removed: it is shown what would go and what the guard says, and recorded under a digest.
    With it, exactly that goes, if the guard still allows it; in production a second person must have approved it
    (`hosting approve`).  The guard believes the object store and not hosts: it refuses, with every reason, when
    a snapshot lies about its time, shrank or grew out of proportion, was overwritten, when no restore was proven
    lately, or when too little would be left.  What is pruned stays in the store until its lock ends.  A token with the
    policy hosting-APPLICATION-prune is all that is needed.
    """
    if digest is None:
        return _shown_prune(session, application, frozenset(set_aside or ()), frozenset(accept or ()))
    if set_aside or accept:
        raise UsageError("--digest", "names what goes already", "Give --set-aside and --accept without it, first.")
    return _carried_out(session, application, digest)


def _shown_prune(session: Session, application: str, set_aside: frozenset[str], accepted: frozenset[str]) -> Result:
    from hosting_cli.commands.procedures import ask

    found = readings(session, application, None, as_pruner=True)
    proposals = proposed([case_of(session, place, seen) for place, seen in found], set_aside, accepted)
    blocks = tuple(block for proposal in proposals for block in tables_of(proposal))
    errors = tuple(refusal_error(proposal) for proposal in proposals if proposal.gone and not proposal.allowed)
    going = [proposal for proposal in proposals if proposal.gone and proposal.allowed]
    data: dict[str, Json] = {"repositories": [proposal_json(proposal) for proposal in proposals]}
    if not going:
        return Result("backup prune", data, (*blocks, text("Nothing is to be removed.")), status_of(errors), errors)
    known = ask(session, _request(session, application, going))
    closing = text(*_next_step(known))
    status = status_of(errors, ExitStatus.PENDING)
    return Result("backup prune", {**data, "procedure": known.request.digest}, (*blocks, closing), status, errors)


def _request(session: Session, application: str, going: "Sequence[Proposal]") -> "Request":
    from hosting_cli.backups.history import last_prune
    from hosting_cli.backups.pruning import request
    from hosting_cli.request import asked

    after = last_prune(asked(session.journal.entries()), application)
    return request(session.application(application), session.environment.environment, going, after=after)


def _next_step(known: "Asked") -> tuple[str, ...]:
    digest = known.request.digest[:12]
    carry_out = f"hosting backup prune {known.request.owner} --digest {digest}"
    if known.is_approved:
        return (f"Prune {known.request.digest}", f"Next: {carry_out}")
    approval = f"Next, by a second person: hosting approve {digest}"
    return (f"Prune {known.request.digest}", approval, f"Then: {carry_out}")


def _carried_out(session: Session, application: str, digest: str) -> Result:
    from hosting_cli.backups.history import PRUNE, prune_of
    from hosting_cli.backups.pruning_steps import agreed, permitted, steps
    from hosting_cli.commands.procedures import go_on
    from hosting_cli.request import asked, find

    known = find(digest, PRUNE, asked(session.journal.entries()))
    wanted = prune_of(known.request)
    if wanted.application != application:
        raise UsageError(f"prune {digest}", f"is of {wanted.application}", f"Prune {wanted.application} by it.")
    permitted(known)
    found = readings(session, application, None, as_pruner=True)
    cases = {place: case_of(session, place, seen) for place, seen in found if wanted.of(place.host)}
    agreed(wanted, list(cases.values()))
    done = "Removed, read back and recorded."
    followed = [step for place in cases for step in _followed(session, place, wanted)]
    return go_on(
        session, "backup prune", known, lambda: (*steps(wanted, list(cases), session.repositories), *followed), done
    )


def _followed(session: Session, place: "Place", wanted: "Prune") -> "tuple[Step, ...]":
    """Give the steps by which the second copy of *place*, if there is one, follows."""
    from hosting_cli.backups.copying_steps import following
    from hosting_cli.backups.history import dates_of_copied, removed_by_us

    pair, part, entries = pair_of(session, place), wanted.of(place.host), session.journal.entries()
    if pair is None or part is None:
        return ()
    gone = removed_by_us(entries, place) | frozenset(part.remove)
    dated = dates_of_copied(entries, pair.second).keys()
    return following(pair, session.copies.way(pair, as_pruner=True), gone, dated, session.progress)


# -- bringing back ----------------------------------------------------------------------------------------------------


def recover(
    session: Session,
    application: ApplicationArgument,
    as_of: MomentOption,
    *,
    host: HostOption = None,
    store: StoreOption = None,
    dry_run: DryRunOption = False,
) -> Result:
    """Bring repositories back to what the store held at a moment.

    For when somebody who has a host's credentials has written over its backups: what was there lies below, locked, and
    is put on top again; snapshots, indexes and keys that came after the moment are hidden.  Nothing is destroyed, and
    each content is held against the digest that its name promises.  With --dry-run it is only said what would be done.
    It takes the store's administrator, whose credentials the vault keeps.  Have the host's own credentials replaced
    first.
    """
    moment = moment_of(as_of, session.clock())
    there = places_on(session, session.application(application), store)
    known = [place for place in there if host in {None, place.host}]
    if not known:
        raise UsageError(f"application {application}", "has no such repository", "See `hosting backup list`.")
    return shown_recovery(session, known, moment) if dry_run else recovered(session, known, moment)
