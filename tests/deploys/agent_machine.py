"""A host for the agent: a directory, tools that only pretend and note how they were called, and a vault in memory."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploys.agent import (
    backup,
    erasure,
    growth,
    headers,
    identity,
    locks,
    mounts,
    processes,
    record,
    restore,
    scratch,
    settings,
    volume,
)
from deploys.agent.vault import Vault, VaultError

FAKES = Path(__file__).parent / "fakes"
APPLICATION = {
    "application": "imagerie",
    "role": "hosting-imagerie-host",
    "credential": "hosting-imagerie",
    "volumes": {
        "data": {
            "device": "",
            "label": "hosting-imagerie-data",
            "mount_point": "/srv/imagerie",
            "secret": "imagerie/volumes/host/data/active",
        }
    },
    "backup": {
        "repository": "s3:https://store.example/bucket/host",
        "object_store_region": "fr",
        "password_secret": "imagerie/backups/host/repository",
        "credentials_secret": "imagerie/object-store/hosting-imagerie-backup",
        "mount_points": [],
        "databases": [],
        "check": None,
        "check_days": 7,
        "check_parts": 3,
        "marker": "",
    },
}
ENGINES = {
    "host": "host",
    "vault": "https://vault.example",
    "certificate_authority": "/ca.pem",
}
SECRETS = {
    "imagerie/volumes/host/data/active": "canary-active",
    "imagerie/backups/host/repository": "canary-password",
    "imagerie/object-store/hosting-imagerie-backup": json.dumps(
        {"access_key_id": "canary-id", "secret_access_key": "canary-key"}
    ),
}


class FakeVault(Vault):
    """A vault that answers from memory, in the words of the real one."""

    creation_path = "auth/approle/role/hosting-imagerie-host/secret-id"

    def __init__(self, engines: settings.Engines) -> None:
        self.revoked: list[str | None] = []

    def call(  # noqa: PLR0911 one answer for each path
        self, method: str, path: str, body: dict[str, Any] | None = None, token: str | None = None
    ) -> Any:
        match method, path.split("/"):
            case "POST", ["sys", "wrapping", "lookup"]:
                return {"data": {"creation_path": self.creation_path}}
            case "POST", ["sys", "wrapping", "unwrap"]:
                return {"data": {"secret_id": "canary-secret-id", "secret_id_accessor": "accessor"}}
            case "POST", ["auth", "approle", "login"] if body and body["secret_id"] == "canary-secret-id":
                return {"auth": {"client_token": "canary-login"}}
            case "POST", ["auth", "approle", "role", _, "secret-id", "lookup"] if body and token == "canary-login":
                return {"data": {"secret_id_accessor": f"accessor of {body['secret_id']}"}}
            case "GET", ["kv", "data", "hosting", *entry]:
                metadata = {"custom_metadata": {"wrapped-by": "hosting-imagerie-volumes"}}
                return {"data": {"data": {"ciphertext": "/".join(entry)}, "metadata": metadata}}
            case "POST", ["transit", "decrypt", "hosting-imagerie-volumes"] if body:
                return {"data": {"plaintext": base64.b64encode(SECRETS[body["ciphertext"]].encode()).decode()}}
            case "POST", ["auth", "token", "revoke-self"]:
                self.revoked.append(token)
                return {}
        raise VaultError(f"the vault refused {method} {path} (403)")


class Machine:
    """A directory that stands for the host's, with tools that note how they were called."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.log = root / "log"
        self.log.touch()
        self.devices = root / "dev"
        for directory in ("dev/hosting", "dev/mapper", "bin", "srv"):
            (root / directory).mkdir(parents=True)
        self.device = self.devices / "hosting" / "imagerie-data"
        self.device.write_bytes(bytes(8192))
        for tool in FAKES.iterdir():
            (root / "bin" / tool.name).symlink_to(FAKES / "cryptsetup")
        monkeypatch.setitem(processes.PATH, "PATH", f"{root}/bin:/usr/bin:/bin")
        monkeypatch.setitem(processes.PATH, "FAKE_ROOT", str(root))
        for module, name, value in (
            (settings, "ENGINES", root / "engines.json"),
            (settings, "APPLICATIONS", root / "applications"),
            (identity, "IDENTITIES", root / "identities"),
            (identity, "CREDENTIALS", root / "credentials"),
            (identity, "Vault", FakeVault),
            (locks, "LOCKS", root / "locks"),
            (record, "METRICS", root / "metrics"),
            (volume, "DEVICES", self.devices),
            (volume, "MAPPER", self.devices / "mapper"),
            (growth, "MAPPER", self.devices / "mapper"),
            (headers, "HEADERS", root / "headers"),
            (erasure, "DEVICES", self.devices),
            (scratch, "MAPPER", self.devices / "mapper"),
            (scratch, "mounts", lambda: self.mounted),
            (erasure, "BLOCKS", root / "block"),
            (erasure, "mounts", lambda: self.mounted),
            (backup, "HEADERS", root / "headers"),
            (backup, "mounts", lambda: self.mounted),
            (mounts, "mounts", lambda: self.mounted),
            (restore, "mounts", lambda: self.mounted),
            (restore, "Vault", FakeVault),
            (volume, "mounts", lambda: self.mounted),
        ):
            monkeypatch.setattr(module, name, value)
        self.mounted: dict[str, str] = {}
        (root / "applications").mkdir()
        (root / "engines.json").write_text(json.dumps(ENGINES))
        application = json.loads(json.dumps(APPLICATION))
        application["volumes"]["data"]["device"] = str(self.device)
        application["backup"]["mount_points"] = [str(root / "srv" / "imagerie")]
        application["backup"]["marker"] = str(root / "marker.json")
        (root / "applications" / "imagerie.json").write_text(json.dumps(application))
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(root / "given"))
        (root / "given").mkdir()
        (root / "given" / "hosting-imagerie").write_text("canary-secret-id")
        self.tags("hosting-blank,hosting-owner=imagerie")

    def tell(self, **changes: Any) -> None:
        """Change what the agent is told about the backup."""
        file = self.root / "applications" / "imagerie.json"
        known = json.loads(file.read_text())
        known["backup"] |= changes
        file.write_text(json.dumps(known))

    def tags(self, tags: str) -> None:
        (self.root / "tags").write_text(tags)

    def order(self, **changes: Any) -> str:
        order = {
            "volume_group": "hosting",
            "logical_volume": "imagerie-data",
            "filesystem": "ext4",
            "mount_point": str(self.root / "srv" / "imagerie"),
            "label": "hosting-imagerie-data",
            "cipher": "aes-xts-plain64",
            "key_bits": 512,
            "pbkdf": "argon2id",
            "memory_kib": 32768,
            "iterations": 4,
            "lanes": 1,
            "active": "canary-active",
            "recovery": "canary-recovery",
        }
        return json.dumps({**order, **changes})

    def calls(self) -> list[str]:
        return self.log.read_text().splitlines()

    def tools(self) -> list[str]:
        return [" ".join(word for word in call.split() if not word.startswith("-"))[:60] for call in self.calls()]


@pytest.fixture(name="machine")
def _machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    yield Machine(tmp_path, monkeypatch)
    assert "canary" not in (tmp_path / "log").read_text()  # no secret in any argument or environment


def mounted(machine: Machine) -> None:
    machine.mounted = {str(machine.root / "srv" / "imagerie"): "/dev/mapper/hosting-imagerie-data"}
