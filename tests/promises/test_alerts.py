"""Every alert names a runbook that answers it, every runbook reads and runs, and every action exists and is named."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from hosting_cli.runbooks.load import FOLDER, load
from hosting_cli.runbooks.runbook import Runbook
from hosting_cli.runbooks.sheet import Severity
from runbooks.actions import CATALOGUE

ROOT = Path(__file__).parents[2]
RULES = [
    rule
    for path in sorted((ROOT / "monitoring" / "rules").glob("*.yaml"))
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
]
ALERTS = [rule for rule in RULES if "alert" in rule]
RUNBOOKS = load(FOLDER, CATALOGUE)
"""Loading them holds the sections, the steps, their parameters and their actions against each other."""


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_says_what_happens_how_bad_it_is_and_what_to_do(alert: dict[str, Any]) -> None:
    answering = [runbook for runbook in RUNBOOKS if alert["alert"] in runbook.sheet.alerts]
    assert [f"runbooks/{runbook.id}.md" for runbook in answering] == [alert["annotations"]["runbook"]]
    assert alert["annotations"]["summary"]
    assert Severity(alert["labels"]["severity"]) is answering[0].sheet.severity


@pytest.mark.parametrize("runbook", RUNBOOKS, ids=lambda runbook: runbook.id)
def test_a_runbook_names_alerts_that_exist_or_steps_that_run(runbook: Runbook) -> None:
    assert set(runbook.sheet.alerts) <= {alert["alert"] for alert in ALERTS}
    assert runbook.sheet.alerts or runbook.steps


def test_every_action_is_named_by_a_runbook() -> None:
    named = {call.use for runbook in RUNBOOKS for step in runbook.steps for _, call in step.calls()}
    assert named == set(CATALOGUE)


def test_every_metric_that_rules_ask_for_is_given_by_a_host_or_by_the_controller() -> None:
    from deploys.agent import record
    from hosting_cli import figures

    asked = {name for rule in RULES for name in re.findall(r"\bhosting_[a-z_]+", rule["expr"])}
    assert asked - set(record.HELP) - set(figures.HELP) == set()
