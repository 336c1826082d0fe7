"""Trunks, and whatever is a VLAN on one of them."""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False  # what type checkers take for true; importing `typing` for it would cost a tenth of the run
if TYPE_CHECKING:
    from typing import Any

    from deploys.programs.parts.fork import Fork

LIST_INTERFACES = ["ip", "-json", "-details", "address", "show"]


def read_interfaces(wanted: Any, forks: dict[str, Fork]) -> Any:
    """Give the trunks that were asked for, whatever is a VLAN on one of them, and what our files are about."""
    kept = interfaces_kept(wanted)
    listing = json.loads(forks["interfaces"].text()) if "interfaces" in forks else []
    return {"kernel": interfaces_held(listing, [*wanted["trunks"], *kept]), "kept": kept}


def interfaces_held(listing: list[dict[str, Any]], names: list[str]) -> dict[str, dict[str, Any]]:
    """Take the interfaces called so, and those that are carried by them, out of what `ip` lists."""
    return {
        link["ifname"]: _interface(link) for link in listing if link["ifname"] in names or link.get("link") in names
    }


def _interface(link: dict[str, Any]) -> dict[str, Any]:
    """Describe an interface; what no other carries is a card, of whichever kind."""
    about = link.get("linkinfo", {})
    kind, data = about.get("info_kind", "card"), about.get("info_data", {})
    is_carried = "link" in link and kind != "veth"
    if kind == "vlan" and data["protocol"] != "802.1Q":
        kind = "vlan " + data["protocol"]
    return {
        "form": kind if is_carried else "card",
        "parent": link["link"] if is_carried else None,
        "vlan": data["id"] if kind.startswith("vlan") else None,
        "addresses": sorted(f"{held['local']}/{held['prefixlen']}" for held in link["addr_info"]),
        "up": "UP" in link["flags"],
    }


def interfaces_kept(wanted: dict[str, Any]) -> list[str]:
    """Name the interfaces that files of ours are about, for the next boot."""
    try:
        files = os.listdir(wanted["directory"])
    except FileNotFoundError:
        return []
    ours = [name[len(wanted["prefix"]) :].rpartition(".")[0] for name in files if name.startswith(wanted["prefix"])]
    return sorted(set(ours))
