"""Look at everything that a region owns: what should be, and what every door sees, all doors at once."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from deploys import reading as host_reading
from deploys.desired import Published
from deploys.resources import HostIdentity, HostResource
from deploys.resources import source as host_source
from hosting_cli.actual import Reader, access_key, read_all, with_vault_view, without_credentials
from hosting_cli.desired import desired
from hosting_cli.errors import HostingError, UnreadableError
from hosting_cli.plan import Plan, plan
from hosting_cli.resources import AccessKey, Bucket
from hosting_cli.session import Session
from hosting_cli.volumes.copy_reading import read_copies
from inventory.resource import PLATFORM, Reading, Resource, Subject

Answer = TypeVar("Answer")

ACCESS_KEY_NOTE = "access-key-id"
"""Under which name the vault's entry of S3 credentials records, beside the ciphertext, which access key they are."""


@dataclass(frozen=True)
class Survey:
    """What should be and what is."""

    desired: Mapping[Subject, Resource]
    readings: tuple[Reading, ...]

    @property
    def actual(self) -> dict[Subject, Resource]:
        """Give everything that was seen, by subject."""
        return {s: r for reading in self.readings if reading.resources for s, r in reading.resources.items()}


def survey(session: Session) -> Survey:
    """Read everything concurrently; a source that cannot be read is unknown, with its reason.

    Raise ``HostingError`` only when not even the desired state can be told: invalid files, no certificate authority.
    """
    authority_keys = _told(session.vault.trusted_ssh_keys)
    wanted = desired(session.region, session.environment, _published(session, authority_keys))
    readers: tuple[Reader, ...] = (
        partial(read_vault, session, wanted),
        *(partial(read_store, session, store, wanted) for store in [item.id for item in session.region.stores]),
        partial(_unread_hosts, session, wanted, session.environment.hosts, authority_keys)
        if isinstance(authority_keys, HostingError)
        else partial(read_hosts, session, wanted),
    )
    return Survey(wanted, read_all(readers))


def _published(session: Session, authority_keys: tuple[str, ...] | HostingError) -> Published:
    """Collect the public values that hosts are given: the keys of SSH authorities and the engines' certificates.

    Hosts are held against those keys, so where they are unknown hosts are; nothing else depends on them.
    """
    authority = session.environment.vault.certificate_authority.read_text()
    return Published(() if isinstance(authority_keys, HostingError) else authority_keys, authority)


def _told(ask: Callable[[], Answer]) -> Answer | HostingError:
    """Give the answer, or the reason why nobody can tell."""
    try:
        return ask()
    except HostingError as error:
        return error


def plan_of(session: Session, found: Survey, application: str | None = None) -> Plan:
    """Compare what *found* holds, for the whole region or for one application and what it requires.

    A recorded plan may be of an application that has left the region since.
    """
    chosen = [item for item in session.region.applications if application in {None, item.id}]
    return plan(
        found.desired.values(),
        found.readings,
        region=session.region.id,
        environment=session.environment.environment,
        scope=application or "region",
        production=any(item.is_production for item in chosen),
        owners=frozenset({application, PLATFORM}) if application else None,
    )


# -- readers ------------------------------------------------------------------------------------------------------


def read_vault(session: Session, wanted: Mapping[Subject, Resource]) -> Sequence[Reading]:
    """Read the vault, but for what is read as part of an access key, and the provisioners' credentials."""
    of_keys = {item.secret for item in wanted.values() if isinstance(item, AccessKey)}
    of_provisioners = {access.credentials for access in session.environment.object_stores.values()}
    return [without_credentials(session.vault.read(), of_keys | of_provisioners)]


def read_store(session: Session, store: str, wanted: Mapping[Subject, Resource]) -> Sequence[Reading]:
    """Read an object store, and its users' keys against what the vault records of them."""
    door = session.stores[store]
    found = door.read({item.name for item in wanted.values() if isinstance(item, Bucket) and item.store == store})
    if found.resources is None:
        return [found]
    keys = [item for item in wanted.values() if isinstance(item, AccessKey) and item.store == store]
    try:
        with ThreadPoolExecutor(max_workers=8) as pool:
            joined = pool.map(partial(_joined_key, session, store), keys)
            seen = {key.subject: key for key in joined if key is not None}
    except HostingError as error:
        return [replace(found, resources=None, reason=str(error))]
    return [replace(found, resources={**found.resources, **seen})]


def _joined_key(session: Session, store: str, wanted: AccessKey) -> AccessKey | None:
    recorded = session.vault.secret_notes(wanted.secret).get(ACCESS_KEY_NOTE)
    return access_key(wanted, session.stores[store].access_key_ids(wanted.name), recorded)


def read_hosts(
    session: Session, wanted: Mapping[Subject, Resource], names: Iterable[str] | None = None
) -> list[Reading]:
    """Read hosts (all that the environment reaches, or those named), each in one round trip.

    Their identities are held against what the vault lists, and the headers of their volumes against the evidence.
    """
    chosen = list(session.environment.hosts if names is None else names)
    of_host = _by_host(wanted.values(), chosen)
    requests = {name: host_reading.request(resources) for name, resources in of_host.items()}
    taken_at = session.clock()
    try:
        answers = session.hosts.read(requests)
    except HostingError as error:  # not even a certificate to log in with: no host could be asked
        return _unread_hosts(session, wanted, chosen, error)
    accessors = _accessors(session, [item for items in of_host.values() for item in items])
    found = [
        _joined_host(_host_reading(name, answer, of_host[name], taken_at), accessors)
        for name, answer in answers.items()
    ]
    return [*found, *read_copies(session, wanted, found)]


def _unread_hosts(
    session: Session, wanted: Mapping[Subject, Resource], names: Iterable[str], error: HostingError
) -> list[Reading]:
    found = [Reading(host_source(name), session.clock(), None, str(error)) for name in names]
    return [*found, *read_copies(session, wanted, found)]


def _by_host(resources: Iterable[Resource], hosts: Iterable[str]) -> dict[str, list[HostResource]]:
    """Sort the resources of *hosts* out, in one pass over those of a whole region."""
    found: dict[str, list[HostResource]] = {host: [] for host in hosts}
    for resource in resources:
        if isinstance(resource, HostResource) and resource.host in found:
            found[resource.host].append(resource)
    return found


def _host_reading(
    name: str, answer: Any | UnreadableError, resources: Sequence[HostResource], taken_at: datetime
) -> Reading:
    if isinstance(answer, HostingError):
        return Reading(host_source(name), taken_at, None, f"{answer.what}. {answer.remedy}")
    return host_reading.reading(name, answer, resources, taken_at)


def _joined_host(reading: Reading, accessors: Mapping[str, frozenset[str] | HostingError]) -> Reading:
    """Hold a host's identities against the vault's view; a host with one that the vault cannot tell of is unknown."""
    known = {role: told for role, told in accessors.items() if not isinstance(told, HostingError)}
    for resource in (reading.resources or {}).values():
        if isinstance(resource, HostIdentity) and isinstance(told := accessors.get(resource.role), HostingError):
            return replace(reading, resources=None, reason=str(told))
    return with_vault_view(reading, known)


def _accessors(session: Session, resources: Iterable[Resource]) -> dict[str, frozenset[str] | HostingError]:
    """Ask the vault for the secret-ids of every role that a host should hold."""
    roles = sorted({resource.role for resource in resources if isinstance(resource, HostIdentity)})

    def ask(role: str) -> frozenset[str] | HostingError:
        return _told(lambda: frozenset(session.vault.secret_id_accessors(role)))

    with ThreadPoolExecutor(max_workers=8) as pool:
        return dict(zip(roles, pool.map(ask, roles), strict=True))
