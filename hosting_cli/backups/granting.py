"""Let one host read one repository that is not its own, for one restore: of another host, or on another store.

No host holds anything by which it could do so by itself.  The store gets a user that reads this repository and nothing
beside it; what opens both comes to the host wrapped, works once, stays in memory; and the user ends with the restore.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from hosting_cli import store_policies
from hosting_cli.backups.places import Place
from hosting_cli.errors import UsageError
from hosting_cli.request import Asked, Request
from hosting_cli.resources import StoreUser
from hosting_cli.secret import Secret
from hosting_cli.session import Session
from inventory import naming
from inventory.models import Application
from inventory.resource import Json, Subject

GRANT_SECONDS = 10 * 60
"""How long a grant waits for its host, slow machines included."""

RESTORE_ELSEWHERE = "restore-elsewhere"
"""The procedure by which one host is given the data of another."""


def request(
    application: Application, environment: str, place: Place, goal: Mapping[str, Json], known: Mapping[str, Asked]
) -> Request:
    """Ask that a host may restore another's snapshot; each time is another request, counted by those that ended."""
    subject = Subject("repository", place.name)
    earlier = [
        item
        for item in known.values()
        if item.ended and (item.request.procedure, item.request.subject) == (RESTORE_ELSEWHERE, subject)
    ]
    return Request(
        RESTORE_ELSEWHERE,
        subject,
        application.id,
        environment,
        {**goal, "earlier": len(earlier)},
        second_person=application.is_production,
    )


def endpoint_for(session: Session, place: Place, host: str) -> str:
    """Say where *host* reaches the store of *place*; raise ``UsageError`` where nobody told it."""
    found = session.environment.hosts[host].object_stores.get(place.store)
    if found is None:
        what = f"is not told where the object store {place.store} answers"
        remedy = f"Add it to the host's object_stores in the environment file, plan and apply: {host} lets nothing out."
        raise UsageError(f"host {host}", what, remedy)
    return str(found)


@contextmanager
def granted(session: Session, place: Place, host: str) -> Iterator[Secret]:
    """Give the token by which *host* opens *place*, once; its user at the store ends with the block.

    The user of a run that was killed is replaced by the next one's, or goes with the next plan, since no file asks for
    it.
    """
    access, door = session.environment.object_stores[place.store], session.stores[place.store]
    endpoint = endpoint_for(session, place, host)
    user = StoreUser(
        name=naming.restore_user(place.application),
        owner=place.application,
        store=place.store,
        policy=store_policies.restore_user(place.bucket, place.host),
    )
    door.delete(user)
    door.write(user)
    try:
        key_id, secret = door.create_access_key(user.name)
        door.try_access_key(place.bucket, key_id, secret)
        yield session.vault.wrapped(
            {
                "repository": f"s3:{endpoint}/{place.bucket}/{place.host}",
                "object_store_region": access.region,
                "certificate_authority": access.certificate_authority.read_text(),
                "password": session.vault.reveal_secret(place.password).reveal(),
                "access_key_id": key_id,
                "secret_access_key": secret.reveal(),
            },
            ttl_seconds=GRANT_SECONDS,
        )
    finally:
        door.delete(user)
