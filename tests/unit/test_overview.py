"""How the region stands: what of files, figures, alerts and journal makes which state, and what is due."""

from datetime import timedelta

import pytest
from sample import APPLICATION, HOST, NOW, region
from watched import BACKED_UP, WELL, ago, alert, changed, key

from hosting_cli.alerts import Alert, AlertState
from hosting_cli.errors import HostingError, UnreadableError
from hosting_cli.figures import Sample
from hosting_cli.overview import Overview, overview

AWAY = UnreadableError("prometheus", "cannot be asked", "Is it running?")


def seen(
    figures: tuple[Sample, ...] | HostingError = WELL, *alerts: Alert, unknown: HostingError | None = None
) -> Overview:
    return overview(region(), NOW, unknown or alerts, figures, ())


def test_a_region_that_is_well_is_known_and_nothing_is_due() -> None:
    found = seen()
    assert (found.is_known, found.is_overdue, found.firing, found.due) == (True, False, (), ())
    assert {engine.name: engine.word for engine in found.engines} == {
        "vault": "answers",
        **{f"store {store.id}": "answers" for store in region().stores},
        "hosts": "answers",
        "evidence": "in order",
    }


@pytest.mark.parametrize(
    ("figures", "alerts", "state"),
    [
        pytest.param(WELL, (), "in order", id="all is well"),
        pytest.param(
            WELL,
            (alert("A", labels=BACKED_UP), alert("B", "warning", labels=BACKED_UP)),
            "critical",
            id="the worst counts",
        ),
        pytest.param(WELL, (alert("A", "warning", labels={"host": HOST}),), "warning", id="its host is not well"),
        pytest.param(WELL, (alert("A", labels={"host": "elsewhere"}),), "in order", id="another host is not well"),
        pytest.param(
            WELL,
            (alert("A", labels={**BACKED_UP, "application": "other"}),),
            "in order",
            id="another application on it",
        ),
        pytest.param(
            WELL, (alert("A", labels=BACKED_UP, state=AlertState.PENDING),), "in order", id="nobody is woken yet"
        ),
        pytest.param(changed(stored_backup_timestamp_seconds=ago(hours=2)), (), "late", id="a backup that is too old"),
        pytest.param(changed(stored_backup_timestamp_seconds=None), (), "late", id="a repository without a backup"),
        pytest.param(
            changed(stored_backup_timestamp_seconds=None, repository_readable=0),
            (),
            "unknown",
            id="one that is not read",
        ),
        pytest.param((), (), "unknown", id="nobody tells anything"),
    ],
)
def test_an_application_stands_as_its_alerts_and_its_backup_do(
    figures: tuple[Sample, ...], alerts: tuple[Alert, ...], state: str
) -> None:
    (item,) = seen(figures, *alerts).applications
    assert (item.application, item.host, item.state.value) == (APPLICATION, HOST, state)


@pytest.mark.parametrize(
    ("figures", "engine", "word"),
    [
        pytest.param(changed(vault_sealed=1), "vault", "sealed", id="a sealed vault"),
        pytest.param(changed(vault_reachable=0, vault_sealed=None), "vault", "away", id="a vault that is away"),
        pytest.param(changed(store_reachable=0), f"store {region().stores[0].id}", "away", id="a store that is away"),
        pytest.param(changed(up=0), "hosts", "away", id="hosts that do not answer"),
        pytest.param(changed(up=None), "hosts", "unknown", id="hosts that nobody was asked for"),
        pytest.param(
            changed(evidence_last_record_timestamp_seconds=0), "evidence", "late", id="evidence that never was recorded"
        ),
        pytest.param((), "evidence", "unknown", id="evidence that nobody tells of"),
    ],
)
def test_an_engine_stands_as_it_was_last_seen(figures: tuple[Sample, ...], engine: str, word: str) -> None:
    assert {item.name: item.word for item in seen(figures).engines}[engine] == word


def test_evidence_is_late_when_its_alert_says_so() -> None:
    engines = seen(WELL, alert("HostingEvidenceStale", "warning")).engines
    assert {item.name: item.word for item in engines}["evidence"] == "late"


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        pytest.param(
            (*WELL, *key("old", 400), *key("soon", 360), *key("later", 330)),
            [("rotate", -35), ("rotate", 5)],
            id="keys past their limit, and within the notice",
        ),
        pytest.param(
            changed(certificate_end_timestamp_seconds=ago(days=-12)), [("certificate of vault", 12)], id="a certificate"
        ),
        pytest.param(
            changed(drill_last_success_timestamp_seconds=0), [("restore for real", None)], id="what was never restored"
        ),
        pytest.param(
            changed(drill_last_success_timestamp_seconds=ago(days=80)), [("restore for real", 12)], id="a drill soon"
        ),
        pytest.param(
            changed(backup_check_last_success_timestamp_seconds=ago(days=2)), [("check", -1)], id="a check that is late"
        ),
        pytest.param((), [], id="what nobody tells of is unknown, and not due"),
    ],
)
def test_what_is_due_within_a_month_has_its_day(
    figures: tuple[Sample, ...], expected: list[tuple[str, int | None]]
) -> None:
    due = [
        (item.what, None if item.when is None else round((item.when - NOW) / timedelta(days=1)))
        for item in seen(figures).due
    ]
    assert due == expected


def test_an_alert_that_must_last_for_hours_yet_is_not_about_to_fire() -> None:
    soon = alert("A", state=AlertState.PENDING, fires_from=NOW + timedelta(minutes=4))
    later = alert("B", state=AlertState.PENDING, fires_from=NOW + timedelta(hours=6))
    found = seen(WELL, soon, later)
    assert (found.firing, found.coming, len(found.alerts or ())) == ((), (soon,), 2)


def test_what_the_monitoring_cannot_tell_is_unknown_and_told_why() -> None:
    found = seen(AWAY, unknown=AWAY)
    assert (found.is_known, found.alerts, found.keys) == (False, None, None)
    assert found.unread == (AWAY, AWAY)
    assert {item.state.value for item in found.applications} == {"unknown"}


def test_figures_without_alerts_leave_applications_unknown() -> None:
    assert [item.state.value for item in seen(unknown=AWAY).applications] == ["unknown"]
