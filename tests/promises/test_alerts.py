"""Every alert names a runbook that is filled in, and every runbook is of an alert."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
RUNBOOKS = ROOT / "runbooks" / "alerts"
SECTIONS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]
RULES = [
    rule
    for path in sorted((ROOT / "monitoring" / "rules").glob("*.yaml"))
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
]
ALERTS = [rule for rule in RULES if "alert" in rule]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_says_what_happens_how_bad_it_is_and_what_to_do(alert: dict[str, Any]) -> None:
    assert alert["annotations"]["runbook"] == f"runbooks/alerts/{alert['alert']}.md"
    assert alert["annotations"]["summary"]
    assert alert["labels"]["severity"] in {"critical", "warning"}


@pytest.mark.parametrize("path", sorted(RUNBOOKS.glob("*.md")), ids=lambda path: path.stem)
def test_a_runbook_is_of_an_alert_and_filled_in(path: Path) -> None:
    assert path.stem in {alert["alert"] for alert in ALERTS}
    title, *parts = re.split(r"^## ", path.read_text(), flags=re.MULTILINE)
    assert title.strip() == f"# {path.stem}"
    assert [part.partition("\n")[0] for part in parts] == SECTIONS
    assert all(len(part.partition("\n")[2].strip()) > 20 for part in parts)


def test_every_metric_that_rules_ask_for_is_given_by_a_host_or_by_the_controller() -> None:
    from deploys.agent import record
    from hosting_cli import figures

    asked = {name for rule in RULES for name in re.findall(r"\bhosting_[a-z_]+", rule["expr"])}
    assert asked - set(record.HELP) - set(figures.HELP) == set()
