"""Which kinds of keys are rotated from here: the request of each, and its steps."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from hosting_cli.errors import RefusedError
from hosting_cli.keys.values import Key
from hosting_cli.procedure import Step
from hosting_cli.request import Request
from hosting_cli.rotations import (
    credentials,
    passphrases,
    pki_authority,
    repository,
    secret_ids,
    ssh_authority,
    transit,
)
from hosting_cli.session import Session
from inventory.key_policy import KeyKind
from inventory.models import Application
from inventory.resource import PLATFORM, Json, Subject

ROTATE = "rotate"


_NAMED_BY_WHAT_OUTLIVES_THEM = {KeyKind.SECRET_ID, KeyKind.SSH_AUTHORITY, KeyKind.PKI_AUTHORITY}
_HAVE_FORMER_ONES = {KeyKind.TRANSIT_KEY, KeyKind.PKI_AUTHORITY}


def subject_of(key: Key) -> Subject:
    """Name what a procedure about *key* is about; of a secret-id its role, of an authority its engine."""
    name = key.name.rpartition("/")[0] or key.name if key.kind in _NAMED_BY_WHAT_OUTLIVES_THEM else key.name
    return Subject(key.kind.value, name)


def application_of(session: Session, owner: str) -> Application | None:
    """Find the application that is an owner; ``None`` for the platform, and for what left the region's files."""
    return next((item for item in session.region.applications if item.id == owner), None)


def is_production(session: Session, owner: str) -> bool:
    """Tell whether production depends on what *owner* owns; whose owner is no application, all of them may."""
    application = application_of(session, owner)
    concerned = session.region.applications if application is None else (application,)
    return any(item.is_production for item in concerned)


def rotation(session: Session, key: Key, *, retire: bool) -> Request:
    """Ask for the rotation of *key*; raise ``RefusedError`` where that is not done from here."""
    return Request(
        ROTATE,
        subject_of(key),
        key.owner,
        session.environment.environment,
        _goal(session, key, retire=retire),
        is_production(session, key.owner),
    )


def _goal(session: Session, key: Key, *, retire: bool) -> Mapping[str, Json]:
    if retire and key.kind not in _HAVE_FORMER_ONES:
        raise RefusedError(str(subject_of(key)), "it has nothing older to retire", "Leave --retire out.")
    match key.kind:
        case KeyKind.TRANSIT_KEY:
            return transit.goal(session, key.name, retire=retire)
        case KeyKind.S3_CREDENTIALS:
            return credentials.goal(session, key.name)
        case KeyKind.RESTIC_PASSWORD if (application := application_of(session, key.owner)) is not None:
            return repository.goal(session, repository.place_of(session, application, key.name))
        case KeyKind.SSH_AUTHORITY | KeyKind.PKI_AUTHORITY:
            is_ssh = key.kind is KeyKind.SSH_AUTHORITY
            return ssh_authority.goal(session) if is_ssh else pki_authority.goal(session, retire=retire)
        case KeyKind.SECRET_ID:
            return secret_ids.goal(session, application_of(session, key.owner), subject_of(key).name)
        case KeyKind.LUKS_PASSPHRASE | KeyKind.LUKS_RECOVERY:
            place, held = passphrases.find(session, key.name)
            return passphrases.goal(session, place, held, version=key.version)
    remedy = "Only what the region's files ask for is given a new one."
    raise RefusedError(str(subject_of(key)), "it belongs to no application of the region", remedy)


def steps(session: Session, request: Request, certificate: Path | None = None) -> Iterator[Step]:
    """Give the steps of a rotation that was asked for; *certificate* is a file that an authority may wait for."""
    name, goal = request.subject.name, request.goal
    application = application_of(session, request.owner)
    if request.subject.kind == KeyKind.TRANSIT_KEY:
        version, retire = int(str(goal["to_version"])), goal["retire_older"] is True
        return transit.Rotation(session, name, application, version, retire, request.digest).steps()
    if request.subject.kind in {KeyKind.SSH_AUTHORITY, KeyKind.PKI_AUTHORITY}:
        is_ssh = request.subject.kind == KeyKind.SSH_AUTHORITY
        return ssh_authority.steps(session, request) if is_ssh else pki_authority.steps(session, request, certificate)
    if request.subject.kind == KeyKind.SECRET_ID:
        return secret_ids.steps(session, application, request)
    if application is None and request.owner != PLATFORM:
        remedy = "Nobody knows where it is used: no file of the region asks for it."
        raise RefusedError(str(request.subject), "it belongs to no application", remedy)
    if application is not None and request.subject.kind == KeyKind.RESTIC_PASSWORD:
        place = repository.place_of(session, application, name)
        return repository.rotation(session, place, goal, request.digest).steps()
    if request.subject.kind in {KeyKind.LUKS_PASSPHRASE, KeyKind.LUKS_RECOVERY}:
        return passphrases.rotation(session, name, goal, request.digest).steps()
    key, buckets = credentials.wanted(session, application, name)
    return credentials.Rotation(session, key, buckets, str(goal["replaces"])).steps()


def closing(request: Request) -> tuple[str, ...]:
    """Say what there is to know, and to do, once a rotation is done."""
    if "retires" in request.goal:
        return ("The former authorities have ended; what they issued had ended before.",)
    said = f"{request.subject.name} is rotated."
    if request.subject.kind != KeyKind.LUKS_RECOVERY:
        return (said,)
    again = f"hosting key recovery create {request.subject.name}"
    return (said, f"Shares of earlier sets open nothing any more. Hand out new ones: {again}")
