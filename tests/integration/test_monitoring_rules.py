"""The rules for the sample region, by Prometheus's own tool: what fires when, and what does not."""

import shutil
import subprocess
from pathlib import Path

import pytest
from engines_lab import SAMPLE

from inventory.load import load_region
from monitoring.render import rules

CASES = sorted(Path(__file__).parent.glob("monitoring_*.yaml"))


def promtool(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["promtool", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules.yaml").write_text(rules(load_region(SAMPLE)))
    return tmp_path


def test_prometheus_takes_the_rules(folder: Path) -> None:
    assert "SUCCESS" in promtool(folder, "check", "rules", "rules.yaml")


@pytest.mark.parametrize("cases", CASES, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should_and_not_before(folder: Path, cases: Path) -> None:
    shutil.copy(cases, folder)
    assert "SUCCESS" in promtool(folder, "test", "rules", cases.name)
