"""What somebody asked for that no plan does, who may let it happen, and whether it is still open.  Pure.

A request names a procedure, what it is about and a goal that is reached once (``to version 4``, ``instead of key …``),
so that its digest is for one carrying out.  As with plans, production and whatever destroys needs a second person:
whoever approves must not be who asked.  Both identities are the vault's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, cast

from hosting_cli.apply import name_of
from hosting_cli.approval import SHORTEST_PREFIX
from hosting_cli.canonical import digest as digest_of
from hosting_cli.errors import UsageError
from hosting_cli.journal import Entry
from inventory.resource import Json, Subject

REQUEST_VERSION = 1


@dataclass(frozen=True)
class Request:
    """A procedure as it is asked for; ``goal`` is everything that its steps follow from."""

    procedure: str
    subject: Subject
    owner: str
    environment: str
    goal: Mapping[str, Json]
    second_person: bool

    def body(self) -> dict[str, Json]:
        """Give everything that the digest covers, as plain JSON."""
        return {
            "version": REQUEST_VERSION,
            "procedure": self.procedure,
            "subject": name_of(self.subject),
            "owner": self.owner,
            "environment": self.environment,
            "goal": dict(self.goal),
            "second_person": self.second_person,
        }

    @property
    def digest(self) -> str:
        """Name this request; an approval names the same."""
        return digest_of(self.body())

    def __str__(self) -> str:
        """Say in a few words what is asked for."""
        said = {name: value for name, value in self.goal.items() if not isinstance(value, dict | list)}
        goal = ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in said.items() if value is not None)
        return f"{self.procedure} {self.subject} ({goal})" if goal else f"{self.procedure} {self.subject}"


def from_body(body: Mapping[str, Any]) -> Request:
    """Read back what ``body`` wrote."""
    subject = Subject(body["subject"]["kind"], body["subject"]["name"])
    return Request(
        body["procedure"], subject, body["owner"], body["environment"], body["goal"], bool(body["second_person"])
    )


@dataclass(frozen=True)
class Asked:
    """A request as the journal holds it: who asked and when, who approved and when, how far it has come."""

    request: Request
    asked_by: frozenset[str] = frozenset()
    asked_at: datetime | None = None
    approved_by: Mapping[str, datetime] = field(default_factory=dict)
    begun: bool = False
    ended: bool = False

    @property
    def is_approved(self) -> bool:
        """Tell whether whoever must has let it happen."""
        return not self.request.second_person or bool(self.approved_by.keys() - self.asked_by)


def asked(entries: Iterable[Entry]) -> dict[str, Asked]:
    """Collect the requests of a journal by digest."""
    found: dict[str, Asked] = {}
    for entry in entries:
        if entry.kind == "request":
            request = from_body(cast("Mapping[str, Any]", entry.data["request"]))
            known = found.pop(request.digest, None)
            if known is None or known.ended:  # what was called off and is asked for again, is approved again
                known = Asked(request, asked_at=_time(entry))
            found[request.digest] = replace(known, asked_by=known.asked_by | {entry.who})
        elif (digest := str(entry.data.get("procedure"))) in found:
            found[digest] = _followed(found[digest], entry)
    return found


def _followed(known: Asked, entry: Entry) -> Asked:
    if entry.kind == "approval":
        return replace(known, approved_by={**known.approved_by, entry.who: _time(entry)})
    begun, ended = entry.kind == "intent", entry.kind in {"completed", "withdrawn"}
    return replace(known, begun=known.begun or begun, ended=known.ended or ended)


def open_request(procedure: str, subject: Subject, requests: Mapping[str, Asked]) -> Asked | None:
    """Find what was asked for last about *subject* and is not ended yet."""
    found = [
        item
        for item in requests.values()
        if not item.ended and (item.request.procedure, item.request.subject) == (procedure, subject)
    ]
    return found[-1] if found else None


def find_open(prefix: str, requests: Mapping[str, Asked]) -> Asked | None:
    """Find the one request that is not ended and whose digest starts with *prefix*; ``None`` where there is not one."""
    found = [item for digest, item in requests.items() if digest.startswith(prefix.lower()) and not item.ended]
    return found[0] if len(found) == 1 and len(prefix) >= SHORTEST_PREFIX else None


def find(prefix: str, procedure: str, requests: Mapping[str, Asked]) -> Asked:
    """Find the one request for *procedure* whose digest starts with *prefix*; raise ``UsageError`` if there is none."""
    found = [
        item
        for digest, item in requests.items()
        if digest.startswith(prefix.lower()) and item.request.procedure == procedure
    ]
    if len(prefix) < SHORTEST_PREFIX:
        what = f"names too little: give at least {SHORTEST_PREFIX} digits"
    elif len(found) == 1:
        return found[0]
    else:
        what = f"is the beginning of {len(found) or 'no'} such requests"
    raise UsageError(f"request {prefix}", what, "Take the digest that was printed when it was asked for.")


def approver_refusal(known: Asked, approver: str) -> str | None:
    """Say why *approver* may not approve, if so."""
    if known.request.second_person and approver in known.asked_by:
        return f"{approver} asked for it: a second person must approve it"
    return None


def _time(entry: Entry) -> datetime:
    return datetime.fromisoformat(entry.time)
