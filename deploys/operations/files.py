"""Files: written atomically, removed when no region's file asks for them any more."""

from pyinfra.api.exceptions import OperationError
from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys.facts.host import is_right, run
from deploys.operations.shell import Commands, command, write_file
from deploys.resources import HostFile

_UNITS_DIRECTORY = "/etc/systemd/system/"


@operation()
def file(resource: HostFile) -> Commands:
    """Write a file, and remember who must take note of it."""
    if is_right(resource):
        host.noop(f"{resource.path} is as it should be")
        return
    if resource.content is None:
        raise OperationError(f"the content of {resource.path} was not handed over")
    _note(resource)
    yield write_file(
        resource.path,
        resource.content,
        mode=resource.mode,
        owner=f"{resource.user}:{resource.group}",
        notifies=resource.notifies,
    )


@operation()
def no_file(resource: HostFile) -> Commands:
    """Remove a file that was ours."""
    if resource.subject not in run().seen.resources:
        host.noop(f"{resource.path} is gone")
        return
    _note(resource)
    yield command("rm", "-f", resource.path)


def _note(resource: HostFile) -> None:
    run().changed_units.update(resource.notifies)
    if resource.path.startswith(_UNITS_DIRECTORY):
        run().must_reload_systemd = True
