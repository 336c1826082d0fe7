"""Units of systemd: enabled, running, and up to date with their files."""

from collections import defaultdict

from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys import names
from deploys.facts.host import is_right, observed, run
from deploys.operations.shell import Commands, command, on_host
from deploys.resources import HostUnit, OnChange
from inventory.resource import Json

START_TIMEOUT_SECONDS = 300


@operation()
def units(*resources: HostUnit) -> Commands:
    """Enable and start units; restart or reload those with a file that changed, in this run or in one that died."""
    wrong = [resource for resource in resources if not is_right(resource)]
    if not wrong:
        host.noop("every unit is as it should be")
        return
    verbs: dict[str, list[Json]] = defaultdict(list)
    for resource in wrong:
        verbs[_verb(resource)].append(resource.unit)
    request: dict[str, Json] = {
        "pending": names.PENDING_DIRECTORY,
        "reload": run().must_reload_systemd or any(map(_is_changed, wrong)),
        "enable": [resource.unit for resource in wrong if not _is_enabled(resource)],
        "verbs": dict(verbs.items()),
    }
    run().must_reload_systemd = False
    yield on_host("apply_units", request, timeout_seconds=START_TIMEOUT_SECONDS)


def _before(resource: HostUnit) -> HostUnit | None:
    found = observed(resource)
    return found if isinstance(found, HostUnit) else None


def _is_enabled(resource: HostUnit) -> bool:
    before = _before(resource)
    return before is not None and before.enabled


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
