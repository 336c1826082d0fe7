"""Doors that hold everything in memory, note what they are asked, and refuse what the real ones would refuse."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path
from typing import Any, cast

from sample import NOW, environment, region

from deploys.resources import source as host_source
from hosting_cli.capabilities import ALL, Capability, Support
from hosting_cli.checks.seen import Endpoint
from hosting_cli.console import Progress
from hosting_cli.doors.engine import Outcome as EngineOutcome
from hosting_cli.doors.evidence import Kept
from hosting_cli.doors.hosts import Completed
from hosting_cli.doors.objects import Head, ObjectVersion
from hosting_cli.errors import EngineError, RefusedError, UnreadableError
from hosting_cli.jobs import Event, Job, OperatorKey
from hosting_cli.keys.links import IssuedCertificate
from hosting_cli.keys.values import KeysSeen, KeyVersions, SealState
from hosting_cli.resources import VAULT, HeaderCopy, SecretEntry, StoreResource, StoreUser, VaultResource, object_store
from hosting_cli.runbooks.leases import Lease
from hosting_cli.secret import Secret
from hosting_cli.session import DoorMaker, Session
from inventory import naming
from inventory.key_policy import KeyKind
from inventory.resource import Json, Reading, Resource, Subject

STORE = "dijon-objects"
SEALED = UnreadableError("vault https://127.0.0.1:1", "it is sealed", "Have its key holders unseal it.")
KEYS_PER_USER = 2
"""How many access keys a store gives a user at most."""

Calls = list[str]


class FakeVault:
    """A vault that is as its contract says; ``sealed`` makes every request fail as a sealed one's would."""

    def __init__(self, calls: Calls | None = None) -> None:
        self.calls: Calls = [] if calls is None else calls
        self.resources: dict[Subject, Resource] = {}
        self.secrets: dict[str, Secret] = {}
        self.notes: dict[str, dict[str, str]] = {}
        self.accessors: dict[str, list[str]] = {}
        self.tokens: list[str] = []
        self.answers: Callable[[str, str, str], int] = lambda policy, method, path: 403
        self.rights: Callable[[str, str], tuple[str, ...]] = lambda policy, path: ("deny",)
        self.disabled: set[str] = set()
        self.known_keys = KeysSeen((), {})
        self.sealed = False
        self.person = "token-tester"
        self.held = frozenset({naming.APPROVER_POLICY})
        self.pki = FakePki(self)
        self.leases: dict[str, Lease] = {}
        self.shares: set[str] = set()

    def _asked(self, call: str) -> None:
        if self.sealed:
            raise SEALED
        self.calls.append(call)

    def identity(self) -> str:
        self._asked("identity")
        return self.person

    def policies(self) -> frozenset[str]:
        self._asked("policies")
        return self.held

    def seal_state(self) -> SealState:
        return SealState(self.sealed, 2, len(self.shares) if self.sealed else 0)

    def unseal(self, share: Secret) -> SealState:
        self.shares.add(share.reveal())
        self.sealed = len(self.shares) < 2
        return self.seal_state()

    def lease(self, name: str) -> Lease | None:
        self._asked(f"lease {name}")
        return self.leases.get(name)

    def take_lease(self, name: str, lease: Lease) -> Lease | None:
        self._asked(f"take lease {name}")
        if lease.version != (self.leases[name].version if name in self.leases else 0):
            return None
        self.leases[name] = replace(lease, version=lease.version + 1)
        return self.leases[name]

    def bootstrap(self, policies: Mapping[str, str]) -> None:
        self._asked(f"bootstrap {', '.join(policies)}")

    def read(self) -> Reading:
        if self.sealed:
            return Reading(VAULT, NOW, None, str(SEALED))
        return Reading(VAULT, NOW, dict(self.resources))

    def write(self, resource: VaultResource) -> None:
        if isinstance(resource, SecretEntry):
            raise RefusedError(str(resource.subject), "secrets are made, not written", "Call make_secret.")
        self._asked(f"write {resource.subject}")
        self.resources[resource.subject] = resource

    def delete(self, resource: VaultResource) -> None:
        if resource.data_bearing:
            raise RefusedError(str(resource.subject), "it bears data", "Offboard its owner.")
        self._asked(f"delete {resource.subject}")
        self.resources.pop(resource.subject, None)

    def keys(self) -> KeysSeen:
        return KeysSeen((), dict.fromkeys(KeyKind, str(SEALED))) if self.sealed else self.known_keys

    def key_versions(self, key: str) -> KeyVersions:
        self._asked(f"versions of {key}")
        found = next((item for item in self.known_keys.keys if item.name == key), None)
        if found is None:
            raise EngineError(f"transit-key {key}", "there is no such key", "Run `hosting key list`.")
        return KeyVersions(found.version or 1, found.lowest_version or 1)

    def has_key(self, key: str) -> bool:
        self._asked(f"look for {key}")
        return any(item.name == key for item in self.known_keys.keys)

    def make_secret(self, entry: SecretEntry) -> None:
        self._asked(f"make {entry.subject}")
        self.secrets.setdefault(entry.name, Secret(f"secret of {entry.name}"))
        self.resources[entry.subject] = entry

    def has_secret(self, name: str) -> bool:
        return name in self.secrets

    def reveal_secret(self, entry: SecretEntry) -> Secret:
        self._asked(f"reveal {entry.subject}")
        if entry.name not in self.secrets:
            raise EngineError(str(entry.subject), "it has no value", "Make it.")
        return self.secrets[entry.name]

    def replace_secret(self, entry: SecretEntry, value: Secret, *, note: Mapping[str, str]) -> None:
        self._asked(f"replace {entry.subject}")
        self.secrets[entry.name], self.notes[entry.name] = value, dict(note)

    def secret_notes(self, name: str) -> Mapping[str, str]:
        self._asked(f"notes {name}")
        return self.notes.get(name, {})

    def trusted_ssh_keys(self) -> tuple[str, ...]:
        self._asked("ssh authority")
        return ("ssh-ed25519 AAAA the-authority",)

    def wrapped_secret_id(self, role: str, *, ttl_seconds: int, note: Mapping[str, str]) -> tuple[Secret, str]:
        self._asked(f"wrap {role} for {note['host']}")
        assert 0 < ttl_seconds <= 3600
        accessor = f"accessor-{len(self.calls)}"
        self.accessors.setdefault(role, []).append(accessor)
        return Secret(f"wrapped secret-id of {role}"), accessor

    def wrapped(self, values: Mapping[str, str], *, ttl_seconds: int) -> Secret:
        assert ttl_seconds > 0
        return Secret(f"wrapped: {', '.join(values)}")

    def secret_id_accessors(self, role: str) -> tuple[str, ...]:
        self._asked(f"list {role}")
        return tuple(self.accessors.get(role, ()))

    def destroy_secret_id(self, role: str, accessor: str) -> None:
        self._asked(f"destroy {accessor} of {role}")
        self.accessors[role].remove(accessor)

    def token_for(self, policies: tuple[str, ...], *, ttl_seconds: int) -> Secret:
        (policy,) = policies
        self._asked(f"token {policy}")
        assert 0 < ttl_seconds <= 600
        self.tokens.append(policy)
        return Secret(policy)

    def attempt(self, token: Secret, method: str, path: str, body: Json) -> int:
        assert token.reveal() in self.tokens, "the token was revoked"
        return self.answers(token.reveal(), method, path)

    def capabilities_of(self, token: Secret, paths: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
        assert token.reveal() in self.tokens, "the token was revoked"
        return {path: self.rights(token.reveal(), path) for path in paths}

    def revoke(self, token: Secret) -> None:
        self._asked(f"revoke {token.reveal()}")
        self.tokens.remove(token.reveal())

    def set_key_enabled(self, key: str, enabled: bool) -> None:
        self._asked(f"{'enable' if enabled else 'disable'} {key}")
        (self.disabled.discard if enabled else self.disabled.add)(key)


class FakePki:
    """What the vault has issued for links."""

    def __init__(self, vault: FakeVault) -> None:
        self.vault = vault
        self.certificates: list[IssuedCertificate] = []

    def issued(self) -> tuple[IssuedCertificate, ...]:
        if self.vault.sealed:
            raise SEALED
        return tuple(self.certificates)


class FakeStore:
    """An object store; ``resources`` is what it reads, ``keys`` the access keys of each user."""

    def __init__(self, calls: Calls | None = None) -> None:
        self.calls: Calls = [] if calls is None else calls
        self.resources: dict[Subject, Resource] | None = {}
        self.reason: str | None = None
        self.keys: dict[str, list[str]] = {}
        self.created = 0
        self.objects: dict[tuple[str, str], bytes] = {}
        self.hidden: dict[tuple[str, str], bytes] = {}
        self.encrypted_under: str | None = None
        self.readable: Callable[[], bool] = lambda: True
        self.lacks: frozenset[str] = frozenset()
        self.to_strangers = 403

    def capabilities(self) -> Mapping[str, Capability]:
        refused, good = Capability(Support.REFUSED, "501"), Capability(Support.SUPPORTED, "seen")
        return {name: refused if name in self.lacks else good for name in ALL}

    def read(self, expected: Collection[str] = ()) -> Reading:
        return Reading(object_store(STORE), NOW, self.resources, self.reason)

    def write(self, resource: StoreResource) -> None:
        self.calls.append(f"write {resource.subject}")
        if self.resources is not None:
            self.resources[resource.subject] = resource

    def delete(self, resource: StoreResource) -> None:
        if resource.data_bearing:
            raise RefusedError(str(resource.subject), "it bears data", "Offboard its owner.")
        self.calls.append(f"delete {resource.subject}")
        if isinstance(resource, StoreUser):
            self.keys[resource.name] = []

    def try_access_key(self, bucket: str, key_id: str, secret: Secret) -> None:
        assert any(key_id in keys for keys in self.keys.values())

    def access_key_ids(self, user: str) -> tuple[str, ...]:
        return tuple(self.keys.get(user, ()))

    def create_access_key(self, user: str) -> tuple[str, Secret]:
        if len(self.keys.setdefault(user, [])) >= KEYS_PER_USER:
            raise EngineError(f"store-user {user}", "it has two access keys already", "Delete one.")
        self.created += 1
        identifier = f"new-{self.created}"
        self.calls.append(f"create key {identifier}")
        self.keys[user].append(identifier)
        return identifier, Secret(f"secret half of {identifier}")

    def delete_access_key(self, user: str, key_id: str) -> None:
        self.calls.append(f"delete key {key_id}")
        self.keys[user].remove(key_id)

    def put_object(self, bucket: str, name: str, body: bytes) -> None:
        self.objects[bucket, name] = body

    def head_object(self, bucket: str, name: str) -> Head:
        assert (bucket, name) in self.objects
        return Head("aws:kms" if self.encrypted_under else None, self.encrypted_under, "1")

    def get_object(self, bucket: str, name: str) -> bytes:
        self.calls.append("get object")
        if not self.readable():
            raise EngineError(f"object {bucket}/{name}", "cannot be decrypted", "Enable its key.")
        return self.objects[bucket, name]

    def object_names(self, bucket: str, prefix: str, *, at_most: int = 1000) -> tuple[str, ...]:
        return tuple(name for where, name in self.objects if where == bucket and name.startswith(prefix))[:at_most]

    def versions(self, bucket: str, prefix: str = "", *, at_most: int = 1000) -> tuple[ObjectVersion, ...]:
        named = sorted({**self.objects, **self.hidden}.items())
        found = [ObjectVersion(name, "1", len(body)) for (where, name), body in named if where == bucket]
        return tuple(item for item in found if item.name.startswith(prefix))[:at_most]

    def get_version(self, bucket: str, name: str, version: str, *, at_most_bytes: int = 65536) -> bytes:
        if not self.readable():
            raise EngineError(f"object {bucket}/{name}", "cannot be decrypted", "Enable its key.")
        return {**self.objects, **self.hidden}[bucket, name][:at_most_bytes]

    def answers_to_strangers(self, bucket: str, name: str, *, writing: bool) -> Mapping[str, int]:
        self.calls.append(f"strangers try {bucket}")
        return {"list": 403, "read": self.to_strangers, **({"write": 403} if writing else {})}

    def delete_object(self, bucket: str, name: str) -> None:
        del self.objects[bucket, name]


@dataclass
class FakeEvidence:
    """Evidence that lists what it holds, or says why it cannot."""

    names: list[str] = field(default_factory=list)
    error: UnreadableError | None = None
    asked: int = 0

    def kept(self, prefix: str = "") -> tuple[Kept, ...]:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return tuple(Kept(name, "1", NOW, 10) for name in self.names if name.startswith(prefix))


class FakeEndpoints:
    """Endpoints, each of which answers with a status and shows a certificate, or cannot be read."""

    def __init__(self) -> None:
        self.status: int | UnreadableError = 403
        self.shown: Endpoint | UnreadableError = UnreadableError("endpoint", "does not answer", "Is it running?")

    def asked(self, address: str, authority: Path) -> int:
        if isinstance(self.status, UnreadableError):
            raise self.status
        return self.status

    def read(self, address: str, authority: Path) -> Endpoint:
        if isinstance(self.shown, UnreadableError):
            raise self.shown
        return self.shown


class FakeHosts:
    """Hosts: what each answers to a reading, how much room its volumes have, and a function that answers commands."""

    def __init__(self, answers: Mapping[str, Any] | None = None) -> None:
        self.answers = dict(answers or {})
        self.locked_out: Exception | None = None
        self.commands: list[tuple[str, ...]] = []
        self.free_bytes: dict[str, int] = {}
        self.orders: list[tuple[str, str, Any]] = []
        self.on_ask: Callable[[str, str, Json], Any] = lambda program, host, request: {}
        self.on_meet: Callable[[Mapping[str, Any]], dict[str, Any]] = lambda requests: dict.fromkeys(
            requests, UnreadableError("host", "it does not answer", "See whether it is up.")
        )
        self.on_run: Callable[[str, Sequence[str], str | None], Completed] = lambda host, argv, stdin: Completed(
            0, "", ""
        )

    def read(self, requests: Mapping[str, Json]) -> dict[str, Any]:
        if self.locked_out:
            raise self.locked_out
        away = UnreadableError("host", "it does not answer", "See whether it is up.")
        return {host: self.answers.get(host, away) for host in requests}

    def ask(self, program: str, requests: Mapping[str, Json]) -> dict[str, Any]:
        if self.locked_out:
            raise self.locked_out
        self.orders += [(program, host, request) for host, request in requests.items()]
        return {host: self.on_ask(program, host, request) for host, request in requests.items()}

    def meet(self, program: str, requests: Mapping[str, Json]) -> dict[str, Any]:
        if self.locked_out:
            raise self.locked_out
        self.orders += [(program, host, request) for host, request in requests.items()]
        return self.on_meet(requests)

    @contextmanager
    def keeping_connections(self) -> Iterator[None]:
        yield

    @contextmanager
    def shell(self, host: str) -> Iterator["FakeShell"]:
        yield FakeShell(self, host)


@dataclass(frozen=True)
class FakeShell:
    """A shell on a host, whose commands the hosts' function answers."""

    hosts: FakeHosts
    host: str

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        timeout_seconds: float = 60,
        on_line: Callable[[str], None] | None = None,
    ) -> Completed:
        assert timeout_seconds > 0
        self.hosts.commands.append((self.host, *argv))
        if argv[0] == "df":
            return Completed(0, f"Avail\n{self.hosts.free_bytes.get(argv[-1], 1 << 40)}\n", "")
        done = self.hosts.on_run(self.host, argv, stdin)
        for line in done.output.splitlines() if on_line else ():
            on_line(line)
        return done


class FakeEngine:
    """Keeps the jobs that it is given, tells ``events`` and gives ``outcome`` back."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.events: list[Event] = []
        self.outcome = EngineOutcome({}, {}, ())
        self.broken: EngineError | None = None

    def converge(self, job: Job, on_event: Callable[[Event], None]) -> EngineOutcome:
        self.jobs.append(job)
        for event in self.events:
            on_event(event)
        if self.broken:
            raise self.broken
        return self.outcome


def hosts_in_order(
    session: Session, wanted: Mapping[Subject, Resource], names: Collection[str] | None = None
) -> list[Reading]:
    """Stand in for ``survey.read_hosts``: every host is as the files want it, and so are the copies of its headers."""
    chosen = session.environment.hosts if names is None else names
    with_copies = {item.source for item in wanted.values() if isinstance(item, HeaderCopy) and item.host in chosen}
    found: dict[str, dict[Subject, Resource]] = {
        source: {} for source in (*map(host_source, chosen), *sorted(with_copies))
    }
    for resource in wanted.values():
        if resource.source in found:
            found[resource.source][resource.subject] = resource
    return [Reading(source, NOW, resources) for source, resources in found.items()]


class World:
    """All doors at once, and a session of the sample region that opens onto them."""

    def __init__(self, folder: Path) -> None:
        self.calls: Calls = []
        self.vault, self.store = FakeVault(self.calls), FakeStore(self.calls)
        self.hosts, self.engine, self.evidence = FakeHosts(), FakeEngine(), FakeEvidence()
        self.endpoints = FakeEndpoints()
        self.said = StringIO()
        authority = folder / "ca.pem"
        authority.write_text("-----BEGIN CERTIFICATE-----\n")
        vault = environment().vault.model_copy(update={"certificate_authority": authority})
        where = environment().model_copy(update={"vault": vault, "journal": folder / "journal.jsonl"})
        progress = Progress(stream=self.said)
        self.session = Session(None, None, None, cast("DoorMaker", self), progress, lambda: NOW)
        vars(self.session).update(
            region=region(),
            environment=where,
            vault=self.vault,
            stores={STORE: self.store},
            hosts=self.hosts,
            evidence=self.evidence,
            engine=self.engine,
            endpoints=self.endpoints,
        )

    def operator_key(self, session: Session) -> OperatorKey:
        if self.vault.sealed:
            raise SEALED
        return OperatorKey(Secret("private key"), "certificate")
