"""When a destruction may be carried out: every reason why not is told, and what was asked for may only shrink."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosting_cli.destruction import Remains, loss, may_begin_at, record, refusals, request
from hosting_cli.request import Asked
from hosting_cli.resources import AppRole, Bucket, SecretEntry, SecretPurpose, TransitKey
from inventory.resource import Resource

ASKED_AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
LATER = ASKED_AT + timedelta(days=21)


def resources(owner: str) -> list[Resource]:
    return [
        TransitKey(name=f"hosting-{owner}-objects", owner=owner),
        SecretEntry(
            name=f"{owner}/x", owner=owner, purpose=SecretPurpose.RESTIC_PASSWORD, wrapped_by=f"hosting-{owner}-objects"
        ),
        Bucket(name=f"bfc-{owner}", owner=owner, store="dijon", encryption_key=None, versioning=True, policy=None),
        AppRole(
            name=f"hosting-{owner}-host",
            owner=owner,
            policies=(),
            bound_cidrs=(),
            token_ttl_seconds=1,
            token_max_ttl_seconds=1,
        ),
    ]


LOSS = loss("imaging", [*resources("imaging"), *resources("imaging-neighbour")])
KNOWN = Asked(
    request(LOSS, outlives=(), environment="test", wait_days=21, after_entry=0),
    asked_by=frozenset({"engineer"}),
    asked_at=ASKED_AT,
    approved_by={"officer": ASKED_AT + timedelta(days=1)},
)


def test_only_what_the_application_owns_is_lost() -> None:
    assert LOSS.body() == {
        "application": "imaging",
        "keys": ["hosting-imaging-objects"],
        "secrets": ["imaging/x"],
        "buckets": ["dijon/bfc-imaging"],
        "roles": ["hosting-imaging-host"],
        "volumes": [],
    }


def test_with_two_people_the_time_and_the_confirmation_it_may_be() -> None:
    assert refusals(KNOWN, LOSS, confirmed="imaging", now=LATER) == ()


@pytest.mark.parametrize(
    ("known", "now", "confirmed", "reason"),
    [
        (replace(KNOWN, approved_by={}), LATER, "imaging", "no second person has approved it"),
        (replace(KNOWN, approved_by={"engineer": LATER}), LATER, "imaging", "no second person has approved it"),
        (KNOWN, LATER - timedelta(seconds=1), "imaging", "its waiting time ends on 2026-11-22"),
        (replace(KNOWN, asked_at=None), LATER, "imaging", "its waiting time ends on nobody knows when"),
        (KNOWN, LATER, "Imaging", "it was not confirmed by the application's id"),
        (KNOWN, LATER, None, "it was not confirmed by the application's id"),
    ],
    ids=["nobody else", "only who asked", "a second too early", "no date", "another word", "no word"],
)
def test_one_thing_missing_is_enough_to_refuse(known: Asked, now: datetime, confirmed: str | None, reason: str) -> None:
    assert refusals(known, LOSS, confirmed=confirmed, now=now) == (reason,)


def test_every_reason_is_told_at_once() -> None:
    assert len(refusals(replace(KNOWN, approved_by={}), LOSS, confirmed=None, now=ASKED_AT)) == 3


def test_a_killed_run_may_have_made_it_less_and_nobody_may_have_made_it_more() -> None:
    assert refusals(KNOWN, replace(LOSS, keys=()), confirmed="imaging", now=LATER) == ()
    grown = replace(LOSS, keys=(*LOSS.keys, "hosting-imaging-more"))
    (reason,) = refusals(KNOWN, grown, confirmed="imaging", now=LATER)
    assert reason == "keys were added since it was asked for: hosting-imaging-more"


@given(st.integers(min_value=1, max_value=400), st.floats(min_value=0, max_value=500))
def test_it_never_begins_before_its_time(wait_days: int, passed_days: float) -> None:
    known = replace(KNOWN, request=request(LOSS, outlives=(), environment="test", wait_days=wait_days, after_entry=0))
    begins, now = may_begin_at(known), ASKED_AT + timedelta(days=passed_days)
    assert begins == ASKED_AT + timedelta(days=wait_days)
    assert (refusals(known, LOSS, confirmed="imaging", now=now) == ()) == (now >= begins)


def test_the_record_holds_who_and_when_but_not_who_approved_their_own() -> None:
    known = replace(KNOWN, approved_by={"engineer": ASKED_AT, **KNOWN.approved_by})
    made = record(known, [{"of": "bucket b", "proof": "fail to read"}], Remains(), by="executor", at=LATER)
    assert made["approved"] == [{"by": "officer", "at": "2026-11-02T12:00:00.000Z"}]
    assert (made["asked_by"], made["carried_out_by"]) == (["engineer"], "executor")
    assert made["destroyed"] == LOSS.body()
