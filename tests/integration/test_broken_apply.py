"""An engine that fails in the middle of an apply: what was done stays done, and the same command goes on."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from lab_commands import OFFICER, break_while_running, run, session_of, without_machines

from hosting_cli.console import Progress
from hosting_cli.lab import faults, tls
from hosting_cli.lab.laboratory import Lab
from hosting_cli.resources import Bucket

STORE = "object-store dijon-objects"
HOSTS = {"host dijon-app-1", "host dijon-gateway-1"}
"""Unknown from the beginning: there are none."""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with without_machines(tmp_path) as found:
        yield found


def planned(lab: Lab) -> dict[str, Any]:
    status, found = run(lab, "plan")
    assert status == 4
    plan: dict[str, Any] = found["data"]["plan"]
    return plan


def steps(found: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {(item["kind"], item["name"]): item["step"] for item in found["data"]["outcomes"]}


@pytest.mark.parametrize(
    ("fault", "causes"),
    [
        pytest.param("vault-sealed", {"vault https", STORE}, id="the vault, and so the view on the store's keys"),
        pytest.param("store-down", {"object store https"}, id="the store"),
    ],
)
def test_an_apply_whose_engine_fails_in_the_middle_ends_clearly_and_goes_on_when_that_is_mended(
    lab: Lab, fault: str, causes: set[str]
) -> None:
    plan = planned(lab)
    wanted = {(change["subject"]["kind"], change["subject"]["name"]) for change in plan["changes"]}
    assert run(lab, "approve", plan["digest"], person=OFFICER)[0] == 0
    status, found = break_while_running(lab, fault, "apply", plan["digest"], kind=Bucket.kind)
    assert status == found["exit_status"] == 4
    said = Counter(error["subject"].partition("://")[0] for error in found["errors"])
    assert said == dict.fromkeys(causes | HOSTS, 1), found["errors"]
    ended = steps(found)
    assert ended.keys() == wanted
    in_vault = {subject for subject, step in ended.items() if step == "done"}
    assert in_vault, "the vault was finished before the first bucket"
    assert {step for (kind, _), step in ended.items() if kind == Bucket.kind} <= {"failed", "skipped"}
    faults.mend(lab, fault, "", Progress(quiet=True))
    # What was done before is there, and is not done again.
    left = {(change["subject"]["kind"], change["subject"]["name"]) for change in planned(lab)["changes"]}
    assert left
    assert not left & in_vault
    status, found = run(lab, "apply", plan["digest"])
    assert status == 4
    assert {error["subject"] for error in found["errors"]} == HOSTS
    assert steps(found) == dict.fromkeys(left, "done")
    after = planned(lab)
    assert after["changes"] == after["conflicts"] == after["kept"] == []
    assert run(lab, "journal", "verify")[0] == 0


def test_a_store_whose_certificate_somebody_else_signed_is_unknown_and_is_told_nothing(
    lab: Lab, tmp_path: Path
) -> None:
    content = yaml.safe_load(lab.environment_file.read_text())
    other = tls.certificates(tmp_path / "other").authority
    content["object_stores"]["dijon-objects"]["certificate_authority"] = str(other)
    environment = tmp_path / "environment.yaml"
    environment.write_text(yaml.safe_dump(content))
    status, found = run(lab, "plan", environment=environment)
    assert status == 4
    plan = found["data"]["plan"]
    unknown = {finding["subject"]: finding["reason"] for finding in plan["unknown"]}
    assert unknown.keys() == {STORE, *HOSTS}
    assert f"its certificate is not signed by {other}" in unknown[STORE]
    assert {change["source"] for change in plan["changes"]} == {"vault"}, "what the store has no part in can be made"
    assert run(lab, "approve", plan["digest"], person=OFFICER, environment=environment)[0] == 0
    status, found = run(lab, "apply", plan["digest"], environment=environment)
    assert status == 4
    assert sorted(error["subject"] for error in found["errors"]) == sorted({STORE, *HOSTS})
    assert session_of(lab).stores["dijon-objects"].read().resources == {}
