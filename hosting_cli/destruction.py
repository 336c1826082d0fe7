"""Cryptographic erasure of one application: what would be lost, when it may be, what is certified of it.  Pure.

One transit key per purpose wraps everything of an application: objects, backups, passphrases.  Ending these keys ends
every copy of its data at once, wherever it lies, which no deletion of copies can promise.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from hosting_cli.canonical import digest
from hosting_cli.journal import timestamp
from hosting_cli.request import Asked, Request
from hosting_cli.resources import AppRole, Bucket, SecretEntry, TransitKey
from inventory.resource import Json, Resource, Subject

DESTROY = "destroy"


@dataclass(frozen=True)
class Loss:
    """What of an application ends with its keys."""

    application: str
    keys: tuple[str, ...]
    entries: tuple[SecretEntry, ...]
    buckets: tuple[Bucket, ...]
    roles: tuple[str, ...]

    def body(self) -> dict[str, Json]:
        """Give all of it by name, as plain JSON."""
        return {
            "application": self.application,
            "keys": list(self.keys),
            "secrets": [entry.name for entry in self.entries],
            "buckets": [f"{bucket.store}/{bucket.name}" for bucket in self.buckets],
            "roles": list(self.roles),
        }


def loss(application: str, resources: Iterable[Resource]) -> Loss:
    """Collect what *application* owns among everything that was read."""
    own = sorted((item for item in resources if item.owner == application), key=lambda item: item.name)
    return Loss(
        application,
        tuple(item.name for item in own if isinstance(item, TransitKey)),
        tuple(item for item in own if isinstance(item, SecretEntry)),
        tuple(item for item in own if isinstance(item, Bucket)),
        tuple(item.name for item in own if isinstance(item, AppRole)),
    )


def request(found: Loss, *, environment: str, wait_days: int, after_entry: int) -> Request:
    """Ask for the end of all that *found* names; always a matter for two people."""
    goal: dict[str, Json] = {
        "loses": digest(found.body()),
        "wait_days": wait_days,
        "after_entry": after_entry,
        "inventory": found.body(),
    }
    subject = Subject("application", found.application)
    return Request(DESTROY, subject, found.application, environment, goal, second_person=True)


def may_begin_at(known: Asked) -> datetime | None:
    """Say from when on an approved destruction may be carried out: its waiting time begins when it was asked for."""
    if known.asked_at is None:
        return None
    return known.asked_at + timedelta(days=int(str(known.request.goal["wait_days"])))


def refusals(known: Asked, now_found: Loss, *, confirmed: str | None, now: datetime) -> tuple[str, ...]:
    """Say why *known* may not be carried out now; nothing if it may.

    What was asked for may have shrunk, by a run that was killed; it must not have grown.
    """
    reasons = []
    if not known.is_approved:
        reasons.append("no second person has approved it")
    begins = may_begin_at(known)
    if begins is None or now < begins:
        when = begins.date() if begins else "nobody knows when"
        reasons.append(f"its waiting time ends on {when}")
    if confirmed != now_found.application:
        reasons.append("it was not confirmed by the application's id")
    return (*reasons, *_grown(known.request, now_found))


def _grown(asked: Request, now_found: Loss) -> Iterable[str]:
    listed = asked.goal["inventory"]
    before: Mapping[str, Json] = listed if isinstance(listed, dict) else {}
    for what, names in now_found.body().items():
        known = before.get(what)
        more = (
            sorted(set(map(str, names)) - set(map(str, known if isinstance(known, list) else ())))
            if (isinstance(names, list))
            else []
        )
        if more:
            yield f"{what} were added since it was asked for: {', '.join(more)}"


def record(known: Asked, proofs: Iterable[Mapping[str, Json]], *, by: str, at: datetime) -> dict[str, Json]:
    """Give the destruction record, from which a certificate of destruction is printed."""
    request = known.request
    approvals: list[Json] = [
        {"by": who, "at": timestamp(when)} for who, when in known.approved_by.items() if who not in known.asked_by
    ]
    return {
        "procedure": request.digest,
        "application": request.owner,
        "environment": request.environment,
        "method": "cryptographic erasure: the keys that everything was encrypted under were destroyed in the vault",
        "destroyed": request.goal["inventory"],
        "destroyed_digest": request.goal["loses"],
        "asked_by": [*sorted(known.asked_by)],
        "asked_at": timestamp(known.asked_at) if known.asked_at else None,
        "waited_days": request.goal["wait_days"],
        "approved": approvals,
        "carried_out_by": by,
        "carried_out_at": timestamp(at),
        "proofs": [dict(proof) for proof in proofs],
    }
