from typing import Any, cast

import pytest

from tests.bench import ansible, report
from tests.bench.fleet import Fleet
from tests.bench.measure import BenchmarkError, Chapter, Figure, Goal, Series, ratio
from tests.bench.processes import checked, measured
from tests.bench.readings import _spread

OUTPUT = """\
PLAY [all] *********************************************************************

TASK [packages] ****************************************************************
ok: [host-01]
ok: [host-02]

TASK [/etc/chrony/chrony.conf] *************************************************
--- before: /etc/chrony/chrony.conf
+++ after: /etc/chrony/chrony.conf
changed: [host-02]
ok: [host-01]

PLAY RECAP *********************************************************************
host-01                    : ok=2    changed=0    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0
host-02                    : ok=2    changed=1    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0
"""


def series(name: str, *seconds: float) -> Series:
    return Series(name, tuple(Figure(wall, wall / 2, wall / 4, host_seconds=wall) for wall in seconds))


def test_ratios_are_those_of_medians() -> None:
    assert ratio(series("slow", 1, 30, 100), series("fast", 2, 3, 4)) == 10


@pytest.mark.parametrize(
    ("goal", "is_met", "limit"),
    [
        (Goal("faster", 20.0, at_least=20), True, "≥ 20 ×"),
        (Goal("faster", 19.9, at_least=20), False, "≥ 20 ×"),
        (Goal("quick", 1.5, at_most=1.5), True, "≤ 1.5 ×"),
        (Goal("small", 600.5, "MiB", at_most=600), False, "≤ 600 MiB"),
    ],
    ids=["as fast as asked", "too slow", "as close as asked", "too large"],
)
def test_a_goal_is_met_on_its_own_side_of_the_limit(goal: Goal, is_met: bool, limit: str) -> None:
    assert (goal.is_met, goal.limit) == (is_met, limit)


def test_people_and_machines_are_told_the_same() -> None:
    chapter = Chapter("Reading", (series("floor", 1, 2, 3),), (Goal("close", 1.6, at_most=1.5),), ("a note",))
    assert report.for_people([chapter]).splitlines() == [
        "Reading",
        "         runs  min s  median s  max s  CPU s  hosts' CPU s  MiB",
        "  floor     3  1.000     2.000  3.000   1.50          2.00",
        "  MISSED  1.60 ×  (goal ≤ 1.5 ×)  close",
        "  a note",
    ]
    (told,) = cast(Any, report.for_machines([chapter]))["chapters"]
    assert told["goals"][0]["met"] is False
    assert told["series"][0]["figures"][1]["wall_seconds"] == 2


def test_what_ansible_would_change_is_found_in_its_output() -> None:
    seen = ansible.seen(OUTPUT)
    assert seen.hosts == {"host-01", "host-02"}
    assert seen.changes == {("host-02", "/etc/chrony/chrony.conf")}


@pytest.mark.parametrize("trouble", ["unreachable", "failed"])
def test_a_host_that_ansible_could_not_judge_is_an_error(trouble: str) -> None:
    with pytest.raises(ValueError, match=f"host-02 .*{trouble}=1"):
        ansible.seen(_with(trouble))


def _with(trouble: str) -> str:
    head, _, last = OUTPUT.rpartition("host-02")
    return f"{head}host-02{last.replace(f'{trouble}=0', f'{trouble}=1')}"


def test_rare_rounds_are_spread_over_all_of_them() -> None:
    assert _spread(2, 7) == {0, 6}
    assert _spread(3, 7) == {0, 3, 6}
    assert _spread(1, 7) == {0}


def test_a_candidate_that_fails_or_hangs_is_an_error_not_a_figure() -> None:
    with pytest.raises(BenchmarkError, match="status 3: gone wrong"):
        checked(measured(["sh", "-c", "echo gone wrong; exit 3"]))
    with pytest.raises(BenchmarkError, match="sleep 60 did not end within 0 s"):
        measured(["sleep", "60"], timeout_seconds=0.1)


def test_a_fleet_without_root_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(BenchmarkError, match="need root; run the benchmark as root"):
        Fleet(2)
