"""Passphrases of a real LUKS2 volume rotated on a real vault: at each moment its host can open it."""

import base64
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dying import STORE, Killed, after_change, dying_after
from engines_lab import SAMPLE
from lab_commands import OFFICER, run, session_of, without_machines
from volumes_lab import WAYS, FileHost, add_stray, destroy, file_host

from deploys import reading_storage
from deploys.agent import identity
from deploys.agent.vault import VaultError
from deploys.desired import Published
from hosting_cli.actors import CopiesActor
from hosting_cli.app import LazyDoors
from hosting_cli.commands import approve as approving
from hosting_cli.commands import headers, key, volume
from hosting_cli.commands.headers import Action
from hosting_cli.console import Progress
from hosting_cli.desired import desired
from hosting_cli.errors import EngineError, HostingError, RefusedError, UnreadableError
from hosting_cli.lab import faults
from hosting_cli.lab.laboratory import Lab
from hosting_cli.plan import Change, plan
from hosting_cli.proofs import headers as headers_proof
from hosting_cli.proofs.proof import Verdict
from hosting_cli.resources import HeaderCopy
from hosting_cli.result import ExitStatus, Result
from hosting_cli.session import Session
from hosting_cli.survey import Survey
from hosting_cli.volumes.agent import VolumeAgent
from hosting_cli.volumes.copies import Copies
from hosting_cli.volumes.copy_reading import read_copies
from hosting_cli.volumes.places import Held
from inventory.resource import Reading, Subject

MAGIC = b"LUKS\xba\xbe"
"""What a header begins with."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Give a lab on which the sample application has its keys, secrets and buckets."""
    with without_machines(tmp_path_factory.mktemp("volumes")) as found:
        _, planned = run(found, "plan")
        digest = planned["data"]["plan"]["digest"]
        assert run(found, "approve", digest, person=OFFICER)[0] == 0
        assert run(found, "apply", digest)[0] == 4  # there are no hosts
        yield found


@pytest.fixture
def host(lab: Lab, tmp_path: Path) -> Iterator[FileHost]:
    with file_host(session_of(lab), tmp_path) as found:
        yield found


def approve(lab: Lab, asked: Result) -> None:
    """Let what was asked for happen, as the second person."""
    officer = Session(SAMPLE, lab.environment_file, lab.token_file(OFFICER), LazyDoors(), Progress(quiet=True))
    assert approving.approve(officer, asked.data["procedure"]).status is ExitStatus.DONE


def ask(lab: Lab, host: FileHost, held: Held) -> str:
    """Ask for a rotation, have it approved, and give the name of what is rotated."""
    name = host.place.entry(held).name
    asked = key.rotate(host.session, name)
    assert asked.status is ExitStatus.PENDING
    approve(lab, asked)
    return name


def rotate(lab: Lab, host: FileHost, held: Held) -> Result:
    return key.rotate(host.session, ask(lab, host, held))


def boots(host: FileHost) -> bool:
    """Tell whether the host can do what its unit does at boot."""
    return host.run(["/usr/local/sbin/hosting-agent", "try-volume", host.place.volume.application, "data"]).status == 0


def is_whole(host: FileHost, held: Held) -> None:
    """Nothing of a rotation is left over, and what the vault keeps opens the volume and the copy of its header."""
    assert boots(host)
    assert host.opens(host.passphrase(Held.RECOVERY))
    assert len(host.slots()) == 2
    assert not host.session.vault.has_secret(host.place.next_entry(held).name)
    (volume,) = host.read({host.place.host: {}})[host.place.host]["storage"]["value"]["volumes"].values()
    assert volume["luks"]["saved_checksum"] == volume["luks"]["checksum"]


def listed(host: FileHost) -> dict[str, Any]:
    (found,) = volume.list_(host.session).data["volumes"]
    return dict(found)


def ask_for_restore(lab: Lab, host: FileHost) -> Result:
    """Ask that the header be brought back, have it approved, and show that nothing happens unconfirmed."""
    asked = headers.header(host.session, Action.RESTORE, host.place.name)
    assert asked.status is ExitStatus.PENDING
    approve(lab, asked)
    assert headers.header(host.session, Action.RESTORE, host.place.name).status is ExitStatus.PENDING
    assert listed(host)["state"] == "lost"
    return asked


def restore(host: FileHost) -> Result:
    return headers.header(host.session, Action.RESTORE, host.place.name, confirm=host.place.name)


def test_where_the_evidence_has_none_the_hosts_own_copy_is_taken(lab: Lab, host: FileHost) -> None:
    """First of all, because what others add to the evidence stays there."""
    assert listed(host)["copies"] == []
    destroy(host)
    asked = ask_for_restore(lab, host)
    assert asked.data["request"]["goal"]["copy"] == "the host's own copy"
    assert restore(host).status is ExitStatus.DONE
    is_whole(host, Held.ACTIVE)


# -- rotations --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("held", Held)
def test_a_passphrase_moves_to_a_slot_of_its_own_and_back(lab: Lab, host: FileHost, held: Held) -> None:
    homes = {Held.ACTIVE: (["1", "2"], ["0", "1"]), Held.RECOVERY: (["0", "3"], ["0", "1"])}[held]
    for slots in homes:
        before = host.passphrase(held)
        done = rotate(lab, host, held)
        assert (done.status, host.slots()) == (ExitStatus.DONE, slots)
        assert host.passphrase(held) != before
        assert not host.opens(before)
        is_whole(host, held)


@pytest.mark.parametrize("held", Held)
def test_killed_after_each_change_the_volume_always_opens_and_the_next_run_goes_on(
    lab: Lab, host: FileHost, held: Held
) -> None:
    name, before, kills = ask(lab, host, held), host.passphrase(held), 0
    while True:
        try:
            with dying_after(kills % 3 + 1, *WAYS):
                done = key.rotate(host.session, name)
        except Killed:
            kills += 1
            assert boots(host)
            assert host.opens(host.passphrase(Held.RECOVERY))
            assert kills < 30
        else:
            break
    assert (done.status, kills >= 8) == (ExitStatus.DONE, True)
    assert host.passphrase(held) != before
    assert not host.opens(before)
    is_whole(host, held)
    assert run(lab, "journal", "verify")[0] == 0
    assert not any(host.passphrase(each) in Path(lab.journal).read_text() for each in Held)


def test_no_host_may_read_a_passphrase_that_is_not_stored_yet(lab: Lab, host: FileHost) -> None:
    with pytest.raises(Killed), dying_after(3, *WAYS):  # the entry of the next passphrase is there, with its note
        key.rotate(host.session, ask(lab, host, Held.ACTIVE))
    name = host.place.next_entry(Held.ACTIVE).name
    assert host.session.vault.has_secret(name)
    with identity.login(host.place.volume.application) as login, pytest.raises(VaultError, match="403"):
        login.reveal(name)
    assert key.rotate(host.session, host.place.entry(Held.ACTIVE).name).status is ExitStatus.DONE


@pytest.mark.parametrize(
    ("held", "changes", "slots"),
    [(Held.ACTIVE, 4, ["0", "1", "2"]), (Held.RECOVERY, 4, ["0", "1", "3"]), (Held.RECOVERY, 2, ["0", "1"])],
    ids=["the slot is there", "the slot of the recovery passphrase is there", "the next value is stored, unmarked"],
)
def test_a_vault_sealed_in_the_middle_stops_it_and_the_same_command_goes_on(
    lab: Lab, host: FileHost, held: Held, changes: int, slots: list[str]
) -> None:
    name = ask(lab, host, held)
    try:
        with after_change(changes, lambda: faults.inject(lab, "vault-sealed", ""), *WAYS):
            stopped = key.rotate(host.session, name)
    finally:
        faults.mend(lab, "vault-sealed", "", Progress(quiet=True))
    assert (stopped.status, host.slots()) == (ExitStatus.UNKNOWN, slots)
    assert boots(host)
    assert host.opens(host.passphrase(Held.RECOVERY))
    assert key.rotate(host.session, name).status is ExitStatus.DONE
    is_whole(host, held)


def test_a_slot_that_nobody_needs_ends_with_the_next_rotation(lab: Lab, host: FileHost) -> None:
    add_stray(host, "2")
    add_stray(host, "5")
    assert host.opens("of an intruder")
    assert rotate(lab, host, Held.ACTIVE).status is ExitStatus.DONE
    assert not host.opens("of an intruder")
    is_whole(host, Held.ACTIVE)


def test_a_rotation_called_off_in_the_middle_leaves_its_slot_to_the_next_one(lab: Lab, host: FileHost) -> None:
    name = ask(lab, host, Held.ACTIVE)
    with pytest.raises(Killed), dying_after(4, *WAYS):  # three for the entry, one for the slot
        key.rotate(host.session, name)
    assert host.slots() == ["0", "1", "2"]
    (procedure,) = {json.loads(line)["data"].get("procedure") for line in lab.journal.read_text().splitlines()[-1:]}
    key.withdraw(host.session, procedure)
    before = host.passphrase(Held.ACTIVE)
    assert rotate(lab, host, Held.ACTIVE).status is ExitStatus.DONE
    assert not host.opens(before)
    is_whole(host, Held.ACTIVE)


def test_a_passphrase_that_opens_nothing_is_not_rotated(lab: Lab, host: FileHost) -> None:
    entry = host.place.entry(Held.RECOVERY)
    kept = host.session.vault.reveal_secret(entry)
    host.session.vault.replace_secret(entry, host.session.vault.new_value(entry), note={})
    with pytest.raises(RefusedError, match="recovery passphrase that the vault keeps does not open it"):
        key.rotate(host.session, host.place.entry(Held.ACTIVE).name)
    host.session.vault.replace_secret(entry, kept, note={})
    assert host.slots() == ["0", "1"]


# -- copies of headers ------------------------------------------------------------------------------------------------


def test_a_copy_is_sealed_kept_brought_back_and_opened(lab: Lab, host: FileHost) -> None:
    before = listed(host)
    assert (before["state"], before["saved_on_host"]) == ("stale", True)
    assert headers.header(host.session, Action.SAVE, host.place.name).status is ExitStatus.DONE
    after = listed(host)
    assert (after["state"], after["reasons"], after["tested_at"] is not None) == ("in order", [], True)
    copy = after["copies"][-1]
    assert len(after["copies"]) == len(before["copies"]) + 1
    assert copy["checksum"] == after["checksum"]
    (kept,) = host.session.evidence.kept(copy["name"])
    sealed = host.session.evidence.get(kept)
    assert MAGIC not in sealed
    assert base64.b64encode(MAGIC) not in sealed
    assert len(sealed) < 2 << 20  # what no slot uses is not kept
    shown = volume.show(host.session, host.place.name)
    assert shown.data["slots"]["0"] == {"key_bits": 512, "type": "argon2id", "memory": 1024, "time": 4, "cpus": 1}
    assert headers.header(host.session, Action.SAVE, host.place.name).status is ExitStatus.DONE
    assert len(listed(host)["copies"]) == len(after["copies"])


def test_without_its_transit_key_a_copy_is_of_use_to_nobody(lab: Lab, host: FileHost) -> None:
    headers.header(host.session, Action.SAVE, host.place.name)
    transit = host.place.entry(Held.ACTIVE).wrapped_by
    host.session.vault.set_key_enabled(transit, enabled=False)
    try:
        with pytest.raises(EngineError):
            headers.header(host.session, Action.TEST, host.place.name)
    finally:
        host.session.vault.set_key_enabled(transit, enabled=True)
    assert headers.header(host.session, Action.TEST, host.place.name).status is ExitStatus.DONE


def test_a_lost_header_comes_back_from_the_evidence_after_a_rotation(lab: Lab, host: FileHost) -> None:
    headers.header(host.session, Action.SAVE, host.place.name)
    assert rotate(lab, host, Held.ACTIVE).status is ExitStatus.DONE
    assert listed(host)["state"] == "in order"  # the rotation renewed it
    slots = host.slots()
    destroy(host)
    host.copy.unlink()
    assert not boots(host)
    asked = ask_for_restore(lab, host)
    assert asked.data["request"]["goal"]["found"] == "its header is lost"
    assert restore(host).status is ExitStatus.DONE
    assert host.slots() == slots
    is_whole(host, Held.ACTIVE)
    assert listed(host)["state"] == "in order"


def test_a_restore_killed_after_each_change_goes_on(lab: Lab, host: FileHost) -> None:
    headers.header(host.session, Action.SAVE, host.place.name)
    destroy(host)
    ask_for_restore(lab, host)
    kills = 0
    while not kills or listed(host)["state"] != "in order":
        with suppress(Killed), dying_after(1, *WAYS):
            restore(host)
        kills += 1
        assert kills < 9
    assert restore(host).status is ExitStatus.DONE
    is_whole(host, Held.ACTIVE)


def test_a_header_that_opens_is_never_written_over(lab: Lab, host: FileHost) -> None:
    headers.header(host.session, Action.SAVE, host.place.name)
    with pytest.raises(RefusedError, match="its header opens with what the vault keeps"):
        headers.header(host.session, Action.RESTORE, host.place.name)
    copy = Copies(host.session, host.place)
    with pytest.raises(EngineError, match="there is nothing to mend"):
        VolumeAgent(host.session, host.place).restore_header(copy.on_host(), copy.passphrases())


def test_a_copy_of_another_volume_or_with_older_passphrases_is_never_written(lab: Lab, host: FileHost) -> None:
    copies, agent = Copies(host.session, host.place), VolumeAgent(host.session, host.place)
    older = copies.on_host()
    rotate(lab, host, Held.ACTIVE)
    destroy(host)
    for copy, words in ((older, "does not open with what"), (replace(older, uuid="another"), "the copy is of")):
        with pytest.raises(EngineError, match=words):
            agent.restore_header(copy, copies.passphrases())


def test_a_volume_that_was_made_anew_gets_no_header_of_the_one_before(lab: Lab, host: FileHost) -> None:
    headers.header(host.session, Action.SAVE, host.place.name)
    host.make()
    destroy(host)
    asked = headers.header(host.session, Action.RESTORE, host.place.name)
    assert asked.data["request"]["goal"]["copy"] == "the host's own copy"
    key.withdraw(host.session, asked.data["procedure"])


def test_a_copy_is_sealed_anew_before_the_versions_that_open_it_are_retired(lab: Lab, host: FileHost) -> None:
    headers.header(host.session, Action.SAVE, host.place.name)
    before = listed(host)["copies"]
    transit = host.place.entry(Held.ACTIVE).wrapped_by
    asked = key.rotate(host.session, transit, retire=True)
    approve(lab, asked)
    assert key.rotate(host.session, transit, retire=True).status is ExitStatus.DONE
    after = listed(host)
    assert (after["state"], len(after["copies"])) == ("in order", len(before) + 1)
    destroy(host)
    host.copy.unlink()
    ask_for_restore(lab, host)
    assert restore(host).status is ExitStatus.DONE
    is_whole(host, Held.ACTIVE)


def test_no_copy_is_kept_of_a_header_with_a_slot_that_nobody_needs(lab: Lab, host: FileHost) -> None:
    add_stray(host, "5")
    assert listed(host)["state"] == "stray slot"
    with pytest.raises(RefusedError, match="nobody needs slot 5"):
        headers.header(host.session, Action.SAVE, host.place.name)


def test_half_a_header_mends_itself_when_it_is_tried(lab: Lab, host: FileHost) -> None:
    with host.device.open("r+b") as stream:
        stream.write(bytes(4096))
    assert listed(host)["state"] == "lost"
    assert host.opens(host.passphrase(Held.ACTIVE))  # cryptsetup writes the second copy of the header over the first
    assert listed(host)["state"] == "stale"


def test_an_unreachable_host_is_unknown_and_not_in_order(lab: Lab, host: FileHost) -> None:
    host.down = "it is down"
    found = volume.list_(host.session)
    assert (found.status, found.data["volumes"][0]["state"]) == (ExitStatus.UNKNOWN, "unknown")
    with pytest.raises(UnreadableError):
        headers.header(host.session, Action.RESTORE, host.place.name)


# -- the copy that apply makes ----------------------------------------------------------------------------------------


def planned(host: FileHost) -> tuple[CopiesActor, list[Change]]:
    """Read the host's volume and the evidence as a plan does, and say what a plan would change of copies."""
    session = host.session
    wanted = desired(session.region, session.environment, Published((), ""))
    (volume,) = host.read({host.place.host: {}})[host.place.host]["storage"]["value"]["volumes"].values()
    opened = {**volume, "mapper": None, "filesystem": None}
    found = reading_storage.volume(opened, host.place.volume)
    seen = Reading(found.source, session.clock(), {found.subject: found})
    copies = list(read_copies(session, wanted, [seen]))
    chosen = [item for item in wanted.values() if isinstance(item, HeaderCopy)]
    changes = plan(chosen, copies, region="r", environment="test").changes
    return CopiesActor(session, Survey(wanted, (seen, *copies))), list(changes)


def carry_out(host: FileHost) -> dict[Subject, HostingError]:
    actor, changes = planned(host)
    assert [change.subject.name for change in changes] == [host.place.name]
    return dict(actor.carry_out(changes, lambda _change: None))


def test_apply_keeps_a_copy_of_a_new_header_once_it_was_opened_and_a_plan_is_green_then(
    lab: Lab, host: FileHost
) -> None:
    assert listed(host)["state"] == "stale"  # the volume was made anew, so its header is another one
    assert carry_out(host) == {}
    assert host.commands[-2:] == ["fetch-header", "test-header"]
    assert planned(host)[1] == []
    after = listed(host)
    assert (after["state"], after["reasons"]) == ("in order", [])
    (proof,) = headers_proof.prove(host.session, host.session.application(host.place.volume.application))
    assert (proof.verdict, proof.observed["checksum"]) == (Verdict.HELD, after["checksum"])
    (kept,) = [copy for copy in after["copies"] if copy["checksum"] == after["checksum"]]
    assert Copies(host.session, host.place).tried().observed["copy"] == kept["name"]


def test_an_apply_killed_when_the_copy_is_kept_has_kept_one_that_opened(lab: Lab, host: FileHost) -> None:
    before = listed(host)["copies"]
    with pytest.raises(Killed), dying_after(1, STORE):
        carry_out(host)
    assert host.commands[-2:] == ["fetch-header", "test-header"]
    after = listed(host)
    assert len(after["copies"]) == len(before) + 1
    assert planned(host)[1] == []
    assert Copies(host.session, host.place).tried().observed["copy"] == after["copies"][-1]["name"]


def test_slots_that_changed_call_for_another_copy(lab: Lab, host: FileHost) -> None:
    assert carry_out(host) == {}
    add_stray(host, "2")
    assert [change.before for change in planned(host)[1]] != []
    (proof,) = headers_proof.prove(host.session, host.session.application(host.place.volume.application))
    assert proof.verdict is Verdict.BROKEN


def test_a_copy_that_does_not_open_is_not_kept_and_the_next_run_keeps_a_good_one(lab: Lab, host: FileHost) -> None:
    before, entry = listed(host)["copies"], host.place.entry(Held.RECOVERY)
    kept = host.session.vault.reveal_secret(entry)
    host.session.vault.replace_secret(entry, host.session.vault.new_value(entry), note={})
    (failure,) = carry_out(host).values()
    assert "does not open with both passphrases" in failure.what
    assert f"hosting volume header save {host.place.name}" in failure.remedy
    assert listed(host)["copies"] == before
    host.session.vault.replace_secret(entry, kept, note={})
    assert carry_out(host) == {}
    assert planned(host)[1] == []
