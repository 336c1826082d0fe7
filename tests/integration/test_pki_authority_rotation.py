"""The authority of certificates for links, replaced on a real vault: what any issued verifies until it has ended."""

from datetime import timedelta

import pytest
from identities_lab import HostedLab
from lab_commands import run, session_of
from rotating import ask, rotate_through_kills, seal_while_running

from hosting_cli.console import Progress
from hosting_cli.errors import EngineError
from hosting_cli.keys import certificates
from hosting_cli.keys.certificates import LinkAuthority
from hosting_cli.lab import faults
from hosting_cli.session import Session
from inventory import naming

NAME = "pki"


@pytest.fixture
def session(hosted: HostedLab) -> Session:
    return session_of(hosted.lab)


def issuing(session: Session) -> LinkAuthority:
    (found,) = (authority for authority in session.vault.pki.read() if authority.is_default)
    return found


def issued(session: Session) -> tuple[str, LinkAuthority]:
    """Have the authority that issues certify somebody."""
    wanted = certificates.ask_for(naming.PKI_PROOF_NAME)
    return session.vault.pki.issue_for_proof(wanted.request, wanted.name), issuing(session)


def verifies(session: Session, certificate: str, authority: LinkAuthority) -> str:
    bundle = session.vault.pki.bundle()
    return certificates.verify(certificate, naming.PKI_PROOF_NAME, authority, bundle, session.clock())


def states(hosted: HostedLab) -> dict[str, str]:
    listed = run(hosted.lab, "key", "list")[1]["data"]["keys"]
    return {item["name"]: item["state"] for item in listed if item["kind"] == "pki-authority"}


def test_killed_at_each_step_what_was_issued_verifies_and_the_former_ends_when_all_of_it_has(
    hosted: HostedLab, session: Session
) -> None:
    before = issued(session)
    number = verifies(session, *before)
    assert before[1].algorithm == "ecdsa-secp384r1-sha384"
    assert states(hosted) == {"pki": "in order"}
    assert rotate_through_kills(hosted.lab, NAME) >= 3
    after = issued(session)
    assert after[1].id != before[1].id
    assert verifies(session, *before) and verifies(session, *after)
    former = f"former-{before[1].id}"
    assert states(hosted) == {"pki": "in order", f"pki/{former}": "due"}
    with pytest.raises(EngineError, match="refused POST"):
        wanted = certificates.ask_for(naming.PKI_PROOF_NAME)
        session.vault.pki.issue_for_proof(wanted.request, wanted.name, before[1])
    status, refused = run(hosted.lab, "key", "rotate", NAME, "--retire")
    assert (status, "still valid, the last until" in str(refused["errors"])) == (1, True)
    session.vault.pki.revoke(number)
    assert rotate_through_kills(hosted.lab, NAME, "--retire") >= 1
    assert states(hosted) == {"pki": "in order"}
    with pytest.raises(EngineError, match="does not verify"):
        verifies(session, *before)
    assert verifies(session, *after)


def test_a_vault_sealed_in_the_middle_stops_it_and_the_same_command_goes_on(
    hosted: HostedLab, session: Session
) -> None:
    before = issuing(session)
    ask(hosted.lab, NAME)
    try:
        assert seal_while_running(hosted.lab, "key", "rotate", NAME)[0] in {1, 4}
    finally:
        faults.mend(hosted.lab, "vault-sealed", "", Progress(quiet=True))
    assert verifies(session, *issued(session))
    assert run(hosted.lab, "key", "rotate", NAME)[0] == 0
    assert issuing(session).id != before.id
    assert run(hosted.lab, "plan")[1]["data"]["plan"]["changes"] == []


def test_a_certificate_that_proves_nothing_is_refused(session: Session) -> None:
    certificate, authority = issued(session)
    bundle, now = session.vault.pki.bundle(), session.clock()
    with pytest.raises(EngineError, match="does not verify"):
        certificates.verify(certificate, "other.hosting.invalid", authority, bundle, now)
    with pytest.raises(EngineError, match="does not verify"):
        certificates.verify(certificate, naming.PKI_PROOF_NAME, authority, bundle, now + timedelta(hours=1))
