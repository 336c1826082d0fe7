"""`hosting evidence` and `hosting report` as people run them: real engines, real hosts, and an auditor's own Python."""

import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from itertools import chain as joined
from pathlib import Path
from typing import Any

import pytest
from canaries import leaks
from identities_lab import HostedLab
from lab_commands import AUDITOR, OFFICER, command, run, session_of

from hosting_cli.errors import EngineError
from hosting_cli.evidence.programs import verify
from hosting_cli.lab.laboratory import Lab
from hosting_cli.resources import SecretEntry


@pytest.fixture(scope="module")
def collected(hosted: HostedLab) -> dict[str, Any]:
    """Collect once for all."""
    status, answer = run(hosted.lab, "evidence", "collect")
    assert status == 0, answer
    data: dict[str, Any] = answer["data"]
    return data


def test_what_checks_saw_is_recorded_and_verifies(hosted: HostedLab, collected: dict[str, Any]) -> None:
    assert collected["record"] == verify.record_name(1)
    assert collected["observations"] > 30
    status, answer = run(hosted.lab, "evidence", "verify", "--head", collected["digest"])
    assert (status, answer["data"]["faults"]) == (0, [])
    assert answer["data"]["head"]["digest"] == collected["digest"]


def test_a_collection_killed_in_the_middle_leaves_nothing_that_the_next_one_does_not_mend(
    hosted: HostedLab, collected: dict[str, Any]
) -> None:
    session = session_of(hosted.lab)
    before = len(session.evidence.kept(verify.OBJECTS))
    with subprocess.Popen(
        command(hosted.lab, "evidence", "collect"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        while process.poll() is None and len(session.evidence.kept(verify.OBJECTS)) == before:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    status, _ = run(hosted.lab, "evidence", "collect")
    assert status == 0
    status, answer = run(hosted.lab, "evidence", "verify", "--head", collected["digest"])
    assert (status, answer["data"]["faults"]) == (0, [])


def test_whoever_may_not_sign_records_nothing(hosted: HostedLab, collected: dict[str, Any]) -> None:
    before = len(session_of(hosted.lab).evidence.kept(verify.RECORDS))
    assert run(hosted.lab, "evidence", "collect", person=OFFICER)[0] != 0
    assert len(session_of(hosted.lab).evidence.kept(verify.RECORDS)) == before


def written_report(lab: Lab, folder: Path, *options: str) -> tuple[dict[str, Any], str]:
    page, paper = folder / "rapport.html", folder / "rapport.pdf"
    status, answer = run(lab, "report", "compliance", str(page), str(paper), *options)
    assert status in {0, 3}, answer
    assert paper.read_bytes().startswith(b"%PDF")
    data: dict[str, Any] = answer["data"]
    return data, page.read_text()


def test_the_report_says_what_the_record_holds(hosted: HostedLab, collected: dict[str, Any], tmp_path: Path) -> None:
    data, page = written_report(hosted.lab, tmp_path)
    assert data["faults"] == 0
    assert data["record"] in page
    assert "Exigences HDS" in page
    assert "EXI 28" in page
    assert {count["layer"] for count in data["summary"]} == {"hds", "soa", "rule"}


def test_an_auditor_reports_and_verifies_by_a_token_that_adds_nothing(
    hosted: HostedLab, collected: dict[str, Any], tmp_path: Path
) -> None:
    page = tmp_path / "rapport.html"
    _, answer = run(hosted.lab, "report", "compliance", str(page), person=AUDITOR)
    assert answer["data"]["record"] in page.read_text()
    status, answer = run(hosted.lab, "evidence", "verify", "--head", collected["digest"], person=AUDITOR)
    assert (status, answer["data"]["faults"]) == (0, [])
    with pytest.raises(EngineError, match="AccessDenied"):
        session_of(hosted.lab, AUDITOR).evidence.add("headers/by-an-auditor", b"seen")
    assert not session_of(hosted.lab).evidence.kept("headers/by-an-auditor")


def test_a_period_without_a_record_proves_nothing(hosted: HostedLab, collected: dict[str, Any], tmp_path: Path) -> None:
    data, page = written_report(hosted.lab, tmp_path, "--period", "2020", "--lang", "en")
    conforming = sum(count["verdicts"]["conforming"] for count in data["summary"] if count["layer"] == "rule")
    assert (data["records"], conforming) == (0, 0)
    assert "No record was made in the period: nothing is proven." in page


def test_a_pack_is_verified_by_an_auditor_and_holds_no_secret(
    hosted: HostedLab, collected: dict[str, Any], tmp_path: Path
) -> None:
    lab, pack = hosted.lab, tmp_path / "preuves.zip"
    status, answer = run(lab, "evidence", "pack", "--into", str(pack))
    assert status == 0, answer
    with zipfile.ZipFile(io.BytesIO(pack.read_bytes())) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    (tmp_path / "verify.py").write_bytes(contents["verify.py"])
    argv = [sys.executable, "-I", "-S", "verify.py", pack.name, "--key", answer["data"]["keys"][-1]]
    argv += ["--head", collected["digest"], "--journal", str(lab.journal)]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert {"rapport-de-conformite.html", "compliance-report.pdf", "store.json", "manifest.json"} <= contents.keys()

    secrets = secrets_of(lab)
    assert len(secrets) > 8
    assert leaks(contents.items(), secrets) == []
    session = session_of(lab)
    kept = [*session.evidence.kept(verify.RECORDS), *session.evidence.kept(verify.OBJECTS)]
    assert leaks(((item.name, session.evidence.get(item)) for item in kept), secrets) == []
    assert leaks([("journal", lab.journal.read_bytes())], secrets) == []


def secrets_of(lab: Lab) -> list[str]:
    """Reveal everything that the vault keeps for the region, and what people log in to it with."""
    vault = session_of(lab).vault
    entries = [item for item in (vault.read().resources or {}).values() if isinstance(item, SecretEntry)]
    revealed = [vault.reveal_secret(entry).reveal() for entry in entries]
    pairs = [json.loads(value) for value in revealed if value.startswith("{")]
    return [
        *(value for value in revealed if not value.startswith("{")),
        *(pair["secret_access_key"] for pair in pairs),
        *joined.from_iterable(
            (lab.token_file(person).read_text().strip(),) for person in ("operations-engineer", OFFICER)
        ),
        lab.vault.root_token().reveal(),
    ]
