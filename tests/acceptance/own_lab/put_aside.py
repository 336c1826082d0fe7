"""What somebody may have put aside while an application could be read, and whether it still opens anything."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from conftest import LabRunner

from hosting_cli.app import LazyDoors
from hosting_cli.backups.places import Place, places
from hosting_cli.console import Progress
from hosting_cli.doors.objects import ObjectStoreDoor
from hosting_cli.doors.repositories import Repositories
from hosting_cli.errors import EngineError, UnreadableError
from hosting_cli.lab import channels, machines
from hosting_cli.session import Session
from hosting_cli.volumes.places import Held
from hosting_cli.volumes.places import places as volumes
from inventory import naming

STUDY = "study-of-a-patient"

Trials = dict[str, Callable[[], bool]]
"""By the name of what was put aside: whether it opens now what it opened, tried on the real device or store."""


def put_aside(lab: LabRunner, application: str) -> Trials:
    """Take the passphrases of every volume, what opens the backups of the first host, and a version of an object."""
    token_file = lab.token_file("operations-engineer")
    session = Session(lab.region, lab.environment_file, token_file, LazyDoors(), Progress(quiet=True))
    return _of_volumes(lab, session) | _of_backups(session, application) | _of_objects(session, application)


def _of_volumes(lab: LabRunner, session: Session) -> Trials:
    found: Trials = {}
    for place in volumes(session.region, session.environment):
        device = f"/dev/{place.volume.volume_group}/{place.volume.logical_volume}"
        for held in Held:
            entry = place.entry(held)
            passphrase = session.vault.reveal_secret(entry).reveal()
            found[entry.name] = partial(_opens_volume, lab, place.host, device, passphrase)
    return found


def _opens_volume(lab: LabRunner, host: str, device: str, passphrase: str) -> bool:
    argv = ("cryptsetup", "open", "--test-passphrase", "--key-file=-", device)
    ran = channels.run(machines.directory(lab.directory, host), argv, standard_input=passphrase.encode())
    return ran.status == 0


def _of_backups(session: Session, application: str) -> Trials:
    place, *_ = places(session.region, session.application(application))
    revealed = {entry: session.vault.reveal_secret(entry) for entry in (place.reader, place.password)}
    door = Repositories(session.environment.object_stores, revealed.__getitem__, lambda: datetime.now(UTC))
    return {f"repository {place.name}": partial(_reads_backups, door, place)}


def _reads_backups(door: Repositories, place: Place) -> bool:
    try:
        found = door.read(place)
    except UnreadableError as error:
        # The store lists its objects to these credentials: it is restic that can open none of them.
        assert "restic" in error.what, error
        return False
    return found is not None and bool(found.snapshots)


def _of_objects(session: Session, application: str) -> Trials:
    (wanted,) = session.application(application).buckets
    bucket, door = naming.bucket(session.region, application, wanted.id), session.stores[wanted.store]
    door.put_object(bucket, STUDY, b"of a patient")
    (version,) = door.versions(bucket, STUDY)
    return {f"{bucket}/{STUDY}": partial(_reads_object, door, bucket, version.version)}


def _reads_object(door: ObjectStoreDoor, bucket: str, version: str) -> bool:
    assert [item.version for item in door.versions(bucket, STUDY)] == [version]  # it is there, all the time
    try:
        return door.get_version(bucket, STUDY, version) == b"of a patient"
    except EngineError:
        return False
