"""A gateway's certificate as a key: what is listed of it, and what keeps it from being replaced."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from fake_doors import World
from sample import GATEWAY, NOW
from tunnel_answers import answer
from with_tunnels import with_tunnel

from deploys.agent.link import usable_certificates
from hosting_cli.commands import key as commands
from hosting_cli.doors.hosts import Completed
from hosting_cli.errors import EngineError, RefusedError, UnreadableError
from hosting_cli.keys.certificates import serial
from hosting_cli.keys.links import IssuedCertificate
from hosting_cli.result import ExitStatus
from inventory import naming

NAME, PEER = naming.gateway_role(GATEWAY), naming.peer_role("beaune")
KEY = ec.generate_private_key(ec.SECP384R1())


def certificate(identity: str, days: int) -> x509.Certificate:
    """Give one that was issued a day ago."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, identity)])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(KEY.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(NOW - timedelta(days=1))
    return builder.not_valid_after(NOW + timedelta(days=days - 1)).sign(KEY, hashes.SHA384())


def pem(found: x509.Certificate) -> str:
    return found.public_bytes(Encoding.PEM).decode()


@pytest.fixture
def ours(world: World) -> x509.Certificate:
    return certificate(naming.gateway_identity(world.session.region, GATEWAY), 30)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Give a region with a tunnel, to whose peer the vault has issued a certificate."""
    found = World(tmp_path)
    vars(found.session)["region"] = with_tunnel()
    theirs = certificate(naming.peer_identity(found.session.region, "beaune"), 365)
    found.vault.pki.certificates.append(IssuedCertificate(theirs, is_revoked=False))
    return found


def listed(world: World) -> dict[str, tuple[str, str]]:
    """Give the state and the owner of each key."""
    return {item["name"]: (item["state"], item["owner"]) for item in commands.list_(world.session).data["keys"]}


def test_both_ends_are_listed_each_with_its_owner(world: World, ours: x509.Certificate) -> None:
    world.hosts.answers[GATEWAY] = answer(certificate=pem(ours))
    assert listed(world) == {NAME: ("in order", "platform"), PEER: ("in order", "beaune-dsi")}
    assert commands.list_(world.session).status is ExitStatus.DONE
    assert commands.show(world.session, NAME).data["expires_at"][:10] == str(ours.not_valid_after_utc.date())


@pytest.mark.parametrize(
    ("told", "why"),
    [
        pytest.param(None, "it does not answer", id="a gateway that is away"),
        pytest.param(
            {"tunnels": {"unknown": "the daemon hung up"}}, "the daemon hung up", id="a part that it cannot tell"
        ),
        pytest.param({}, "could not be read", id="a part that it does not tell"),
        pytest.param({"tunnels": {"value": {}}}, "is not understood", id="an answer that lacks it"),
        pytest.param(answer(certificate="none"), "is not understood", id="what is no certificate"),
        pytest.param(answer(), "the gateway has no certificate", id="a gateway without one"),
    ],
)
def test_what_could_not_be_seen_of_a_gateway_is_unknown_and_hides_no_peer(
    world: World, told: dict[str, object] | None, why: str
) -> None:
    if told is not None:
        world.hosts.answers[GATEWAY] = told
    result = commands.list_(world.session)
    assert result.status is ExitStatus.UNKNOWN
    assert listed(world) == {NAME: ("unknown", "platform"), PEER: ("in order", "beaune-dsi")}
    assert why in next(item["reason"] for item in result.data["keys"] if item["name"] == NAME)


def test_where_nobody_can_tell_what_was_issued_peers_are_unknown(world: World) -> None:
    world.vault.sealed = True
    result = commands.list_(world.session)
    assert result.status is ExitStatus.UNKNOWN
    assert "peer-certificate" in result.data["unread"]
    assert listed(world) == {NAME: ("unknown", "platform")}


def test_the_certificate_that_the_gateway_shows_is_the_one_that_is_replaced(
    world: World, ours: x509.Certificate
) -> None:
    world.hosts.answers[GATEWAY] = answer(certificate=pem(ours))
    told = json.dumps({"present": pem(ours), "next": None, "former_keys": 0, "is_loaded": True})
    world.hosts.on_run = lambda host, argv, stdin: Completed(0, told, "")
    asked = commands.rotate(world.session, NAME)
    assert (asked.status, asked.data["request"]["goal"]) == (ExitStatus.PENDING, {"replaces": serial(ours)})


@pytest.mark.parametrize(
    ("done", "error", "reason"),
    [
        (
            Completed(0, '{"present": null, "next": null, "former_keys": 0, "is_loaded": true}', ""),
            RefusedError,
            "has no certificate",
        ),
        (
            Completed(0, '{"present": "none", "next": null, "former_keys": 0, "is_loaded": true}', ""),
            EngineError,
            "is not understood",
        ),
        (Completed(0, "{}", ""), EngineError, "is not understood"),
        (Completed(2, "", "hosting-agent receive-identity"), EngineError, "failed"),
    ],
    ids=["none", "what is none", "nothing", "an agent that does not know the command"],
)
def test_a_gateway_that_cannot_tell_is_asked_for_nothing(
    world: World, done: Completed, error: type[Exception], reason: str
) -> None:
    world.hosts.on_run = lambda host, argv, stdin: done
    with pytest.raises(error, match=reason):
        commands.rotate(world.session, NAME)
    assert not world.session.journal.entries()


def test_a_key_that_only_a_gateway_knows_may_be_of_a_kind_that_could_not_be_read(world: World) -> None:
    world.vault.sealed = True
    with pytest.raises(UnreadableError, match="may be of a kind"):
        commands.show(world.session, "hosting-peer-beaune")


DATA = "3082026a"


@pytest.mark.parametrize(
    ("shown", "count"),
    [
        ("list-certs reply {}", 0),
        (f"list-cert event {{type=X509 flag=NONE has_privkey=yes data=0x{DATA}}}\nlist-certs reply {{}}", 1),
        (f"list-cert event {{type=X509 flag=CA data=0x{DATA}}}", 0),
        (f"list-cert event {{type=X509 flag=NONE has_privkey=no data=0x{DATA}}}", 0),
        ("list-cert event {type=X509 flag=NONE has_privkey=yes}", 0),
        (f"list-cert event {{has_privkey=yes data=0x{DATA}}}\nlist-cert event {{has_privkey=yes data=0x{DATA}00}}", 2),
    ],
    ids=["nothing is loaded", "with its key", "an authority", "without its key", "one that is not shown", "two"],
)
def test_a_daemon_can_use_a_certificate_whose_key_it_has(shown: str, count: int) -> None:
    assert len(usable_certificates(shown)) == count
