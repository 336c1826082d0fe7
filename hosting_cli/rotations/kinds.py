"""Which kinds of keys are rotated from here: the request of each, and its steps."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from hosting_cli.errors import RefusedError
from hosting_cli.keys.values import Key
from hosting_cli.procedure import Step
from hosting_cli.request import Request
from hosting_cli.rotations import (
    credentials,
    link_certificate,
    passphrases,
    pki_authority,
    repository,
    secret_ids,
    ssh_authority,
    transit,
    wireguard_key,
)
from hosting_cli.session import Session
from inventory.key_policy import KeyKind
from inventory.models import Application
from inventory.resource import PLATFORM, Json, Subject

ROTATE = "rotate"


_NAMED_BY_WHAT_OUTLIVES_THEM = {KeyKind.SECRET_ID, KeyKind.SSH_AUTHORITY, KeyKind.PKI_AUTHORITY}
_OF_LINKS_AND_LOGINS = {
    KeyKind.SSH_AUTHORITY,
    KeyKind.PKI_AUTHORITY,
    KeyKind.LINK_CERTIFICATE,
    KeyKind.PEER_CERTIFICATE,
    KeyKind.WIREGUARD_KEY,
}
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
    if key.kind in _OF_LINKS_AND_LOGINS:
        return _goal_of_platform(session, key, retire=retire)
    match key.kind:
        case KeyKind.TRANSIT_KEY:
            return transit.goal(session, key.name, retire=retire)
        case KeyKind.S3_CREDENTIALS:
            return credentials.goal(session, key.name)
        case KeyKind.RESTIC_PASSWORD if (application := application_of(session, key.owner)) is not None:
            return repository.goal(session, repository.place_of(session, application, key.name))
        case KeyKind.SECRET_ID:
            return secret_ids.goal(session, application_of(session, key.owner), subject_of(key).name)
        case KeyKind.LUKS_PASSPHRASE | KeyKind.LUKS_RECOVERY:
            place, held = passphrases.find(session, key.name)
            return passphrases.goal(session, place, held, version=key.version)
    remedy = "Only what the region's files ask for is given a new one."
    raise RefusedError(str(subject_of(key)), "it belongs to no application of the region", remedy)


def _goal_of_platform(session: Session, key: Key, *, retire: bool) -> Mapping[str, Json]:
    match key.kind:
        case KeyKind.SSH_AUTHORITY:
            return ssh_authority.goal(session)
        case KeyKind.PKI_AUTHORITY:
            return pki_authority.goal(session, retire=retire)
        case KeyKind.LINK_CERTIFICATE:
            return link_certificate.goal(session, key.name)
        case KeyKind.WIREGUARD_KEY:
            return wireguard_key.goal(session, key.name)
    remedy = "The establishment makes its key and asks for a certificate: docs/tunnels.md, The peer's part."
    raise RefusedError(str(subject_of(key)), "its key is on the peer's firewall, and none of ours", remedy)


def steps(
    session: Session, request: Request, certificate: Path | None = None, *, switch: bool = False
) -> Iterator[Step]:
    """Give the steps of a rotation that was asked for.

    *certificate* is a file that an authority may wait for, *switch* the word that a key of WireGuard waits for.
    """
    name, goal = request.subject.name, request.goal
    application = application_of(session, request.owner)
    if request.subject.kind == KeyKind.TRANSIT_KEY:
        version, retire = int(str(goal["to_version"])), goal["retire_older"] is True
        return transit.Rotation(session, name, application, version, retire, request.digest).steps()
    if request.subject.kind in _OF_LINKS_AND_LOGINS:
        return _steps_of_platform(session, request, certificate, switch=switch)
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


def _steps_of_platform(session: Session, request: Request, certificate: Path | None, *, switch: bool) -> Iterator[Step]:
    """Give the steps for what belongs to no application: authorities, and what tunnels are proven by."""
    name, goal = request.subject.name, request.goal
    match request.subject.kind:
        case KeyKind.SSH_AUTHORITY:
            return ssh_authority.steps(session, request)
        case KeyKind.PKI_AUTHORITY:
            return pki_authority.steps(session, request, certificate)
        case KeyKind.LINK_CERTIFICATE:
            host = link_certificate.gateway_of(session.region, name)
            return link_certificate.Rotation(session, host, str(goal["replaces"])).steps()
    key = wireguard_key.key_of(session.region, name)
    return wireguard_key.Rotation(session, key, str(goal["replaces"]), switch).steps()


def closing(request: Request) -> tuple[str, ...]:
    """Say what there is to know, and to do, once a rotation is done."""
    if "retires" in request.goal:
        return ("The former authorities have ended; what they issued had ended before.",)
    said = f"{request.subject.name} is rotated."
    if request.subject.kind == KeyKind.LUKS_RECOVERY:
        again = f"hosting key recovery create {request.subject.name}"
        return (said, f"Shares of earlier sets open nothing any more. Hand out new ones: {again}")
    if request.subject.kind == KeyKind.LINK_CERTIFICATE:
        lists = "hosting network tunnel peer TUNNEL --into FOLDER"
        return (said, f"Until a peer has the new list, it believes the former certificate. Send each one: {lists}")
    return (said,)
