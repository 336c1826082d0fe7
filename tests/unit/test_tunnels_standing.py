"""How a tunnel stands, by what its gateway answers: what could not be read is unknown, and never down."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sample import GATEWAY, region
from tunnel_answers import NOW, answer, association, child

from deploys import flows, tunnels
from hosting_cli.errors import UnreadableError
from hosting_cli.tunnels.standing import Standing, judge

LINK = tunnels.links(flows.topology(region()), region())[0]
CLASSICAL = "AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384"


def test_a_tunnel_that_is_up_says_since_when_and_with_what() -> None:
    found = judge(LINK, GATEWAY, answer(association()), NOW)
    assert (found.standing, found.why, found.ike, found.esp) == (Standing.UP, "", CLASSICAL, ("AES_GCM_16-256",))
    assert found.since == datetime(2026, 11, 27, 17, 30, 54, tzinfo=UTC)


def test_keys_that_were_made_anew_and_ml_kem_are_told() -> None:
    renewed = association(ke1="ML_KEM_768", **{"child-sas": {"beaune-6": child(**{"dh-group": "ECP_384"})}})
    found = judge(LINK, GATEWAY, answer(renewed), NOW)
    assert (found.standing, found.ike) == (Standing.UP, f"{CLASSICAL}/KE1_ML_KEM_768")
    assert found.esp == ("AES_GCM_16-256/ECP_384",)


def test_of_two_associations_the_latest_is_told_and_each_is_judged() -> None:
    old = association(established="7200", **{"prf-alg": "PRF_HMAC_SHA1"})
    found = judge(LINK, GATEWAY, answer(old, association()), NOW)
    assert (found.standing, found.ike) == (Standing.WEAKER, CLASSICAL)
    assert found.why == "IKE by AES_GCM_16-256/PRF_HMAC_SHA1/ECP_384"


DOWN: dict[str, tuple[dict[str, Any], str]] = {
    "no daemon": ({"tunnels": {"value": {"daemon": None, "certificate": None}}}, "no daemon answers"),
    "nothing is negotiated, for want of a certificate": (answer(), "the gateway has no certificate"),
    "it is being negotiated": (answer(association(state="CONNECTING")), "the gateway has no certificate"),
    "nothing is in it": (answer(association(**{"child-sas": {}})), "the gateway has no certificate"),
    "keys are being made": (
        answer(association(**{"child-sas": {"a": child(state="REKEYED")}})),
        "the gateway has no certificate",
    ),
}


@pytest.mark.parametrize("case", DOWN)
def test_a_tunnel_that_carries_nothing_is_down(case: str) -> None:
    given, why = DOWN[case]
    found = judge(LINK, GATEWAY, given, NOW)
    assert (found.standing, found.why) == (Standing.DOWN, why)


WEAKER: dict[str, tuple[dict[str, Any], str]] = {
    "IKEv1": (association(version="1"), "IKE of version 1"),
    "a smaller curve": (association(**{"dh-group": "ECP_256"}), "IKE by AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_256"),
    "another peer": (association(**{"remote-id": "x.peers.bfc.internal"}), "the peer is x.peers.bfc.internal"),
    "a shorter key": (association(**{"child-sas": {"a": child(**{"encr-keysize": "128"})}}), "ESP by AES_GCM_16-128"),
    "another cipher": (
        association(**{"child-sas": {"a": child(**{"encr-alg": "AES_CBC", "integ-alg": "HMAC_SHA1_96"})}}),
        "ESP by AES_CBC-256/HMAC_SHA1_96",
    ),
    "no tunnel": (association(**{"child-sas": {"a": child(mode="TRANSPORT")}}), "ESP in mode TRANSPORT"),
    "another interface": (
        association(**{"child-sas": {"a": child(**{"if-id-out": "00000001"})}}),
        "it comes out of another interface than its own",
    ),
}


@pytest.mark.parametrize("case", WEAKER)
def test_what_was_negotiated_by_other_terms_than_ours_is_named(case: str) -> None:
    given, why = WEAKER[case]
    found = judge(LINK, GATEWAY, answer(given), NOW)
    assert (found.standing, found.why) == (Standing.WEAKER, why)


UNKNOWN: dict[str, Any] = {
    "a host that is away": UnreadableError("host x", "it cannot be reached", "See."),
    "a host that could not tell": {"tunnels": {"unknown": "PermissionError"}},
    "a host that was not asked": {},
    "an association that says nothing of its encryption": answer(
        {name: value for name, value in association().items() if name != "encr-alg"}
    ),
    "a time that is none": answer(association(established="soon")),
    "a certificate that is none": answer(association(), certificate="-----BEGIN"),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_what_cannot_be_read_is_unknown(case: str) -> None:
    found = judge(LINK, GATEWAY, UNKNOWN[case], NOW)
    assert found.standing is Standing.UNKNOWN
    assert found.why
