"""Cryptographic erasure on real engines: two people, a waiting time, a confirmation, and nothing can be read."""

import json
import re
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dying import Killed, Ways, dying_after, is_any
from engines_lab import SAMPLE
from forked import Forked
from lab_commands import ENGINEER, OFFICER, at_a_terminal, begun, command, run, session_of, without_machines
from volumes_lab import FileHost, file_host

from hosting_cli.app import LazyDoors
from hosting_cli.commands import headers
from hosting_cli.commands.approve import approve
from hosting_cli.commands.key import destroy, withdraw
from hosting_cli.commands.plan import make_plan
from hosting_cli.console import Progress
from hosting_cli.doors.restic import Restic
from hosting_cli.erasure.copies import SealedHeaders
from hosting_cli.errors import EngineError, RefusedError, UnreadableError
from hosting_cli.journal import Journal
from hosting_cli.keys import shares
from hosting_cli.lab import laboratory
from hosting_cli.lab.laboratory import Lab
from hosting_cli.resources import SecretEntry, SecretPurpose, TransitKey
from hosting_cli.result import ExitStatus, Result
from hosting_cli.secret import Secret
from hosting_cli.session import Session, now
from hosting_cli.volumes.places import Held
from inventory import naming
from inventory.resource import Subject
from vault_policies import render

APPLICATION, STORE = "imagerie-beaune", "dijon-objects"
IMAGES, BACKUP = f"bfc-{APPLICATION}-images", f"bfc-{APPLICATION}-backup"
OBJECTS = naming.transit_key(APPLICATION, "objects")
EXECUTOR = "destruction-executor"
WRITTEN = re.compile(r"^ {4}([A-Z2-7-]{60,})\r?$", re.MULTILINE)


@dataclass
class Erasure:
    """A lab whose application has left the files, with data in its buckets; days pass when a test says so."""

    lab: Lab
    region: Path
    host: FileHost
    days: float = 0

    def session(self, person: str = ENGINEER) -> Session:
        clock = lambda: now() + timedelta(days=self.days)  # noqa: E731
        token_file = self.lab.token_file(person)
        found = Session(self.region, self.lab.environment_file, token_file, LazyDoors(), Progress(quiet=True), clock)
        vars(found).update(hosts=self.host)
        return found

    def carry_out(self) -> Result:
        return destroy(self.session(EXECUTOR), APPLICATION, confirm=APPLICATION)

    def records(self) -> list[Mapping[str, Any]]:
        return [entry.data for entry in self.session().journal.entries() if entry.kind == "destruction"]


@contextmanager
def made(folder: Path) -> Iterator[Erasure]:
    """Give a lab on which the sample's application was, and has left the files."""
    with without_machines(folder) as lab:
        digest = run(lab, "plan")[1]["data"]["plan"]["digest"]
        assert run(lab, "approve", digest, person=OFFICER)[0] == 0
        assert run(lab, "apply", digest)[0] == 4  # there are no hosts
        region, host_folder = folder / "region", folder / "host"
        shutil.copytree(SAMPLE, region)
        (region / "applications" / f"{APPLICATION}.yaml").unlink()
        host_folder.mkdir()
        with file_host(session_of(lab), host_folder) as host:
            found = Erasure(lab, region, host)
            with laboratory.root_token(lab) as token_file:
                root = Session(region, lab.environment_file, token_file, LazyDoors(), Progress(quiet=True))
                policies = (render.OPERATIONS_POLICY, render.DESTRUCTION_POLICY)
                laboratory.write_secret(
                    lab.token_file(EXECUTOR), root.vault.issue_token(EXECUTOR, policies, period_seconds=3600)
                )
            yield found


@pytest.fixture(scope="module")
def erasure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Erasure]:
    with made(tmp_path_factory.mktemp("destruction")) as found:
        door = found.session().stores[STORE]
        door.put_object(IMAGES, "a-study", b"of a patient who left")
        door.hide_object(IMAGES, "a-study")
        door.put_object(IMAGES, "scan", b"of a patient")
        assert headers.header(found.host.session, headers.Action.SAVE, found.host.place.name).status is ExitStatus.DONE
        yield found


@pytest.fixture(scope="module")
def joined(erasure: Erasure) -> Secret:
    """Hand shares of the recovery passphrase out at a terminal, and give what three of them join to."""
    return joined_shares(erasure, erasure.host.place.entry(Held.RECOVERY).name)


def joined_shares(erasure: Erasure, name: str) -> Secret:
    status, shown = at_a_terminal(command(erasure.lab, "key", "recovery", "create", name))
    assert status == 0, shown
    return shares.secret_of(shares.read(WRITTEN.findall(shown)[:3]))


@pytest.fixture(scope="module")
def repository(erasure: Erasure, tmp_path_factory: pytest.TempPathFactory) -> Restic:
    """Make a real repository in the backup bucket, with a snapshot of a file and of the header's copy."""
    session, host = erasure.host.session, erasure.host
    name = naming.repository_secret(APPLICATION, host.place.host)
    entry = SecretEntry(
        name=name,
        owner=APPLICATION,
        purpose=SecretPurpose.RESTIC_PASSWORD,
        wrapped_by=naming.transit_key(APPLICATION, "backups"),
    )
    administrator = json.loads(session.vault.provisioner_credentials("platform/object-store-admin").reveal())
    access = session.environment.object_stores[STORE]
    restic = Restic(
        f"s3:{access.endpoint}/{BACKUP}/{host.place.host}",
        access,
        password=session.vault.reveal_secret(entry),
        key_id=administrator["access_key_id"],
        secret_key=Secret(administrator["secret_access_key"]),
    )
    study = tmp_path_factory.mktemp("srv") / "study.dcm"
    study.write_bytes(b"of a patient")
    restic._run("init")
    restic._run("backup", f"--host={host.place.host}", "--tag=hosting", str(study), str(host.copy))
    return restic


def own_secrets(erasure: Erasure) -> list[SecretEntry]:
    """Read which secrets the application has, whether anybody can unwrap them or not."""
    reading = erasure.session().vault.read()
    assert reading.resources is not None
    entries = [item for item in reading.resources.values() if isinstance(item, SecretEntry)]
    return [entry for entry in entries if entry.owner == APPLICATION]


def refused(erasure: Erasure, *, confirm: str | None = APPLICATION, person: str = EXECUTOR) -> str:
    with pytest.raises(RefusedError) as refusal:
        destroy(erasure.session(person), APPLICATION, confirm=confirm)
    return refusal.value.what


def test_what_is_in_the_files_is_not_destroyed(erasure: Erasure) -> None:
    session = Session(SAMPLE, erasure.lab.environment_file, erasure.lab.token_file(ENGINEER), LazyDoors())
    with pytest.raises(RefusedError, match="still in the region's files"):
        destroy(session, APPLICATION)


def test_nothing_is_destroyed_that_nobody_asked_for(erasure: Erasure) -> None:
    assert "nobody asked for it" in refused(erasure)
    with pytest.raises(RefusedError, match="owns no key"):
        destroy(erasure.session(), "another-one")


def test_what_was_called_off_has_to_be_asked_for_anew(erasure: Erasure) -> None:
    asked = destroy(erasure.session(), APPLICATION)
    assert asked.status is ExitStatus.PENDING
    withdraw(erasure.session(OFFICER), asked.data["procedure"])
    assert "nobody asked for it" in refused(erasure)


def test_it_takes_two_people_a_waiting_time_and_a_confirmation(erasure: Erasure, joined: Secret) -> None:
    assert erasure.host.opens(joined.reveal())
    asked = destroy(erasure.session(), APPLICATION)
    goal = asked.data["request"]["goal"]
    inventory = goal["inventory"]
    assert inventory["keys"] == [naming.transit_key(APPLICATION, it) for it in ("backups", "objects", "volumes")]
    assert f"{STORE}/{IMAGES}" in inventory["buckets"]
    assert inventory["volumes"] == [erasure.host.place.name]
    assert inventory["secrets"] == sorted(entry.name for entry in own_secrets(erasure))
    assert len(inventory["secrets"]) >= 5
    (outlives,) = goal["outlives"]
    assert f"of {erasure.host.place.entry(Held.RECOVERY).name} (3 of 5 holders" in outlives
    assert destroy(erasure.session(), APPLICATION).data["procedure"] == asked.data["procedure"]
    assert "no second person" in refused(erasure)
    with pytest.raises(RefusedError, match="a second person"):
        approve(erasure.session(), asked.data["procedure"])
    approved = approve(erasure.session(OFFICER), asked.data["procedure"])
    assert ("outlives 1", outlives) in approved.blocks[0].rows  # type: ignore[union-attr]
    assert "its waiting time ends on" in refused(erasure)
    erasure.days = 20.9
    assert "its waiting time ends on" in refused(erasure)
    erasure.days = 21.1
    assert "not confirmed" in refused(erasure, confirm="imagerie")
    assert destroy(erasure.session(), APPLICATION).status is ExitStatus.PENDING
    assert erasure.session().stores[STORE].get_object(IMAGES, "scan") == b"of a patient"
    assert erasure.host.opens(joined.reveal())


def test_what_was_added_meanwhile_was_not_approved(erasure: Erasure) -> None:
    vault, name = erasure.session().vault, f"hosting-{APPLICATION}-extra"
    vault.write(TransitKey(name=name, owner=APPLICATION))
    assert f"keys were added since it was asked for: {name}" in refused(erasure)
    erasure.session(EXECUTOR).vault.destroy_key(name)
    assert not vault.has_key(name)


def test_the_platforms_own_keys_cannot_be_ended_by_anybody_with_such_a_token(erasure: Erasure) -> None:
    with pytest.raises(EngineError, match="may not POST transit/keys/hosting-platform-secrets/config"):
        erasure.session(EXECUTOR).vault.destroy_key(render.SECRETS_KEY)
    assert erasure.session().vault.has_key(render.SECRETS_KEY)


ENTRIES = Ways(Journal, "append", is_any)
"""A run writes what it is about to do, and what it did: it dies between any two of these."""


def test_killed_at_each_stage_it_ends_with_nothing_readable_and_one_record(
    erasure: Erasure, joined: Secret, repository: Restic
) -> None:
    session, own, host = erasure.session(EXECUTOR), own_secrets(erasure), erasure.host
    opened = [host.passphrase(Held.ACTIVE), host.passphrase(Held.RECOVERY), joined.reveal()]
    assert [host.opens(it) for it in opened] == [True, True, True]
    assert len(repository.snapshots()) == 1
    entries = 1
    while True:
        try:
            with dying_after(entries, ENTRIES):
                done = erasure.carry_out()
        except Killed:
            entries += 4
        else:
            break
    assert (done.status, done.errors, entries > 24) == (ExitStatus.DONE, (), True)
    purposes = ("objects", "volumes", "backups")
    assert [session.vault.has_key(naming.transit_key(APPLICATION, it)) for it in purposes] == [False, False, False]
    assert [session.vault.can_unwrap(entry) for entry in own] == [False] * len(own)
    assert (host.slots(), host.copy.exists()) == ([], False)
    for passphrase in opened:
        with pytest.raises(Exception, match="No usable keyslot"):
            host.opens(passphrase)
    assert f"stop hosting-volume-{APPLICATION}-data.service" in host.units_asked
    for name in ("scan", "a-study"):
        (version,) = session.stores[STORE].versions(IMAGES, name)
        with pytest.raises(EngineError):
            session.stores[STORE].get_version(IMAGES, name, version.version)
    # Whoever kept the password cannot read what lies in the bucket: not the key of the repository, no snapshot.
    with pytest.raises(UnreadableError):
        repository.snapshots()
    assert session.vault.provisioner_credentials("platform/object-store-admin").reveal()


def test_the_record_says_who_when_and_what_was_proven(erasure: Erasure) -> None:
    (record,) = erasure.records()
    assert (record["asked_by"], record["carried_out_by"]) == ([f"token-{ENGINEER}"], f"token-{EXECUTOR}")
    assert [it["by"] for it in record["approved"]] == [f"token-{OFFICER}"]
    asked, done = (datetime.fromisoformat(str(record[it])) for it in ("asked_at", "carried_out_at"))
    assert done - asked >= timedelta(days=21)
    proofs = {(it["of"], it["proof"]): it for it in record["proofs"]}
    for name, tried in ((IMAGES, "a-study"), (BACKUP, f"{erasure.host.place.host}/config")):
        seen = proofs[str(Subject("bucket", name)), "fail to read those objects"]["observed"]
        assert (seen["tried"], seen["readable"]) == (True, False)
        assert [it["name"].rpartition("-")[0] for it in seen["objects"][:1]] == ["hosting-proof/destruction"]
        assert [it["name"] for it in seen["objects"][1:]] == [tried]
    assert sum("fail to unwrap it" in proof for _, proof in proofs) == len(own_secrets(erasure))
    assert erasure.session().journal.entries()[-1].kind == "completed"


def test_the_record_says_what_opened_the_volume_before_and_that_nothing_does_after(erasure: Erasure) -> None:
    (record,) = erasure.records()
    volume = str(Subject("host-volume", erasure.host.place.name))
    seen = {it["proof"]: it for it in record["proofs"] if it["of"] == volume}
    ended, tried = seen.values()
    before = [it for it in [ended["observed"], *ended.get("by_earlier_runs", [])] if it]
    assert {"active": "0", "recovery": "1"} in [it["opened_before"] for it in before]
    trials = [it for it in [tried["observed"], *tried.get("by_earlier_runs", [])] if it]
    assert all(not it["opening"] and not it["slots"] and not it["copies"] for it in trials)


def test_copies_of_headers_were_opened_before_and_do_not_open_after(erasure: Erasure) -> None:
    (record,) = erasure.records()
    of_copies = [it for it in record["proofs"] if it["of"] == str(Subject("header-copies", APPLICATION))]
    control, trial = of_copies
    opened = [it["opened"] for it in [control["observed"], *control["by_earlier_runs"]] if "opened" in it]
    assert len(opened[0]) == 1
    assert trial["observed"] == {"copies": opened[0], "tried": True, "readable": False}
    assert SealedHeaders(erasure.session(), APPLICATION)._opened() == ([], opened[0])


def test_what_outlives_it_stands_in_the_record(erasure: Erasure) -> None:
    (record,) = erasure.records()
    assert [it["of"] for it in record["outlives"]] == [erasure.host.place.entry(Held.RECOVERY).name]
    assert len(record["limits"]) == 2
    assert "collect and burn the shares" in record["limits"][0]
    assert record["outstanding"] == []


def test_a_plan_does_not_make_the_keys_again(erasure: Erasure) -> None:
    found, _ = make_plan(erasure.session(), None)
    assert [change for change in found.changes if change.subject.kind == TransitKey.kind] == []


# -- a host that nobody reaches ---------------------------------------------------------------------------------------


def execute(region: Path, environment: Path, token: Path, application: str, days: float) -> None:
    """Carry it out as if so many *days* had passed."""
    session = Session(region, environment, token, LazyDoors(), clock=lambda: now() + timedelta(days=days))
    sys.exit(int(destroy(session, application, confirm=application).status))


def carried_out_until_killed(erasure: Erasure, seen: set[str]) -> int | None:
    """Carry it out in a process that is killed as soon as it begins something new; give its status if it ends."""
    token, environment = erasure.lab.token_file(EXECUTOR), erasure.lab.environment_file
    process = Forked(execute, erasure.region, environment, token, APPLICATION, erasure.days)
    while process.poll() is None:
        if set(begun(erasure.lab)) - seen:
            time.sleep(0.01)
            process.kill()
            process.wait(timeout_seconds=60)
            return None
        time.sleep(0.002)
    return process.poll()


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Erasure]:
    """Give a lab of which the host does not answer: approved, waited for."""
    with made(tmp_path_factory.mktemp("apart")) as found:
        found.host.down = "it does not answer"
        asked = destroy(found.session(), APPLICATION)
        assert asked.data["request"]["goal"]["outlives"] == []
        approve(found.session(OFFICER), asked.data["procedure"])
        found.days = 21.1
        yield found


def test_who_works_every_day_cannot_carry_it_out(apart: Erasure) -> None:
    done = destroy(apart.session(ENGINEER), APPLICATION, confirm=APPLICATION)
    assert done.status is ExitStatus.FAILED
    assert "may not POST transit/keys" in str(done.errors)
    assert apart.session().vault.has_key(OBJECTS)


def test_a_host_that_is_not_reached_qualifies_the_end_and_a_later_run_completes_it(apart: Erasure) -> None:
    recovery, name = apart.host.passphrase(Held.RECOVERY), apart.host.place.name
    seen = set(begun(apart.lab))
    for _ in range(3):
        assert carried_out_until_killed(apart, seen) is None
        seen = set(begun(apart.lab))
    done = apart.carry_out()
    assert done.status is ExitStatus.PENDING
    assert f"1 of its volumes could not be reached, and may still be opened with what people hold: {name}" in str(done)
    (record,) = apart.records()
    assert record["outstanding"] == [name]
    assert record["limits"][0].startswith(f"volume {name} was not reached (it does not answer)")
    assert not apart.session().vault.has_key(OBJECTS)
    assert apart.host.opens(recovery)  # as the record says
    apart.host.down = None
    done = apart.carry_out()
    assert (done.status, apart.host.slots()) == (ExitStatus.DONE, [])
    record = apart.records()[-1]
    assert (record["outstanding"], len(record["limits"])) == ([], 1)
    assert apart.session().journal.entries()[-1].kind == "completed"
    assert "nobody asked for it" in refused(apart)
