"""Cryptographic erasure of one application: what would be lost, when it may be, what is certified of it.  Pure.

One transit key per purpose wraps everything of an application: objects, backups, passphrases.  Ending these keys ends
every copy of its data at once, wherever it lies, which no deletion of copies can promise.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from deploys.names import logical_volume
from deploys.resources import HostVolume
from hosting_cli.apply import name_of
from hosting_cli.canonical import digest
from hosting_cli.journal import Entry, timestamp
from hosting_cli.procedure import Outcome
from hosting_cli.request import Asked, Request
from hosting_cli.resources import AppRole, Bucket, SecretEntry, TransitKey
from inventory import naming
from inventory.resource import Json, Resource, Subject

DESTROY = "destroy"

UNKNOWN_COPIES = (
    "what was copied outside of the platform is not known to it: snapshots of disks that a provider made, passphrases "
    "that somebody wrote down, files that an application gave away"
)
"""The limit of every destruction, whatever was found."""


@dataclass(frozen=True, order=True)
class LostVolume:
    """A volume of an application that left the files, by the vault's entries: they stay when its keys have ended."""

    application: str
    host: str
    volume: str

    @property
    def name(self) -> str:
        """Name it for people and for the journal, as a plan does."""
        return f"{self.host}:{self.application}/{self.volume}"

    @property
    def subject(self) -> Subject:
        """Name it as a resource."""
        return Subject(HostVolume.kind, self.name)

    @property
    def logical_volume(self) -> str:
        """Name what it lies on."""
        return logical_volume(self.application, self.volume)

    @property
    def label(self) -> str:
        """Give the label that its header must have."""
        return naming.volume_label(self.application, self.volume)


@dataclass(frozen=True)
class Loss:
    """What of an application ends with its keys."""

    application: str
    keys: tuple[str, ...]
    entries: tuple[SecretEntry, ...]
    buckets: tuple[Bucket, ...]
    roles: tuple[str, ...]

    @property
    def volumes(self) -> tuple[LostVolume, ...]:
        """Name the volumes that its passphrases open."""
        found = {naming.volume_of_secret(entry.name) for entry in self.entries} - {None}
        return tuple(sorted(LostVolume(self.application, *place) for place in found if place is not None))

    def passphrases(self, volume: LostVolume) -> tuple[SecretEntry, ...]:
        """Give the entries of what opens *volume*."""
        place = (volume.host, volume.volume)
        return tuple(entry for entry in self.entries if naming.volume_of_secret(entry.name) == place)

    def body(self) -> dict[str, Json]:
        """Give all of it by name, as plain JSON."""
        return {
            "application": self.application,
            "keys": list(self.keys),
            "secrets": [entry.name for entry in self.entries],
            "buckets": [f"{bucket.store}/{bucket.name}" for bucket in self.buckets],
            "roles": list(self.roles),
            "volumes": [volume.name for volume in self.volumes],
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


def request(found: Loss, *, outlives: Sequence[str], environment: str, wait_days: int, after_entry: int) -> Request:
    """Ask for the end of all that *found* names, knowing what *outlives* it; always a matter for two people."""
    goal: dict[str, Json] = {
        "loses": digest(found.body()),
        "wait_days": wait_days,
        "after_entry": after_entry,
        "inventory": found.body(),
        "outlives": [*outlives],
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


@dataclass(frozen=True)
class Remains:
    """What a destruction could not end: what left the platform before, and what stayed as it was.

    ``outstanding`` names the volumes whose hosts were not reached, which the same command ends when they are back.
    """

    outlives: tuple[Mapping[str, Json], ...] = ()
    limits: tuple[str, ...] = ()
    outstanding: tuple[str, ...] = ()

    def closing(self, application: str) -> tuple[str, ...]:
        """Say how far the end of *application* went: never more than what was proven."""
        where = "The record is in the journal: hosting journal show"
        if self.outstanding:
            count = len(self.outstanding)
            return (
                f"The keys of {application} are destroyed. {count} of its volumes could not be reached, and may still "
                f"be opened with what people hold: {', '.join(self.outstanding)}.",
                f"When they are back: hosting key destroy {application} --confirm {application}",
                where,
            )
        if self.limits:
            return (
                f"The keys of {application} are destroyed. What outlives them stands in the record as limits.",
                where,
            )
        return (f"All data of {application} is lost for good. {where}",)


def evidence(outcomes: Iterable[Outcome], entries: Iterable[Entry], procedure: str) -> tuple[dict[str, Json], ...]:
    """Say what each proof, and each volume that was ended, showed: to this run, and to those that were killed before.

    What an earlier run saw cannot be seen again once the keys are gone: the journal has it, under the *procedure*.
    """
    seen = [entry.data for entry in entries if entry.kind == "done" and entry.data.get("procedure") == procedure]
    found: list[dict[str, Json]] = []
    for outcome in outcomes:
        step, about = outcome.step, name_of(outcome.step.subject)
        observed: Json = dict(outcome.observed) if outcome.observed else None
        of_step = [data for data in seen if (data["subject"], data["sentence"]) == (about, step.sentence)]
        earlier = [data["observed"] for data in of_step if data.get("observed") not in (None, observed)]
        if observed is not None or earlier:
            made: dict[str, Json] = {"of": str(step.subject), "proof": step.sentence, "observed": observed}
            found.append({**made, "by_earlier_runs": earlier} if earlier else made)
    return tuple(found)


def record(
    known: Asked, proofs: Iterable[Mapping[str, Json]], remains: Remains, *, by: str, at: datetime
) -> dict[str, Json]:
    """Give the destruction record, from which a certificate of destruction is printed, with all that limits it."""
    request = known.request
    approvals: list[Json] = [
        {"by": who, "at": timestamp(when)} for who, when in known.approved_by.items() if who not in known.asked_by
    ]
    return {
        "procedure": request.digest,
        "application": request.owner,
        "environment": request.environment,
        "method": "cryptographic erasure: the slots of the volumes that could be reached were ended, and the keys that "
        "everything was encrypted under were destroyed in the vault",
        "destroyed": request.goal["inventory"],
        "destroyed_digest": request.goal["loses"],
        "asked_by": [*sorted(known.asked_by)],
        "asked_at": timestamp(known.asked_at) if known.asked_at else None,
        "waited_days": request.goal["wait_days"],
        "approved": approvals,
        "carried_out_by": by,
        "carried_out_at": timestamp(at),
        "proofs": [dict(proof) for proof in proofs],
        "outlives": [dict(item) for item in remains.outlives],
        "limits": [*remains.limits, UNKNOWN_COPIES],
        "outstanding": [*remains.outstanding],
    }
