"""Whose secret-id a role's is decides how it is replaced: a host is handed its own, the store's is brought to it."""

from collections.abc import Iterator, Mapping

from hosting_cli.procedure import Step
from hosting_cli.request import Request
from hosting_cli.rotations import identities, key_service
from hosting_cli.session import Session
from inventory import naming
from inventory.models import Application
from inventory.resource import Json


def goal(session: Session, application: Application | None, role: str) -> Mapping[str, Json]:
    """Say what is asked for, of whoever holds *role*."""
    if role == naming.S3_KMS_ROLE:
        return key_service.goal(session)
    return identities.goal(session, identities.identity_of(session.region, application, role))


def steps(session: Session, application: Application | None, request: Request) -> Iterator[Step]:
    """Give the steps of what was asked for."""
    role = request.subject.name
    if role == naming.S3_KMS_ROLE:
        return key_service.Rotation(session, role, request.digest).steps()
    identity = identities.identity_of(session.region, application, role)
    return identities.Rotation(session, identity, str(request.goal["replaces"])).steps()
