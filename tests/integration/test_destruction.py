"""Cryptographic erasure on real engines: two people, a waiting time, a confirmation, and nothing can be read."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from engines_lab import SAMPLE
from lab_commands import ENGINEER, OFFICER, begun, run, without_machines

from hosting_cli.app import LazyDoors
from hosting_cli.commands.approve import approve
from hosting_cli.commands.key import destroy, withdraw
from hosting_cli.commands.plan import make_plan
from hosting_cli.console import Progress
from hosting_cli.errors import EngineError, RefusedError
from hosting_cli.lab import laboratory
from hosting_cli.lab.laboratory import Lab
from hosting_cli.resources import SecretEntry, TransitKey
from hosting_cli.result import ExitStatus
from hosting_cli.session import Session, now
from inventory import naming
from inventory.resource import Subject
from vault_policies import render

APPLICATION, STORE = "imagerie-beaune", "dijon-objects"
OBJECTS = naming.transit_key(APPLICATION, "objects")
EXECUTOR = "destruction-executor"


@dataclass
class Erasure:
    """A lab whose application has left the files, with data in its bucket; days pass when a test says so."""

    lab: Lab
    region: Path
    days: float = 0

    def session(self, person: str = ENGINEER) -> Session:
        clock = lambda: now() + timedelta(days=self.days)  # noqa: E731
        token_file = self.lab.token_file(person)
        return Session(self.region, self.lab.environment_file, token_file, LazyDoors(), Progress(quiet=True), clock)


@pytest.fixture(scope="module")
def erasure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Erasure]:
    folder = tmp_path_factory.mktemp("destruction")
    with without_machines(folder) as lab:
        digest = run(lab, "plan")[1]["data"]["plan"]["digest"]
        assert run(lab, "approve", digest, person=OFFICER)[0] == 0
        assert run(lab, "apply", digest)[0] == 4  # there are no hosts
        region = folder / "region"
        shutil.copytree(SAMPLE, region)
        (region / "applications" / f"{APPLICATION}.yaml").unlink()
        found = Erasure(lab, region)
        door = found.session().stores[STORE]
        door.put_object(f"bfc-{APPLICATION}-images", "scan", b"of a patient")
        with laboratory.root_token(lab) as token_file:
            root = Session(region, lab.environment_file, token_file, LazyDoors(), Progress(quiet=True))
            policies = (render.OPERATIONS_POLICY, render.DESTRUCTION_POLICY)
            laboratory.write_secret(
                lab.token_file(EXECUTOR), root.vault.issue_token(EXECUTOR, policies, period_seconds=3600)
            )
        yield found


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


def test_it_takes_two_people_a_waiting_time_and_a_confirmation(erasure: Erasure) -> None:
    asked = destroy(erasure.session(), APPLICATION)
    inventory = asked.data["request"]["goal"]["inventory"]
    assert inventory["keys"] == [naming.transit_key(APPLICATION, it) for it in ("backups", "objects", "volumes")]
    assert f"{STORE}/bfc-{APPLICATION}-images" in inventory["buckets"]
    assert inventory["secrets"] == sorted(entry.name for entry in own_secrets(erasure))
    assert len(inventory["secrets"]) >= 5
    assert destroy(erasure.session(), APPLICATION).data["procedure"] == asked.data["procedure"]
    assert "no second person" in refused(erasure)
    with pytest.raises(RefusedError, match="a second person"):
        approve(erasure.session(), asked.data["procedure"])
    approve(erasure.session(OFFICER), asked.data["procedure"])
    assert "its waiting time ends on" in refused(erasure)
    erasure.days = 20.9
    assert "its waiting time ends on" in refused(erasure)
    erasure.days = 21.1
    assert "not confirmed" in refused(erasure, confirm="imagerie")
    assert destroy(erasure.session(), APPLICATION).status is ExitStatus.PENDING
    assert erasure.session().stores[STORE].get_object(f"bfc-{APPLICATION}-images", "scan") == b"of a patient"


def test_what_was_added_meanwhile_was_not_approved(erasure: Erasure) -> None:
    vault, name = erasure.session().vault, f"hosting-{APPLICATION}-extra"
    vault.write(TransitKey(name=name, owner=APPLICATION))
    assert f"keys were added since it was asked for: {name}" in refused(erasure)
    erasure.session(EXECUTOR).vault.destroy_key(name)
    assert not vault.has_key(name)


def test_who_works_every_day_cannot_carry_it_out(erasure: Erasure) -> None:
    done = destroy(erasure.session(ENGINEER), APPLICATION, confirm=APPLICATION)
    assert done.status is ExitStatus.FAILED
    assert "may not POST transit/keys" in str(done.errors)
    assert erasure.session().vault.has_key(OBJECTS)


EXECUTE = """
import sys
from datetime import timedelta
from pathlib import Path
from hosting_cli.app import LazyDoors
from hosting_cli.commands.key import destroy
from hosting_cli.session import Session, now
region, environment, token, application, days = sys.argv[1:]
clock = lambda: now() + timedelta(days=float(days))
session = Session(Path(region), Path(environment), Path(token), LazyDoors(), clock=clock)
sys.exit(int(destroy(session, application, confirm=application).status))
"""


def carried_out_until_killed(erasure: Erasure, seen: set[str]) -> int | None:
    """Carry it out in a process that is killed as soon as it begins something new; give its status if it ends."""
    token, environment = erasure.lab.token_file(EXECUTOR), erasure.lab.environment_file
    arguments = map(str, (erasure.region, environment, token, APPLICATION, erasure.days))
    process = subprocess.Popen(
        [sys.executable, "-c", EXECUTE, *arguments], start_new_session=True, stderr=subprocess.DEVNULL
    )
    while process.poll() is None:
        if set(begun(erasure.lab)) - seen:
            time.sleep(0.01)
            os.killpg(process.pid, 9)
            process.wait()
            return None
        time.sleep(0.002)
    return process.returncode


def test_the_platforms_own_keys_cannot_be_ended_by_anybody_with_such_a_token(erasure: Erasure) -> None:
    with pytest.raises(EngineError, match="may not POST transit/keys/hosting-platform-secrets/config"):
        erasure.session(EXECUTOR).vault.destroy_key(render.SECRETS_KEY)
    assert erasure.session().vault.has_key(render.SECRETS_KEY)


def test_killed_three_times_it_ends_with_nothing_readable_and_one_record(erasure: Erasure) -> None:
    session, own = erasure.session(EXECUTOR), own_secrets(erasure)
    seen = set(begun(erasure.lab))
    for _ in range(3):
        assert carried_out_until_killed(erasure, seen) is None
        seen = set(begun(erasure.lab))
    done = destroy(erasure.session(EXECUTOR), APPLICATION, confirm=APPLICATION)
    assert done.status is ExitStatus.DONE
    assert [session.vault.has_key(naming.transit_key(APPLICATION, it)) for it in ("objects", "volumes", "backups")] == [
        False,
        False,
        False,
    ]
    assert [session.vault.can_unwrap(entry) for entry in own] == [False] * len(own)
    with pytest.raises(EngineError):
        session.stores[STORE].get_object(f"bfc-{APPLICATION}-images", "scan")
    assert session.vault.provisioner_credentials("platform/object-store-admin").reveal()


def test_the_record_says_who_when_and_what_was_proven(erasure: Erasure) -> None:
    entries = erasure.session().journal.entries()
    (record,) = (entry.data for entry in entries if entry.kind == "destruction")
    assert (record["asked_by"], record["carried_out_by"]) == ([f"token-{ENGINEER}"], f"token-{EXECUTOR}")
    assert [it["by"] for it in record["approved"]] == [f"token-{OFFICER}"]  # type: ignore[union-attr,index,call-overload]
    asked, done = (datetime.fromisoformat(str(record[it])) for it in ("asked_at", "carried_out_at"))
    assert done - asked >= timedelta(days=21)
    proofs = {(it["of"], it["proof"]): it["observed"] for it in record["proofs"]}  # type: ignore[union-attr,index,call-overload]
    bucket = str(Subject("bucket", f"bfc-{APPLICATION}-images"))
    assert proofs[bucket, "fail to read an object"]["readable"] is False
    assert sum("fail to unwrap it" in proof for _, proof in proofs) == len(own_secrets(erasure))
    assert entries[-1].kind == "completed"


def test_a_plan_does_not_make_the_keys_again(erasure: Erasure) -> None:
    found = make_plan(erasure.session(), None)
    assert [change for change in found.changes if change.subject.kind == TransitKey.kind] == []
