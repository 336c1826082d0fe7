"""S3 credentials of applications: replaced by the steps of every rotation, within the run that was approved."""

from collections.abc import Mapping

from hosting_cli import access_keys
from hosting_cli.errors import EngineError, RefusedError
from hosting_cli.procedure import carry_out
from hosting_cli.request import Request
from hosting_cli.rotations import credentials, kinds
from hosting_cli.runbooks.action import Act, Look, Occasion, Pinned, Seen, Values
from hosting_cli.runbooks.sheet import Kind
from hosting_cli.session import Session
from inventory.key_policy import KeyKind
from inventory.models import Application
from inventory.resource import Json, Subject

_TAKES = {"application": Kind.APPLICATION, "credential": Kind.KEY}


def _application(session: Session, values: Values) -> Application:
    application = session.application(values["application"])
    if not values["credential"].startswith(f"{application.id}/"):
        what = f"is no credential of {application.id}"
        raise RefusedError(f"s3-credentials {values['credential']}", what, "Take its name from `hosting key list`.")
    return application


def pin(session: Session, values: Values) -> Pinned:
    """Read which access key is in use: that one is replaced, and no other that may come after it."""
    credentials.wanted(session, _application(session, values), values["credential"])
    return credentials.goal(session, values["credential"])


def replace(session: Session, values: Values, occasion: Occasion) -> Mapping[str, Json]:
    """Rotate the credential by its own steps, each of which is on record under this run."""
    application = _application(session, values)
    subject = Subject(KeyKind.S3_CREDENTIALS.value, values["credential"])
    environment = session.environment.environment
    request = Request(kinds.ROTATE, subject, application.id, environment, occasion.pinned, second_person=True)
    steps = tuple(kinds.steps(session, request))
    outcomes = carry_out(steps, digest=occasion.digest, record=occasion.record, tell=occasion.tell)
    for outcome in outcomes:
        if outcome.error is not None:
            raise outcome.error
    return {"replaced": occasion.pinned["replaces"]}


def is_replaced(session: Session, values: Values, pinned: Pinned) -> Seen:
    """Tell whether the store knows only the key that the vault records, which is not the one that leaked."""
    key, _ = credentials.wanted(session, _application(session, values), values["credential"])
    listed, recorded = session.stores[key.store].access_key_ids(key.name), access_keys.recorded(session, key)
    holds = recorded is not None and recorded != pinned.get("replaces") and listed == (recorded,)
    return Seen(holds, {"in_use": recorded, "known_to_the_store": list(listed)})


def works(session: Session, values: Values, _pinned: Pinned) -> Seen:
    """Tell whether what the vault holds now opens every bucket of its user."""
    key, buckets = credentials.wanted(session, _application(session, values), values["credential"])
    rotation = credentials.Rotation(session, key, buckets, replaces="")
    try:
        return Seen(True, rotation.try_stored())
    except EngineError as error:
        return Seen(False, {"why": error.what})


def _rotate(values: Values) -> tuple[str, ...]:
    return (f"hosting key rotate {values['credential']}",)


def _show(values: Values) -> tuple[str, ...]:
    return (f"hosting key show {values['credential']}",)


ACTIONS = (
    Act("credential.replace", "A second access key is proven, then the first ends.", _TAKES, _rotate, replace, pin),
    Look("credential.is-replaced", "The store knows the new key and no other.", _TAKES, _show, is_replaced),
    Look("credential.works", "What the vault holds opens the buckets.", _TAKES, _show, works),
)
