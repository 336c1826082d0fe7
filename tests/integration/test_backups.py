"""Backups on real restic, a store with locks and a vault: what a host may, a forger tries, a prune removes."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from agent_here import run_agent
from backups_lab import Host, seen, vault_session
from engines_lab import HOST_ADDRESS
from volumes_lab import open_from

from deploys import names
from deploys.agent import identity, settings, vault
from hosting_cli.backups.places import Place
from hosting_cli.commands import backup
from hosting_cli.commands.approve import approve
from hosting_cli.commands.restore import restore
from hosting_cli.doors.hosts import Completed
from hosting_cli.doors.openbao import OpenBao
from hosting_cli.errors import EngineError, RefusedError, UnreadableError, UsageError
from hosting_cli.resources import SecretEntry, SecretPurpose
from hosting_cli.result import ExitStatus
from hosting_cli.session import Session, now
from inventory import naming

DRILL = {
    "proof": "backup-restores",
    "subject": "host dijon-app-1",
    "verdict": "held",
    "sentence": "a file was restored with the same bytes",
    "observed": {"mount_point": "/srv/imagerie"},
}


# -- one after the other: each test goes on where the one before ended ------------------------------------------------


def test_what_a_host_backed_up_is_seen_as_the_store_tells_it(session: Session, place: Place, writer: Host) -> None:
    began = now().replace(microsecond=0)
    for number in range(3):
        writer.back_up(f"study {number}".encode())
    found = seen(session, place)
    assert len(found.snapshots) == 3
    for snapshot in found.snapshots:
        assert snapshot.stored is not None
        assert began <= snapshot.stored <= now()
        assert abs(snapshot.stored - snapshot.claimed) < timedelta(minutes=1)
        assert snapshot.host == "dijon-app-1"
        assert snapshot.size_bytes == len(b"study 0")
    assert found.locks == ()  # a host removes its own locks
    assert (found.overwritten, found.unreadable, found.removed) == ((), (), frozenset())
    assert found.size_bytes > 0


def test_an_unproven_repository_lets_nothing_go(session: Session, place: Place, writer: Host) -> None:
    result = backup.prune(session, place.application)
    assert [error.what for error in result.errors] == [
        "no restore from this repository is on record: nobody knows whether what stays is good"
    ]
    assert result.status is ExitStatus.FAILED
    session.journal.append("proof", DRILL)


def test_a_forger_adds_snapshots_that_a_naive_tool_would_keep_instead(
    session: Session, place: Place, writer: Host
) -> None:
    """The host's own credentials, other times: by those times all good snapshots would go, and the guard names each."""
    good = {snapshot.id for snapshot in seen(session, place).snapshots}
    coming = [now() + timedelta(days=number) for number in range(1, 5)]
    for day in coming:
        writer.back_up(b"", f"--time={day:%Y-%m-%d %H:%M:%S}")
    naive = writer.restic._start(["forget", "--keep-daily=4", "--dry-run", "--json"], 60)
    removed = {item["id"] for group in json.loads(naive.stdout) for item in group["remove"] or ()}
    assert removed == good
    result = backup.prune(session, place.application)
    assert result.status is ExitStatus.FAILED
    (repository,) = result.data["repositories"]
    assert repository["allowed"] is False
    lies = {
        name for refusal in repository["refusals"] if refusal["rule"] == "plausible" for name in refusal["snapshots"]
    }
    assert lies == {snapshot.id for snapshot in seen(session, place).snapshots} - good
    assert "later than the store took it" in result.errors[0].what


def test_lies_are_set_aside_and_go_after_a_second_person_agreed(
    session: Session, officer: Session, place: Place, writer: Host
) -> None:
    lies = [snapshot.short_id for snapshot in seen(session, place).snapshots if snapshot.size_bytes == 0]
    planned = backup.prune(session, place.application, set_aside=lies)
    assert planned.status is ExitStatus.PENDING
    digest = planned.data["procedure"]
    with pytest.raises(RefusedError, match="no second person approved it"):
        backup.prune(session, place.application, digest=digest)
    with pytest.raises(RefusedError, match="token-pruner asked for it"):
        approve(session, digest)
    assert approve(officer, digest[:12]).status is ExitStatus.DONE
    writer.back_up(b"study x")
    result = backup.prune(session, place.application, digest=digest[:12])
    assert [step["state"] for step in result.data["steps"]] == ["done", "done"]
    left = seen(session, place)
    assert {writer.restored(snapshot.id) for snapshot in left.snapshots} == {b"study 2", b"study x"}
    assert len(left.removed) == len(lies) + 2
    with pytest.raises(RefusedError, match="was carried out already"):
        backup.prune(session, place.application, digest=digest[:12])


def test_what_a_prune_removed_is_not_taken_for_somebody_elses_deed(
    session: Session, place: Place, writer: Host
) -> None:
    result = backup.show(vault_session(session), place.application)
    (repository,) = result.data["repositories"]
    assert repository["refusals"] == []
    session.repositories.forget(place, [seen(session, place).snapshots[0].id])
    (repository,) = backup.show(vault_session(session), place.application).data["repositories"]
    assert [refusal["rule"] for refusal in repository["refusals"]] == ["removed"]


def test_standing_and_checks(session: Session, place: Place, writer: Host) -> None:
    engineer = vault_session(session)
    (standing,) = backup.list_(engineer).data["backups"]
    assert (standing["rpo"], standing["snapshots"], standing["last_check"]) == ("met", 1, None)
    assert standing["last_drill"] is not None
    for part in ("1 of 2", "2 of 2", "1 of 2"):
        (done,) = backup.check(engineer, place.application, parts=2).data["checks"]
        assert (done["part"], done["found"]) == (part, "whole")
    (standing,) = backup.list_(engineer).data["backups"]
    assert standing["last_check"] is not None
    assert standing["last_check_damage"] is None


def test_no_secret_is_in_the_arguments_the_environment_or_the_words_of_restic(
    writer: Host, vault_door: OpenBao, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    real = subprocess.run

    def noted(argv: list[str], **options: object) -> object:
        started.append(json.dumps([argv, options["env"]]))
        done = real(argv, **options)  # type: ignore[call-overload]
        started.append(done.stdout + done.stderr)
        return done

    monkeypatch.setattr(subprocess, "run", noted)
    writer.restic.snapshots()
    with pytest.raises(UnreadableError, match="restic stats failed"):
        writer.restic.size_of("0" * 64)
    secrets = [vault_door.reveal_secret(place.password).reveal()]
    secrets += json.loads(vault_door.reveal_secret(place.reader).reveal()).values()
    assert len(started) == 4
    assert [secret for secret in secrets for text in started if secret in text] == []


def test_pruning_reaches_no_other_secret(session: Session, place: Place) -> None:
    for entry in (
        place.reader,
        SecretEntry(
            name=naming.volume_secret(place.application, place.host, "data", "active"),
            owner=place.application,
            purpose=SecretPurpose.LUKS_PASSPHRASE,
            wrapped_by=naming.transit_key(place.application, "volumes"),
        ),
    ):
        with pytest.raises(EngineError, match="the token may not GET"):
            session.vault.reveal_secret(entry)
    with pytest.raises(EngineError, match="the token may not GET"):
        session.repositories.read(place)


# -- restored by the host's own agent ---------------------------------------------------------------------------------


class HostHere:
    """The host, whose agent runs in this process and whose other commands run on this machine."""

    @contextmanager
    def shell(self, host: str) -> Iterator["HostHere"]:
        assert host == "dijon-app-1"
        yield self

    def run(self, argv: Sequence[str], **_: object) -> Completed:
        if argv[0] != Path(names.AGENT).name:
            done = subprocess.run(argv, capture_output=True, text=True, check=False)
            return Completed(done.returncode, done.stdout, done.stderr)
        return run_agent(argv[1:])


@pytest.fixture
def engineer(session: Session, place: Place, writer: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """Give a session of an engineer, whose host finds its volume where this test's host backs its file up from."""
    found, environment = vault_session(session), session.environment
    role, access = naming.host_role(place.application, place.host), environment.object_stores[place.store]
    backed_up = {
        "repository": f"s3:{access.endpoint}/{place.bucket}/{place.host}",
        "object_store_region": access.region,
        "password_secret": place.password.name,
        "credentials_secret": place.reader.name,
    }
    engines = {
        "host": place.host,
        "vault": environment.vault.address,
        "certificate_authority": str(environment.vault.certificate_authority),
    }
    application = {"role": role, "credential": "credential", "volumes": {}, "backup": backed_up}
    (tmp_path / f"{place.application}.json").write_text(json.dumps(application))
    (tmp_path / "engines.json").write_text(json.dumps(engines))
    token, _ = found.vault.wrapped_secret_id(role, ttl_seconds=60, note={"host": place.host})
    secret_id = found.vault.unwrapped(token).reveal()
    monkeypatch.setattr(settings, "APPLICATIONS", tmp_path)
    monkeypatch.setattr(settings, "ENGINES", tmp_path / "engines.json")
    monkeypatch.setattr(identity, "_secret_id", lambda credential: secret_id)
    monkeypatch.setattr(vault, "urlopen", partial(open_from, HOST_ADDRESS))
    monkeypatch.setenv("CACHE_DIRECTORY", str(tmp_path / "cache"))
    (known,) = (item for item in found.region.applications if item.id == place.application)
    (volume,) = known.tiers[0].volumes
    here = volume.model_copy(update={"mount_point": str(writer.file.parent)})
    moved = known.model_copy(update={"tiers": (known.tiers[0].model_copy(update={"volumes": (here,)}),)})
    vars(found).update(hosts=HostHere(), region=found.region.model_copy(update={"applications": (moved,)}))
    return found


def test_the_bytes_of_a_moment_between_two_backups_come_back(engineer: Session, place: Place, writer: Host) -> None:
    writer.back_up(b"as it was")
    time.sleep(1.1)  # a store tells the second in which it took an object
    between = now()
    time.sleep(1.1)
    writer.back_up(b"as somebody has changed it")
    for as_of, content in ((between.isoformat(), b"as it was"), (None, b"as somebody has changed it")):
        done = restore(engineer, place.application, str(writer.file), as_of=as_of)
        assert done.status is ExitStatus.DONE, done.errors
        assert Path(f"{done.data['target']}{writer.file}").read_bytes() == content
    assert writer.file.read_bytes() == b"as somebody has changed it"
    early = (between - timedelta(days=1)).isoformat()
    with pytest.raises(UsageError, match="no snapshot that the store had at"):
        restore(engineer, place.application, str(writer.file), as_of=early)


def test_what_would_be_restored_is_counted_below_each_path(session: Session, place: Place, writer: Host) -> None:
    folder = writer.folder / "counted"
    (folder / "in" / "it").mkdir(parents=True)
    for name, size_bytes in (("in/one", 1000), ("in/it/two", 300), ("inner", 50), ("empty", 0)):
        (folder / name).write_bytes(bytes(size_bytes))
    writer.restic._run("backup", "--host=dijon-app-1", str(folder))
    (newest,) = (one for one in writer.restic.snapshots() if one["paths"] == [str(folder)])
    paths = [str(folder), f"{folder}/in", f"{folder}/in/one", f"{folder}/none"]
    door = vault_session(session).repositories
    assert list(door.bytes_below(place, newest["id"], paths).values()) == [1350, 1300, 1000, 0]
    tried = session.repositories.restore_into_nothing(place, newest["id"])
    assert (tried.files, tried.size_bytes, tried.restored_bytes) == (4, 1350, 50)
    shutil.rmtree(folder / "in")
    (folder / "inner").unlink()
    writer.restic._run("backup", "--host=dijon-app-1", str(folder))
    emptied = writer.restic.snapshots()[-1]["id"]
    assert session.repositories.restore_into_nothing(place, emptied).restored_bytes is None
    with pytest.raises(UnreadableError, match=r"restic ls (found no snapshot|failed)"):
        session.repositories.restore_into_nothing(place, "0" * 64)


def test_restic_is_stopped_when_it_takes_too_long_and_when_nobody_listens_any_more(writer: Host) -> None:
    with (
        pytest.raises(UnreadableError, match="restic ls did not end within 0 s"),
        writer.restic._streamed(("ls", "--no-lock", "latest"), 0.01) as lines,
    ):
        lines.read()
    began = time.monotonic()
    with suppress(KeyError), writer.restic._streamed(("ls", "--no-lock", "latest"), 60):
        raise KeyError
    assert time.monotonic() - began < 30
