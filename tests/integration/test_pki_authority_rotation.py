"""The authority of certificates for links, replaced on a real vault: what any issued verifies until it has ended."""

import json
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from dying import VAULT, Killed, dying_after
from identities_lab import HostedLab
from lab_commands import run, session_of
from rotating import (
    ask,
    ask_here,
    go_on_dying,
    rotate_dying,
    rotate_through_kills,
    rotate_under_a_seal,
    seal_while_running,
    stop_by_a_seal,
)

from hosting_cli.commands import key
from hosting_cli.console import Progress
from hosting_cli.desired_links import authority_of_links
from hosting_cli.errors import EngineError
from hosting_cli.keys import authorities, certificates
from hosting_cli.keys.authorities import FORMER, NEXT
from hosting_cli.keys.certificates import LinkAuthority
from hosting_cli.lab import faults
from hosting_cli.lab.laboratory import Lab
from hosting_cli.result import ExitStatus
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


def revoke_all_of_former_ones(session: Session) -> None:
    for authority in session.vault.pki.read():
        for certificate in session.vault.pki.issued_by(authority) if authority.is_former else ():
            session.vault.pki.revoke(certificates.serial(certificate))


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
    former = f"former-{before[1].id[:8]}"
    assert states(hosted) == {"pki": "in order", f"pki/{former}": "due"}
    with pytest.raises(EngineError, match="refused POST"):
        wanted = certificates.ask_for(naming.PKI_PROOF_NAME)
        session.vault.pki.issue_for_proof(wanted.request, wanted.name, before[1])
    status, refused = run(hosted.lab, "key", "rotate", NAME, "--retire")
    assert (status, "still valid, the last until" in str(refused["errors"])) == (1, True)
    session.vault.pki.revoke(number)
    assert rotate_dying(hosted.lab, NAME, (1, 2), lambda: verifies(session, *after), retire=True) == 2
    assert states(hosted) == {"pki": "in order"}
    assert former not in session.vault.pki.key_names()
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
    revoke_all_of_former_ones(session)
    rotate_under_a_seal(hosted.lab, NAME, 1, lambda: verifies(session, *issued(session)), retire=True)
    assert states(hosted) == {"pki": "in order"}
    assert not [name for name in session.vault.pki.key_names() if name.startswith(FORMER)]


def test_a_certificate_that_proves_nothing_is_refused(session: Session) -> None:
    certificate, authority = issued(session)
    bundle, now = session.vault.pki.bundle(), session.clock()
    with pytest.raises(EngineError, match="does not verify"):
        certificates.verify(certificate, "other.hosting.invalid", authority, bundle, now)
    with pytest.raises(EngineError, match="does not verify"):
        certificates.verify(certificate, naming.PKI_PROOF_NAME, authority, bundle, now + timedelta(hours=1))


# -- who asked for an authority is gone before the vault has made all of it ------------------------------------------


def ask_and_hang_up(lab: Lab, session: Session, name: str) -> None:
    """Ask for an authority called *name*, and be gone as soon as the vault shows it."""
    address, context = urlsplit(lab.vault.address), ssl.create_default_context(cafile=lab.certificates.authority)
    asking = HTTPSConnection(str(address.hostname), address.port, context=context, timeout=20)
    body = {"common_name": name, "key_type": "ec", "key_bits": 384, "issuer_name": name, "key_name": name}
    token = {"X-Vault-Token": lab.token_file("operations-engineer").read_text().strip()}
    asking.request("POST", f"/v1/{naming.PKI_MOUNT}/issuers/generate/root/internal", json.dumps(body), token)
    deadline = time.monotonic() + 20
    while name not in {authority.name for authority in session.vault.pki.read()}:
        assert time.monotonic() < deadline
    asking.close()


def without_a_list(lab: Lab, session: Session, name: str) -> LinkAuthority:
    """Have an authority made that has come to no list of what it revokes; those that have come to one are ended."""
    pki = session.vault.pki
    for _ in range(60):
        ask_and_hang_up(lab, session, name)
        (made,) = (authority for authority in pki.read() if authority.name == name)
        if not pki.has_list(made):
            return made
        former = authorities.former_name(made.id)
        pki.rename(made, former)
        pki.end(former)
    raise AssertionError("the vault was never caught between an authority and its list")


def test_a_rotation_takes_an_authority_that_has_no_list_yet_and_has_that_made(
    hosted: HostedLab, session: Session
) -> None:
    digest = ask(hosted.lab, NAME)
    made = without_a_list(hosted.lab, session, authorities.next_name(digest, session.clock()))
    assert run(hosted.lab, "key", "rotate", NAME)[0] == 0
    assert (issuing(session).id, session.vault.pki.has_list(made)) == (made.id, True)


def test_a_rotation_takes_a_key_that_has_no_certificate_yet(hosted: HostedLab, session: Session) -> None:
    digest = ask(hosted.lab, NAME)
    name = authorities.next_name(digest, session.clock())
    hosted.lab.vault.write(
        f"{naming.PKI_MOUNT}/keys/generate/internal", {"key_name": name, "key_type": "ec", "key_bits": 384}
    )
    assert run(hosted.lab, "key", "rotate", NAME)[0] == 0
    assert issuing(session).name == authorities.present_name(name)
    assert not [left for left in session.vault.pki.key_names() if left.startswith(NEXT)]


def test_a_plan_names_an_authority_that_issues_and_has_no_list_and_writing_it_makes_one(
    hosted: HostedLab, session: Session
) -> None:
    lab, pki, before = hosted.lab, session.vault.pki, issuing(session)
    made = without_a_list(lab, session, authorities.present_name(authorities.next_name("first", session.clock())))
    pki.prefer(made)
    pki.rename(before, authorities.former_name(before.id))
    (change,) = run(lab, "plan")[1]["data"]["plan"]["changes"]
    assert "has no list of what it has revoked" in str(change)
    session.vault.write(authority_of_links(session.region))
    assert (pki.has_list(made), run(lab, "plan")[1]["data"]["plan"]["changes"]) == (True, [])


# -- a root that is offline -------------------------------------------------------------------------------------------


@pytest.fixture
def offline(hosted: HostedLab) -> Iterator[HostedLab]:
    """Have the environment say that the root is offline."""
    file = hosted.lab.environment_file
    text = file.read_text()
    file.write_text(f"root_of_links: offline\n{text}")
    yield hosted
    file.write_text(text)


def signed_offline(request: str, *, is_authority: bool = True) -> str:
    """Sign a request as a root does that is in a safe; give the chain."""
    now, key = datetime.now(UTC), ec.generate_private_key(ec.SECP384R1())
    root_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Root in a safe")])
    asked = x509.load_pem_x509_csr(request.encode())

    def certificate(subject: x509.Name, public_key: Any, *, authority: bool) -> str:
        usage = x509.KeyUsage(not authority, False, False, False, False, authority, authority, False, False)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(root_name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=2000))
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        )
        return builder.sign(key, hashes.SHA384()).public_bytes(Encoding.PEM).decode()

    issued = certificate(asked.subject, asked.public_key(), authority=is_authority)
    return issued + certificate(root_name, key.public_key(), authority=True)


def test_an_offline_root_signs_between_two_runs_and_nothing_else_is_taken(
    offline: HostedLab, session: Session, tmp_path: Path
) -> None:
    before, file = issuing(session), tmp_path / "chain.pem"
    ask(offline.lab, NAME)
    status, waiting = run(offline.lab, "key", "rotate", NAME)
    assert (status, waiting["status"], issuing(session)) == (3, "pending", before)
    request = waiting["data"]["request"]
    for wrong, reason in (
        (signed_offline(request, is_authority=False), "is not that of an authority"),
        (signed_offline(certificates.ask_for("x.invalid").request), "is not for the key of the request"),
        (
            signed_offline(request).partition("-----END CERTIFICATE-----\n")[0] + "-----END CERTIFICATE-----\n",
            "no root",
        ),
    ):
        file.write_text(wrong)
        status, refused = run(offline.lab, "key", "rotate", NAME, "--certificate", str(file))
        assert (status, reason in str(refused["errors"])) == (2, True)
    file.write_text(signed_offline(request))
    assert run(offline.lab, "key", "rotate", NAME, "--certificate", str(file))[0] == 0
    after = issuing(session)
    assert (after.id != before.id, after.x509.issuer != after.x509.subject) == (True, True)
    assert verifies(session, *issued(session))


def test_killed_and_sealed_between_and_in_its_two_runs_an_offline_roots_authority_is_taken(
    offline: HostedLab, session: Session, tmp_path: Path
) -> None:
    before, file, lab = issuing(session), tmp_path / "chain.pem", offline.lab
    ask_here(lab, NAME)
    with pytest.raises(Killed), dying_after(1, VAULT):  # its key is made, and nobody was told
        key.rotate(session_of(lab), NAME)
    waiting = [key.rotate(session_of(lab), NAME) for _ in range(2)]
    assert [result.status for result in waiting] == [ExitStatus.PENDING] * 2
    asked = [x509.load_pem_x509_csr(result.data["request"].encode()).public_key() for result in waiting]
    assert asked[0] == asked[1]
    file.write_text(signed_offline(waiting[0].data["request"]))
    stop_by_a_seal(lab, NAME, 1, certificate=file)  # it is taken, and has no name yet
    assert issuing(session).id == before.id

    def look() -> None:
        assert verifies(session, *issued(session))

    assert go_on_dying(lab, NAME, (1, 2, 4, 6, 8), look, certificate=file) >= 4
    after = issuing(session)
    assert (after.id != before.id, after.x509.issuer != after.x509.subject) == (True, True)
    look()
