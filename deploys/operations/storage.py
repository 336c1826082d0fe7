"""Volume groups: made of devices on which nothing at all was found, and of no others."""

from pyinfra.api.exceptions import OperationError
from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys.devices import is_half_made, physical_volume_uuid
from deploys.facts.host import is_right, observed, run
from deploys.operations.shell import Commands, command
from deploys.resources import HostStorage


@operation()
def volume_group(resource: HostStorage) -> Commands:
    """Take the blank devices into the volume group.

    ``pvcreate`` is never told to go ahead (no ``--yes``, no ``--force``), so that it refuses a signature that appeared
    since the host was read.
    """
    if is_right(resource):
        host.noop(f"the volume group {resource.volume_group} has its devices")
        return
    found = observed(resource)
    if isinstance(found, HostStorage) and found.condition != resource.condition:
        raise OperationError(f"nothing was done: {found.condition}")
    present = found.devices if isinstance(found, HostStorage) else ()
    fresh = [device for device in resource.devices if device not in present]
    for device in fresh:
        if not is_half_made(run().answer["storage"]["value"]["devices"][device], host.name, device):
            uuid = physical_volume_uuid(host.name, device)
            yield command("pvcreate", "--uuid", uuid, "--norestorefile", device)
    verb = "vgextend" if present else "vgcreate"
    yield command(verb, resource.volume_group, *fresh)
