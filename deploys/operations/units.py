"""Units of systemd: enabled, running, and up to date with their files."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys import names
from deploys.facts.host import is_right, observed, run
from deploys.operations.firewall import UNIT as FIREWALL_UNIT
from deploys.operations.shell import Commands, command, on_host
from deploys.resources import HostFirewall, HostUnit, OnChange
from inventory.resource import Json

START_TIMEOUT_SECONDS = 300


@operation()
def enabled(*resources: HostUnit | HostFirewall) -> Commands:
    """Enable all that must run after the next boot, and have systemd read its files, in one go.

    Before anything is started: on a slow host each reading of its files takes systemd longer than all the rest.
    """
    missing = [unit_of(resource) for resource in resources if not _is_enabled(resource)]
    unsettled = [resource for resource in resources if isinstance(resource, HostUnit) and _is_changed(resource)]
    if not missing and not unsettled and not run().must_reload_systemd:
        host.noop("everything starts at boot")
        return
    run().enabled.update(missing)
    run().must_reload_systemd = False
    yield _apply(missing, {}, reload=True)


@operation()
def units(*resources: HostUnit) -> Commands:
    """Start units; restart or reload those with a file that changed, in this run or in one that died."""
    wrong = [resource for resource in resources if not is_right(resource)]
    if not wrong:
        host.noop("every unit is as it should be")
        return
    verbs: dict[str, list[Json]] = defaultdict(list)
    for resource in wrong:
        verbs[_verb(resource)].append(resource.unit)
    yield _apply([], verbs, reload=False)


def _apply(enable: Sequence[str], verbs: Mapping[str, list[Json]], *, reload: bool) -> StringCommand:
    request: dict[str, Json] = {
        "pending": names.PENDING_DIRECTORY,
        "reload": reload,
        "enable": list(enable),
        "verbs": dict(verbs.items()),
    }
    return on_host("apply_units", request, timeout_seconds=START_TIMEOUT_SECONDS)


def unit_of(resource: HostUnit | HostFirewall) -> str:
    """Name the unit that has *resource* there after a boot."""
    return resource.unit if isinstance(resource, HostUnit) else FIREWALL_UNIT


def _is_enabled(resource: HostUnit | HostFirewall) -> bool:
    found = observed(resource)
    before = found.enabled if isinstance(found, HostUnit) else isinstance(found, HostFirewall) and found.starts_at_boot
    return before or unit_of(resource) in run().enabled


def _before(resource: HostUnit) -> HostUnit | None:
    found = observed(resource)
    return found if isinstance(found, HostUnit) else None


def _is_changed(resource: HostUnit) -> bool:
    before = _before(resource)
    return resource.unit in run().changed_units or before is None or not before.settled


def _verb(resource: HostUnit) -> str:
    before = _before(resource)
    if before is None or not before.active or not _is_changed(resource):
        return "start"
    return {OnChange.RESTART: "restart", OnChange.RELOAD: "reload", OnChange.NOTHING: "start"}[resource.on_change]


@operation()
def no_unit(resource: HostUnit) -> Commands:
    """Stop and disable a unit that was ours."""
    if resource.subject not in run().seen.resources:
        host.noop(f"{resource.unit} is gone")
        return
    run().must_reload_systemd = True
    yield command("systemctl", "disable", "--now", "--quiet", resource.unit, timeout_seconds=START_TIMEOUT_SECONDS)


@operation()
def reloaded() -> Commands:
    """Have systemd read its files again, if any was written or removed since it last did."""
    if not run().must_reload_systemd:
        host.noop("systemd knows its units")
        return
    run().must_reload_systemd = False
    yield command("systemctl", "daemon-reload")
