"""The authority by which operators log in, replaced on a real vault: every host opens to the one that signs, always."""

from collections.abc import Iterator

import pytest
from identities_lab import GATEWAY, HOST, HostedLab, host_away, login
from lab_commands import begun, run, run_until_killed, session_of
from rotating import ask, is_completed, seal_while_running

from hosting_cli.console import Progress
from hosting_cli.errors import UnreadableError
from hosting_cli.keys import authorities
from hosting_cli.keys.authorities import SshAuthorityKey
from hosting_cli.lab import faults
from hosting_cli.session import Session, now
from hosting_cli.survey import read_hosts

NAME = "ssh"


@pytest.fixture
def session(hosted: HostedLab) -> Session:
    return session_of(hosted.lab)


def signing(session: Session) -> SshAuthorityKey:
    (found,) = (authority for authority in session.vault.ssh.read() if authority.is_default)
    return found


def open_to_us(hosted: HostedLab) -> set[str]:
    """Log in to every host anew as any command does, without the key of the first contact; name those that open."""
    session = session_of(hosted.lab)
    answers = session.without_bootstrap_keys().hosts.read({name: {"timeout_seconds": 30} for name in hosted.hosts})
    return {name for name, answer in answers.items() if not isinstance(answer, UnreadableError)}


def is_settled(hosted: HostedLab, before: SshAuthorityKey) -> bool:
    """Tell whether another authority signs, and hosts trust that one alone."""
    session = session_of(hosted.lab)
    (authority,) = session.vault.ssh.read()
    trusted = {key for host in hosted.hosts.values() for key in host.trusted()}
    return authority.is_default and authority.id != before.id and trusted == {authority.public_key}


def test_killed_at_each_step_no_host_is_ever_locked(hosted: HostedLab, session: Session) -> None:
    before = signing(session)
    digest = ask(hosted.lab, NAME)
    seen, kills = set(begun(hosted.lab)), 0
    while not is_completed(hosted.lab, digest):
        status = run_until_killed(hosted.lab, ("key", "rotate", NAME), seen, (0, 0.3, 1.5)[kills % 3])
        seen, kills = set(begun(hosted.lab)), kills + 1
        assert open_to_us(hosted) == {HOST, GATEWAY}
        assert status in {None, 0} and kills < 20
    assert kills >= 4
    assert is_settled(hosted, before)
    (key,) = (item for item in run(hosted.lab, "key", "list")[1]["data"]["keys"] if item["kind"] == "ssh-authority")
    assert (key["name"], key["state"], key["age_days"]) == ("ssh", "in order", 0)


def test_a_host_that_is_away_stops_it_before_anything_is_taken_from_anybody(
    hosted: HostedLab, session: Session
) -> None:
    before = signing(session)
    ask(hosted.lab, NAME)
    with host_away(hosted, GATEWAY):
        status, stopped = run(hosted.lab, "key", "rotate", NAME)
        assert (status, "1 of 2 could not be read" in str(stopped["errors"])) == (4, True)
        assert signing(session) == before
        assert HOST in open_to_us(hosted)
    # Whoever plans now has hosts trust both, and never the new one alone.
    wanted = {found.subject: found for found in (login(session_of(hosted.lab), name) for name in (HOST, GATEWAY))}
    readings = read_hosts(session_of(hosted.lab), wanted)
    seen = {subject: found for reading in readings for subject, found in (reading.resources or {}).items()}
    assert [seen[subject].state()["authority"] for subject in wanted] == ["one of the vault's, and not all"] * 2
    assert run(hosted.lab, "key", "rotate", NAME)[0] == 0
    assert is_settled(hosted, before)


def test_a_vault_sealed_in_the_middle_stops_it_and_the_same_command_goes_on(
    hosted: HostedLab, session: Session
) -> None:
    before = signing(session)
    ask(hosted.lab, NAME)
    try:
        assert seal_while_running(hosted.lab, "key", "rotate", NAME)[0] in {1, 4}
    finally:
        faults.mend(hosted.lab, "vault-sealed", "", Progress(quiet=True))
    assert open_to_us(hosted) == {HOST, GATEWAY}
    assert run(hosted.lab, "key", "rotate", NAME)[0] == 0
    assert is_settled(hosted, before)


@pytest.fixture
def called_off(hosted: HostedLab, session: Session) -> Iterator[str]:
    """Leave what a rotation leaves that was called off when hosts trusted its authority already."""
    digest = ask(hosted.lab, NAME)
    session.vault.ssh.make(authorities.next_name(digest, now()))
    assert run(hosted.lab, "key", "withdraw", digest)[0] == 0
    (left,) = (authority for authority in session.vault.ssh.read() if not authority.is_default)
    for host in hosted.hosts.values():
        file = host.path("/etc/ssh/hosting/user-authority.pub")
        file.write_text(f"{file.read_text()}{left.public_key}\n")
    yield left.name
    assert left.name not in {authority.name for authority in session.vault.ssh.read()}


def test_what_a_rotation_left_that_was_called_off_is_named_and_ends_with_the_next(
    hosted: HostedLab, session: Session, called_off: str
) -> None:
    before = signing(session)
    listed = run(hosted.lab, "key", "list")[1]["data"]["keys"]
    states = {item["name"]: item["state"] for item in listed if item["kind"] == "ssh-authority"}
    assert states == {"ssh": "due", f"ssh/{called_off}": "due"}
    ask(hosted.lab, NAME)
    assert run(hosted.lab, "key", "rotate", NAME)[0] == 0
    assert is_settled(hosted, before)
