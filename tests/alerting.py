"""Whether an alert has a reason: its expression, worked out by Prometheus itself on figures as they are."""

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

RULES = Path(__file__).parents[1] / "monitoring/rules"


@dataclass(frozen=True)
class Figure:
    """One figure, as Prometheus would have it from whom it asks."""

    series: str
    value: float


@dataclass(frozen=True)
class Reason:
    """What an alert's expression gives where it has a reason: a value, and whom the alert names."""

    value: float
    labels: Mapping[str, str]


def figures(samples: Iterable[Mapping[str, Any]]) -> list[Figure]:
    """Take the samples that ``hosting metrics show`` answers."""
    return [Figure(f"{item['name']}{labelled(item['labels'])}", item["value"]) for item in samples]


def labelled(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f"{name}={json.dumps(value)}" for name, value in sorted(labels.items())) + "}"


def expression(alert: str) -> str:
    groups = [group for path in sorted(RULES.glob("*.yaml")) for group in yaml.safe_load(path.read_text())["groups"]]
    (found,) = [rule["expr"] for group in groups for rule in group["rules"] if rule.get("alert") == alert]
    return str(found)


def must_have(alert: str, found: Iterable[Figure], *reasons: Reason, folder: Path) -> None:
    """Have Prometheus work the alert's expression out over what was *found*: it has these *reasons* and no other."""
    expected = [{"labels": labelled(reason.labels), "value": reason.value} for reason in reasons]
    about = {"expr": expression(alert), "eval_time": "5m", "exp_samples": expected}
    series = [{"series": figure.series, "values": f"{figure.value}x10"} for figure in found]
    test = {"interval": "1m", "input_series": series, "promql_expr_test": [about]}
    file = folder / "figures.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [], "tests": [test]}))
    done = subprocess.run(["promtool", "test", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
