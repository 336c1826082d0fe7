"""The chain of evidence on a real vault and a real store: killed, raced, forged, and verified where it is kept."""

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from dying import STORE as STORE_CHANGES
from dying import Killed, Ways, dying_after
from engines_lab import SAMPLE, STORE, Engines

from hosting_cli import store_policies
from hosting_cli.app import LazyDoors
from hosting_cli.console import Progress
from hosting_cli.desired_buckets import platform_buckets
from hosting_cli.doors.evidence import EvidenceDoor
from hosting_cli.doors.objects import ObjectStoreDoor
from hosting_cli.doors.openbao import OpenBao
from hosting_cli.doors.vault_client import VaultClient
from hosting_cli.errors import EngineError, UnreadableError
from hosting_cli.evidence.chain import Recorded, record
from hosting_cli.evidence.pack import packed, program
from hosting_cli.evidence.period import Period
from hosting_cli.evidence.programs import verify
from hosting_cli.evidence.verifying import verified
from hosting_cli.journal import Journal
from hosting_cli.resources import SIGNING_TYPE, Bucket, TransitKey
from hosting_cli.session import Session
from inventory import naming
from inventory.environment import Environment
from inventory.models import Region
from inventory.resource import PLATFORM
from vault_policies import render

NUMBERS = count(1)
SIGNS = Ways(VaultClient, "raw", lambda client, method, path, *rest: path.startswith("transit/sign/"))

Make = Callable[[], Session]


@pytest.fixture
def make(  # noqa: PLR0917 fixtures
    engines: Engines,
    vault_door: OpenBao,
    store_door: ObjectStoreDoor,
    region: Region,
    environment: Environment,
    tmp_path: Path,
) -> Make:
    """Give what makes sessions of somebody who collects, on a locked bucket and a journal of this test's own."""
    wanted = next(item for item in platform_buckets(region) if item.name == naming.evidence_bucket(region))
    assert isinstance(wanted, Bucket)
    name = f"bfc-chain-{next(NUMBERS)}"
    bucket = replace(wanted, name=name, store=STORE, lock_days=1, policy=store_policies.tls_only(name))
    store_door.write(bucket)
    credentials = engines.store.provisioner()

    def made() -> Session:
        session = Session(SAMPLE, None, None, LazyDoors(), Progress(quiet=True))
        vars(session).update(
            environment=environment,
            region=region,
            evidence=EvidenceDoor(engines.store_access(), lambda: credentials, bucket.name),
            journal=Journal(tmp_path / "journal.jsonl", now=session.clock, who=lambda: session.identity),
        )
        return session

    return made


def collected(session: Session, reading: object = "all is well") -> Recorded:
    return record(session, "collection", {"readings": [json.dumps(reading).encode(), b"the same"]}, {"unknown": 0})


def faults(session: Session, head: str | None = None) -> set[tuple[str, str]]:
    return {(item.where, item.what) for item in verified(session, head).faults}


def test_records_follow_each_other_signed_by_a_key_that_nobody_can_take_out(make: Make, engines: Engines) -> None:
    session = make()
    first, second = collected(session, 1), collected(session, 2)
    found = verified(session)
    assert found.faults == ()
    assert [first.record.name, second.record.name] == sorted(found.chain.records)
    assert second.record.previous == first.digest
    assert found.chain.head == (second.record.name, second.digest)
    assert [entry.data["record"] for entry in session.journal.entries()] == [first.digest, second.digest]
    with pytest.raises(EngineError, match="not exportable"):
        engines.as_root("GET", f"transit/export/signing-key/{render.SIGNING_KEY}")


def test_the_signing_key_is_planned_like_the_platforms_other_keys(vault_door: OpenBao) -> None:
    resources = vault_door.read().resources or {}
    wanted = TransitKey(name=render.SIGNING_KEY, owner=PLATFORM, type=SIGNING_TYPE)
    assert resources[wanted.subject].state() == wanted.state()
    assert vault_door.try_key(render.SIGNING_KEY) >= 1
    (known,) = (key for key in vault_door.keys().keys if key.name == render.SIGNING_KEY)
    assert (known.owner, known.lowest_version) == (PLATFORM, 1)
    assert known.made_at is not None


def test_an_auditor_reads_the_key_and_verifies_and_cannot_sign(
    make: Make, root_door: OpenBao, engines: Engines, region: Region
) -> None:
    session = make()
    signature = session.vault.sign(render.SIGNING_KEY, b"seen")
    token = root_door.issue_token("auditor", (render.AUDITOR_POLICY,), period_seconds=600)
    auditor = OpenBao(engines.vault_access(engines.token_file("auditor-of-evidence", token)), region=region.id)
    assert signature.public_key in {key.value for key in auditor.public_keys(render.SIGNING_KEY)}
    with pytest.raises(EngineError, match="may not POST transit/sign"):
        auditor.sign(render.SIGNING_KEY, b"seen")


def test_killed_after_every_change_the_next_run_leaves_neither_hole_nor_fork(make: Make) -> None:
    session, survivors = make(), []
    for number in count(1):
        try:
            with dying_after(number, STORE_CHANGES, SIGNS):
                survivors.append(collected(session, f"killed after change {number}"))
        except Killed:
            survivors.append(collected(make(), f"after {number}"))
            continue
        break
    assert len(survivors) > 4
    found = verified(session)
    assert found.faults == ()
    told = {item.record.name: item.digest for item in survivors}
    kept = {name: verify.sha256(found.chain.contents[name]) for name in found.chain.records}
    assert told.items() <= kept.items()
    assert len(kept) == len(told) + 1, "of one run the record was kept, and nobody was left to be told so"


def test_collectors_at_once_make_one_chain(make: Make) -> None:
    with ThreadPoolExecutor(max_workers=4) as pool:
        made = list(pool.map(lambda number: collected(make(), number), range(8)))
    found = verified(make())
    assert found.faults == ()
    assert {item.digest for item in made} == set(
        map(
            verify.sha256,
            (content for name, content in found.chain.contents.items() if name.startswith(verify.RECORDS)),
        )
    )
    assert len(found.chain.records) == 8


def test_while_the_vault_does_not_sign_nothing_half_is_kept(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    session = make()
    collected(session, 1)

    def sealed(*_: object) -> None:
        raise UnreadableError("vault", "it is sealed", "Unseal it.")

    with monkeypatch.context() as patched:
        patched.setattr(session.vault, "sign", sealed)
        with pytest.raises(UnreadableError):
            collected(session, 2)
    assert len(verified(session).chain.records) == 1
    collected(session, 2)
    assert faults(session) == set()


# -- what somebody does who stole the right to add, or administers the store ---------------------------------------


def put(session: Session, name: str, body: bytes) -> None:
    session.evidence._client.s3.put_object(Bucket=session.evidence._bucket, Key=name, Body=body)


def test_what_is_put_on_top_or_hidden_is_found_and_changes_nothing(make: Make) -> None:
    session = make()
    first = collected(session)
    put(session, first.record.name, b"forged")
    part = first.record.parts[0].name
    session.evidence._client.s3.delete_object(Bucket=session.evidence._bucket, Key=part)
    on_top = "something was put on top of it, or it was hidden; what was kept first is still there"
    assert faults(session) == {(first.record.name, on_top), (part, on_top)}


def test_what_nobody_signed_is_found_and_the_chain_goes_on_past_it(make: Make) -> None:
    session = make()
    first = collected(session)
    put(session, verify.record_name(2), b"in the way")
    put(session, verify.record_name(10**11), b"far ahead")
    third = collected(session)
    assert (first.record.sequence, third.record.sequence) == (1, 3)
    assert {(where, what) for where, what in faults(session) if "is missing" not in what} == {
        (verify.record_name(2), "is no record"),
        (verify.record_name(10**11), "is no record"),
    }


def test_a_record_with_another_time_than_the_store_saw_is_found(make: Make) -> None:
    session = make()
    collected(session, 1)
    session.clock = lambda: datetime.now(UTC) + timedelta(hours=2)
    forged = collected(session, 2)
    ((where, what),) = faults(make())
    assert where == forged.record.name
    assert "but the store took it on" in what


def test_a_chain_that_does_not_hold_what_the_journal_knows_is_found(make: Make) -> None:
    session = make()
    collected(session)
    session.journal.append("evidence", {"record": "0" * 64, "name": verify.record_name(2), "subject": "collection"})
    ((where, what),) = faults(session)
    assert (where, what) == (
        "journal entry 2",
        f"names the record {'0' * 64} as {verify.record_name(2)}, which is not kept",
    )
    assert (("0" * 64), "the record noted earlier is not in the chain: it was rewritten or cut") in faults(
        session, head="0" * 64
    )


def test_what_the_store_no_longer_locks_is_found(make: Make, store_door: ObjectStoreDoor, monkeypatch: Any) -> None:
    session = make()
    made = collected(session)
    session.clock = lambda: datetime.now(UTC) + timedelta(days=2)
    locks = {where for where, what in faults(session) if what.startswith("its lock ended")}
    assert locks == {made.record.name, *(part.name for part in made.record.parts)}
    monkeypatch.setattr(session.evidence, "locked_until", lambda kept: None)
    assert (made.record.name, "the store does not lock it: it can be removed") in faults(session)


# -- keys ----------------------------------------------------------------------------------------------------------


def test_after_a_rotation_the_chain_still_verifies_and_both_keys_are_told(make: Make) -> None:
    session = make()
    before = collected(session)
    session.vault.rotate_key(render.SIGNING_KEY)
    after = collected(session)
    found = verified(session)
    assert found.faults == ()
    assert after.record.previous == before.digest
    used = {found.chain.records[item.record.name].public_key for item in (before, after)}
    assert used <= {key.value for key in found.chain.keys}
    assert len(used) == 2


# -- packed --------------------------------------------------------------------------------------------------------


def test_a_pack_holds_in_the_hands_of_somebody_who_has_nothing_but_python(make: Make, tmp_path: Path) -> None:
    session = make()
    first, last = collected(session, 1), collected(session, 2)
    day = timedelta(days=1)
    now = session.clock()
    pack = packed(session, verified(session).chain, Period(now - day, now + day), {"rapport.html": b"<p>conforme</p>"})
    (tmp_path / "pack.zip").write_bytes(pack.archive)
    (tmp_path / "verify.py").write_bytes(program())
    keys = [verify.fingerprint(key.value) for key in session.vault.public_keys(render.SIGNING_KEY)]
    argv = [sys.executable, "-I", "-S", "verify.py", "pack.zip", *(f"--key={key}" for key in keys)]
    argv += ["--head", first.digest, "--journal", str(session.journal.path)]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert last.digest in done.stdout
    forged = pack.archive.replace(b"rapport.html", b"rapport.htm_")
    (tmp_path / "pack.zip").write_bytes(forged)
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "rapport.html" in done.stdout
