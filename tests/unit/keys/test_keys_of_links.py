"""Certificates of links and keys of WireGuard, by what gateways and the vault tell of them."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from with_tunnels import RISK

from hosting_cli.keys import links
from hosting_cli.keys.judgement import KeyState, judge
from hosting_cli.keys.links import IssuedCertificate
from hosting_cli.keys.values import Key
from inventory.key_policy import KeyKind, KeyPolicy
from inventory.resource import PLATFORM

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
OURS, PEER = "dijon-gateway-1.gateways.bfc.internal", "beaune.peers.bfc.internal"
NAME = "hosting-peer-beaune"
KEY = ec.generate_private_key(ec.SECP384R1())


def issued(identity: str, age_days: float, days: int, *, is_revoked: bool = False) -> IssuedCertificate:
    """Give a certificate that was issued so long ago."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, identity)])
    begin = NOW - timedelta(days=age_days)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(KEY.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(begin)
    return IssuedCertificate(
        builder.not_valid_after(begin + timedelta(days=days)).sign(KEY, hashes.SHA384()), is_revoked
    )


def pem(item: IssuedCertificate) -> str:
    return item.x509.public_bytes(Encoding.PEM).decode()


def judged(keys: Iterable[Key]) -> list[tuple[KeyState, int | None, bool]]:
    """Give the state of each, how old it is, and whether it took another's place."""
    found = judge(keys, KeyPolicy(), NOW)
    return [(item.state, item.age_days, item.key.rotated_at is not None) for item in found]


@pytest.mark.parametrize(
    ("of_vault", "found"),
    [
        pytest.param([], [], id="nobody has asked for one yet: there is none"),
        pytest.param([issued(PEER, 10, 365)], [(KeyState.IN_ORDER, 10, False)], id="the first one"),
        pytest.param(
            [issued(PEER, 300, 365), issued(PEER, 10, 365), issued(PEER, 200, 365)],
            [(KeyState.IN_ORDER, 10, True)],
            id="the last of several",
        ),
        pytest.param([issued(PEER, 340, 365)], [(KeyState.DUE, 340, False)], id="a month before its end it is due"),
        pytest.param([issued(PEER, 400, 365)], [(KeyState.OVERDUE, 400, False)], id="one that has ended is overdue"),
        pytest.param(
            [issued(PEER, 300, 365), issued(PEER, 10, 365, is_revoked=True)],
            [(KeyState.IN_ORDER, 300, False)],
            id="one that was revoked is none",
        ),
        pytest.param([issued(PEER, 10, 365, is_revoked=True)], [], id="where all are revoked there is none"),
        pytest.param([issued(OURS, 10, 30)], [], id="somebody else's is not the peer's"),
    ],
)
def test_a_peer_has_the_certificate_that_was_issued_to_it_last(
    of_vault: list[IssuedCertificate], found: list[tuple[KeyState, int | None, bool]]
) -> None:
    keys = list(links.of_peer(NAME, PEER, "beaune-dsi", of_vault))
    assert judged(keys) == found
    assert {(key.kind, key.name, key.owner) for key in keys} <= {(KeyKind.PEER_CERTIFICATE, NAME, "beaune-dsi")}


@pytest.mark.parametrize(
    ("shown", "of_vault", "found"),
    [
        pytest.param(issued(OURS, 1, 30), [], (KeyState.IN_ORDER, 1, False), id="one that the vault does not list"),
        pytest.param(
            issued(OURS, 1, 30),
            [issued(OURS, 21, 30, is_revoked=True), issued(PEER, 21, 365)],
            (KeyState.IN_ORDER, 1, True),
            id="one that took another's place, which was revoked since",
        ),
        pytest.param(
            issued(OURS, 21, 30),
            [issued(OURS, 1, 30)],
            (KeyState.DUE, 21, False),
            id="what the gateway shows, and not what it was given and never kept",
        ),
        pytest.param(issued(OURS, 31, 30), [], (KeyState.OVERDUE, 31, False), id="one that has ended"),
    ],
)
def test_a_gateway_has_the_certificate_that_it_shows(
    shown: IssuedCertificate, of_vault: list[IssuedCertificate], found: tuple[KeyState, int | None, bool]
) -> None:
    key = links.of_gateway("hosting-gateway-dijon-gateway-1", OURS, pem(shown), of_vault)
    assert judged([key]) == [found]
    assert (key.kind, key.owner, key.expires_at) == (KeyKind.LINK_CERTIFICATE, PLATFORM, shown.x509.not_valid_after_utc)


def test_a_gateway_without_a_certificate_is_unknown_and_not_left_out() -> None:
    key = links.of_gateway("x", OURS, None, [])
    assert judged([key]) == [(KeyState.UNKNOWN, None, False)]
    assert "hosting-link.service has it certified" in key.unknown


def test_what_is_no_certificate_is_none() -> None:
    with pytest.raises(ValueError, match="PEM"):
        links.of_gateway("x", OURS, "-----BEGIN CERTIFICATE-----\n", [])


def told(age_days: float | None, *, replaces_another: bool = False) -> dict[str, Any]:
    made_at = None if age_days is None else (NOW - timedelta(days=age_days)).timestamp()
    return {"key": {"made_at": made_at, "replaces_another": replaces_another}}


@pytest.mark.parametrize(
    ("found", "until", "expected"),
    [
        pytest.param(told(5), date(2027, 3, 31), (KeyState.IN_ORDER, 5, False), id="a key that the agent made"),
        pytest.param(
            told(5, replaces_another=True), date(2027, 3, 31), (KeyState.IN_ORDER, 5, True), id="one that was rotated"
        ),
        pytest.param(
            told(100), date(2026, 12, 20), (KeyState.DUE, 100, False), id="one whose acceptance ends within the month"
        ),
        pytest.param(
            told(100), date(2026, 11, 26), (KeyState.OVERDUE, 100, False), id="one whose acceptance has ended"
        ),
        pytest.param(told(366), date(2027, 3, 31), (KeyState.OVERDUE, 366, False), id="one that is too old"),
        pytest.param(
            told(None), date(2027, 3, 31), (KeyState.UNKNOWN, None, False), id="one that nobody kept a file of"
        ),
        pytest.param(None, date(2027, 3, 31), (KeyState.UNKNOWN, None, False), id="an interface that is not there"),
    ],
)
def test_a_key_of_wireguard_ends_with_the_acceptance_of_its_risk(
    found: dict[str, Any] | None, until: date, expected: tuple[KeyState, int | None, bool]
) -> None:
    key = links.of_wireguard("dijon-gateway-1:wg1", found, RISK.model_copy(update={"until": until}))
    assert judged([key]) == [expected]
