"""A region in which every check is met, and the ways to change one thing of it at a time."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeVar

from sample import APPLICATION, HOST, NOW, PUBLISHED, environment, region

from hosting_cli.backups.history import Check as RepositoryCheck
from hosting_cli.backups.places import places
from hosting_cli.backups.repository import Repository, Snapshot
from hosting_cli.backups.standing import Standing
from hosting_cli.checks.facts import Facts, Journalled, Keys, NetworkSeen, Seen
from hosting_cli.checks.observation import RawReading
from hosting_cli.checks.seen import (
    AuditDevice,
    Clock,
    Endpoint,
    HostPosture,
    Part,
    Patches,
    ServedCertificate,
    Token,
    VaultPosture,
)
from hosting_cli.desired import desired
from hosting_cli.journal import Entry, timestamp
from hosting_cli.keys.judgement import judge
from hosting_cli.keys.values import Key
from hosting_cli.network.comparison import Judgement
from hosting_cli.network.proving import HostProof
from hosting_cli.network.readings import NetworkReading
from hosting_cli.plan import plan
from hosting_cli.resources import Bucket
from inventory.backups import class_of
from inventory.key_policy import KeyKind
from inventory.resource import Json, Reading, Resource, Subject

Value = TypeVar("Value")

SSHD = {
    "passwordauthentication": "no",
    "kbdinteractiveauthentication": "no",
    "hostbasedauthentication": "no",
    "gssapiauthentication": "no",
    "permitemptypasswords": "no",
    "pubkeyauthentication": "yes",
    "authenticationmethods": "publickey",
    "authorizedkeysfile": "none",
    "trustedusercakeys": "/etc/ssh/hosting/user-authority.pub",
    "permitrootlogin": "without-password",
    "x11forwarding": "no",
    "allowtcpforwarding": "no",
    "allowagentforwarding": "no",
    "permituserenvironment": "no",
    "gatewayports": "no",
    "permittunnel": "no",
    "ciphers": "aes256-gcm@openssh.com,aes256-ctr",
    "macs": "hmac-sha2-256-etm@openssh.com",
    "kexalgorithms": "sntrup761x25519-sha512,curve25519-sha256",
}

CHAINS = [
    {"chain": {"table": "hosting", "family": "inet", "name": hook, "hook": hook, "type": "filter", "policy": "drop"}}
    for hook in ("input", "forward", "output")
]

CERTIFICATE = ServedCertificate(
    subject="CN=engines",
    issuer="CN=authority",
    names=("127.0.0.1",),
    key="EC",
    key_bits=384,
    signature_hash="sha384",
    not_before=NOW - timedelta(days=10),
    not_after=NOW + timedelta(days=300),
    sha256="0" * 64,
)

ENDPOINT = Endpoint(
    address="https://127.0.0.1:1",
    versions={"TLSv1": None, "TLSv1.1": None, "TLSv1.2": "ECDHE-ECDSA-AES128-GCM-SHA256", "TLSv1.3": "TLS_AES_128"},
    weak=(),
    certificate=CERTIFICATE,
)

POSTURE = HostPosture(
    Part(SSHD), Part(Clock("10.21.1.1", 3, 0.0002, "Normal")), Part(Patches((), (), NOW - timedelta(days=1)))
)

VAULT = VaultPosture(
    Part((AuditDevice("main/", "file", raw=False),)),
    Part((Token("token-engineer", ("default", "people-operations"), NOW + timedelta(days=3), renewable=True),)),
)


def raw(source: str, content: Json = None, reason: str | None = None) -> RawReading:
    return RawReading(source, "hosting", NOW, content, reason)


def seen(source: str, value: Value) -> Seen[Value]:
    return Seen(value, raw(source, {"of": source}))


def unread(source: str) -> Seen[Any]:
    return Seen(None, raw(source, reason="it does not answer"))


@cache
def wanted() -> Mapping[Subject, Resource]:
    return desired(region(), environment(), PUBLISHED)


def reading_of(resources: Mapping[Subject, Resource], source: str) -> Seen[Reading]:
    found = {subject: resource for subject, resource in resources.items() if resource.source == source}
    return seen(source, Reading(source, NOW, found))


def proof_entry(name: str, subject: str, verdict: str = "held", days_ago: int = 2) -> Entry:
    data: dict[str, Json] = {"proof": name, "subject": subject, "verdict": verdict, "sentence": "so it was"}
    return Entry(1, timestamp(NOW - timedelta(days=days_ago)), "token-engineer", "proof", data, "0" * 64)


def standing() -> Standing:
    application = region().applications[0]
    (place,) = places(region(), application)
    snapshot = Snapshot("a" * 64, NOW, NOW - timedelta(minutes=30), HOST, ("/srv",), "b" * 64)
    return Standing(
        place=place,
        promise=class_of(region(), application),
        now=NOW,
        repository=Repository(APPLICATION, HOST, NOW, (snapshot,)),
        error=None,
        last_check=RepositoryCheck(NOW - timedelta(days=1), 1, 8, None),
        last_drill=NOW - timedelta(days=3),
    )


def key(made_at: datetime | None = datetime(2026, 11, 1, tzinfo=UTC)) -> Key:
    return Key(kind=KeyKind.TRANSIT_KEY, name="hosting-imagerie-beaune-objects", owner=APPLICATION, made_at=made_at)


def keys(*found: Key) -> Seen[Keys]:
    return seen("vault", Keys(judge(found, region().key_policy, NOW), {}))


def facts() -> Facts:
    """Give facts of which no check finds anything unmet."""
    sources = sorted({resource.source for resource in wanted().values()})
    buckets = [str(item.subject) for item in wanted().values() if isinstance(item, Bucket)]
    entries = (
        proof_entry("neighbour-refused", f"application {APPLICATION}"),
        *(proof_entry("stranger-refused", bucket) for bucket in buckets),
    )
    hosts = list(environment().hosts)
    network = {
        host: seen(
            f"host {host}",
            NetworkSeen(NetworkReading("now", {"nftables": CHAINS}, []), HostProof(host, Judgement(host))),
        )
        for host in hosts
    }
    read = [Reading(source, NOW, {}) for source in sources]
    empty = plan([], read, region="bourgogne-franche-comte", environment="test")
    return Facts(
        region=region(),
        now=NOW,
        files=raw("files", {"sha256": "0" * 64}),
        desired=wanted(),
        surveyed={source: reading_of(wanted(), source) for source in sources},
        plan=seen("plan", empty),
        keys=keys(key()),
        backups={standing().place.name: seen(f"repository {standing().place.name}", standing())},
        network=network,
        postures={host: seen(f"host {host}", POSTURE) for host in hosts},
        endpoints={name: seen(name, ENDPOINT) for name in ("endpoint vault", "endpoint dijon-objects")},
        vault=seen("vault", VAULT),
        locations={},
        journal=seen("journal", Journalled(entries, ())),
    )


# -- one change at a time -----------------------------------------------------------------------------------------


def with_resource(kind: type[Resource], name: str, **changes: Any) -> Callable[[Facts], Facts]:
    """Have one resource be read otherwise than it is asked for."""

    def changed(before: Facts) -> Facts:
        subject = Subject(kind.kind, name)
        other = replace(before.desired[subject], **changes)
        source = other.source
        found = {**_resources(before, source), subject: other}
        return replace(before, surveyed={**before.surveyed, source: seen(source, Reading(source, NOW, found))})

    return changed


def without_resource(kind: type[Resource], name: str) -> Callable[[Facts], Facts]:
    def changed(before: Facts) -> Facts:
        subject = Subject(kind.kind, name)
        source = before.desired[subject].source
        found = {known: item for known, item in _resources(before, source).items() if known != subject}
        return replace(before, surveyed={**before.surveyed, source: seen(source, Reading(source, NOW, found))})

    return changed


def _resources(before: Facts, source: str) -> dict[Subject, Resource]:
    value = before.surveyed[source].value
    assert value is not None and value.resources is not None
    return value.resources


def with_posture(**parts: Any) -> Callable[[Facts], Facts]:
    return lambda before: replace(
        before, postures={**before.postures, HOST: seen(f"host {HOST}", replace(POSTURE, **parts))}
    )


def with_sshd(**changes: str) -> Callable[[Facts], Facts]:
    return with_posture(sshd=Part({**SSHD, **changes}))


def with_endpoint(**changes: Any) -> Callable[[Facts], Facts]:
    name = "endpoint vault"
    return lambda before: replace(
        before, endpoints={**before.endpoints, name: seen(name, replace(ENDPOINT, **changes))}
    )


def with_certificate(**changes: Any) -> Callable[[Facts], Facts]:
    return with_endpoint(certificate=replace(CERTIFICATE, **changes))


def with_vault(**parts: Any) -> Callable[[Facts], Facts]:
    return lambda before: replace(before, vault=seen("vault", replace(VAULT, **parts)))


def with_standing(**changes: Any) -> Callable[[Facts], Facts]:
    changed = replace(standing(), **changes)
    name = changed.place.name
    return lambda before: replace(before, backups={name: seen(f"repository {name}", changed)})


def with_network(rules: Any = None, judgement: Judgement | None = None) -> Callable[[Facts], Facts]:
    reading = NetworkReading("now", {"nftables": CHAINS} if rules is None else rules, [])
    proof = HostProof(HOST, judgement or Judgement(HOST))
    return lambda before: replace(
        before, network={**before.network, HOST: seen(f"host {HOST}", NetworkSeen(reading, proof))}
    )


def with_proof(entry: Entry) -> Callable[[Facts], Facts]:
    def changed(before: Facts) -> Facts:
        assert before.journal.value is not None
        return replace(before, journal=seen("journal", Journalled((*before.journal.value.entries, entry), ())))

    return changed


def with_region(**changes: Any) -> Callable[[Facts], Facts]:
    return lambda before: replace(before, region=before.region.model_copy(update=changes))
