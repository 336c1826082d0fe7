"""OpenBao as one process on the loopback interface: started, initialised with one unseal key, unsealed, sealed again.

The unseal key and the root token lie in a file beside the server, because this is a lab.  Nothing here provisions:
mounts, keys, policies and roles are the business of ``doors.openbao``, with a token of ``lab.tokens``.
"""

import json
import os
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

from hosting_cli.errors import EngineError, UnreadableError
from hosting_cli.lab.processes import Process, is_alive, start
from hosting_cli.lab.tls import SUITES, Certificates
from hosting_cli.lab.wheels import OPENBAO
from hosting_cli.secret import Secret
from inventory.resource import Json

READY_SECONDS = 60
_POLL_SECONDS = 0.05
_REQUEST_SECONDS = 30
_LOOK = "Look at openbao.log in the lab's directory."
_WARNING = "This opens a LAB's vault. A production vault's unseal keys are never kept together, nor in a file."
_CONFIGURATION = """\
# Written by the lab.
storage "raft" {{
  path    = "{directory}/data"
  node_id = "lab"
  # A node that is alone need not wait long for others before it leads.
  performance_multiplier = 1
}}

listener "tcp" {{
  address         = "127.0.0.1:{port}"
  cluster_address = "127.0.0.1:{cluster_port}"
  tls_cert_file   = "{certificate}"
  tls_key_file    = "{key}"
  tls_min_version = "tls12"
  tls_cipher_suites = "{suites}"
}}

api_addr     = "https://127.0.0.1:{port}"
cluster_addr = "https://127.0.0.1:{cluster_port}"

# OpenBao takes audit devices from here only, never from its API: whoever holds a token cannot switch them off.
audit "file" "main" {{
  options {{
    file_path = "{directory}/audit.jsonl"
    mode      = "0600"
  }}
}}
"""


@dataclass(frozen=True)
class OpenBaoServer:
    """One server: where its files are, where it listens, and where its unseal key is kept."""

    directory: Path
    unseal_file: Path
    certificates: Certificates
    port: int
    cluster_port: int

    @property
    def address(self) -> str:
        """Give the address for clients on this machine."""
        return f"https://127.0.0.1:{self.port}"

    def start(self, *, record: Callable[[Process], None] | None = None) -> Process:
        """Start the server and return when it answers: sealed, and not even initialised the first time.

        Raise ``EngineError`` with the end of its log when it does not come up.
        """
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.directory / "data").mkdir(exist_ok=True)
        configuration = self.directory / "openbao.hcl"
        configuration.write_text(self._configuration())
        argv: list[str | Path] = [OPENBAO.program(), "server", f"-config={configuration}"]
        process = start("openbao", argv, log=self._log, directory=self.directory, record=record)
        self._wait(process, lambda health: True)
        return process

    def open(self, process: Process) -> None:
        """Initialise the server if it never was, unseal it, and return when it is active.  Idempotent."""
        if not self.health().get("initialized"):
            self._initialise()
        self._request("POST", "sys/unseal", {"key": self._unsealing()["keys"][0]}, token=None)
        self._wait(process, lambda health: health.get("sealed") is False and health.get("standby") is False)

    def seal(self) -> None:
        """Seal the server, as a fault: everything behind it becomes unreadable until ``open``."""
        self._request("POST", "sys/seal", None, token=self.root_token())

    def health(self) -> dict[str, Json]:
        """Ask for ``sys/health``; raise ``UnreadableError`` when nobody answers."""
        accepted = {"standbyok": "true", "sealedcode": "200", "uninitcode": "200"}
        query = "&".join(f"{name}={value}" for name, value in accepted.items())
        return self._request("GET", f"sys/health?{query}", None, token=None)

    def root_token(self) -> Secret:
        """Give the root token of this lab."""
        return Secret(self._unsealing()["root_token"])

    def write(self, path: str, body: dict[str, Json]) -> dict[str, Json]:
        """Write to *path* as root: only for what must exist before anybody else has a token."""
        return self._request("POST", path, body, token=self.root_token())

    def read(self, path: str) -> dict[str, Json]:
        """Read *path* as root: for a test that must see past everybody's rights."""
        return self._request("GET", path, None, token=self.root_token())

    def _initialise(self) -> None:
        answer = self._request("POST", "sys/init", {"secret_shares": 1, "secret_threshold": 1}, token=None)
        content = {"warning": _WARNING, "keys": answer["keys_base64"], "root_token": answer["root_token"]}
        draft = self.unseal_file.with_name(self.unseal_file.name + ".new")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(content, file, indent=2)
        draft.replace(self.unseal_file)

    def _unsealing(self) -> dict[str, Any]:
        try:
            content: dict[str, Any] = json.loads(self.unseal_file.read_text())
        except FileNotFoundError as error:
            # A starter killed between the answer and the file: nobody can open this vault, and nothing is in it.
            remedy = "Remove the lab with `hosting lab down` and bring it up again."
            raise EngineError("lab", f"the unseal key is not in {self.unseal_file}", remedy) from error
        return content

    def _wait(self, process: Process, is_ready: Callable[[dict[str, Json]], bool]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and is_alive(process):
            try:
                if is_ready(self.health()):
                    return
            except UnreadableError:
                # Not listening yet: the deadline and the process's life end the loop.
                pass
            time.sleep(_POLL_SECONDS)
        end = "\n".join(self._log.read_text(errors="replace").splitlines()[-5:])
        raise EngineError(f"vault {self.address}", f"it did not come up, and its log ends with:\n{end}", _LOOK)

    def _request(self, method: str, path: str, body: dict[str, Json] | None, *, token: Secret | None) -> dict[str, Any]:
        context = ssl.create_default_context(cafile=str(self.certificates.authority))
        connection = HTTPSConnection("127.0.0.1", self.port, context=context, timeout=_REQUEST_SECONDS)
        headers = {"X-Vault-Request": "true"} | ({"X-Vault-Token": token.reveal()} if token is not None else {})
        try:
            connection.request(method, f"/v1/{path}", json.dumps(body) if body is not None else None, headers)
            response = connection.getresponse()
            text = response.read().decode()
        except OSError as error:
            raise UnreadableError(f"vault {self.address}", f"it does not answer ({error})", "Is it running?") from error
        finally:
            connection.close()
        if response.status >= 400:
            raise EngineError(
                f"vault {self.address}", f"{method} {path} answered {response.status}: {text.strip()}", _LOOK
            )
        answer: dict[str, Any] = json.loads(text) if text else {}
        return answer

    @property
    def _log(self) -> Path:
        return self.directory / "openbao.log"

    def _configuration(self) -> str:
        return _CONFIGURATION.format(
            directory=self.directory,
            port=self.port,
            cluster_port=self.cluster_port,
            certificate=self.certificates.certificate,
            key=self.certificates.key,
            suites=",".join(SUITES),
        )
