"""Read a host in one go: sent over standard input to `python3 -I -S -`, with a call of ``main`` after it.

Runs on the host, on Debian's Python and nothing else, and answers one JSON document.  Every part of it is
``{"value": …}`` or ``{"unknown": reason}``: what could not be read is never reported as empty.  Starting is what costs
most, hence the few imports and forks: no ``subprocess``, and no process for what the kernel shows in a file.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time

from deploys.programs.parts.answer import attempt
from deploys.programs.parts.files import content_of, described, sha256_of, text_or_none
from deploys.programs.parts.firewall import list_rules, read_firewall
from deploys.programs.parts.fork import Fork
from deploys.programs.parts.interfaces import LIST_INTERFACES, interfaces_kept, read_interfaces
from deploys.programs.parts.shared import LIST_ADDRESSES, read_shared
from deploys.programs.parts.storage import read_storage
from deploys.programs.parts.tunnels import read_tunnels
from deploys.programs.parts.wireguard import interfaces_of_group, read_wireguard

TYPE_CHECKING = False  # what type checkers take for true; importing `typing` for it would cost a tenth of the run
if TYPE_CHECKING:
    from typing import Any


def main(text: str) -> None:
    """Answer the request in *text*; die rather than hang when something below does."""
    request = json.loads(text)
    signal.alarm(request["timeout_seconds"])
    forks = _start_all(request)
    answer = {part: attempt(read, request[part], forks) for part, read in PARTS.items() if part in request}
    sys.stdout.write(json.dumps(answer))


def _start_all(request: dict[str, Any]) -> dict[str, Fork]:
    """Start every process that the answer needs, before anything else is read."""
    wanted = {}
    if "units" in request:
        names = [*request["units"], *_listed(request, "host-unit")]
        wanted["units"] = ["systemctl", "show", "--property", ",".join(UNIT_PROPERTIES), "--", *dict.fromkeys(names)]
    if "firewall" in request:
        wanted["firewall"] = list_rules(request["firewall"])
    if "interfaces" in request and (request["interfaces"]["trunks"] or interfaces_kept(request["interfaces"])):
        wanted["interfaces"] = LIST_INTERFACES
    if "shared" in request:
        wanted["shared"] = LIST_ADDRESSES
    if "network" in request:
        wanted["rules"] = ["nft", "-j", "list", "ruleset"]
        wanted["addresses"] = ["ip", "-j", "address", "show"]
    if "wireguard" in request and interfaces_of_group(request["wireguard"]):
        # For people, and so without a secret: what it writes for programs has the private key in it.
        wanted["wireguard"] = ["wg", "show", "all"]
        wanted["wireguard addresses"] = ["ip", "-j", "address", "show"]
        wanted["wireguard routes"] = ["ip", "-j", "-4", "route", "show"]
    if "storage" in request:
        columns = "pv_name,pv_uuid,vg_name,lv_name,lv_size,lv_tags"
        wanted["lvm"] = ["pvs", "--reportformat", "json", "--units", "b", "--nosuffix", "--options", columns]
    if "observations" in request:
        wanted["clock"] = ["chronyc", "-c", "tracking"]
    return {name: Fork(argv) for name, argv in wanted.items()}


# -- files ----------------------------------------------------------------------------------------------------------


def _listed(request: dict[str, Any], kind: str) -> list[str]:
    """Name what our mark on the host lists; if it cannot be read, its own part of the answer says why."""
    try:
        manifest = json.loads(content_of(request["manifest"]["path"]))
        return [thing for found, thing, owner in manifest["resources"] if found == kind]
    except (OSError, ValueError, LookupError):
        return []


def _read_files(paths: Any, forks: dict[str, Fork]) -> Any:
    return {path: described(path) for path in paths}


def _read_texts(paths: Any, forks: dict[str, Fork]) -> Any:
    return {path: text_or_none(path) for path in paths}


def _read_manifest(wanted: Any, forks: dict[str, Fork]) -> Any:
    """Give what our mark lists, and the files on it that were not asked for."""
    text = text_or_none(wanted["path"])
    if text is None:
        return None
    ours = json.loads(text)["resources"]
    left = [thing for kind, thing, owner in ours if kind == "host-file" and thing not in wanted["known"]]
    return {
        "sha256": sha256_of(text.encode()),
        "resources": ours,
        "files": {path: described(path) for path in left},
    }


def _read_presence(paths: Any, forks: dict[str, Fork]) -> Any:
    return [path for path in paths if os.path.lexists(path)]


def _read_identities(wanted: Any, forks: dict[str, Fork]) -> Any:
    """Give the record of each identity the agent holds, and whether its credential is there."""
    found = {}
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir(wanted["directory"]):
            record = json.loads(content_of(f"{wanted['directory']}/{name}"))
            record["has_credential"] = os.path.exists(record["credential_file"])
            found[name.removesuffix(".json")] = record
    return found


def _read_pending(directory: Any, forks: dict[str, Fork]) -> Any:
    try:
        return os.listdir(directory)
    except FileNotFoundError:
        return []


# -- packages and units ---------------------------------------------------------------------------------------------


def _read_packages(wanted: Any, forks: dict[str, Fork]) -> Any:
    """Say which packages are installed, from dpkg's own table; what an interrupted dpkg left is unknown."""
    if os.listdir("/var/lib/dpkg/updates"):
        raise ValueError("dpkg is running or was interrupted")
    table = b"\n\n" + content_of("/var/lib/dpkg/status")
    return [name for name in wanted if _is_installed(table, name)]


def _is_installed(table: bytes, name: str) -> bool:
    position = table.find(b"\n\nPackage: " + name.encode() + b"\n")
    if position < 0:
        return False
    end = table.find(b"\n\n", position + 2)
    return b"\nStatus: install ok installed\n" in table[position : end if end > 0 else None] + b"\n"


UNIT_PROPERTIES = ("LoadState", "ActiveState", "UnitFileState", "NeedDaemonReload")


def _read_units(wanted: Any, forks: dict[str, Fork]) -> Any:
    names = forks["units"].argv[5:]
    blocks = forks["units"].text().strip("\n").split("\n\n")
    if len(blocks) != len(names):
        raise ValueError(f"systemctl described {len(blocks)} units instead of {len(names)}")
    return {
        name: dict(line.partition("=")[::2] for line in block.splitlines())
        for name, block in zip(names, blocks, strict=True)
    }


# -- network --------------------------------------------------------------------------------------------------------


def _read_network(wanted: Any, forks: dict[str, Fork]) -> Any:
    """Give every rule that the kernel holds, of whatever table, and the addresses of its interfaces."""
    return {"rules": json.loads(forks["rules"].text()), "addresses": json.loads(forks["addresses"].text())}


# -- observations ---------------------------------------------------------------------------------------------------


def _read_observations(wanted: Any, forks: dict[str, Fork]) -> Any:
    """Give what checks look at and no plan compares; each on its own, since none depends on another."""
    return {
        "boot_id": content_of("/proc/sys/kernel/random/boot_id").decode().strip(),
        "kernel": os.uname().release,
        "system": _os_release(),
        "time": time.time(),
        "clock": attempt(lambda _, forks: forks["clock"].text().strip().split(","), None, forks),
        "backups": {name: text_or_none(path) for name, path in wanted["backups"].items()},
        "disks": attempt(lambda points, _: {point: _usage(point) for point in points}, wanted["mount_points"], forks),
    }


def _os_release() -> dict[str, str]:
    lines = content_of("/etc/os-release").decode().splitlines()
    return {name: value.strip('"') for name, equals, value in (line.partition("=") for line in lines) if equals}


def _usage(point: str) -> dict[str, int]:
    found = os.statvfs(point)
    return {"size_bytes": found.f_blocks * found.f_frsize, "free_bytes": found.f_bavail * found.f_frsize}


PARTS = {
    "files": _read_files,
    "texts": _read_texts,
    "presence": _read_presence,
    "manifest": _read_manifest,
    "pending": _read_pending,
    "identities": _read_identities,
    "packages": _read_packages,
    "units": _read_units,
    "firewall": read_firewall,
    "interfaces": read_interfaces,
    "shared": read_shared,
    "network": _read_network,
    "wireguard": read_wireguard,
    "tunnels": read_tunnels,
    "storage": read_storage,
    "observations": _read_observations,
}
