"""Prometheus, Alertmanager and the exporter of figures, each a process on the loopback interface.

Both of Debian's servers speak TLS with the lab's certificate; the exporter, which nobody but Prometheus asks, does not.
All of them give way to whatever else runs on this machine: they watch, and must not be what slows it down.
"""

import os
import signal
import ssl
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPSConnection
from pathlib import Path

import yaml

from hosting_cli.errors import EngineError
from hosting_cli.exporter.parts import RHYTHMS, Part
from hosting_cli.lab import recorded
from hosting_cli.lab.processes import Process, is_alive, start
from hosting_cli.lab.tls import Certificates
from inventory.environment import Environment, MonitoringAccess
from inventory.models import Region
from monitoring import configuration

READY_SECONDS = 60
_POLL_SECONDS = 0.05
ROOT = Path(__file__).parents[2]
NAMES = ("alertmanager", "prometheus", "exporter")
"""The processes, in the order in which one needs the other to be told something."""

SERVERS = frozenset(NAMES) - {"exporter"}
PORTS_NEEDED = len(NAMES)
READ_ENGINES_SECONDS = int(RHYTHMS[Part.ENGINES].every_seconds)
"""As often as elsewhere: each time costs a second of a processor, of which a lab's machines have few."""

_GIVING_WAY = ("nice", "-n", "5")


@dataclass(frozen=True)
class Monitoring:
    """The three of one lab: where their files are and where they listen; ``ports`` are ``PORTS_NEEDED`` free ones."""

    directory: Path
    certificates: Certificates
    ports: tuple[int, ...]

    @property
    def access(self) -> MonitoringAccess:
        """Say where they answer."""
        return MonitoringAccess(
            prometheus=self.address("prometheus"),
            alertmanager=self.address("alertmanager"),
            certificate_authority=self.certificates.authority,
            figures=self.address("exporter"),
        )

    def address(self, name: str) -> str:
        """Give the address of one of ``NAMES``."""
        return f"{'http' if name == 'exporter' else 'https'}://127.0.0.1:{self._port(name)}"

    def configure(self, region: Region, environment: Environment) -> None:
        """Write what they are told, as of the files; those that run take it at once."""
        told = configuration.files(region, environment, self.access)
        secured = {"cert_file": str(self.certificates.certificate), "key_file": str(self.certificates.key)}
        web = yaml.safe_dump({"tls_server_config": {**secured, "min_version": "TLS12"}})
        self._write("alertmanager", {"alertmanager.yaml": told["alertmanager.yaml"], "web.yaml": web})
        self._write("prometheus", {name: told[name] for name in ("prometheus.yaml", "rules.yaml")} | {"web.yaml": web})
        self._write("exporter", {})
        for name in ("alertmanager", "prometheus"):
            if (process := recorded.running(self.directory / name)) is not None:
                os.kill(process.pid, signal.SIGHUP)

    def start(self, region_folder: Path, environment_file: Path) -> None:
        """Start whatever does not run, all at once, and return when both servers answer.

        The exporter loads the region meanwhile; Prometheus asks it again until it is there.  Raise ``EngineError`` with
        the end of a log when a server does not come up.
        """
        commands: Mapping[str, list[str | Path]] = {
            "alertmanager": self._alertmanager(),
            "prometheus": self._prometheus(),
            "exporter": self._exporter(region_folder, environment_file),
        }
        started = {
            name: self._start(name, argv)
            for name, argv in commands.items()
            if recorded.running(self.directory / name) is None
        }
        for name in SERVERS & started.keys():
            self._wait(name, started[name])

    def _start(self, name: str, argv: list[str | Path]) -> Process:
        folder = self.directory / name
        # The exporter begins where this very code is found; the servers know their files by name.
        where = ROOT if name == "exporter" else folder
        return start(
            name, [*_GIVING_WAY, *argv], log=folder / f"{name}.log", directory=where, record=recorded.recorder(folder)
        )

    def _alertmanager(self) -> list[str | Path]:
        return [
            "prometheus-alertmanager",
            "--config.file=alertmanager.yaml",
            "--storage.path=data",
            f"--web.listen-address=127.0.0.1:{self._port('alertmanager')}",
            "--web.config.file=web.yaml",
            "--cluster.listen-address=",  # it is alone
        ]

    def _prometheus(self) -> list[str | Path]:
        return [
            "prometheus",
            "--config.file=prometheus.yaml",
            "--storage.tsdb.path=data",
            f"--web.listen-address=127.0.0.1:{self._port('prometheus')}",
            "--web.config.file=web.yaml",
        ]

    def _exporter(self, region_folder: Path, environment_file: Path) -> list[str | Path]:
        port = str(self._port("exporter"))
        files: tuple[str | Path, ...] = ("--region", region_folder, "--environment", environment_file)
        rhythm = f"engines={READ_ENGINES_SECONDS}"
        return [sys.executable, "-m", "hosting_cli", "metrics", "serve", "--port", port, "--every", rhythm, *files]

    def _wait(self, name: str, process: Process) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and is_alive(process):
            if self._is_ready(name):
                return
            time.sleep(_POLL_SECONDS)
        log = self.directory / name / f"{name}.log"
        end = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
        remedy = f"Look at {name}.log in the lab's directory."
        raise EngineError(f"{name} {self.address(name)}", f"it did not come up, and its log ends with:\n{end}", remedy)

    def _is_ready(self, name: str) -> bool:
        context = ssl.create_default_context(cafile=str(self.certificates.authority))
        connection = HTTPSConnection("127.0.0.1", self._port(name), context=context, timeout=5)
        try:
            connection.request("GET", "/-/ready")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def _port(self, name: str) -> int:
        return self.ports[NAMES.index(name)]

    def _write(self, name: str, files: Mapping[str, str]) -> None:
        folder = self.directory / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file, content in files.items():
            draft = folder / f"{file}.new"
            draft.write_text(content)
            draft.replace(folder / file)
