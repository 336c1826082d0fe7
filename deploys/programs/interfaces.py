"""Have a host make its interfaces on probation, or keep what was confirmed.

    {"do": "try", "timer": unit, "seconds": until it is undone, "trial": {"directory", "prefix"},
     "files": {name: content}, "trunks": [name], "remove": [name], "wanted": {name: as `read_host` tells it},
     "shared": [address], "pending": directory, "notifies": [unit]}
    {"do": "keep", "timer": unit, "trial": …, "files": [as `write_files` takes them], "trunks": …, "wanted": …,
     "shared": …}

What is tried lies where a reboot does not find it, and before what is there: whatever kills us or the host, the former
interfaces come back, by the timer or by the next boot.  An address that is shared comes and goes with whoever holds
it, and is neither waited for nor brought back.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
import time

from deploys.programs.parts.fork import Fork
from deploys.programs.parts.interfaces import LIST_INTERFACES, interfaces_held
from deploys.programs.parts.written import note_pending, write

TYPE_CHECKING = False  # what type checkers take for true; importing `typing` for it would cost a tenth of the run
if TYPE_CHECKING:
    from typing import Any

SETTLED_WITHIN_SECONDS = 60
STATE = "/run/hosting/interfaces"


def main(text: str) -> None:
    """Carry the request in *text* out."""
    request = json.loads(text)
    os.umask(0o022)
    try:
        {"try": _try, "keep": _keep}[request["do"]](request)
    except (OSError, ValueError) as error:
        sys.exit(str(error))


def _try(request: dict[str, Any]) -> None:
    """Arm the timer that brings the former interfaces back, then make the new ones."""
    Fork(["systemctl", "start", "systemd-networkd.service"]).text()
    Fork(["systemctl", "stop", request["timer"]]).result()
    _forget_trial(request["trial"])
    former = _held([*request["trunks"], *request["remove"]], request["shared"])
    os.makedirs(STATE, exist_ok=True)
    with open(f"{STATE}/former.batch", "w") as stream:
        stream.write(commands_of(former))
    with open(f"{STATE}/former.sh", "w") as stream:
        stream.write(_undoing(request))
    with open(f"{STATE}/former.routes", "wb") as stream:
        stream.write(Fork(["ip", "route", "save"]).result()[1])
    _arm(request["timer"], request["seconds"])
    for name, content in request["files"].items():
        path = f"{request['trial']['directory']}/{request['trial']['prefix']}{name}"
        write({"path": path, "content": content, "mode": "0644", "user": "root", "group": "root"})
    note_pending(request["pending"], request["notifies"])
    for name in [*request["remove"], *(n for n, was in former.items() if is_another(was, request["wanted"].get(n)))]:
        # Its number and its parent an interface keeps for life.
        Fork(["ip", "link", "delete", "dev", name]).result()
    _reload(request)


def _keep(request: dict[str, Any]) -> None:
    """Have the next boot find what was confirmed; fail if the timer has brought the former interfaces back already."""
    if Fork(["systemctl", "is-active", "--quiet", request["timer"]]).result()[0] != 0:
        raise ValueError("the former interfaces are back already")
    Fork(["systemctl", "stop", request["timer"]]).text()
    for file in request["files"]:
        write(file)
    _forget_trial(request["trial"])
    _reload(request)


def commands_of(former: dict[str, dict[str, Any]]) -> str:
    """Write for `ip -batch -force` what makes interfaces that were lost as they were; what is there stays."""
    lines = []
    for name, was in former.items():
        if was["form"] == "vlan":
            lines.append(f"link add link {was['parent']} name {name} type vlan id {was['vlan']}")
        lines += [f"address replace {address} dev {name}" for address in was["addresses"]]
        lines.append(f"link set {name} {'up' if was['up'] else 'down'}")
    return "\n".join([*lines, ""])


def is_another(was: dict[str, Any], wanted: dict[str, Any] | None) -> bool:
    """Tell whether an interface would have to be another one; what nobody wants is left alone."""
    return wanted is not None and any(was[key] != wanted[key] for key in ("form", "parent", "vlan"))


def _undoing(request: dict[str, Any]) -> str:
    """Write the script that the timer runs: it cannot ask anybody, and goes on whatever fails."""
    made = [name for name, wanted in request["wanted"].items() if wanted["parent"] is not None]
    trunks = " ".join(map(shlex.quote, request["trunks"]))
    return "\n".join(
        [
            f"rm -f {request['trial']['directory']}/{request['trial']['prefix']}*",
            *(f"ip link delete dev {shlex.quote(name)}" for name in made),
            "networkctl reload",
            f"networkctl reconfigure {trunks}" if trunks else "true",
            "sleep 1",
            f"ip -batch {STATE}/former.batch -force",
            f"ip route restore < {STATE}/former.routes",
            "",
        ]
    )


def _arm(timer: str, seconds: int) -> None:
    unit = timer.removesuffix(".timer")
    timing = [f"--on-active={seconds}", "--timer-property=AccuracySec=1s"]
    Fork(["systemd-run", "--quiet", "--collect", f"--unit={unit}", *timing, "/bin/sh", f"{STATE}/former.sh"]).text()


def _forget_trial(trial: dict[str, str]) -> None:
    os.makedirs(trial["directory"], exist_ok=True)
    for name in os.listdir(trial["directory"]):
        if name.startswith(trial["prefix"]):
            os.unlink(f"{trial['directory']}/{name}")


def _reload(request: dict[str, Any]) -> None:
    """Have systemd-networkd go by its files, and wait until the kernel shows what is wanted."""
    Fork(["networkctl", "reload"]).text()
    names = list(request["wanted"])
    deadline, asked = time.monotonic() + SETTLED_WITHIN_SECONDS, False
    while wrong := _wrong(request):
        if time.monotonic() > deadline:
            raise ValueError("; ".join(wrong))
        if not asked:
            # Reloading does nothing for an interface whose files are as before and which somebody changed.
            present = [name for name in names if os.path.exists(f"/sys/class/net/{name}")]
            Fork(["networkctl", "reconfigure", *present]).text()
            asked = True
        time.sleep(0.5)


def _wrong(request: dict[str, Any]) -> list[str]:
    """Say what the kernel has otherwise than it is wanted."""
    held = _held(request["trunks"], request["shared"])
    return [
        f"{name} is not there" if name not in held else f"{name} has {key} {held[name][key]} where {value} is asked for"
        for name, state in request["wanted"].items()
        for key, value in state.items()
        if name not in held or held[name][key] != value
    ]


def _held(trunks: list[str], shared: list[str]) -> dict[str, dict[str, Any]]:
    held = interfaces_held(json.loads(Fork(LIST_INTERFACES).text()), trunks)
    for state in held.values():
        state["addresses"] = [address for address in state["addresses"] if address not in shared]
    return held
