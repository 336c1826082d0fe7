"""Interfaces that a host makes: tried, undone by the host itself unless a new connection confirms them, then kept."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys import names
from deploys.connections import prove_login
from deploys.facts.host import is_right, run
from deploys.operations.shell import Commands, entry, on_host
from deploys.resources import HostInterface
from inventory.resource import Json

CONFIRM_WITHIN_SECONDS = 180
"""Longer than for rules: a network takes its time to settle, and on a slow host so does systemd-networkd."""

_TIMER = "hosting-interfaces-restore.timer"
_TRIAL: dict[str, Json] = {"directory": names.NETWORKD_TRIAL_DIRECTORY, "prefix": names.NETWORKD_TRIAL_PREFIX}
_COMPARED = ("form", "parent", "vlan", "addresses", "up")


def interface_of(resource: HostInterface) -> str:
    """Name what the program on the host calls *resource* by."""
    return resource.interface


@operation()
def interfaces(*resources: HostInterface) -> Commands:
    """Make interfaces, remove those that nobody asks for any more, confirm both over a new connection, and keep them.

    All of a host's at once: a VLAN without its trunk, or a trunk that still lists a VLAN that goes, would be neither
    the old nor the new.  Whatever happens to us in between, a timer on the host or its next boot brings the former ones
    back.
    """
    gone = [resource for resource in resources if resource in host.data.removed]
    wanted = [resource for resource in resources if resource not in gone]
    wrong = [resource for resource in wanted if not is_right(resource)]
    if not wrong and not gone:
        host.noop("the kernel has the interfaces")
        return
    asked: dict[str, Json] = {
        "timer": _TIMER,
        "trial": _TRIAL,
        "trunks": [resource.interface for resource in wanted if resource.parent is None],
        "wanted": {resource.interface: _state(resource) for resource in wanted},
        "shared": [address for resource in wanted for address in resource.shared],
    }
    files = {path: content for resource in wanted for path, content in resource.files}
    tried: dict[str, Json] = {
        PurePosixPath(path).name.removeprefix(names.NETWORKD_PREFIX): content for path, content in files.items()
    }
    removed: list[Json] = [resource.interface for resource in gone if resource.parent is not None]
    # A route goes with its interface and does not come back with it: whoever sets it takes note.
    notified = [unit for resource in wrong for unit in resource.notifies]
    run().changed_units.update(notified)
    attempt: dict[str, Json] = {
        "do": "try",
        "seconds": CONFIRM_WITHIN_SECONDS,
        "files": tried,
        "remove": removed,
        "pending": names.PENDING_DIRECTORY,
        "notifies": list[Json](notified),
    }
    yield on_host("interfaces", {**asked, **attempt})
    prove_login()
    kept: list[Json] = [entry(path, content) for path, content in files.items()]
    kept += [entry(path, None) for resource in gone for path in _paths(resource)]
    yield on_host("interfaces", {**asked, "do": "keep", "files": kept})


def _state(resource: HostInterface) -> dict[str, Json]:
    state = resource.state()
    return {key: state[key] for key in _COMPARED}


def _paths(resource: HostInterface) -> Iterator[str]:
    yield names.network_file(resource.interface)
    yield names.device_file(resource.interface)
