"""Rotations on real engines: nothing is unreadable at any moment, whatever is killed or sealed in the middle."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_commands import ENGINEER, OFFICER, run, session_of, without_machines
from rotating import ask, rotate_dying, rotate_through_kills, rotate_under_a_seal

from hosting_cli.backups.places import Place, places
from hosting_cli.doors.restic import Restic
from hosting_cli.errors import EngineError, UnreadableError
from hosting_cli.keys.values import Key
from hosting_cli.lab.laboratory import Lab
from hosting_cli.resources import SecretEntry
from hosting_cli.secret import Secret
from hosting_cli.session import Session
from inventory import naming
from inventory.resource import PLATFORM
from vault_policies.render import SIGNING_KEY

APPLICATION, STORE = "imagerie-beaune", "dijon-objects"
OBJECTS, VOLUMES, BACKUPS = (naming.transit_key(APPLICATION, purpose) for purpose in ("objects", "volumes", "backups"))
CREDENTIALS = naming.credentials_secret(APPLICATION, naming.data_user(APPLICATION))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Give a lab on which the sample application has its keys, secrets and buckets."""
    with without_machines(tmp_path_factory.mktemp("rotation")) as found:
        _, planned = run(found, "plan")
        digest = planned["data"]["plan"]["digest"]
        assert run(found, "approve", digest, person=OFFICER)[0] == 0
        assert run(found, "apply", digest)[0] == 4  # there are no hosts
        yield found


@pytest.fixture
def session(lab: Lab) -> Session:
    return session_of(lab)


@pytest.fixture
def bucket(session: Session) -> str:
    (found,) = session.region.applications[0].buckets
    return naming.bucket(session.region, APPLICATION, found.id)


def key(session: Session, name: str) -> Key:
    (found,) = (key for key in session.vault.keys().keys if key.name == name)
    return found


def secrets(session: Session, key: str) -> dict[str, Secret]:
    """Reveal everything that *key* wraps."""
    reading = session.vault.read()
    assert reading.resources is not None
    found = [item for item in reading.resources.values() if isinstance(item, SecretEntry) and item.wrapped_by == key]
    return {entry.name: session.vault.reveal_secret(entry) for entry in found}


def as_before(lab: Lab) -> None:
    """Nothing is left over: a plan finds nothing to change, and the journal holds."""
    status, planned = run(lab, "plan")
    assert (status, planned["data"]["plan"]["changes"]) == (4, [])  # the hosts are unknown: there are none
    assert run(lab, "journal", "verify")[0] == 0


# -- approval -----------------------------------------------------------------------------------------------------


def test_in_production_nothing_rotates_before_a_second_person_agrees(lab: Lab, session: Session) -> None:
    before = key(session, BACKUPS)
    status, asked = run(lab, "key", "rotate", BACKUPS)
    assert (status, run(lab, "key", "rotate", BACKUPS)[0]) == (3, 3)
    status, refused = run(lab, "approve", asked["data"]["procedure"], person=ENGINEER)
    assert (status, "a second person" in str(refused["errors"])) == (1, True)
    assert key(session, BACKUPS) == before
    assert run(lab, "approve", asked["data"]["procedure"], person=OFFICER)[0] == 0
    assert run(lab, "key", "rotate", BACKUPS)[0] == 0
    assert key(session, BACKUPS).version == 2


# -- transit keys -------------------------------------------------------------------------------------------------


def test_a_rotation_killed_at_each_step_loses_nothing(lab: Lab, session: Session, bucket: str) -> None:
    before, values = key(session, OBJECTS), secrets(session, OBJECTS)
    store = session.stores[STORE]
    store.put_object(bucket, "of-the-application", b"from before")
    assert rotate_through_kills(lab, OBJECTS) >= 4
    after = key(session, OBJECTS)
    assert before.version is not None
    assert (after.version, after.lowest_version) == (before.version + 1, 1)
    assert secrets(session, OBJECTS) == values
    assert {key(session, name).wrapped_version for name in values} == {after.version}
    assert store.get_object(bucket, "of-the-application") == b"from before"
    assert store.object_names(bucket, "hosting-proof/") == ()
    as_before(lab)


def test_the_platforms_evidence_outlives_a_rotation_of_its_key_and_of_its_credentials(lab: Lab) -> None:
    kept = session_of(lab).evidence.add("headers/1", b"from before")
    signed = session_of(lab).vault.sign(SIGNING_KEY, b"from before")
    names = (
        naming.transit_key(PLATFORM, naming.EVIDENCE),
        SIGNING_KEY,
        naming.credentials_secret(PLATFORM, naming.EVIDENCE_USER),
    )
    for name in names:
        ask(lab, name)
        assert run(lab, "key", "rotate", name)[0] == 0
    assert session_of(lab).evidence.get(kept) == b"from before"
    assert session_of(lab).evidence.add("headers/2", b"from after").name == "headers/2"
    assert signed.public_key in {key.value for key in session_of(lab).vault.public_keys(SIGNING_KEY)}
    assert session_of(lab).vault.sign(SIGNING_KEY, b"from after").public_key != signed.public_key
    as_before(lab)
    for name, reason in (
        (names[0], "evidence in buckets need its older versions"),
        (SIGNING_KEY, "records of evidence are verified by its older versions"),
    ):
        status, refused = run(lab, "key", "rotate", name, "--retire")
        assert (status, reason in str(refused["errors"])) == (1, True)


def test_wrapping_anew_makes_no_secret_younger(lab: Lab, session: Session) -> None:
    name = naming.volume_secret(APPLICATION, "dijon-app-1", "data", "active")
    before = key(session, name)
    ask(lab, VOLUMES)
    assert run(lab, "key", "rotate", VOLUMES)[0] == 0
    after = key(session, name)
    assert (after.made_at, after.rotated_at) == (before.made_at, None)
    assert after.wrapped_version != before.wrapped_version


def test_retired_versions_decrypt_no_more_once_nothing_needs_them(lab: Lab, session: Session) -> None:
    values = secrets(session, VOLUMES)
    old = lab_ciphertext(lab, next(iter(values)))
    assert rotate_through_kills(lab, VOLUMES, "--retire") >= 4
    found = key(session, VOLUMES)
    assert found.lowest_version == found.version
    assert secrets(session, VOLUMES) == values
    with pytest.raises(EngineError, match="too old"):
        session.vault._client.post(f"transit/decrypt/{VOLUMES}", {"ciphertext": old})
    as_before(lab)


def lab_ciphertext(lab: Lab, name: str) -> str:
    found: str = lab.vault.read(f"kv/data/hosting/{name}")["data"]["data"]["ciphertext"]
    return found


def test_versions_that_objects_need_are_never_retired(lab: Lab) -> None:
    status, refused = run(lab, "key", "rotate", OBJECTS, "--retire")
    assert (status, "need its older versions" in str(refused["errors"])) == (1, True)


def test_rewrap_brings_what_somebody_rotated_up_to_date(lab: Lab, session: Session) -> None:
    values = secrets(session, BACKUPS)
    session.vault.rotate_key(BACKUPS)
    status, done = run(lab, "key", "rewrap", "--application", APPLICATION)
    assert (status, {step["state"] for step in done["data"]["steps"]}) == (0, {"done"})
    assert {key(session, name).wrapped_version for name in values} == {key(session, BACKUPS).version}
    assert secrets(session, BACKUPS) == values
    assert run(lab, "key", "rewrap")[1]["data"]["steps"] == []


# -- disabling ----------------------------------------------------------------------------------------------------


def test_a_disabled_key_reads_nothing_is_seen_and_comes_back(lab: Lab, session: Session, bucket: str) -> None:
    store = session.stores[STORE]
    store.put_object(bucket, "kept", b"bytes")
    for verb, other in (("disable", "enable"), ("enable", "disable")):
        assert run(lab, "key", other, OBJECTS)[1]["data"] == {"key": OBJECTS}  # it is so already
        status, asked = run(lab, "key", verb, OBJECTS)
        assert (status, run(lab, "approve", asked["data"]["procedure"], person=OFFICER)[0]) == (3, 0)
        assert run(lab, "key", verb, OBJECTS)[0] == 0
        if verb == "disable":
            assert key(session, OBJECTS).disabled
            with pytest.raises(EngineError):
                store.get_object(bucket, "kept")
    assert store.get_object(bucket, "kept") == b"bytes"
    as_before(lab)


# -- S3 credentials -----------------------------------------------------------------------------------------------


def test_credentials_killed_at_each_step_always_work_and_the_old_ones_end(
    lab: Lab, session: Session, bucket: str
) -> None:
    user, door = naming.data_user(APPLICATION), session.stores[STORE]
    old = credentials(session)
    assert rotate_through_kills(lab, CREDENTIALS) >= 2
    new = credentials(session)
    assert door.access_key_ids(user) == (new[0],)
    assert new[0] != old[0]
    door.try_access_key(bucket, *new)
    with pytest.raises(EngineError, match="refuses"):
        door.try_access_key(bucket, *old)
    as_before(lab)


def test_credentials_made_and_not_stored_or_stored_and_not_recorded_leave_one_that_works(
    lab: Lab, session: Session, bucket: str
) -> None:
    user, door = naming.data_user(APPLICATION), session.stores[STORE]
    old = credentials(session)

    def look() -> None:
        door.try_access_key(bucket, *credentials(session))

    assert rotate_dying(lab, CREDENTIALS, (1, 4), look) >= 3
    new = credentials(session)
    assert door.access_key_ids(user) == (new[0],)
    assert new[0] != old[0]
    as_before(lab)


def credentials(session: Session) -> tuple[str, Secret]:
    found = json.loads(secrets(session, OBJECTS)[CREDENTIALS].reveal())
    return found["access_key_id"], Secret(found["secret_access_key"])


# -- passwords of repositories ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def repository(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Give a repository with a snapshot in it, made as its host does."""
    session, folder = session_of(lab), tmp_path_factory.mktemp("backed-up")
    (place,) = places(session.region, session.region.applications[0])
    restic = opened(session, place, session.vault.reveal_secret(place.password))
    restic._run("init")
    (folder / "study.dcm").write_bytes(b"of a patient")
    restic._run("backup", "--host=dijon-app-1", str(folder))
    return place


def opened(session: Session, place: Place, password: Secret) -> Restic:
    access = session.environment.object_stores[STORE]
    pair = json.loads(session.vault.reveal_secret(place.reader).reveal())
    return Restic(
        f"s3:{access.endpoint}/{place.bucket}/{place.host}",
        access,
        password=password,
        key_id=pair["access_key_id"],
        secret_key=Secret(pair["secret_access_key"]),
    )


def opens(session: Session, repository: Place) -> None:
    """What the vault gives the host opens its repository."""
    password = session.vault.reveal_secret(repository.password)
    assert opened(session, repository, password).snapshots()


def test_a_password_killed_after_any_change_always_opens_its_repository_and_no_other_key_stays(
    lab: Lab, session: Session, repository: Place
) -> None:
    """Dying when it was added, then when it was stored and not noted, then when the first one was removed."""
    name, old = repository.password.name, session.vault.reveal_secret(repository.password)
    opened(session, repository, old).add_key(Secret("of an intruder"), label="another")
    assert rotate_dying(lab, name, (1, 4), lambda: opens(session, repository)) >= 3
    new = session.vault.reveal_secret(repository.password)
    assert new != old
    for password in (old, Secret("of an intruder")):
        with pytest.raises(UnreadableError, match=r"wrong password|no key found"):
            opened(session, repository, password).snapshots()
    assert [found.current for found in session.repositories.keys(repository)] == [True]
    observed = [entry.data.get("observed") for entry in session.journal.entries()]
    proven = [seen for seen in observed if isinstance(seen, dict) and "restored_bytes" in seen]
    assert (proven[-1]["files"], proven[-1]["restored_bytes"]) == (1, len(b"of a patient"))
    assert "study.dcm" not in Path(lab.journal).read_text()
    as_before(lab)


# -- a sealed vault -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "number", "retire"),
    [(OBJECTS, 2, False), (CREDENTIALS, 3, False), (VOLUMES, 6, True)],
    ids=["the new version is there", "an access key is stored and not recorded", "the older versions are retired"],
)
def test_a_vault_sealed_in_the_middle_stops_it_and_the_same_command_goes_on(
    lab: Lab, session: Session, name: str, number: int, retire: bool
) -> None:
    wrapping = VOLUMES if name == VOLUMES else OBJECTS
    before = secrets(session, wrapping)

    def look() -> None:
        after = secrets(session, wrapping)
        assert {it: value for it, value in after.items() if it != name} == {
            it: value for it, value in before.items() if it != name
        }

    rotate_under_a_seal(lab, name, number, look, retire=retire)
    look()
    as_before(lab)


def test_a_vault_sealed_before_a_password_is_stored_leaves_one_that_opens(
    lab: Lab, session: Session, repository: Place
) -> None:
    name, before = repository.password.name, session.vault.reveal_secret(repository.password)
    rotate_under_a_seal(lab, name, 1, lambda: opens(session, repository))
    assert session.vault.reveal_secret(repository.password) != before
    assert [found.current for found in session.repositories.keys(repository)] == [True]


def test_what_was_done_is_on_record_with_who_asked_and_who_agreed(lab: Lab, session: Session) -> None:
    digest = ask(lab, BACKUPS)
    assert run(lab, "key", "rotate", BACKUPS)[0] == 0
    entries = [entry for entry in session.journal.entries() if digest in str(entry.data) or entry.kind == "request"]
    told = [(entry.kind, entry.who) for entry in entries if entry.data.get("procedure") == digest]
    assert told[0] == ("approval", f"token-{OFFICER}")
    assert told[-1] == ("completed", f"token-{ENGINEER}")
    assert {kind for kind, _ in told} >= {"intent", "done"}
    journal = Path(lab.journal).read_text()
    for value in secrets(session, BACKUPS).values():
        assert value.reveal() not in journal
