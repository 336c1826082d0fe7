"""Interfaces of WireGuard that are ours, with what the kernel holds of them."""

from __future__ import annotations

import json
import os

from deploys.programs.parts.files import text_or_none

TYPE_CHECKING = False  # what type checkers take for true; importing `typing` for it would cost a tenth of the run
if TYPE_CHECKING:
    from typing import Any

    from deploys.programs.parts.fork import Fork

NETWORK = "/sys/class/net"
WIREGUARD_KEYS = "/etc/hosting/wireguard"


def interfaces_of_group(group: int) -> list[str]:
    """Name the network interfaces that carry our mark."""
    return [
        name for name in sorted(os.listdir(NETWORK)) if text_or_none(f"{NETWORK}/{name}/netdev_group") == f"{group}\n"
    ]


def read_wireguard(group: Any, forks: dict[str, Fork]) -> Any:
    """Give each interface of WireGuard of ours: what the kernel holds, and never a secret."""
    names = interfaces_of_group(group) if "wireguard" in forks else []
    if not names:
        return {}
    shown = wireguard_shown(forks["wireguard"].text())
    addresses = {found["ifname"]: found for found in json.loads(forks["wireguard addresses"].text())}
    routes = json.loads(forks["wireguard routes"].text())
    return {
        name: {
            **shown[name],
            "key": key_dates(f"{WIREGUARD_KEYS}/{name}"),
            "up": "UP" in addresses[name]["flags"],
            "alias": (text_or_none(f"{NETWORK}/{name}/ifalias") or "").strip(),
            "addresses": [f"{each['local']}/{each['prefixlen']}" for each in addresses[name]["addr_info"]],
            "routes": [each["dst"] for each in routes if each.get("dev") == name and each.get("protocol") != "kernel"],
        }
        for name in names
    }


def key_dates(path: str) -> dict[str, Any]:
    """Say when the key of an interface was made, null if there is none, and whether it took another's place.

    Of files of the agent: it writes a key once, and beside it the public half of the one before.  None is opened.
    """
    try:
        made_at = os.stat(f"{path}.key").st_mtime
    except FileNotFoundError:
        made_at = None
    return {"made_at": made_at, "replaces_another": os.path.exists(f"{path}.replaced")}


def wireguard_shown(text: str) -> dict[str, dict[str, Any]]:
    """Take apart what `wg show` says of each interface and its peers."""
    found: dict[str, dict[str, Any]] = {}
    for block in text.strip().split("\n\n") if text.strip() else ():
        lines = [line.strip().partition(": ")[::2] for line in block.splitlines()]
        head, name = lines[0]
        said = dict(lines[1:])
        if head == "interface":
            last = found[name] = {
                "public_key": said.get("public key"),
                "port": int(said.get("listening port", 0)),
                "peers": {},
            }
        elif head == "peer":
            allowed = said["allowed ips"]
            last["peers"][name] = {
                "endpoint": said.get("endpoint"),
                "networks": [] if allowed == "(none)" else allowed.split(", "),
            }
        else:
            raise ValueError(f"wg said {head!r}")
    return found
