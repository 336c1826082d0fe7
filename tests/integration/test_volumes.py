"""Passphrases of a real LUKS2 volume rotated on a real vault: at each moment its host can open it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_commands import OFFICER, run, session_of, without_machines
from volumes_lab import FileHost, Killed, add_stray, dying_after, file_host

from hosting_cli.commands import key
from hosting_cli.console import Progress
from hosting_cli.errors import RefusedError
from hosting_cli.lab import faults
from hosting_cli.lab.laboratory import Lab
from hosting_cli.result import ExitStatus, Result
from hosting_cli.volumes.places import Held


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Give a lab on which the sample application has its keys, secrets and buckets."""
    with without_machines(tmp_path_factory.mktemp("volumes")) as found:
        _, planned = run(found, "plan")
        digest = planned["data"]["plan"]["digest"]
        assert run(found, "approve", digest, person=OFFICER)[0] == 0
        assert run(found, "apply", digest)[0] == 0
        yield found


@pytest.fixture
def host(lab: Lab, tmp_path: Path) -> Iterator[FileHost]:
    with file_host(session_of(lab), tmp_path) as found:
        yield found


def ask(lab: Lab, host: FileHost, held: Held) -> str:
    """Ask for a rotation, have it approved, and give the name of what is rotated."""
    name = host.place.entry(held).name
    asked = key.rotate(host.session, name)
    assert asked.status is ExitStatus.PENDING
    assert run(lab, "approve", asked.data["procedure"], person=OFFICER)[0] == 0
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
            with dying_after(kills % 3 + 1):
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


def test_a_vault_sealed_in_the_middle_stops_it_and_the_same_command_goes_on(lab: Lab, host: FileHost) -> None:
    name = ask(lab, host, Held.ACTIVE)
    asked, run_agent = [], host.run

    def sealing(*arguments: object, **options: object) -> object:
        done = run_agent(*arguments, **options)  # type: ignore[arg-type]
        if host.commands[-1] == "add-passphrase" and not asked:
            asked.append(faults.inject(lab, "vault-sealed", ""))
        return done

    host.run = sealing  # type: ignore[method-assign,assignment]
    try:
        stopped = key.rotate(host.session, name)
    finally:
        faults.mend(lab, "vault-sealed", "", Progress(quiet=True))
    assert (stopped.status, host.slots()) == (ExitStatus.UNKNOWN, ["0", "1", "2"])
    assert boots(host)
    assert key.rotate(host.session, name).status is ExitStatus.DONE
    is_whole(host, Held.ACTIVE)


def test_a_slot_that_nobody_needs_ends_with_the_next_rotation(lab: Lab, host: FileHost) -> None:
    add_stray(host, "2")
    add_stray(host, "5")
    assert host.opens("of an intruder")
    assert rotate(lab, host, Held.ACTIVE).status is ExitStatus.DONE
    assert not host.opens("of an intruder")
    is_whole(host, Held.ACTIVE)


def test_a_rotation_called_off_in_the_middle_leaves_its_slot_to_the_next_one(lab: Lab, host: FileHost) -> None:
    name = ask(lab, host, Held.ACTIVE)
    with pytest.raises(Killed), dying_after(4):  # three for the entry, one for the slot
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
