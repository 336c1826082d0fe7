"""Keep the interfaces of WireGuard that the host is told of, each on the days on which its risk is accepted.

Keys are made here and never leave: only what `wg pubkey` makes of them is ever shown.  That an acceptance has ended is
decided here and by no controller, which may be away or refuse its files that day.
"""

import json
from datetime import UTC, date, datetime
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

from .locks import alone
from .processes import attempt, run
from .settings import AgentError, read, write, write_secret

TOLD = Path("/etc/hosting/wireguard.json")
KEYS = Path("/etc/hosting/wireguard")
GROUP = "105"


def keep(today: date | None = None) -> dict[str, object]:
    """Bring every interface to what the host is told; take down what it is not told of, or no longer on this day.

    What fails for one interface keeps no other from coming up, or from going down.
    """
    day = (today or datetime.now(UTC).date()).isoformat()
    with alone("wireguard"):
        told = read(TOLD)
        in_force = {name: each for name, each in told.items() if each["since"] <= day <= each["until"]}
        failed = []
        for name in _standing() - in_force.keys():
            run(["ip", "link", "delete", "dev", name])
        for name, each in in_force.items():
            try:
                _raise(name, each)
            except AgentError as error:
                failed.append(f"{name}: {error}")
    if failed:
        raise AgentError("; ".join(failed))
    return {"up": sorted(in_force), "ended": sorted(told.keys() - in_force.keys())}


def end(name: str) -> None:
    """Take an interface of ours down for good, and forget its key."""
    with alone("wireguard"):
        if name in _standing():
            run(["ip", "link", "delete", "dev", name])
        for path in (_next(name), _former(name), _switched(name), _replaced(name), _key(name)):
            path.unlink(missing_ok=True)


# -- a key that takes the place of another, as a rotation has it done -------------------------------------------------


def tell(name: str) -> dict[str, object]:
    """Give public halves: of the key here, of what the kernel holds, of the next and the former one; never a secret.

    And since when the present one is used if it took another's place, when the peer last agreed on keys with us.
    """
    present, held = _key(name), run(["wg", "show", _safe(name), "public-key"]).strip()
    agreed = [int(line.split()[1]) for line in run(["wg", "show", name, "latest-handshakes"]).splitlines() if line]
    return {
        "present": _public(present),
        "held": None if held == "(none)" else held,
        "next": _public(_next(name)),
        "former": _public(_former(name)),
        "used_since": _switched(name).stat().st_mtime if _switched(name).exists() else None,
        "handshake": max(agreed, default=0),
    }


def make_next(name: str) -> None:
    """Make the next key, which nothing uses yet; one that is there stays, for the peer may have been told of it."""
    with alone("wireguard"):
        _private_key(name)
        if not _next(name).exists():
            write_secret(_next(name), run(["wg", "genkey"]))


def use_next(name: str) -> None:
    """Use the next key from now on, and keep the former one until it is forgotten or taken back."""
    with alone("wireguard"):
        if _next(name).exists():
            write_secret(_former(name), _key(name).read_text())
            _switched(name).unlink(missing_ok=True)
            _next(name).replace(_key(name))
    keep()
    with alone("wireguard"):
        if _former(name).exists():
            # Only now does the kernel hold it: what the peer agrees on from here on, it agrees on with this key.
            write(_switched(name), "")


def take_back(name: str) -> None:
    """Use the former key again; the one that took its place is the next one once more."""
    with alone("wireguard"):
        if not _former(name).exists():
            raise AgentError(f"{name} has no former key")
        write_secret(_next(name), _key(name).read_text())
        _switched(name).unlink(missing_ok=True)
        _former(name).replace(_key(name))
    keep()


def forget_former(name: str) -> None:
    """End the former key; what stays of it is its public half, which says that there was one."""
    with alone("wireguard"):
        if _former(name).exists():
            write(_replaced(name), f"{_public(_former(name))}\n")
            _former(name).unlink()
        _switched(name).unlink(missing_ok=True)


def _key(name: str) -> Path:
    return KEYS / f"{_safe(name)}.key"


def _next(name: str) -> Path:
    return KEYS / f"{_safe(name)}.next"


def _former(name: str) -> Path:
    return KEYS / f"{_safe(name)}.former"


def _switched(name: str) -> Path:
    return KEYS / f"{_safe(name)}.switched"


def _replaced(name: str) -> Path:
    return KEYS / f"{_safe(name)}.replaced"


def _public(path: Path) -> str | None:
    return run(["wg", "pubkey"], path.read_text()).strip() if path.exists() else None


# ------------------------------------------------------------------------------------------------------------------


def _standing() -> set[str]:
    """Name the interfaces that carry our mark."""
    shown = run(["ip", "-json", "link", "show", "group", GROUP])
    return {each["ifname"] for each in json.loads(shown or "[]") if each}


def _raise(name: str, told: dict[str, Any]) -> None:
    """Make an interface if there is none, and give the kernel what it is to hold; what it holds already stays."""
    key = _private_key(name)
    if name not in _standing():
        run(["ip", "link", "add", "dev", name, "group", GROUP, "type", "wireguard"])
    run(["wg", "syncconf", name, "/dev/stdin"], _configuration(told, key))
    run(["ip", "link", "set", "dev", name, "alias", told["accepted"], "up"])
    _lead(name, told)


def _configuration(told: dict[str, Any], key: str) -> str:
    lines = [
        "[Interface]",
        f"PrivateKey = {key}",
        f"ListenPort = {told['port']}",
        "[Peer]",
        f"PublicKey = {told['peer']}",
    ]
    return "\n".join([*lines, f"AllowedIPs = {', '.join(told['networks'])}", f"Endpoint = {told['endpoint']}", ""])


def _lead(name: str, told: dict[str, Any]) -> None:
    """Give the interface its address, and the routes to what is behind it; if others are there, those go first."""
    shown = json.loads(run(["ip", "-json", "address", "show", "dev", name]))
    addresses = {f"{each['local']}/{each['prefixlen']}" for found in shown for each in found.get("addr_info", ())}
    routes = {each["dst"] for each in json.loads(run(["ip", "-json", "-4", "route", "show", "dev", name]) or "[]")}
    stray = bool(addresses - {told["address"]} or routes - {*told["routes"], _network_of(told)})
    orders = [f"address flush dev {name}", f"route flush dev {name}"] if stray else []
    orders.append(f"address replace {told['address']} dev {name}")
    orders += [f"route replace {network} dev {name}" for network in told["routes"]]
    run(["ip", "-batch", "-"], "\n".join([*orders, ""]))


def _network_of(told: dict[str, Any]) -> str:
    """Give the network of the interface's own address, to which the kernel has a route by itself."""
    return str(IPv4Interface(told["address"]).network)


def _private_key(name: str) -> str:
    """Give the key of an interface, made the first time."""
    path = _key(name)
    if not path.exists():
        path.parent.mkdir(mode=0o700, exist_ok=True)
        write_secret(path, run(["wg", "genkey"]))
    key = path.read_text().strip()
    if attempt(["wg", "pubkey"], key).returncode != 0:
        raise AgentError(f"{path} holds no key: end it, and the next run makes another")
    return key


def _safe(name: str) -> str:
    if not name.isalnum():
        raise AgentError(f"{name!r} is not the name of an interface")
    return name
