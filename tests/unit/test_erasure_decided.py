"""What is told of an erasure: what outlives the keys, which volumes may be touched, how far it went."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hosting_cli.destruction import LostVolume, Remains, evidence, loss
from hosting_cli.erasure.fates import Fate, fate_of
from hosting_cli.erasure.outliving import OfflineExport, ShareSet, outliving
from hosting_cli.errors import HostingError, UnreadableError
from hosting_cli.journal import Journal
from hosting_cli.procedure import Outcome, State, Step, proof
from hosting_cli.resources import SecretEntry, SecretPurpose
from inventory.resource import Json, Subject

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
RECOVERY = "imaging/volumes/host-1/data/recovery"
PASSWORD = "imaging/backups/host-1/repository"
VOLUME = LostVolume("imaging", "host-1", "data")


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.jsonl", now=lambda: NOW, who=lambda: "me")


# -- what outlives the keys -------------------------------------------------------------------------------------------


def hand_out(journal: Journal, secret: str, set_id: str, *, all_shown: bool = True) -> None:
    about: dict[str, Json] = {"subject": secret, "set": set_id, "holders": 5, "needed": 3}
    journal.append("recovery-shares", {**about, "sentence": "begun to hand shares out"})
    if all_shown:
        journal.append("recovery-shares", {**about, "sentence": "every share was shown once"})


def export(journal: Journal, repository: str, into: str, *, finished: bool = True) -> None:
    about: dict[str, Json] = {"procedure": f"of {into}", "subject": {"kind": "repository", "name": repository}}
    journal.append("intent", {**about, "sentence": f"write it into {into}"})
    if finished:
        journal.append("done", {**about, "sentence": f"write it into {into}", "observed": {"files": 3}})
        journal.append("intent", {**about, "sentence": "read it back"})
        journal.append("done", {**about, "sentence": "read it back", "observed": {"manifest_sha256": "c0ffee" * 10}})


def test_shares_and_exports_of_the_application_outlive_its_keys_finished_or_not(journal: Journal) -> None:
    hand_out(journal, RECOVERY, "aa")
    hand_out(journal, PASSWORD, "bb", all_shown=False)
    hand_out(journal, "imaging-neighbour/volumes/host-1/data/recovery", "cc")
    export(journal, "imaging/host-1", "/media/one")
    export(journal, "imaging/host-1", "/media/two", finished=False)
    export(journal, "imaging-neighbour/host-1", "/media/three")
    found = outliving("imaging", journal.entries(), {RECOVERY: NOW - timedelta(days=1)})
    assert [(it.secret, it.set_id, it.of_present_value) for it in found if isinstance(it, ShareSet)] == [
        (RECOVERY, "aa", True),
        (PASSWORD, "bb", None),
    ]
    assert [(it.into, it.manifest is not None) for it in found if isinstance(it, OfflineExport)] == [
        ("/media/one", True),
        ("/media/two", False),
    ]
    assert {it.to_json()["kind"] for it in found} == {"share-set", "export"}


def test_shares_of_a_value_that_was_rotated_since_still_count(journal: Journal) -> None:
    hand_out(journal, RECOVERY, "aa")
    (found,) = outliving("imaging", journal.entries(), {RECOVERY: NOW + timedelta(days=1)})
    assert isinstance(found, ShareSet)
    assert (found.of_present_value, "of an earlier value" in str(found)) == (False, True)


@pytest.mark.parametrize(
    ("secret", "opens"),
    [(RECOVERY, "by any copy of its header"), (PASSWORD, "every copy of the repository that left the object store")],
    ids=["a volume's", "a repository's"],
)
def test_it_is_said_what_shares_still_open(secret: str, opens: str) -> None:
    assert opens in str(ShareSet(secret, "aa", 5, 3, NOW, of_present_value=True))


# -- which volumes may be touched -------------------------------------------------------------------------------------

TAGS = ["hosting-owner=imaging", "hosting-volume=data"]
HEADER: dict[str, Any] = {"label": "hosting-imaging-data", "slots": {"0": {}, "1": {}}, "saved_checksum": "now"}
FOUND: dict[str, Any] = {"tags": TAGS, "mounts": [], "luks": HEADER, "mapper": None}
ENDED = {**HEADER, "slots": {}, "saved_checksum": None}


def answer(found: Any) -> dict[str, Any]:
    return {"storage": {"value": {"volumes": {} if found is None else {"imaging-data": found}}}}


@pytest.mark.parametrize(
    ("answered", "fate", "reason"),
    [
        (answer(FOUND), Fate.STANDS, None),
        (answer({**FOUND, "luks": ENDED}), Fate.ENDED, None),
        (answer({**FOUND, "luks": {**ENDED, "saved_checksum": "now"}}), Fate.STANDS, None),
        (answer({**FOUND, "luks": ENDED, "mapper": "by-hand"}), Fate.STANDS, None),
        (answer({**FOUND, "luks": ENDED, "mounts": [["/srv", "ext4"]]}), Fate.STANDS, None),
        (answer({**FOUND, "tags": TAGS[:1]}), Fate.LEFT_ALONE, "is not tagged hosting-volume=data"),
        (answer({**FOUND, "tags": ["hosting-owner=x", TAGS[1]]}), Fate.LEFT_ALONE, "not tagged hosting-owner=imaging"),
        (answer({**FOUND, "luks": {**HEADER, "label": "x"}}), Fate.LEFT_ALONE, "its header is labelled 'x'"),
        (answer({**FOUND, "luks": None, "signatures": ["ext4"]}), Fate.LEFT_ALONE, "lost, and ext4 in its place"),
        (answer({**FOUND, "luks": None, "damage": "no checksum"}), Fate.LEFT_ALONE, "damaged: no checksum"),
        (answer(None), Fate.LEFT_ALONE, "has no such logical volume"),
        (answer({"tags": TAGS, "unreadable": "an error"}), Fate.NOT_REACHED, "an error"),
        ({"storage": {"unknown": "lvm failed"}}, Fate.NOT_REACHED, "lvm failed"),
        (UnreadableError("host host-1", "it is down", "Wait."), Fate.NOT_REACHED, "it is down"),
    ],
    ids=[
        "slots",
        "no slot",
        "no slot but a copy",
        "no slot but open",
        "no slot but mounted",
        "half tagged",
        "another's",
        "another label",
        "lost",
        "damaged",
        "gone",
        "unreadable",
        "not told",
        "down",
    ],
)
def test_what_a_host_shows_says_what_may_be_done(
    answered: dict[str, Any] | HostingError, fate: Fate, reason: str | None
) -> None:
    found = fate_of(VOLUME, answered)
    assert found.fate is fate
    assert (reason in str(found.reason)) if reason else found.reason is None
    assert (found.limit is None) == (fate in {Fate.STANDS, Fate.ENDED})


def test_volumes_are_known_by_the_vaults_entries_which_stay_when_the_keys_have_ended() -> None:
    key = "hosting-imaging-volumes"
    entries = [
        SecretEntry(name=name, owner="imaging", purpose=SecretPurpose.LUKS_RECOVERY, wrapped_by=key)
        for name in (
            RECOVERY,
            "imaging/volumes/host-1/data/active-next",
            "imaging/volumes/host-2/logs/active",
            PASSWORD,
        )
    ]
    found = loss("imaging", entries)
    assert found.volumes == (VOLUME, LostVolume("imaging", "host-2", "logs"))
    assert [entry.name.rpartition("/")[2] for entry in found.passphrases(VOLUME)] == ["active-next", "recovery"]
    assert found.body()["volumes"] == ["host-1:imaging/data", "host-2:imaging/logs"]


# -- how far it went --------------------------------------------------------------------------------------------------


def test_nothing_more_is_said_than_was_proven() -> None:
    assert "is lost for good" in Remains().closing("imaging")[0]
    limited = Remains(limits=("an export",)).closing("imaging")
    assert "What outlives them stands in the record" in limited[0]
    outstanding = Remains(limits=("a volume",), outstanding=("host-1:imaging/data",)).closing("imaging")
    assert "1 of its volumes could not be reached, and may still be opened" in outstanding[0]
    assert "hosting key destroy imaging --confirm imaging" in outstanding[1]
    assert not any("lost for good" in line for line in (*limited, *outstanding))


def test_what_a_killed_run_saw_stands_beside_what_this_one_sees(journal: Journal) -> None:
    subject = Subject("host-volume", VOLUME.name)
    about: dict[str, Json] = {"subject": {"kind": subject.kind, "name": subject.name}, "procedure": "p"}
    journal.append("done", {**about, "sentence": "end it", "observed": {"slots": []}})
    journal.append("done", {**about, "sentence": "try it", "observed": {"tried": ["active"]}})
    journal.append("done", {**about, "sentence": "try it", "observed": {"tried": []}})
    journal.append("done", {**about, "procedure": "another", "sentence": "try it", "observed": {"tried": ["x"]}})
    ended = Outcome(Step(subject, "end it", lambda: None, lambda: True), State.IN_ORDER)
    tried = Outcome(proof(subject, "try it", lambda: None), State.DONE, {"tried": []})
    silent = Outcome(replace(ended.step, sentence="say nothing"), State.IN_ORDER)
    assert [dict(item) for item in evidence([ended, tried, silent], journal.entries(), "p")] == [
        {"of": str(subject), "proof": "end it", "observed": None, "by_earlier_runs": [{"slots": []}]},
        {
            "of": str(subject),
            "proof": "try it",
            "observed": {"tried": []},
            "by_earlier_runs": [{"tried": ["active"]}],
        },
    ]
