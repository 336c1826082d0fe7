"""Who makes changes: one actor for the vault, one for each object store, one for all hosts, one for copies of headers.

Each turns a change into the calls of its door that make it, in the order that is safe to interrupt.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from deploys.desired import secrets_of
from deploys.resources import HostFile, HostIdentity, HostResource, HostUnit, HostVolume
from deploys.resources import source as host_source
from hosting_cli import access_keys
from hosting_cli.apply import Actor, Begin, one_by_one
from hosting_cli.capabilities import lacking, needs
from hosting_cli.errors import HostingError
from hosting_cli.jobs import Event, EventKind, HostJob, Job
from hosting_cli.plan import Action, Change
from hosting_cli.resources import (
    VAULT,
    AccessKey,
    HeaderCopy,
    SecretEntry,
    StoreResource,
    VaultResource,
    header_copies,
    object_store,
)
from hosting_cli.secret import Secret
from hosting_cli.session import Session
from hosting_cli.survey import Survey, read_hosts, read_store, read_vault
from hosting_cli.volumes.copies import Copies
from hosting_cli.volumes.places import VolumePlace
from inventory.resource import Reading, Resource, Subject

WRAPPED_SECONDS = 10 * 60
"""How long a wrapped secret-id waits for its host to unwrap it: the time of a run, slow machines included."""


def actors(session: Session, found: Survey) -> Callable[[str], Actor]:
    """Give the actor of each source; sources that are hosts share one, so that all of them converge together."""
    by_source: dict[str, Actor] = {VAULT: VaultActor(session, found)}
    for store in session.region.stores:
        by_source[object_store(store.id)] = StoreActor(session, store.id, found)
    hosts, copies = HostsActor(session, found), CopiesActor(session, found)
    by_source |= {header_copies(host): copies for host in session.environment.hosts}
    return lambda source: by_source.get(source, hosts)


def resource_of(change: Change, found: Survey) -> Resource:
    """Find the resource that *change* is about: as it should be, or as it is when it shall go."""
    return found.actual[change.subject] if change.action is Action.DELETE else found.desired[change.subject]


@dataclass(frozen=True)
class VaultActor:
    """Make changes in the vault."""

    session: Session
    found: Survey
    rank: int = 0

    def carry_out(self, changes: Sequence[Change], begin: Begin) -> Mapping[Subject, HostingError]:
        """Make *changes* singly."""
        return one_by_one(changes, begin, self._make)

    def read(self) -> Sequence[Reading]:
        """Read the vault back."""
        return read_vault(self.session, self.found.desired)

    def _make(self, change: Change) -> None:
        resource = resource_of(change, self.found)
        assert isinstance(resource, VaultResource)  # noqa: S101 what the vault is the source of
        if change.action in {Action.DELETE, Action.REPLACE}:
            self.session.vault.delete(resource)
        if change.action is Action.DELETE:
            return
        if isinstance(resource, SecretEntry):
            self.session.vault.make_secret(resource)
        else:
            self.session.vault.write(resource)


@dataclass(frozen=True)
class StoreActor:
    """Make changes in one object store."""

    session: Session
    store: str
    found: Survey
    rank: int = 1

    def carry_out(self, changes: Sequence[Change], begin: Begin) -> Mapping[Subject, HostingError]:
        """Make *changes* singly, but for those that need what the store turns out to lack."""
        lacking = self._lacking(changes)
        able = [change for change in changes if change.subject not in lacking]
        return {**lacking, **one_by_one(able, begin, self._make, failed=lacking)}

    def read(self) -> Sequence[Reading]:
        """Read the store back, and its users' keys."""
        return read_store(self.session, self.store, self.found.desired)

    def _lacking(self, changes: Sequence[Change]) -> Mapping[Subject, HostingError]:
        """Probe the store by its behaviour, if anything is to be made that needs it."""
        made = [self.found.desired[change.subject] for change in changes if change.action is not Action.DELETE]
        demanding = [resource for resource in made if isinstance(resource, StoreResource) and needs(resource)]
        if not demanding:
            return {}
        self.session.progress(f"trying what the object store {self.store} can do")
        return lacking(self.session.stores[self.store].capabilities(), demanding)

    def _make(self, change: Change) -> None:
        resource, door = resource_of(change, self.found), self.session.stores[self.store]
        assert isinstance(resource, StoreResource)  # noqa: S101 what a store is the source of
        if isinstance(resource, AccessKey):
            access_keys.renew(self.session, resource)
        elif change.action is Action.DELETE:
            door.delete(resource)
        else:
            door.write(resource)


@dataclass(frozen=True)
class HostsActor:
    """Make changes on hosts: one run of pyinfra for all that have any, concurrently."""

    session: Session
    found: Survey
    rank: int = 2

    def carry_out(self, changes: Sequence[Change], begin: Begin) -> Mapping[Subject, HostingError]:
        """Converge the hosts of *changes*; a resource of theirs that has to follow (a unit of a file) follows."""
        planned = {change.subject: change for change in changes}
        failed: dict[Subject, HostingError] = {}
        jobs: dict[str, HostJob] = {}
        for host, of_host in _by_host(changes).items():
            try:
                jobs[host] = self._job(host, of_host)
            except HostingError as error:
                failed |= {change.subject: error for change in of_host}

        def tell(event: Event) -> None:
            if event.kind is EventKind.START and event.subject in planned:
                begin(planned[event.subject])
            elif event.kind is EventKind.START:
                self.session.progress(f"settle {event.subject}")

        try:
            outcome = self.session.engine.converge(Job(jobs, self.session.operator_key), tell)
        except HostingError as error:
            return failed | {change.subject: error for host in jobs for change in _by_host(changes)[host]}
        for host, loss in outcome.lost_hosts.items():
            failed |= {change.subject: loss for change in _by_host(changes)[host]}
        for subject, failure in outcome.failed.items():
            failed |= {change.subject: failure for change in self._blamed(subject, planned)}
        return failed

    def _blamed(self, subject: Subject, planned: Mapping[Subject, Change]) -> list[Change]:
        """Find the planned changes that fail with *subject*: itself, or the files that a unit had to follow."""
        if subject in planned:
            return [planned[subject]]
        follower = self.found.desired.get(subject)
        files = {s: self.found.desired.get(s) for s in planned}
        return [
            planned[s]
            for s, file in files.items()
            if isinstance(follower, HostUnit) and isinstance(file, HostFile)
            if file.host == follower.host and follower.unit in file.notifies
        ]

    def read(self) -> Sequence[Reading]:
        """Read the hosts back."""
        return read_hosts(self.session, self.found.desired)

    def _job(self, host: str, changes: Sequence[Change]) -> HostJob:
        """Say what *host* should be, and take out of the vault what is handed over for it."""
        resources = tuple(r for r in self.found.desired.values() if isinstance(r, HostResource) and r.host == host)
        made = [resource_of(change, self.found) for change in changes if change.action is not Action.DELETE]
        gone = [resource_of(change, self.found) for change in changes if change.action is Action.DELETE]
        secrets: dict[str, Secret] = {}
        for resource in made:
            secrets |= self._secrets(resource)
        removed = tuple(resource for resource in gone if isinstance(resource, HostResource))
        return HostJob(self.session.environment.hosts[host], resources, removed, secrets)

    def _secrets(self, resource: Resource) -> dict[str, Secret]:
        """Take what making *resource* needs: a volume's passphrases, or a wrapped secret-id for an identity."""
        if isinstance(resource, HostIdentity):
            return {resource.role: self._fresh_secret_id(resource)}
        if not isinstance(resource, HostVolume):
            return {}
        entries = (self.found.desired[Subject(SecretEntry.kind, name)] for name in secrets_of(resource))
        return {
            entry.name: self.session.vault.reveal_secret(entry) for entry in entries if isinstance(entry, SecretEntry)
        }

    def _fresh_secret_id(self, identity: HostIdentity) -> Secret:
        """Drop the role's secret-ids, which the host does not hold or no longer, and give a new one, wrapped."""
        for accessor in self.session.vault.secret_id_accessors(identity.role):
            self.session.vault.destroy_secret_id(identity.role, accessor)
        token, _ = self.session.vault.wrapped_secret_id(
            identity.role, ttl_seconds=WRAPPED_SECONDS, note={"host": identity.host}
        )
        return token


@dataclass(frozen=True)
class CopiesActor:
    """Seal copies of headers and add them to the evidence, each once its host has opened it."""

    session: Session
    found: Survey
    rank: int = 3

    def carry_out(self, changes: Sequence[Change], begin: Begin) -> Mapping[Subject, HostingError]:
        """Make *changes* singly."""
        with self.session.hosts.keeping_connections():
            return one_by_one(changes, begin, self._make)

    def read(self) -> Sequence[Reading]:
        """Read the hosts with volumes back, and the evidence against them."""
        copies = (item for item in self.found.desired.values() if isinstance(item, HeaderCopy))
        return read_hosts(self.session, self.found.desired, sorted({copy.host for copy in copies}))

    def _make(self, change: Change) -> None:
        copy = resource_of(change, self.found)
        volume = self.found.desired[Subject(HostVolume.kind, copy.name)]
        assert isinstance(volume, HostVolume)  # noqa: S101 what a copy of a header requires
        Copies(self.session, VolumePlace(volume)).keep_opened()


def _by_host(changes: Sequence[Change]) -> dict[str, list[Change]]:
    found: dict[str, list[Change]] = {}
    for change in changes:
        found.setdefault(change.source.removeprefix(host_source("")), []).append(change)
    return found
