"""What the age of a key calls for, and why."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosting_cli.desired_links import GATEWAY_CERTIFICATE_DAYS, PEER_CERTIFICATE_DAYS
from hosting_cli.journal import Journal
from hosting_cli.keys.history import times_made
from hosting_cli.keys.judgement import Judged, KeyState, judge
from hosting_cli.keys.values import Key, KeysSeen, with_times
from inventory.key_policy import OURS_OF_LINKS, OWN, KeyKind, KeyLimit, KeyLimits, KeyPolicy

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
POLICY = KeyPolicy(limits=KeyLimits(transit_key=KeyLimit(days=100, source="RGS")), notice_days=10)


def key(age_days: float | None, **attributes: Any) -> Key:
    made_at = None if age_days is None else NOW - timedelta(days=age_days)
    plain = {"kind": KeyKind.TRANSIT_KEY, "name": "one", "owner": "imaging", "version": 1}
    return Key(**{**plain, "made_at": made_at, **attributes})


def judged(*keys: Key) -> Judged:
    return judge(keys, POLICY, NOW)[0]


@pytest.mark.parametrize(
    ("found", "state", "reason"),
    [
        pytest.param(key(0), KeyState.IN_ORDER, "", id="a new key is in order"),
        pytest.param(key(89.9), KeyState.IN_ORDER, "", id="before the notice it is in order"),
        pytest.param(key(90), KeyState.DUE, "on 2026-12-02: 100 days are its limit (RGS)", id="then it is due"),
        pytest.param(key(100), KeyState.OVERDUE, "since 2026-11-22: 100 days are its limit (RGS)", id="then overdue"),
        pytest.param(key(None), KeyState.UNKNOWN, "nobody recorded when it was made", id="unknown is unknown"),
        pytest.param(key(None, unknown="sealed"), KeyState.UNKNOWN, "sealed", id="unknown says why"),
        pytest.param(
            key(0, disabled=True),
            KeyState.DISABLED,
            "nothing that it wraps can be read until it is enabled",
            id="a disabled key is disabled, whatever its age",
        ),
        pytest.param(
            key(1, expires_at=NOW),
            KeyState.OVERDUE,
            "since 2026-11-22: its own end",
            id="an end of its own comes first",
        ),
        pytest.param(
            key(100, expires_at=NOW + timedelta(days=900)),
            KeyState.OVERDUE,
            "since 2026-11-22: 100 days are its limit (RGS)",
            id="an end far away lengthens nothing",
        ),
        pytest.param(
            key(19.9, kind=KeyKind.LINK_CERTIFICATE, expires_at=NOW + timedelta(days=10.1)),
            KeyState.IN_ORDER,
            "",
            id="what serves for a month is in order until two thirds of it are over",
        ),
        pytest.param(
            key(20, kind=KeyKind.LINK_CERTIFICATE, expires_at=NOW + timedelta(days=10)),
            KeyState.DUE,
            "on 2026-12-02: 30 days are its limit (our own choice: docs/tunnels.md)",
            id="then it is due, as a gateway has itself certified anew",
        ),
        pytest.param(
            key(3, expires_at=NOW + timedelta(days=3)),
            KeyState.IN_ORDER,
            "",
            id="a notice is no longer than a third of a short life",
        ),
    ],
)
def test_a_key_is_held_against_the_limit_of_its_kind(found: Key, state: KeyState, reason: str) -> None:
    assert (judged(found).state, judged(found).reason) == (state, reason)


def test_what_is_wrapped_by_an_older_version_is_due_for_rewrapping() -> None:
    secret = key(1, kind=KeyKind.RESTIC_PASSWORD, name="s", wrapped_by="one", wrapped_version=1)
    found = {item.key.name: item for item in judge([key(1, version=2), secret], POLICY, NOW)}
    assert found["s"].state is KeyState.DUE
    assert found["s"].reason == "wrapped by version 1 of one, of which there is 2"
    assert found["one"].state is KeyState.IN_ORDER


def test_a_secret_id_that_is_not_the_only_one_of_its_role_is_due() -> None:
    found = judged(key(1, kind=KeyKind.SECRET_ID, beside=2))
    assert (found.state, found.reason) == (
        KeyState.DUE,
        "one of 3: rotate it, and all but the one in use end",
    )


def test_the_worst_comes_first() -> None:
    keys = [
        key(0, name="a"),
        key(95, name="b"),
        key(200, name="c"),
        key(None, name="d"),
        key(0, name="e", disabled=True),
    ]
    assert [item.key.name for item in judge(keys, POLICY, NOW)] == ["c", "d", "e", "b", "a"]


@given(st.floats(min_value=0, max_value=400), st.integers(min_value=1, max_value=400))
def test_a_key_only_ever_gets_worse_with_age(age_days: float, more_days: int) -> None:
    order = [KeyState.IN_ORDER, KeyState.DUE, KeyState.OVERDUE]
    assert order.index(judged(key(age_days)).state) <= order.index(judged(key(age_days + more_days)).state)


def test_every_kind_has_a_limit_and_a_source() -> None:
    found = {kind: KeyPolicy().limits.of(kind).source for kind in KeyKind}
    of_links = {KeyKind.LINK_CERTIFICATE, KeyKind.PEER_CERTIFICATE}
    assert found == {kind: OURS_OF_LINKS if kind in of_links else OWN for kind in KeyKind}


def test_the_limits_of_certificates_are_for_how_long_they_are_issued() -> None:
    limits = KeyPolicy().limits
    days = (limits.link_certificate.days, limits.peer_certificate.days)
    assert days == (GATEWAY_CERTIFICATE_DAYS, PEER_CERTIFICATE_DAYS)


def test_the_journal_tells_when_an_authority_was_made(tmp_path: Path) -> None:
    times = iter([NOW, NOW + timedelta(days=1), NOW + timedelta(days=2)])
    journal = Journal(tmp_path / "journal.jsonl", now=lambda: next(times), who=lambda: "token-engineer")
    subject = {"kind": "ssh-authority", "name": "ssh"}
    journal.append("intent", {"subject": subject, "action": "create"})
    journal.append("done", {"subject": subject, "action": "create"})
    journal.append("proof", {"subject": "vault"})
    made = times_made(journal.entries())
    assert made == {KeyKind.SSH_AUTHORITY: NOW + timedelta(days=1)}
    seen = KeysSeen((key(None, kind=KeyKind.SSH_AUTHORITY), key(3)), {})
    assert [item.made_at for item in with_times(seen, made).keys] == [made[KeyKind.SSH_AUTHORITY], key(3).made_at]
