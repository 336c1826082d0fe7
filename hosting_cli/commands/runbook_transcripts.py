"""What was run: how a run stands, and its transcript, by what the journal has of it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from hosting_cli.result import Result, Table
from inventory.resource import Json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hosting_cli.journal import Entry
    from hosting_cli.request import Asked


def state(digest: str, entries: "Sequence[Entry]") -> str:
    """Say how a run stands, by the last that the journal has of it."""
    last = [entry.kind for entry in entries if _of_run(entry, digest)][-1]
    return {"completed": "done", "withdrawn": "called off", "failed": "failed", "waiting": "waiting"}.get(last, "open")


def transcript(known: "Asked", entries: "Sequence[Entry]") -> Result:
    """Give everything that the journal has of a run."""
    from hosting_cli.commands.journal import summary
    from hosting_cli.runbooks.carrying import said

    digest = known.request.digest
    own = [entry for entry in entries if _of_run(entry, digest)]
    rows = tuple(
        (
            entry.kind,
            entry.time,
            entry.who,
            " · ".join(part for part in (_about(entry, summary(entry)), _seen(entry, said)) if part),
        )
        for entry in own
    )
    listed: list[Json] = [
        {"sequence": e.sequence, "time": e.time, "who": e.who, "kind": e.kind, "data": dict(e.data)} for e in own
    ]
    data: dict[str, Json] = {"run": digest, "request": known.request.body(), "entries": listed}
    return Result("runbook history", data, (Table("", ("", "time", "who", "what"), rows),))


def _of_run(entry: "Entry", digest: str) -> bool:
    from hosting_cli.request import from_body

    if entry.kind == "request":
        return from_body(cast("Mapping[str, Any]", entry.data["request"])).digest == digest
    return entry.data.get("procedure") == digest


def _about(entry: "Entry", summarised: str) -> str:
    """Say what an entry is about, without the digest that all of them share."""
    digest = str(entry.data.get("procedure", ""))[:12]
    return summarised.replace(f"procedure {digest} · ", "").replace(f"procedure {digest}", "") if digest else summarised


def _seen(entry: "Entry", said: Any) -> str:
    observed = entry.data.get("observed")
    return str(said(observed)) if isinstance(observed, dict) else ""
