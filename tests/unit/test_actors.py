"""Who makes changes: which calls of the doors, in which order, and what becomes of their failures."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from fake_doors import STORE, World
from sample import APPLICATION, GATEWAY, HOST, NOW, PUBLISHED, environment, region

from deploys.resources import HostFile, HostIdentity, HostResource, HostUnit, HostVolume
from hosting_cli.actors import CopiesActor, HostsActor, StoreActor, VaultActor, actors
from hosting_cli.capabilities import OBJECT_LOCK
from hosting_cli.desired import desired
from hosting_cli.doors.hosts import Completed
from hosting_cli.errors import EngineError, HostingError
from hosting_cli.jobs import Event, EventKind, Outcome
from hosting_cli.plan import Action, Change
from hosting_cli.resources import (
    VAULT,
    AccessKey,
    AppRole,
    Bucket,
    HeaderCopy,
    Policy,
    SecretEntry,
    StoreUser,
    TransitKey,
    VaultResource,
    object_store,
)
from hosting_cli.secret import Secret
from hosting_cli.survey import ACCESS_KEY_NOTE, Survey
from inventory import naming
from inventory.resource import Reading, Resource, Subject

WANTED = desired(region(), environment(), PUBLISHED)
KEY = Subject(AccessKey.kind, naming.backup_user(APPLICATION))
ENTRY = naming.credentials_secret(APPLICATION, naming.backup_user(APPLICATION))
VOLUME = Subject(HostVolume.kind, f"{HOST}:{APPLICATION}/data")
IDENTITY = Subject(HostIdentity.kind, f"{HOST}:{APPLICATION}")
ROLE = naming.host_role(APPLICATION, HOST)
TIMER = f"hosting-backup-{APPLICATION}.timer"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def change(subject: Subject, action: Action = Action.CREATE, found: Resource | None = None) -> Change:
    resource = found or WANTED[subject]
    return Change(subject, action, resource.owner, resource.source, None, resource.state(), resource.requires)


def survey(*found: Resource) -> Survey:
    """Give the sample as it should be, and *found* as what is."""
    sources: dict[str, dict[Subject, Resource]] = {}
    for resource in found:
        sources.setdefault(resource.source, {})[resource.subject] = resource
    return Survey(WANTED, tuple(Reading(source, NOW, resources) for source, resources in sources.items()))


def forget(_change: Change) -> None:
    """Take note of nothing."""


def of_kind(kind: type[Resource]) -> list[Subject]:
    return [subject for subject, resource in WANTED.items() if isinstance(resource, kind)]


# -- the vault ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [TransitKey, Policy, AppRole], ids=lambda kind: str(kind.kind))
def test_what_the_vault_holds_is_written(world: World, kind: type[VaultResource]) -> None:
    subject = of_kind(kind)[0]
    assert VaultActor(world.session, survey()).carry_out([change(subject)], forget) == {}
    assert world.calls == [f"write {subject}"]


def test_secrets_are_made_and_never_written(world: World) -> None:
    subjects = of_kind(SecretEntry)
    assert VaultActor(world.session, survey()).carry_out([change(subject) for subject in subjects], forget) == {}
    assert world.calls == [f"make {subject}" for subject in subjects]


def test_what_no_file_asks_for_any_more_is_deleted_as_it_was_read(world: World) -> None:
    gone = Policy(name="hosting-gone", owner="gone", text="")
    failed = VaultActor(world.session, survey(gone)).carry_out([change(gone.subject, Action.DELETE, gone)], forget)
    assert (failed, world.calls) == ({}, ["delete policy hosting-gone"])


def test_what_cannot_change_in_place_is_deleted_and_then_written(world: World) -> None:
    subject = of_kind(Policy)[0]
    VaultActor(world.session, survey(WANTED[subject])).carry_out([change(subject, Action.REPLACE)], forget)
    assert world.calls == [f"delete {subject}", f"write {subject}"]


def test_a_vault_that_refuses_fails_the_change_and_no_other(world: World) -> None:
    gone, other = TransitKey(name="hosting-gone", owner="gone"), of_kind(Policy)[0]
    changes = [change(gone.subject, Action.DELETE, gone), change(other)]
    failed = VaultActor(world.session, survey(gone)).carry_out(changes, forget)
    assert [str(subject) for subject in failed] == ["transit-key hosting-gone"]
    assert world.calls == [f"write {other}"]


# -- access keys --------------------------------------------------------------------------------------------------


def renew(world: World, *, action: Action = Action.CREATE) -> dict[Subject, HostingError]:
    return dict(StoreActor(world.session, STORE, survey()).carry_out([change(KEY, action)], forget))


def held(world: World) -> dict[str, str]:
    credentials: dict[str, str] = json.loads(world.vault.secrets[ENTRY].reveal())
    return credentials


def test_a_first_access_key_is_stored_and_recorded(world: World) -> None:
    assert renew(world) == {}
    assert world.calls == [f"notes {ENTRY}", "create key new-1", f"replace secret {ENTRY}"]
    assert held(world) == {"access_key_id": "new-1", "secret_access_key": "secret half of new-1"}
    assert world.vault.notes[ENTRY] == {ACCESS_KEY_NOTE: "new-1"}


def test_the_key_in_use_is_dropped_last(world: World) -> None:
    world.store.keys[KEY.name], world.vault.notes[ENTRY] = ["old"], {ACCESS_KEY_NOTE: "old"}
    assert renew(world, action=Action.UPDATE) == {}
    assert world.calls[1:] == ["create key new-1", f"replace secret {ENTRY}", "delete key old"]
    assert world.store.keys[KEY.name] == ["new-1"]


def test_keys_that_killed_runs_left_are_dropped_first_since_a_store_gives_two_at_most(world: World) -> None:
    world.store.keys[KEY.name], world.vault.notes[ENTRY] = ["orphan", "old"], {ACCESS_KEY_NOTE: "old"}
    assert renew(world, action=Action.UPDATE) == {}
    assert world.calls[1:] == [
        "delete key orphan",
        "create key new-1",
        f"replace secret {ENTRY}",
        "delete key old",
    ]


def test_two_orphans_and_no_record_do_not_stop_a_new_key(world: World) -> None:
    world.store.keys[KEY.name] = ["orphan-1", "orphan-2"]
    assert renew(world) == {}
    assert world.store.keys[KEY.name] == ["new-1"]


def test_a_vault_that_does_not_store_leaves_the_key_in_use_valid(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.store.keys[KEY.name], world.vault.notes[ENTRY] = ["old"], {ACCESS_KEY_NOTE: "old"}

    def refuse(*_: object, **__: object) -> None:
        raise EngineError("secret", "was replaced by somebody else", "Plan again.")

    monkeypatch.setattr(world.vault, "replace_secret", refuse)
    assert renew(world, action=Action.UPDATE).keys() == {KEY}
    assert "old" in world.store.keys[KEY.name]
    assert renew(world, action=Action.UPDATE).keys() == {KEY}, "a second attempt finds room for a key again"


@pytest.mark.parametrize("killed_at", ["create_access_key", "replace_secret", "delete_access_key"])
def test_killed_at_any_step_the_next_run_ends_with_one_key_that_the_vault_knows(
    world: World, killed_at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.store.keys[KEY.name], world.vault.notes[ENTRY] = ["old"], {ACCESS_KEY_NOTE: "old"}
    door = world.vault if killed_at == "replace_secret" else world.store
    original = getattr(door, killed_at)

    def killed(*arguments: object, **named: object) -> None:
        original(*arguments, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(door, killed_at, killed)
        with pytest.raises(KeyboardInterrupt):
            renew(world, action=Action.UPDATE)
    assert renew(world, action=Action.UPDATE) == {}
    assert world.store.keys[KEY.name] == [world.vault.notes[ENTRY][ACCESS_KEY_NOTE]] == [held(world)["access_key_id"]]


def test_a_key_that_hosts_use_already_is_recorded_and_not_dropped(world: World) -> None:
    """A run was killed when it had stored a new key, and before it had recorded that."""
    world.store.keys[KEY.name], world.vault.notes[ENTRY] = ["new", "old"], {ACCESS_KEY_NOTE: "old"}
    world.vault.secrets[ENTRY] = Secret(json.dumps({"access_key_id": "new", "secret_access_key": "half"}))
    assert renew(world, action=Action.UPDATE) == {}
    assert "delete key new" not in world.calls
    assert world.store.keys[KEY.name] == ["new"] == [world.vault.notes[ENTRY][ACCESS_KEY_NOTE]]
    assert held(world) == {"access_key_id": "new", "secret_access_key": "half"}


# -- the object store ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Bucket, StoreUser], ids=lambda kind: str(kind.kind))
def test_what_the_store_holds_is_written(world: World, kind: type[Resource]) -> None:
    subject = of_kind(kind)[0]
    assert StoreActor(world.session, STORE, survey()).carry_out([change(subject)], forget) == {}
    assert world.calls == [f"write {subject}"]


def test_a_user_that_no_file_asks_for_is_deleted(world: World) -> None:
    gone = StoreUser(name="hosting-gone", owner="gone", store=STORE, policy=None)
    found = survey(gone)
    StoreActor(world.session, STORE, found).carry_out([change(gone.subject, Action.DELETE, gone)], forget)
    assert world.calls == ["delete store-user hosting-gone"]


# -- hosts --------------------------------------------------------------------------------------------------------


def with_passphrases(world: World) -> None:
    for entry in (WANTED[subject] for subject in of_kind(SecretEntry)):
        assert isinstance(entry, SecretEntry)
        world.vault.make_secret(entry)
    world.calls.clear()


def converge(world: World, changes: Sequence[Change], *found: Resource) -> dict[Subject, HostingError]:
    return dict(HostsActor(world.session, survey(*found)).carry_out(changes, forget))


def test_a_volume_is_handed_its_two_passphrases_and_no_other(world: World) -> None:
    with_passphrases(world)
    assert converge(world, [change(VOLUME)]) == {}
    secrets = world.engine.jobs[0].hosts[HOST].secrets
    names = {naming.volume_secret(APPLICATION, HOST, "data", slot) for slot in ("active", "recovery")}
    assert {name: secret.reveal() for name, secret in secrets.items()} == {name: f"secret of {name}" for name in names}


def test_secret_ids_that_the_host_does_not_hold_are_dropped_before_a_new_one_is_wrapped(world: World) -> None:
    world.vault.accessors[ROLE] = ["lost-1", "lost-2"]
    assert converge(world, [change(IDENTITY)]) == {}
    assert world.calls == [
        f"list {ROLE}",
        f"destroy lost-1 of {ROLE}",
        f"destroy lost-2 of {ROLE}",
        f"wrap {ROLE} for {HOST}",
    ]
    assert world.engine.jobs[0].hosts[HOST].secrets[ROLE].reveal() == f"wrapped secret-id of {ROLE}"


def test_a_change_that_needs_no_secret_is_handed_none(world: World) -> None:
    converge(world, [change(Subject(HostFile.kind, f"{HOST}:/etc/hosting/engines.json"))])
    assert (world.engine.jobs[0].hosts[HOST].secrets, world.calls) == ({}, [])


def test_a_host_is_told_all_that_it_should_be_and_nothing_of_another(world: World) -> None:
    converge(world, [change(Subject(HostFile.kind, f"{HOST}:/etc/hosting/engines.json"))])
    (job,) = world.engine.jobs
    assert job.hosts.keys() == {HOST}
    everything = {s for s, r in WANTED.items() if isinstance(r, HostResource) and r.host == HOST}
    assert {resource.subject for resource in job.hosts[HOST].resources} == everything


def test_what_goes_is_removed_as_it_was_read(world: World) -> None:
    gone = HostFile(host=HOST, name=f"{HOST}:/etc/gone", owner="gone", path="/etc/gone", sha256="0" * 64)
    assert converge(world, [change(gone.subject, Action.DELETE, gone)], gone) == {}
    job = world.engine.jobs[0].hosts[HOST]
    assert job.removed == (gone,)
    assert gone not in job.resources


def test_all_hosts_converge_in_one_run(world: World) -> None:
    with_passphrases(world)
    files = [Subject(HostFile.kind, f"{host}:/etc/hosting/engines.json") for host in (HOST, GATEWAY)]
    converge(world, [change(subject) for subject in files])
    (job,) = world.engine.jobs
    assert job.hosts.keys() == {HOST, GATEWAY}


def test_a_host_whose_secrets_cannot_be_revealed_fails_alone(world: World) -> None:
    other = Subject(HostFile.kind, f"{GATEWAY}:/etc/hosting/engines.json")
    failed = converge(world, [change(VOLUME), change(IDENTITY), change(other)])
    assert failed.keys() == {VOLUME, IDENTITY}
    assert "has no value" in str(failed[VOLUME])
    assert world.engine.jobs[0].hosts.keys() == {GATEWAY}


def test_a_lost_host_fails_all_its_changes_and_no_other(world: World) -> None:
    files = [Subject(HostFile.kind, f"{HOST}:{path}") for path in ("/etc/hosting/engines.json", "/etc/nftables.conf")]
    other = Subject(HostFile.kind, f"{GATEWAY}:/etc/hosting/engines.json")
    loss = EngineError(f"host {HOST}", "the connection broke", "Apply again.")
    world.engine.outcome = Outcome({}, {HOST: loss}, ())
    assert converge(world, [change(subject) for subject in (*files, other)]) == dict.fromkeys(files, loss)


def test_a_broken_engine_fails_every_change(world: World) -> None:
    world.engine.broken = EngineError("hosts", "the process ended with 1", "Apply again.")
    files = [Subject(HostFile.kind, f"{host}:/etc/hosting/engines.json") for host in (HOST, GATEWAY)]
    failed = converge(world, [change(subject) for subject in files])
    assert failed == dict.fromkeys(files, world.engine.broken)


def test_a_sealed_vault_gives_no_key_to_log_in_with_and_fails_every_change(world: World) -> None:
    world.vault.sealed = True
    file = Subject(HostFile.kind, f"{GATEWAY}:/etc/hosting/engines.json")
    failed = converge(world, [change(file)])
    assert "sealed" in str(failed[file])
    assert world.engine.jobs == []


def test_what_pyinfra_could_not_make_has_failed(world: World) -> None:
    file = Subject(HostFile.kind, f"{HOST}:/etc/hosting/engines.json")
    world.engine.outcome = Outcome({file: EngineError(str(file), "no space left", "Make room.")}, {}, ())
    assert converge(world, [change(file)]).keys() == {file}


def test_a_unit_that_could_not_follow_its_file_fails_the_file(world: World) -> None:
    file = Subject(HostFile.kind, f"{HOST}:/etc/systemd/system/{TIMER}")
    bystander = Subject(HostFile.kind, f"{HOST}:/etc/hosting/engines.json")
    unit = Subject(HostUnit.kind, f"{HOST}:{TIMER}")
    failure = EngineError(str(unit), "did not start", "See its journal.")
    world.engine.outcome = Outcome({unit: failure}, {}, ())
    assert converge(world, [change(file), change(bystander)]) == {file: failure}


def test_intents_are_told_as_the_host_begins_and_followers_are_said_aloud(world: World) -> None:
    file, unit = Subject(HostFile.kind, f"{HOST}:/etc/hosting/engines.json"), Subject(HostUnit.kind, f"{HOST}:{TIMER}")
    world.engine.events = [
        Event(EventKind.CONNECTED, HOST),
        Event(EventKind.START, HOST, file),
        Event(EventKind.DONE, HOST, file, changed=True),
        Event(EventKind.START, HOST, unit),
    ]
    begun: list[Change] = []
    wanted = change(file)
    HostsActor(world.session, survey()).carry_out([wanted], begun.append)
    assert begun == [wanted]
    assert str(unit) in world.said.getvalue()


# -- together -----------------------------------------------------------------------------------------------------


def test_every_source_has_its_actor_and_hosts_share_one(world: World) -> None:
    actor_of = actors(world.session, survey())
    assert isinstance(actor_of(VAULT), VaultActor)
    assert isinstance(actor_of(object_store(STORE)), StoreActor)
    assert isinstance(actor_of(f"host {HOST}"), HostsActor)
    assert actor_of(f"host {HOST}") is actor_of(f"host {GATEWAY}")


def test_a_secret_is_in_no_job_that_is_printed(world: World) -> None:
    with_passphrases(world)
    converge(world, [change(VOLUME), change(IDENTITY)])
    assert "secret of" not in repr(world.engine.jobs)
    assert "wrapped secret-id" not in repr(world.engine.jobs)
    assert "private key" not in repr(world.engine.jobs)


def test_what_is_read_back_is_what_the_doors_see(world: World) -> None:
    policy = WANTED[of_kind(Policy)[0]]
    world.vault.resources[policy.subject] = replace(policy)
    (seen,) = VaultActor(world.session, survey()).read()
    assert seen.resources == {policy.subject: policy}


def test_what_a_store_lacks_fails_who_needs_it_and_nobody_else(world: World) -> None:
    world.store.lacks = frozenset({OBJECT_LOCK})
    buckets = [bucket for bucket in of_kind(Bucket) if APPLICATION in bucket.name]
    failed = StoreActor(world.session, STORE, survey()).carry_out([change(bucket) for bucket in buckets], forget)
    assert [subject.name for subject in failed] == [naming.backup_bucket(region(), APPLICATION)]
    assert "`object-lock` is refused" in failed[Subject(Bucket.kind, naming.backup_bucket(region(), APPLICATION))].what
    assert world.calls == [f"write {Subject(Bucket.kind, naming.bucket(region(), APPLICATION, 'images'))}"]


# -- copies of headers ------------------------------------------------------------------------------------------------

COPY = Subject(HeaderCopy.kind, VOLUME.name)


def test_a_copy_of_a_header_is_made_after_its_volume_and_by_an_actor_of_its_own(world: World) -> None:
    of = actors(world.session, survey())
    assert of(WANTED[COPY].source) is not of(WANTED[VOLUME].source)
    assert VOLUME in WANTED[COPY].requires
    assert of(WANTED[COPY].source).rank > of(WANTED[VOLUME].source).rank


def test_a_copy_that_cannot_be_made_is_a_failed_change_with_a_remedy(world: World) -> None:
    complaint = "hosting-agent fetch-header: there is no copy of the header of x on this host"
    world.hosts.on_run = lambda _host, _argv, _stdin: Completed(1, "", complaint)
    begun: list[Change] = []
    failed = CopiesActor(world.session, survey()).carry_out([change(COPY)], begun.append)
    assert [done.subject for done in begun] == [COPY]
    assert complaint in failed[COPY].what
    assert failed[COPY].remedy


def test_a_copy_is_read_back_with_the_host_that_has_the_volume(world: World) -> None:
    readings = CopiesActor(world.session, survey()).read()
    assert [reading.source for reading in readings] == [f"host {HOST}", WANTED[COPY].source]
    assert {reading.resources for reading in readings} == {None}  # the host does not answer
