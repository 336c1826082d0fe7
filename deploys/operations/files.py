"""Files: all that are missing or wrong in one exec, each written in one step; those that left are removed."""

from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys.facts.host import is_right, run
from deploys.operations.shell import Commands, entry, write_files
from deploys.resources import HostFile

_UNITS_DIRECTORY = "/etc/systemd/system/"


def path_of(resource: HostFile) -> str:
    """Name what the writing program calls *resource* by."""
    return resource.path


@operation()
def files(*resources: HostFile) -> Commands:
    """Write files, and remember who must take note of them."""
    wrong = [resource for resource in resources if not is_right(resource)]
    if not wrong:
        host.noop("every file is as it should be")
        return
    _note(wrong)
    yield write_files(
        entry(
            resource.path,
            resource.content,
            mode=resource.mode,
            user=resource.user,
            group=resource.group,
            notifies=resource.notifies,
        )
        for resource in wrong
    )


@operation()
def no_files(*resources: HostFile) -> Commands:
    """Remove files that were ours."""
    present = [resource for resource in resources if resource.subject in run().seen.resources]
    if not present:
        host.noop("the files are gone")
        return
    _note(present)
    yield write_files(entry(resource.path, None) for resource in present)


def _note(resources: list[HostFile]) -> None:
    for resource in resources:
        run().changed_units.update(resource.notifies)
        if resource.path.startswith(_UNITS_DIRECTORY):
            run().must_reload_systemd = True
