"""Every check, with something that it finds unmet, and with what it cannot see: that one changes, and no other."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from at_rest import (
    CHAINS,
    facts,
    key,
    keys,
    proof_entry,
    seen,
    unread,
    with_certificate,
    with_endpoint,
    with_network,
    with_posture,
    with_proof,
    with_region,
    with_resource,
    with_sshd,
    with_standing,
    with_vault,
    without_resource,
)
from sample import APPLICATION, GATEWAY, HOST, NOW, region

from deploys.resources import HostFirewall, HostLogin, HostVolume
from hosting_cli.backups.copying import Lag
from hosting_cli.backups.history import Check as RepositoryCheck
from hosting_cli.checks.facts import Facts, Journalled
from hosting_cli.checks.observation import Observation, Outcome
from hosting_cli.checks.registry import CHECKS, run
from hosting_cli.checks.seen import AuditDevice, Clock, Part, Patches, Token
from hosting_cli.errors import UnreadableError
from hosting_cli.journal import Break
from hosting_cli.network.comparison import Judgement
from hosting_cli.plan import Action, Change
from hosting_cli.resources import AppRole, Bucket, HeaderCopy, TransitKey
from inventory.resource import Subject

Edit = Callable[[Facts], Facts]

VOLUME = f"{HOST}:{APPLICATION}/data"
BACKUPS, EVIDENCE, LOGS = "bfc-imagerie-beaune-backup", "bfc-platform-evidence", "bfc-platform-logs"
IMAGES, ROLE = "bfc-imagerie-beaune-images", f"hosting-{APPLICATION}-{HOST}"
OBJECTS_KEY = f"hosting-{APPLICATION}-objects"
DAYS = timedelta(days=1)
BOTH = ("people-approver", "people-operations")


def drifted(before: Facts) -> Facts:
    assert before.plan.value is not None
    subject = Subject("bucket", IMAGES)
    change = Change(subject, Action.UPDATE, APPLICATION, "object-store dijon-objects", {}, {"versioning": True})
    return replace(before, plan=seen("plan", replace(before.plan.value, changes=(change,))))


def in_paris(observed: str | None) -> Edit:
    """Have a provider keep the objects, who says that they lie at *observed*."""

    def changed(before: Facts) -> Facts:
        (store,) = before.region.stores
        located = with_region(stores=(store.model_copy(update={"location": "fr-par"}),))(before)
        where = unread("object-store") if observed is None else seen("object-store", observed)
        return replace(located, locations={store.id: where})

    return changed


def elsewhere(before: Facts) -> Facts:
    sites = tuple(site.model_copy(update={"country": "CH"}) for site in before.region.sites)
    return with_region(sites=sites)(before)


def certified(**changes: Any) -> Edit:
    operator = region().operator
    held = operator.certificate.model_copy(update=changes)
    return with_region(operator=operator.model_copy(update={"certificate": held}))


def of_applications(**changes: Any) -> Edit:
    return with_region(applications=tuple(item.model_copy(update=changes) for item in region().applications))


def nobody_to_call(before: Facts) -> Facts:
    members = tuple(member.model_copy(update={"contacts": ()}) for member in before.region.members)
    return with_region(members=members)(before)


UNMET: dict[str, tuple[str, str, Edit]] = {
    "a volume with another cipher": (
        "volume.encrypted", f"host-volume {VOLUME}", with_resource(HostVolume, VOLUME, cipher="aes-cbc-plain")),
    "a volume whose header is lost": (
        "volume.encrypted", f"host-volume {VOLUME}", with_resource(HostVolume, VOLUME, header="wiped")),
    "a volume that is not there": (
        "volume.encrypted", f"host-volume {VOLUME}", without_resource(HostVolume, VOLUME)),
    "a volume whose passphrase is cheap to try": (
        "volume.key-derivation", f"host-volume {VOLUME}", with_resource(HostVolume, VOLUME, pbkdf="pbkdf2")),
    "a volume without a recovery passphrase": (
        "volume.slots", f"host-volume {VOLUME}", with_resource(HostVolume, VOLUME, slots=("active",))),
    "a volume with a slot of nobody": (
        "volume.slots", f"host-volume {VOLUME}", with_resource(HostVolume, VOLUME, stray_slots=("slot 5",))),
    "a copy of an earlier header": (
        "volume.header-copies", f"header-copy {VOLUME}",
        with_resource(HeaderCopy, VOLUME, condition="of an earlier header")),
    "a bucket that encrypts under no key": (
        "bucket.encrypted", f"bucket {IMAGES}", with_resource(Bucket, IMAGES, encryption_key=None)),
    "a bucket under a neighbour's key": (
        "bucket.encrypted", f"bucket {IMAGES}", with_resource(Bucket, IMAGES, encryption_key="hosting-other-objects")),
    "a bucket that keeps no versions": (
        "bucket.versioned", f"bucket {IMAGES}", with_resource(Bucket, IMAGES, versioning=False)),
    "a bucket that everybody reads": (
        "bucket.private", f"bucket {IMAGES}", with_resource(Bucket, IMAGES, public_access=("AllUsers READ",))),
    "a bucket that takes plain requests": (
        "bucket.private", f"bucket {IMAGES}", with_resource(Bucket, IMAGES, policy=None)),
    "a stranger who was let in": (
        "bucket.stranger-refused", f"bucket {IMAGES}",
        with_proof(proof_entry("stranger-refused", f"bucket {IMAGES}", "broken", 0))),
    "a key beyond its limit": (
        "key.age", f"transit-key {OBJECTS_KEY}", lambda it: replace(it, keys=keys(key(NOW - 366 * DAYS)))),
    "a key that is disabled": (
        "key.age", f"transit-key {OBJECTS_KEY}", lambda it: replace(it, keys=keys(replace(key(), disabled=True)))),
    "a key that could be exported": (
        "key.kept-in-vault", f"transit-key {OBJECTS_KEY}", with_resource(TransitKey, OBJECTS_KEY, exportable=True)),
    "a key that could be deleted": (
        "key.kept-in-vault", f"transit-key {OBJECTS_KEY}",
        with_resource(TransitKey, OBJECTS_KEY, deletion_allowed=True)),
    "a repository without a snapshot": (
        "backup.fresh", f"repository {APPLICATION}/{HOST}", with_standing(repository=None)),
    "a backup that was never restored": (
        "backup.restored", f"repository {APPLICATION}/{HOST}", with_standing(last_drill=None)),
    "a backup that was restored long ago": (
        "backup.restored", f"repository {APPLICATION}/{HOST}", with_standing(last_drill=NOW - 400 * DAYS)),
    "a repository that is damaged": (
        "backup.checked", f"repository {APPLICATION}/{HOST}",
        with_standing(last_check=RepositoryCheck(NOW, 1, 8, "pack 1f is missing"))),
    "a second copy that is late": (
        "backup.second-copy", f"repository {APPLICATION}/{HOST}",
        with_standing(second_store="besancon", lag=Lag("besancon", None, 9, NOW - 30 * DAYS))),
    "backups that are locked for less": (
        "backup.locked", f"bucket {BACKUPS}", with_resource(Bucket, BACKUPS, lock_days=1)),
    "backups that an administrator could unlock": (
        "backup.locked", f"bucket {BACKUPS}", with_resource(Bucket, BACKUPS, lock_mode="governance")),
    "a host that lets in by default": (
        "firewall.default-drop", f"host {HOST}",
        with_network({"nftables": [CHAINS[1], CHAINS[2], {"chain": CHAINS[0]["chain"] | {"policy": "accept"}}]})),
    "a host without our table": ("firewall.default-drop", f"host {HOST}", with_network({"nftables": []})),
    "a host whose interface is another's": (
        "firewall.as-declared", f"host {HOST}", with_network(judgement=Judgement(HOST, misplaced=("eth1",)))),
    "a firewall that is not there at boot": (
        "firewall.at-boot", f"host-firewall {GATEWAY}:firewall",
        with_resource(HostFirewall, f"{GATEWAY}:firewall", starts_at_boot=False)),
    "a neighbour who was let in": (
        "neighbour.refused", f"application {APPLICATION}",
        with_proof(proof_entry("neighbour-refused", f"application {APPLICATION}", "broken", 0))),
    "an endpoint that takes TLS 1.1": (
        "tls.versions", "endpoint vault", with_endpoint(versions={"TLSv1.1": "AES", "TLSv1.2": "AES"})),
    "an endpoint that takes a weak suite": (
        "tls.suites", "endpoint vault", with_endpoint(weak=("AES128-SHA",))),
    "a certificate of a narrow key": (
        "tls.certificate", "endpoint vault", with_certificate(key="RSA", key_bits=1024)),
    "a certificate of RSA-2048 beyond 2030": (
        "tls.certificate", "endpoint vault",
        with_certificate(key="RSA", key_bits=2048, not_after=NOW + 365 * 5 * DAYS)),
    "a certificate signed with SHA-1": (
        "tls.certificate", "endpoint vault", with_certificate(signature_hash="sha1")),
    "a certificate that ends soon": (
        "tls.certificate-end", "endpoint vault", with_certificate(not_after=NOW + 29 * DAYS)),
    "a certificate of tomorrow": (
        "tls.certificate-end", "endpoint vault", with_certificate(not_before=NOW + DAYS)),
    "an sshd that takes passwords": (
        "ssh.certificates-only", f"host {HOST}", with_sshd(passwordauthentication="yes")),
    "an sshd that trusts no authority": (
        "ssh.certificates-only", f"host {HOST}", with_sshd(trustedusercakeys="none")),
    "an sshd that forwards": ("ssh.hardened", f"host {HOST}", with_sshd(allowtcpforwarding="yes")),
    "an sshd that offers CBC": ("ssh.hardened", f"host {HOST}", with_sshd(ciphers="aes256-ctr,aes128-cbc")),
    "an sshd that names no MAC": ("ssh.hardened", f"host {HOST}", with_sshd(macs="")),
    "a host that trusts another authority": (
        "ssh.logins", f"host-login {HOST}:login", with_resource(HostLogin, f"{HOST}:login", authority="another")),
    "a host where a plain key lies": (
        "ssh.logins", f"host-login {HOST}:login",
        with_resource(HostLogin, f"{HOST}:login", stray_keys=("/root/.ssh/authorized_keys",))),
    "a clock that is off by a second": (
        "host.clock", f"host {HOST}", with_posture(clock=Part(Clock("10.21.1.1", 3, -1.0, "Normal")))),
    "a clock that follows nobody": (
        "host.clock", f"host {HOST}", with_posture(clock=Part(Clock("", 0, 0.0, "Not synchronised")))),
    "a clock that follows itself": (
        "host.clock", f"host {HOST}", with_posture(clock=Part(Clock("7F7F0101", 8, 0.0, "Normal")))),
    "a security update that waits": (
        "host.patched", f"host {HOST}", with_posture(patches=Part(Patches(("bash", "sed"), ("bash",), NOW)))),
    "a vault that nobody audits": ("vault.audited", "vault", with_vault(audit=Part(()))),
    "an audit that holds secrets": (
        "vault.audited", "vault", with_vault(audit=Part((AuditDevice("main/", "file", raw=True),)))),
    "a root token": (
        "vault.no-root-token", "vault", with_vault(tokens=Part((Token("root", ("root",), None, renewable=False),)))),
    "a person's token that never ends": (
        "vault.privileged-identities", "identity token-chief",
        with_vault(tokens=Part((Token("token-chief", ("people-approver",), None, renewable=True),)))),
    "a person who asks and approves": (
        "vault.privileged-identities", "identity token-chief",
        with_vault(tokens=Part((Token("token-chief", BOTH, NOW, renewable=True),)))),
    "an identity that works from anywhere": (
        "vault.identities-bound", f"app-role {ROLE}", with_resource(AppRole, ROLE, bound_cidrs=())),
    "an identity with more rights": (
        "vault.identities-bound", f"app-role {ROLE}", with_resource(AppRole, ROLE, policies=("people-operations",))),
    "a bucket that a plan would change": ("configuration.drift", "object-store dijon-objects", drifted),
    "a journal that does not hold": (
        "journal.chain", "journal", lambda it: replace(
            it, journal=seen("journal", Journalled(it.journal.value.entries, (Break(7, "is no journal entry"),))))),
    "evidence that is not locked": (
        "evidence.locked", f"bucket {EVIDENCE}", with_resource(Bucket, EVIDENCE, lock_mode=None, lock_days=None)),
    "logs that are kept for a week": (
        "logs.retention", f"bucket {LOGS}", with_resource(Bucket, LOGS, lock_days=7, expire_days=7)),
    "data outside the EEA": ("location.declared", "site dijon", elsewhere),
    "objects that lie elsewhere": ("location.observed", "object-store dijon-objects", in_paris("us-east-1")),
    "a client whom nobody can call": ("contacts.client", "member hospices-civils-de-beaune", nobody_to_call),
    "an application without an incident contact": (
        "contacts.incident", f"application {APPLICATION}", of_applications(incident_contact=None)),
    "a certificate that has ended": (
        "certificate.in-force", "certificate SPECIMEN-HDS-0000", certified(valid_until=(NOW - DAYS).date())),
    "an activity that is not certified": (
        "certificate.activities", f"application {APPLICATION}", certified(activities=())),
}  # fmt: skip
"""What is broken, by which check, of what, and how."""

ALSO = {
    "a volume that is not there": {"volume.key-derivation", "volume.slots"},
    "a client whom nobody can call": {"contacts.incident"},
}
"""What else must turn unmet, since it is about the same thing."""


def outcomes(found: Facts) -> dict[tuple[str, str], Outcome]:
    return {(item.check, item.subject): item.outcome for item in run(found).observations}


def of(check: str, found: Facts) -> tuple[Observation, ...]:
    return tuple(item for item in run(found).observations if item.check == check)


def test_a_region_at_rest_has_nothing_unmet_and_nothing_unknown() -> None:
    found = outcomes(facts())
    assert {name for name, outcome in found.items() if outcome not in {Outcome.MET, Outcome.NOT_APPLICABLE}} == set()
    # What is asked for only where the files ask for it has cases of its own below.
    none = {check for (check, _), outcome in found.items() if outcome is Outcome.NOT_APPLICABLE}
    assert none == {"backup.second-copy", "location.observed"}


@pytest.mark.parametrize(("check", "subject", "edit"), UNMET.values(), ids=UNMET)
def test_what_is_broken_is_unmet_and_nothing_else_is(
    check: str, subject: str, edit: Edit, request: pytest.FixtureRequest
) -> None:
    found = outcomes(edit(facts()))
    unmet = {name for name, outcome in found.items() if outcome is Outcome.UNMET}
    also = ALSO.get(request.node.callspec.id, set())
    assert (check, subject) in unmet
    assert {name for name, _ in unmet} == {check} | also


def test_every_check_has_something_that_it_finds_unmet() -> None:
    assert {check for check, _, _ in UNMET.values()} == {check.id for check in CHECKS}


def blind(before: Facts) -> Facts:
    """Have no door see anything."""
    return replace(
        before,
        surveyed={source: unread(source) for source in before.surveyed},
        plan=unread("plan"),
        keys=unread("vault"),
        backups={name: unread(name) for name in before.backups},
        network={name: unread(name) for name in before.network},
        postures={name: unread(name) for name in before.postures},
        endpoints={name: unread(name) for name in before.endpoints},
        vault=unread("vault"),
        journal=unread("journal"),
    )


OF_FILES_ALONE = {
    "location.declared",
    "contacts.client",
    "contacts.incident",
    "certificate.in-force",
    "certificate.activities",
}


@pytest.mark.parametrize("check", [check.id for check in CHECKS if check.id not in OF_FILES_ALONE])
def test_what_no_door_sees_is_unknown_and_never_met(check: str) -> None:
    edit = in_paris(None) if check == "location.observed" else blind
    before = with_standing(second_store="besancon")(facts()) if check == "backup.second-copy" else facts()
    found = of(check, edit(before))
    assert {item.outcome for item in found} == {Outcome.UNKNOWN}
    assert all("n'a pas pu être lu" in item.sentence.fr and "could not be read" in item.sentence.en for item in found)


UNKNOWN: dict[str, tuple[str, Edit]] = {
    "a host that tells nothing of its sshd": ("ssh.hardened", with_posture(sshd=Part(None, "sshd failed"))),
    "lists of packages that are a week old": (
        "host.patched", with_posture(patches=Part(Patches((), (), NOW - 8 * DAYS)))),
    "lists of packages that were never fetched": ("host.patched", with_posture(patches=Part(Patches((), (), None)))),
    "tokens that may not be listed": ("vault.no-root-token", with_vault(tokens=Part(None, "the token may not LIST"))),
    "a repository that cannot be opened": (
        "backup.fresh", with_standing(error=UnreadableError("repository", "wrong password", "See."))),
    "a second copy that cannot be read": (
        "backup.second-copy",
        with_standing(second_store="besancon", copy_error=UnreadableError("store", "is away", "See."))),
    "a key of which nobody knows the age": ("key.age", lambda it: replace(it, keys=keys(key(None)))),
    "a proof that could not be made": (
        "neighbour.refused",
        with_proof(proof_entry("neighbour-refused", f"application {APPLICATION}", "unknown", 0))),
    "a proof that was never made": (
        "neighbour.refused", lambda it: replace(it, journal=seen("journal", Journalled((), ())))),
    "a journal in which nothing was ever recorded": (
        "journal.chain", lambda it: replace(it, journal=seen("journal", Journalled((), ())))),
    "a vault that lists not even the token that asks": ("vault.no-root-token", with_vault(tokens=Part(()))),
    "a provider's store without a bucket to ask for": (
        "location.observed", lambda it: replace(in_paris("fr-par")(it), locations={})),
    "a region without any key": ("key.age", lambda it: replace(it, keys=keys())),
}  # fmt: skip


@pytest.mark.parametrize(("check", "edit"), UNKNOWN.values(), ids=UNKNOWN)
def test_what_cannot_be_told_is_unknown(check: str, edit: Edit) -> None:
    assert Outcome.UNKNOWN in {item.outcome for item in of(check, edit(facts()))}


@pytest.mark.parametrize("check", CHECKS, ids=[check.id for check in CHECKS])
def test_an_observation_ends_with_its_age(check: Any) -> None:
    for item in of(check.id, facts()):
        assert not item.is_stale(item.read_at + check.maximum_age)
        assert item.is_stale(item.read_at + check.maximum_age + timedelta(seconds=1))


def test_a_proof_of_the_journal_is_dated_when_it_was_made() -> None:
    (found,) = of("neighbour.refused", facts())
    assert found.read_at == NOW - 2 * DAYS


def test_a_later_proof_counts_instead_of_an_earlier() -> None:
    failed = proof_entry("neighbour-refused", f"application {APPLICATION}", "broken", 1)
    mended = proof_entry("neighbour-refused", f"application {APPLICATION}", "held", 0)
    assert of("neighbour.refused", with_proof(mended)(with_proof(failed)(facts())))[0].outcome is Outcome.MET


def test_objects_of_a_provider_are_where_the_files_say() -> None:
    assert of("location.observed", in_paris("fr-par")(facts()))[0].outcome is Outcome.MET


def test_a_second_copy_that_is_in_time_is_met() -> None:
    edit = with_standing(second_store="besancon", lag=Lag("besancon", NOW, 0, None))
    assert of("backup.second-copy", edit(facts()))[0].outcome is Outcome.MET


def test_another_text_than_the_recommended_may_ask_for_other_days_of_logs() -> None:
    logs = region().logs
    assert logs is not None
    longer = with_region(logs=logs.model_copy(update={"kept_days": 1000, "source": "contract"}))(facts())
    assert of("logs.retention", longer)[0].outcome is Outcome.MET, "the bucket still has what the files asked for"
    as_own = with_region(logs=logs.model_copy(update={"kept_days": 1000}))
    edit = with_resource(Bucket, LOGS, lock_days=1000, expire_days=1000)
    assert of("logs.retention", as_own(edit(facts())))[0].outcome is Outcome.UNMET


def test_every_observation_names_a_reading_that_is_kept_and_says_so_twice() -> None:
    found = run(facts())
    assert {item.reading for item in found.observations} == found.readings.keys()
    assert all(reading.digest == name for name, reading in found.readings.items())
    assert all(item.sentence.fr and item.sentence.en and item.command for item in found.observations)


def test_a_reading_of_another_content_or_time_has_another_digest() -> None:
    reading = facts().files
    assert replace(reading, content={}).digest != reading.digest
    assert replace(reading, read_at=NOW + timedelta(seconds=1)).digest != reading.digest


def test_checks_can_be_chosen() -> None:
    assert {item.check for item in run(facts(), frozenset({"key.age"})).observations} == {"key.age"}
