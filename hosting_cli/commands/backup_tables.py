"""How repositories, snapshots and what is decided about them are laid out, for people and for programs."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hosting_cli.errors import RefusedError
from hosting_cli.result import Table
from inventory.resource import Json

if TYPE_CHECKING:
    from hosting_cli.backups.pruning import Proposal
    from hosting_cli.backups.standing import Standing


def standing_row(standing: "Standing") -> tuple[str, ...]:
    """Give the row of one repository; its first word says how the promise stands."""
    seen, last_check = standing.repository, standing.last_check
    damage = " damaged" if last_check and last_check.damage else ""
    return (
        standing.rpo.value,
        standing.place.application,
        standing.place.host,
        minute(standing.last),
        duration(standing.age) if standing.age is not None else "",
        f"{standing.promise.code}: {duration(timedelta(minutes=standing.promise.rpo_minutes))}",
        str(len(seen.snapshots)) if seen else "",
        size(seen.size_bytes) if seen else "",
        _second(standing),
        f"{minute(last_check.time)}{damage}" if last_check else "never",
        minute(standing.last_drill) or "never",
    )


def _second(standing: "Standing") -> str:
    """Say how the second copy stands."""
    lag = standing.lag
    if standing.second_store is None:
        return "none asked for"
    if lag is None:
        return f"{standing.second_store}: unknown"
    if lag.newest is None:
        return f"{lag.store}: empty"
    behind = f", {lag.lacking_snapshots} behind" if lag.lacking_snapshots else ""
    late = " (late)" if lag.is_late(standing.now) else ""
    return f"{lag.store}: {minute(lag.newest)}{behind}{late}"


def tables_of(proposal: "Proposal") -> list[Table]:
    """Show what becomes of each snapshot and why, and what the guard has against it."""
    rows = tuple(
        (
            "keep" if decision.kept else "let go",
            decision.snapshot.short_id,
            minute(decision.snapshot.stored),
            minute(decision.snapshot.claimed),
            size(decision.snapshot.size_bytes),
            "; ".join(decision.reasons),
        )
        for decision in proposal.decisions
    )
    columns = ("", "snapshot", "stored", "claimed", "size", "why")
    refusals = tuple(("refused", refusal.rule, refusal.sentence) for refusal in proposal.refusals)
    tables = [Table(f"{proposal.application} on {proposal.host}", columns, rows)]
    return [*tables, Table("The guard lets nothing go:", ("", "rule", "why"), refusals)] if refusals else tables


def proposal_json(proposal: "Proposal") -> dict[str, Json]:
    """Give the same for programs, with whole identifiers."""
    decisions: list[Json] = [
        {
            "id": decision.snapshot.id,
            "kept": decision.kept,
            "stored": decision.snapshot.stored.isoformat() if decision.snapshot.stored else None,
            "claimed": decision.snapshot.claimed.isoformat(),
            "size_bytes": decision.snapshot.size_bytes,
            "files": decision.snapshot.files,
            "reasons": [*decision.reasons],
        }
        for decision in proposal.decisions
    ]
    refusals: list[Json] = [
        {"rule": refusal.rule, "sentence": refusal.sentence, "snapshots": [*refusal.snapshots]}
        for refusal in proposal.refusals
    ]
    return {"host": proposal.host, "allowed": proposal.allowed, "snapshots": decisions, "refusals": refusals}


def refusal_error(proposal: "Proposal") -> RefusedError:
    """Give every reason of the guard as one error."""
    what = "; ".join(refusal.sentence for refusal in proposal.refusals)
    remedy = "Nothing was removed. Find out what happened; `hosting backup prune --help` says how to go on."
    return RefusedError(f"repository {proposal.application}/{proposal.host}", what, remedy)


def minute(moment: datetime | None) -> str:
    """Write a moment to the minute; nothing for none."""
    return moment.strftime("%Y-%m-%d %H:%M") if moment else ""


def duration(span: timedelta) -> str:
    """Write how long something is, in the two units that matter."""
    minutes = round(span.total_seconds() / 60)
    hours = minutes // 60
    if hours >= 48:
        return f"{hours // 24} d {hours % 24} h"
    return f"{hours} h {minutes % 60:02} min" if hours else f"{minutes} min"


def size(size_bytes: int | None) -> str:
    """Write an amount of bytes in the unit that fits; nothing for none."""
    if size_bytes is None:
        return ""
    for unit, factor in (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size_bytes >= factor:
            return f"{size_bytes / factor:.1f} {unit}"
    return f"{size_bytes} B"
