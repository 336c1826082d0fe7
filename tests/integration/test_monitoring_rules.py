"""The rules for the sample region, by Prometheus's own tool: what fires when, and what does not."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from engines_lab import SAMPLE
from sample import environment, region

from deploys.agent import record
from hosting_cli.figures import HELP, Sample, exposition
from inventory.environment import MonitoringAccess
from inventory.load import load_region
from monitoring import configuration
from monitoring.render import rules

CASES = sorted(Path(__file__).parent.glob("monitoring_*.yaml"))


def promtool(folder: Path, *arguments: str, given: str = "") -> str:
    done = subprocess.run(
        ["promtool", *arguments], input=given, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules.yaml").write_text(rules(load_region(SAMPLE)))
    return tmp_path


MONITORING = MonitoringAccess(
    prometheus="https://127.0.0.1:1", alertmanager="https://127.0.0.1:2", certificate_authority="/none/ca.pem"
)


def test_both_servers_take_what_they_are_told(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.write_text("")
    access = MONITORING.model_copy(update={"certificate_authority": authority})
    for name, content in configuration.files(region(), environment(), access).items():
        (tmp_path / name).write_text(content)
    assert "SUCCESS" in promtool(tmp_path, "check", "config", "prometheus.yaml")
    done = subprocess.run(["amtool", "check-config", tmp_path / "alertmanager.yaml"], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_alertmanager_mutes_is_there() -> None:
    told = yaml.safe_load(configuration.ALERTMANAGER.read_text())
    matchers = [
        words for rule in told["inhibit_rules"] for words in (*rule["source_matchers"], *rule["target_matchers"])
    ]
    named = {name for words in matchers for name in re.findall(r"Hosting[A-Za-z]+", words)}
    rendered = rules(load_region(SAMPLE))
    assert named and {name for name in named if f"alert: {name}\n" not in rendered} == set()


@pytest.mark.parametrize("cases", CASES, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should_and_not_before(folder: Path, cases: Path) -> None:
    shutil.copy(cases, folder)
    assert "SUCCESS" in promtool(folder, "test", "rules", cases.name)


GOOD: dict[str, Any] = {"outcome": "done", "time": 1000, "began": 900, "seconds": 1.5, "part": 1, "parts": 28}
DUMP = {"engine": "postgresql", "database": "images", "bytes": 17, "seconds": 0.5}
BACKED_UP = {**GOOD, "bytes": 10, "added_bytes": 5, "files": 2, "dumps": [DUMP, {**DUMP, "database": "index"}]}


def test_prometheus_takes_the_figures_of_hosts_and_has_nothing_against_their_names(folder: Path) -> None:
    state = {"last_attempt": BACKED_UP, "last_success": BACKED_UP, "last_check": GOOD, "last_good_check": GOOD}
    promtool(folder, "check", "metrics", given=record.metrics("imagerie-beaune", "dijon-app-1", state))


def test_prometheus_takes_the_figures_of_the_controller_and_has_nothing_against_their_names(folder: Path) -> None:
    labels = {"application": "imagerie-beaune", "host": "dijon-app-1"}
    promtool(folder, "check", "metrics", given=exposition(Sample(name, labels, 1) for name in HELP))
