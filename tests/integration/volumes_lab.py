"""A host whose volume is a real LUKS2 header in a file: its agent runs here, with the real cryptsetup and a real vault.

Opening a volume takes a kernel; its header, its slots and copies of both do not.  LVM and systemd take one too: two
scripts stand for them, of which one says whose the logical volume is, and the other notes what it is asked.
"""

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.request import HTTPSHandler, build_opener

import pytest
from agent_here import run_agent
from dying import Ways

from deploys import names
from deploys.agent import erasure, headers, identity, locks, luks, processes, settings, vault
from deploys.programs.parts.luks import header_or_damage, saved_checksum
from hosting_cli.doors.hosts import Completed
from hosting_cli.doors.vault_client import VaultClient
from hosting_cli.errors import UnreadableError
from hosting_cli.session import Session
from hosting_cli.volumes.places import Held, VolumePlace, places
from inventory.resource import Json

COST = luks.derivation("argon2id", 1024, 4, 1)
SIZE_BYTES = 20 << 20


@dataclass
class FileHost:
    """The one host of the sample's application, with its volume in ``device``; ``down`` says why nobody reaches it."""

    session: Session
    folder: Path
    down: str | None = None
    commands: list[str] = field(default_factory=list)

    @property
    def device(self) -> Path:
        return self.folder / "device"

    @property
    def place(self) -> VolumePlace:
        (found,) = places(self.session.region, self.session.environment)
        return found

    @property
    def tags(self) -> list[str]:
        return (self.folder / "tags").read_text().split(",")

    @tags.setter
    def tags(self, tags: Sequence[str]) -> None:
        (self.folder / "tags").write_text(",".join(tags))

    @property
    def units_asked(self) -> list[str]:
        """Give what systemd was asked for."""
        log = self.folder / "systemctl.log"
        return log.read_text().splitlines() if log.exists() else []

    @property
    def copy(self) -> Path:
        return headers.copy_of(self.place.volume.label)

    def passphrase(self, held: Held) -> str:
        return self.session.vault.reveal_secret(self.place.entry(held)).reveal()

    def make(self) -> None:
        """Make the volume anew, behind what the vault keeps."""
        self.device.unlink(missing_ok=True)
        with self.device.open("wb") as stream:
            stream.truncate(SIZE_BYTES)
        argv = ["cryptsetup", "luksFormat", "--batch-mode", "--type=luks2", "--key-size=512", "--key-file=-", *COST]
        active, recovery = self.passphrase(Held.ACTIVE), self.passphrase(Held.RECOVERY)
        processes.run([*argv, f"--label={self.place.volume.label}", str(self.device)], active)
        luks.add_slot(str(self.device), present=active, fresh=recovery, slot="1", cost=COST)
        headers.save(str(self.device), self.place.volume.label, [recovery])

    def slots(self) -> list[str]:
        return luks.slots_of(str(self.device))

    def opens(self, passphrase: str) -> bool:
        return luks.opens(str(self.device), passphrase)

    # -- what the door of hosts does ----------------------------------------------------------------------------------

    def read(self, requests: Mapping[str, Json]) -> dict[str, Any]:
        if self.down:
            return dict.fromkeys(requests, UnreadableError("host", self.down, "Wait."))
        volume: dict[str, Any] = {"size_bytes": 4 << 30, "tags": self.tags, "mounts": []}
        volume["luks"], damage = header_or_damage(str(self.device))
        volume |= {"damage": damage} if damage else {"signatures": []}
        if volume["luks"]:
            volume["luks"]["saved_checksum"] = saved_checksum(str(self.copy))
        answer = {"storage": {"value": {"volumes": {self.place.volume.logical_volume: volume}}}}
        return dict.fromkeys(requests, answer)

    @contextmanager
    def keeping_connections(self) -> Iterator[None]:
        yield

    @contextmanager
    def shell(self, host: str) -> Iterator["FileHost"]:
        assert host == self.place.host
        yield self

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        timeout_seconds: float = 60,
        on_line: Callable[[str], None] | None = None,
    ) -> Completed:
        """Run the agent's own command line, in this process."""
        assert argv[0] == names.AGENT
        self.commands.append(argv[1])
        return run_agent(argv[1:], stdin)


@contextmanager
def file_host(session: Session, folder: Path) -> Iterator[FileHost]:
    """Give a host whose agent finds everything in *folder*, and logs in to the vault from the host's own address."""
    found = FileHost(session, folder)
    access = session.environment.hosts[found.place.host]
    volume = found.place.volume
    application = {
        "role": f"hosting-{volume.application}-{volume.host}",
        "credential": "credential",
        "volumes": {
            volume.volume: {"device": str(found.device), "label": volume.label, "secret": volume.active_secret}
        },
    }
    engines = {
        "host": volume.host,
        "vault": session.environment.vault.address,
        "certificate_authority": str(session.environment.vault.certificate_authority),
    }
    found.tags = [f"hosting-owner={volume.application}", f"hosting-volume={volume.volume}"]
    _stand_in(
        folder, "lvs", 'printf \'{"report": [{"lv": [{"lv_name": "data", "lv_tags": "%s"}]}]}\' "$(cat "$folder/tags")"'
    )
    _stand_in(folder, "systemctl", 'echo "$@" >> "$folder/systemctl.log"')
    logical_volume = folder / "dev" / volume.volume_group / volume.logical_volume
    logical_volume.parent.mkdir(parents=True)
    logical_volume.symlink_to(found.device)
    (folder / f"{volume.application}.json").write_text(json.dumps(application))
    (folder / "engines.json").write_text(json.dumps(engines))
    token, _ = session.vault.wrapped_secret_id(application["role"], ttl_seconds=60, note={"host": volume.host})
    (folder / "credential").write_text(session.vault.unwrapped(token).reveal())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(settings, "APPLICATIONS", folder)
        patched.setattr(settings, "ENGINES", folder / "engines.json")
        patched.setattr(headers, "HEADERS", folder / "headers")
        patched.setattr(erasure, "DEVICES", folder / "dev")
        patched.setitem(processes.PATH, "PATH", f"{folder / 'bin'}:{processes.PATH['PATH']}")
        patched.setattr(locks, "LOCKS", folder / "locks")
        patched.setattr(identity, "_secret_id", lambda credential: (folder / credential).read_text())
        patched.setattr(vault, "urlopen", partial(open_from, str(access.vault_sees.network_address)))
        vars(session).update(hosts=found)
        found.make()
        yield found


def _stand_in(folder: Path, name: str, does: str) -> None:
    """Write a script for a tool of which this computer has no use."""
    script = folder / "bin" / name
    script.parent.mkdir(exist_ok=True)
    script.write_text(f"#!/bin/sh\nfolder='{folder}'\n{does}\n")
    script.chmod(0o755)


def open_from(address: str, request: Any, *, timeout: float, context: Any) -> Any:
    """Ask the vault from the one address that the host's role is bound to."""

    class FromAddress(HTTPSHandler):
        def https_open(self, request: Any) -> Any:
            return self.do_open(partial(HTTPSConnection, source_address=(address, 0)), request, context=context)

    return build_opener(FromAddress()).open(request, timeout=timeout)


# -- ways in which something changes ----------------------------------------------------------------------------------


def _changes_an_entry(client: VaultClient, method: str, path: str, *rest: object) -> bool:
    return method in {"POST", "DELETE"} and path.startswith("kv/")


def _changes_a_header(argv: list[str], *rest: object) -> bool:
    return argv[1] in {"luksAddKey", "luksKillSlot", "luksHeaderBackup", "luksHeaderRestore", "erase"}


WAYS = (Ways(VaultClient, "raw", _changes_an_entry), Ways(processes, "attempt", _changes_a_header))
"""The vault's entries, and the headers of volumes."""


def add_stray(host: FileHost, slot: str) -> None:
    """Let a passphrase that nobody knows of open the volume."""
    luks.add_slot(str(host.device), present=host.passphrase(Held.ACTIVE), fresh="of an intruder", slot=slot, cost=COST)


def destroy(host: FileHost) -> None:
    """Write over both copies of the header and its slots, as a slip of dd would."""
    subprocess.run(
        ["dd", "if=/dev/zero", f"of={host.device}", "bs=1M", "count=16", "conv=notrunc", "status=none"], check=True
    )
