"""Interfaces of WireGuard: the agent makes the key on the host, where it stays, and gives the kernel all of it."""

from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys import names
from deploys.facts.host import is_right, run
from deploys.operations.shell import Commands, command
from deploys.resources import HostWireguard


@operation()
def wireguard(resource: HostWireguard) -> Commands:
    """Have the agent bring every interface to what its file says; after the last day of an acceptance that is: down."""
    if is_right(resource):
        host.noop(f"{resource.interface} is as it should be")
        return
    yield command(names.AGENT, "keep-wireguard")


@operation()
def no_wireguard(resource: HostWireguard) -> Commands:
    """End an interface that was ours, and its key, which no peer is to believe any more."""
    if resource.subject not in run().seen.resources:
        host.noop(f"{resource.interface} is gone")
        return
    yield command(names.AGENT, "end-wireguard", resource.interface)
