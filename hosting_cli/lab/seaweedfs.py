"""SeaweedFS as one process on the loopback interface: S3 over TLS, keys in the vault's transit engine, IAM API on.

What listens besides S3 is bound to loopback as well: the master's status pages and the volume server, which serves
ciphertext to holders of a token only.  The filer's plain HTTP, through which objects could be read without any
S3 policy, is off; S3 itself has no plain port.
"""

import json
import os
import secrets
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any

from hosting_cli.errors import EngineError
from hosting_cli.lab.processes import Process, is_alive, start, stop
from hosting_cli.lab.tls import SUITES, Certificates
from hosting_cli.lab.wheels import SEAWEEDFS
from hosting_cli.secret import Secret

READY_SECONDS = 60
STOP_SECONDS = 2
_POLL_SECONDS = 0.05
_PARTS = ("master", "volume", "filer", "s3")
PORTS_NEEDED = 2 * len(_PARTS)
_PROVISIONER = "provisioner"
VOLUMES = 1000
"""How many volumes there may be: by the growth below, as many as buckets."""

# By default the first object of a bucket takes seven volumes, so that a store of a hundred is full after 14 buckets.
_GROWTH = "[master.volume_growth]\ncopy_1 = 1\n"


@dataclass(frozen=True)
class KeyService:
    """Where the store has its data keys wrapped, and the AppRole with which it asks."""

    vault_address: str
    certificate_authority: Path
    role: str
    secret_id: Secret


@dataclass(frozen=True)
class SeaweedServer:
    """One server: where its files are and where it listens; ``ports`` are ``PORTS_NEEDED`` free ones."""

    directory: Path
    certificates: Certificates
    ports: tuple[int, ...]

    @property
    def endpoint(self) -> str:
        """Give the S3 (and IAM) endpoint for clients on this machine."""
        return f"https://127.0.0.1:{self._port('s3')}"

    def configure(self, keys: KeyService) -> None:
        """Write the configuration (0600): it holds the store's own credentials, so the provisioner's are kept.

        Idempotent but for *keys*, which replace the former ones; a running server takes them at its next start.
        """
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.directory / "data").mkdir(exist_ok=True)
        credentials = self._credentials() if self._configuration.exists() else _new_credentials()
        self._write("s3.json", json.dumps(_configuration(credentials, keys), indent=2))
        if not (self.directory / "security.toml").exists():
            self._write("security.toml", _security())
        self._write("master.toml", _GROWTH)

    def provisioner(self) -> Secret:
        """Give the provisioner's S3 credentials, as the JSON text that the vault keeps."""
        credentials = self._credentials()
        return Secret(
            json.dumps({"access_key_id": credentials["accessKey"], "secret_access_key": credentials["secretKey"]})
        )

    def start(self, *, record: Callable[[Process], None] | None = None) -> Process:
        """Start the server and return when objects can be put and got.

        Raise ``EngineError`` with the end of its log when it does not, as when the vault refuses its AppRole.
        """
        self._remove_sockets()
        process = start("seaweedfs", self._argv(), log=self._log, directory=self.directory, record=record)
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and is_alive(process):
            if self._is_ready():
                return process
            time.sleep(_POLL_SECONDS)
        end = "\n".join(self._log.read_text(errors="replace").splitlines()[-5:])
        remedy = "Look at seaweedfs.log in the lab's directory."
        raise EngineError(f"object store {self.endpoint}", f"it did not come up, and its log ends with:\n{end}", remedy)

    def stop(self, process: Process | None) -> None:
        """Stop the server, as a fault or for good, and remove the sockets that it leaves outside its directory.

        Without a *process* it ended by itself.
        """
        if process is not None:
            # Asked politely it waits for a long time for nothing; what it acknowledged is stored by then.
            stop(process, grace_seconds=STOP_SECONDS)
        self._remove_sockets()

    def _argv(self) -> list[str | Path]:
        options = {
            "dir": "data",
            "ip": "127.0.0.1",
            "ip.bind": "127.0.0.1",
            **{f"{part}.port": self._port(part) for part in _PARTS},
            **{f"{part}.port.grpc": self._port(part, grpc=True) for part in _PARTS},
            "master.volumeSizeLimitMB": 128,
            "master.electionTimeout": "1s",
            "master.telemetry": "false",
            "volume.max": VOLUMES,
            "volume.preStopSeconds": 0,
            "filer": "true",
            "filer.disableHttp": "true",
            "filer.localSocket": "filer.sock",
            "s3": "true",
            "s3.localSocket": "s3.sock",
            # Without -s3.port.https this makes the one S3 port a TLS one.
            "s3.cert.file": self.certificates.certificate,
            "s3.key.file": self.certificates.key,
            "s3.config": "s3.json",
            "s3.iam.readOnly": "false",
            "s3.autoCreateBucket": "false",
            "s3.allowDeleteBucketNotEmpty": "false",
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
        }
        return [
            SEAWEEDFS.program(),
            "-logtostderr=true",
            "server",
            *(f"-{name}={value}" for name, value in options.items()),
        ]

    def _port(self, part: str, *, grpc: bool = False) -> int:
        return self.ports[_PARTS.index(part) + (len(_PARTS) if grpc else 0)]

    def _is_ready(self) -> bool:
        return self._answers() and self._has_volumes()

    def _answers(self) -> bool:
        context = ssl.create_default_context(cafile=str(self.certificates.authority))
        connection = HTTPSConnection("127.0.0.1", self._port("s3"), context=context, timeout=5)
        # Anonymous requests are refused, by a server that is ready.
        return _get(connection, "/")[0] == 403

    def _has_volumes(self) -> bool:
        """Tell whether the part that stores has joined: after a restart S3 answers seconds before that."""
        status, body = _get(HTTPConnection("127.0.0.1", self._port("master"), timeout=5), "/dir/status")
        return status == 200 and json.loads(body)["Topology"]["Max"] > 0

    def _remove_sockets(self) -> None:
        for part in _PARTS:
            # Where the server puts them, whatever it is told; we only remove, by the numbers of our own ports.
            Path(f"/tmp/seaweedfs-{part}-grpc-{self._port(part, grpc=True)}.sock").unlink(missing_ok=True)  # noqa: S108

    @property
    def _log(self) -> Path:
        return self.directory / "seaweedfs.log"

    @property
    def _configuration(self) -> Path:
        return self.directory / "s3.json"

    def _credentials(self) -> dict[str, str]:
        content: dict[str, Any] = json.loads(self._configuration.read_text())
        credentials: dict[str, str] = content["identities"][0]["credentials"][0]
        return credentials

    def _write(self, name: str, text: str) -> None:
        draft = self.directory / f"{name}.new"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        draft.replace(self.directory / name)


def _get(connection: HTTPConnection, path: str) -> tuple[int, bytes]:
    """Give the status and the body of *path*; 0 when nobody answers."""
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, HTTPException):
        return 0, b""
    finally:
        connection.close()


def _new_credentials() -> dict[str, str]:
    return {"accessKey": secrets.token_hex(10).upper(), "secretKey": secrets.token_urlsafe(30)}


def _configuration(credentials: dict[str, str], keys: KeyService) -> dict[str, Any]:
    provider = {
        "type": "openbao",
        "address": keys.vault_address,
        "ca_cert": str(keys.certificate_authority),
        "role_id": keys.role,
        "secret_id": keys.secret_id.reveal(),
        "transit_path": "transit",
        # By default data keys stay readable in memory for an hour after their key was disabled or destroyed.
        "cache_enabled": False,
    }
    return {
        "identities": [{"name": _PROVISIONER, "credentials": [credentials], "actions": ["Admin"]}],
        "kms": {"default_provider": "vault", "providers": {"vault": provider}},
    }


def _security() -> str:
    """Write the keys of the tokens without which the volume server gives and takes nothing, and how TLS is spoken."""
    sections = ("jwt.signing", "jwt.signing.read", "jwt.filer_signing", "jwt.filer_signing.read")
    tokens = "".join(f'[{section}]\nkey = "{secrets.token_urlsafe(32)}"\n\n' for section in sections)
    return f'{tokens}[tls]\ncipher_suites = "{",".join(SUITES)}"\n'
