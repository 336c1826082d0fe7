"""Secret-ids replaced on real engines: their holders log in at every moment, whatever is killed; one is left."""

import json
import re
from collections.abc import Iterable

import pytest
from dying import VAULT, Killed, dying_after
from identities_lab import APPLICATION, HOST, ROLE, HostedLab, host_away, record_of
from lab_commands import at_a_terminal, command, run, session_of
from rotating import ask, ask_here, go_on_dying, rotate_through_kills, seal_while_running, stop_by_a_seal

from deploys import names
from hosting_cli.commands import key
from hosting_cli.console import Progress
from hosting_cli.errors import EngineError
from hosting_cli.lab import faults, laboratory
from hosting_cli.lab.seaweedfs import KeyService
from hosting_cli.result import ExitStatus
from hosting_cli.rotations import key_service
from hosting_cli.secret import Secret
from hosting_cli.session import Session
from inventory import naming

WRAPPED = re.compile(r"^ {4}(\S{20,})\r?$", re.MULTILINE)
STORE = "dijon-objects"


@pytest.fixture
def session(hosted: HostedLab) -> Session:
    return session_of(hosted.lab)


def accessor(hosted: HostedLab) -> str:
    found: str = json.loads(record_of(hosted.hosts[HOST]).read_text())["accessor"]
    return found


def logs_in(session: Session) -> str:
    """Log in as the host's units do; give the accessor of what they log in with."""
    with session.hosts.shell(HOST) as shell:
        credential = f"--property=LoadCredentialEncrypted={names.credential(APPLICATION)}"
        done = shell.run(["systemd-run", "--wait", credential, names.AGENT, "try-identity", APPLICATION])
    assert done.status == 0, done.errors
    found: str = json.loads(done.output)["accessor"]
    return found


# -- a host's ---------------------------------------------------------------------------------------------------------


def test_a_secret_id_killed_at_each_step_always_logs_in_and_the_old_one_ends(
    hosted: HostedLab, session: Session
) -> None:
    before = accessor(hosted)
    assert logs_in(session) == before
    assert rotate_through_kills(hosted.lab, ROLE) >= 2
    after = accessor(hosted)
    assert after != before
    assert logs_in(session) == after
    assert session.vault.secret_id_accessors(ROLE) == (after,)


def test_what_a_killed_run_left_is_named_and_ends_with_the_next_rotation(hosted: HostedLab, session: Session) -> None:
    session.vault.wrapped_secret_id(ROLE, ttl_seconds=60, note={"host": HOST})
    listed = [item for item in run(hosted.lab, "key", "list")[1]["data"]["keys"] if item["name"].startswith(f"{ROLE}/")]
    assert [(item["state"], item["reason"][:8]) for item in listed] == [("due", "one of 2")] * 2
    ask(hosted.lab, ROLE)
    assert run(hosted.lab, "key", "rotate", ROLE)[0] == 0
    assert session.vault.secret_id_accessors(ROLE) == (accessor(hosted),)


def test_a_host_that_is_away_keeps_the_secret_id_that_it_has(hosted: HostedLab, session: Session) -> None:
    before = accessor(hosted)
    with host_away(hosted, HOST):
        status, refused = run(hosted.lab, "key", "rotate", ROLE)
        assert (status, "could not be read" in str(refused["errors"])) == (4, True)
    ask(hosted.lab, ROLE)
    with host_away(hosted, HOST):
        assert run(hosted.lab, "key", "rotate", ROLE)[0] == 4
    assert (logs_in(session), session.vault.secret_id_accessors(ROLE)) == (before, (before,))
    assert run(hosted.lab, "key", "rotate", ROLE)[0] == 0
    assert logs_in(session) != before


def test_a_vault_sealed_in_the_middle_stops_it_and_the_same_command_goes_on(
    hosted: HostedLab, session: Session
) -> None:
    ask(hosted.lab, ROLE)
    try:
        assert seal_while_running(hosted.lab, "key", "rotate", ROLE)[0] in {1, 4}
    finally:
        faults.mend(hosted.lab, "vault-sealed", "", Progress(quiet=True))
    assert logs_in(session)
    assert run(hosted.lab, "key", "rotate", ROLE)[0] == 0
    assert session.vault.secret_id_accessors(ROLE) == (logs_in(session),)


def test_a_host_whose_units_use_another_one_than_it_records_keeps_both(hosted: HostedLab, session: Session) -> None:
    """The credential store was brought back from a copy: the rotation must not destroy what units log in with."""
    host, before = hosted.hosts[HOST], accessor(hosted)
    credential = host.path(f"{names.CREDENTIALS_DIRECTORY}/{names.credential(APPLICATION)}")
    older = credential.read_text()
    ask(hosted.lab, ROLE)
    host.replace_tool("systemd-run", _BRINGS_BACK.format(older=older, credential=credential.name))
    try:
        status, stopped = run(hosted.lab, "key", "rotate", ROLE)
        assert (status, "its units log in with" in str(stopped["errors"])) == (1, True)
        assert before in session.vault.secret_id_accessors(ROLE)
    finally:
        host.restore_tool("systemd-run")
    credential.write_text(older)
    record_of(host).write_text(record_of(host).read_text().replace(accessor(hosted), before))
    assert run(hosted.lab, "key", "rotate", ROLE)[0] == 0
    assert session.vault.secret_id_accessors(ROLE) == (logs_in(session),)


_BRINGS_BACK = """#!/bin/sh
echo '{older}' > /etc/credstore.encrypted/{credential}
exec /usr/sbin/systemd-run.right "$@"
"""


# -- the object store's -----------------------------------------------------------------------------------------------


def test_the_object_store_changes_over_in_two_runs_and_the_old_one_ends(hosted: HostedLab, session: Session) -> None:
    lab, role = hosted.lab, naming.S3_KMS_ROLE
    before = session.vault.secret_id_accessors(role)
    ask(lab, role)
    assert run(lab, "key", "rotate", role)[0] == 1  # nobody is there to be shown it
    assert session.vault.secret_id_accessors(role) == before
    status, shown = at_a_terminal(command(lab, "key", "rotate", role))
    assert (status, "has not logged in with the new one" in " ".join(shown.split())) == (3, True)
    assert run(lab, "key", "rotate", role)[0] == 3
    assert set(session.vault.secret_id_accessors(role)) > set(before)
    (token,) = WRAPPED.findall(shown)
    _reconfigure(hosted, session, Secret(token))
    status, done = run(lab, "key", "rotate", role)
    assert status == 0, done
    (after,) = session.vault.secret_id_accessors(role)
    assert after not in before
    with pytest.raises(EngineError, match="refused"):
        session.vault.unwrapped(Secret(token))


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Secret]:
    """Sit at the terminal: what is shown there is noted, and Enter is pressed."""
    tokens: list[Secret] = []

    def show(lines: Iterable[str]) -> None:
        (token,) = (line.strip() for line in lines if line.startswith("    "))
        tokens.append(Secret(token))

    monkeypatch.setattr(key_service, "show_once", show)
    return tokens


def serves(session: Session) -> None:
    """The store, with what it is configured with, has the vault wrap and unwrap."""
    (found,) = session.region.applications[0].buckets
    bucket, door = naming.bucket(session.region, APPLICATION, found.id), session.stores[STORE]
    door.put_object(bucket, "served", b"bytes")
    assert door.get_object(bucket, "served") == b"bytes"


def test_killed_before_it_was_shown_the_next_run_shows_another_and_the_old_one_serves_meanwhile(
    hosted: HostedLab, session: Session, shown: list[Secret]
) -> None:
    lab, role = hosted.lab, naming.S3_KMS_ROLE
    before = session.vault.secret_id_accessors(role)
    ask_here(lab, role)
    for number in (1, 2):  # the mark is there; the secret-id is there too, and nobody was shown it
        with pytest.raises(Killed), dying_after(number, VAULT):
            key.rotate(session_of(lab), role)
        serves(session)
    assert shown == []
    for _ in range(2):  # shown once, and then waited for
        assert key.rotate(session_of(lab), role).status is ExitStatus.PENDING
    (token,) = shown
    assert set(session.vault.secret_id_accessors(role)) > set(before)
    _reconfigure(hosted, session, token)
    assert go_on_dying(lab, role, (3, 4, 5), lambda: serves(session)) >= 1
    (after,) = session.vault.secret_id_accessors(role)
    assert after not in before
    serves(session)


def test_under_a_sealed_vault_and_called_off_the_old_one_serves_and_another_rotation_converges(
    hosted: HostedLab, session: Session, shown: list[Secret]
) -> None:
    lab, role = hosted.lab, naming.S3_KMS_ROLE
    before = session.vault.secret_id_accessors(role)
    digest = ask_here(lab, role)
    stop_by_a_seal(lab, role, 2)
    assert key.rotate(session_of(lab), role).status is ExitStatus.PENDING
    assert len(shown) == 2  # nobody can tell whether the first was seen
    serves(session)
    key.withdraw(session_of(lab), digest)  # both are lost
    ask_here(lab, role)
    assert key.rotate(session_of(lab), role).status is ExitStatus.PENDING
    _reconfigure(hosted, session, shown[-1])
    stop_by_a_seal(lab, role, 4)
    serves(session)
    assert key.rotate(session_of(lab), role).status is ExitStatus.DONE
    (after,) = session.vault.secret_id_accessors(role)
    assert after not in before
    serves(session)


def _reconfigure(hosted: HostedLab, session: Session, token: Secret) -> None:
    """Do what the store's administrator does."""
    lab = hosted.lab
    keys = KeyService(lab.vault.address, lab.certificates.authority, naming.S3_KMS_ROLE, session.vault.unwrapped(token))
    laboratory.stop_engine(lab, "seaweedfs")
    lab.store.configure(keys)
    laboratory.start_store(lab)
    session.stores[STORE].read()
