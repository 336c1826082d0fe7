"""One real lab for all tests of a process, and the command line as people run it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from forked import Forked, hosting
from recording import recorded

from hosting_cli.lab import channels, machines

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "inventory/regions/bourgogne-franche-comte"
HOSTING = (sys.executable, "-m", "hosting_cli")
HOSTS = ("dijon-app-1", "dijon-gateway-1")
"""The sample's."""


@dataclass(frozen=True)
class Ran:
    """What a command answered."""

    status: int
    output: str
    errors: str

    @property
    def data(self) -> dict[str, Any]:
        """Give the data of its JSON envelope."""
        found: dict[str, Any] = json.loads(self.output)["data"]
        return found

    @property
    def problems(self) -> list[dict[str, str]]:
        """Give the errors of its JSON envelope."""
        found: list[dict[str, str]] = json.loads(self.output)["errors"]
        return found


@dataclass(frozen=True)
class LabRunner:
    """A lab in a directory of its own, and commands run in it as one of its people, on the files of a region.

    ``processes`` are the arguments and environments of all that ran on both ends while it was provisioned.
    """

    directory: Path
    region: Path = SAMPLE
    processes: dict[str, bytes] = field(default_factory=dict)

    @property
    def environment_file(self) -> Path:
        return self.directory / "environment.yaml"

    @property
    def journal(self) -> Path:
        return self.directory / "journal.jsonl"

    def token_file(self, person: str) -> Path:
        return self.directory / "tokens" / f"{person}.token"

    def variables(self, **more: str) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("VAULT_", "HOSTING_"))}
        own = {"HOSTING_LAB": str(self.directory), "HOSTING_REGION": str(self.region)}
        return {**inherited, **own, "HOSTING_ENVIRONMENT": str(self.environment_file), **more}

    def run(
        self, *arguments: str, person: str = "operations-engineer", typed: str = "", timeout_seconds: float = 1500
    ) -> Ran:
        """Run ``hosting`` with *arguments* and ``--output json``; its progress goes to our own standard error."""
        completed = (*arguments, "--output", "json", "--token-file", str(self.token_file(person)))
        with TemporaryDirectory() as folder:
            output, errors = Path(folder, "output"), Path(folder, "errors")
            process = Forked(
                hosting, *completed, environment=self.variables(), typed=typed, output=output, errors=errors
            )
            status = process.wait(timeout_seconds)
            sys.stderr.write(errors.read_text())
            return Ran(status, output.read_text(), errors.read_text())

    def start(self, *arguments: str, output: Path, **variables: str) -> subprocess.Popen[str]:
        """Start ``hosting`` in a process group of its own, to be killed; what it answers goes to the file *output*."""
        argv = [*HOSTING, *arguments, "--output", "json"]
        with output.open("w") as answer:
            return subprocess.Popen(
                argv,
                stdout=answer,
                stderr=subprocess.DEVNULL,
                text=True,
                env=self.variables(**variables),
                start_new_session=True,
                cwd=ROOT,
            )

    def plan(self) -> tuple[Ran, str]:
        """Plan, and give the digest."""
        ran = self.run("plan")
        return ran, str(ran.data["plan"]["digest"])

    def converge(self) -> Ran:
        """Plan, have it approved, apply."""
        _, digest = self.plan()
        approved = self.run("approve", digest, person="security-officer")
        assert approved.status == 0, approved.output
        return self.run("apply", digest)

    def on_machine(self, machine: str, *argv: str) -> str:
        """Run a command on a machine past everything of ours: through the lab's own channel."""
        ran = channels.run(machines.directory(self.directory, machine), argv)
        assert ran.status == 0, ran
        return ran.output

    def entries(self) -> list[Mapping[str, Any]]:
        """Read the journal's whole lines."""
        if not self.journal.exists():
            return []
        return [json.loads(line) for line in self.journal.read_text().split("\n")[:-1]]


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabRunner]:
    """Bring a lab up; every acceptance test finds it whole and leaves it so."""
    runner = LabRunner(tmp_path_factory.mktemp("lab") / "lab")
    try:
        bring_up(runner)
        yield runner
    finally:
        take_down(runner)


def take_down(runner: LabRunner) -> None:
    subprocess.run([*HOSTING, "lab", "down"], env=runner.variables(), check=True, cwd=ROOT, stdout=subprocess.DEVNULL)


def bring_up(runner: LabRunner) -> None:
    """Bring the lab up, and whatever of it does not run; nothing looks at it but the tests."""
    argv = [*HOSTING, "lab", "up", "--unwatched"]
    subprocess.run(argv, env=runner.variables(), check=True, cwd=ROOT, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="session")
def provisioned(lab: LabRunner) -> LabRunner:
    """Give the lab with the sample application on it: planned, approved by a second person, applied."""
    with recorded(lab.directory, HOSTS) as processes:
        applied = lab.converge()
    assert (applied.status, applied.problems) == (0, [])
    lab.processes.update(processes)
    return lab


def wait_until(condition: Callable[[], bool], *, seconds: float) -> None:
    """Wait for *condition*, and fail when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
