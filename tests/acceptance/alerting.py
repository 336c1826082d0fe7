"""Whether an alert has a reason: its expression, worked out by Prometheus itself on the figures as they are."""

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from conftest import ROOT, LabRunner


@dataclass(frozen=True)
class Figure:
    """One figure, as Prometheus would have it from whom it asks."""

    series: str
    value: float


def by_controller(lab: LabRunner, part: str) -> list[Figure]:
    """Have the controller read the figures of a part."""
    samples = lab.run("metrics", "show", "--only", part).data["samples"]
    return [Figure(f"{item['name']}{labelled(item['labels'])}", item["value"]) for item in samples]


def by_host(lab: LabRunner, host: str, prefix: str) -> list[Figure]:
    """Ask a host's node exporter for the figures whose names begin with *prefix*."""
    lines = lab.on_machine(host, "curl", "--silent", "http://127.0.0.1:9100/metrics").splitlines()
    parted = [line.rpartition(" ") for line in lines if line.startswith(prefix)]
    return [Figure(series, float(value)) for series, _, value in parted]


def labelled(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f"{name}={json.dumps(value)}" for name, value in sorted(labels.items())) + "}"


def expression(alert: str) -> str:
    groups = [
        group
        for path in sorted((ROOT / "monitoring/rules").glob("*.yaml"))
        for group in yaml.safe_load(path.read_text())["groups"]
    ]
    (found,) = [rule["expr"] for group in groups for rule in group["rules"] if rule.get("alert") == alert]
    return str(found)


def gives(folder: Path, alert: str, figures: Iterable[Figure], *expected: Mapping[str, Any]) -> None:
    """Have Prometheus work the alert's expression out over *figures*, and hold what comes of it against *expected*."""
    about = {"expr": expression(alert), "eval_time": "5m", "exp_samples": list(expected)}
    series = [{"series": figure.series, "values": f"{figure.value}x10"} for figure in figures]
    test = {"interval": "1m", "input_series": series, "promql_expr_test": [about]}
    file = folder / "figures.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [], "tests": [test]}))
    done = subprocess.run(["promtool", "test", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
