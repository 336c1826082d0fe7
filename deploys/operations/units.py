"""Units of systemd: enabled, running, and up to date with their files."""

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys.facts.host import is_right, observed, run
from deploys.operations.shell import Commands, command, forget_pending, sequence
from deploys.resources import HostUnit, OnChange

START_TIMEOUT_SECONDS = 240


@operation()
def unit(resource: HostUnit) -> Commands:
    """Enable and start a unit; restart or reload it if one of its files changed, in this run or in one that died."""
    if is_right(resource):
        host.noop(f"{resource.unit} is as it should be")
        return
    found = observed(resource)
    before = found if isinstance(found, HostUnit) else None
    is_changed = resource.unit in run().changed_units or before is None or not before.settled
    steps = [
        *_reload(is_changed),
        *([] if before and before.enabled else [command("systemctl", "enable", "--quiet", resource.unit)]),
        command("systemctl", _verb(resource, before, is_changed), resource.unit),
        forget_pending(resource.unit),
    ]
    yield sequence(*steps, timeout_seconds=START_TIMEOUT_SECONDS)
    run().changed_units.discard(resource.unit)


def _reload(is_changed: bool) -> list[StringCommand]:
    if not (is_changed or run().must_reload_systemd):
        return []
    run().must_reload_systemd = False
    return [command("systemctl", "daemon-reload")]


def _verb(resource: HostUnit, before: HostUnit | None, is_changed: bool) -> str:
    if not is_changed or before is None or not before.active:
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
    """Have systemd forget the units whose files were removed."""
    if not run().must_reload_systemd:
        host.noop("systemd knows its units")
        return
    run().must_reload_systemd = False
    yield command("systemctl", "daemon-reload")
