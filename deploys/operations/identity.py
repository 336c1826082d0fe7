"""Identities: the agent takes a response-wrapped secret-id and keeps it so that only this host can use it."""

from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys import names
from deploys.facts.host import is_right, run
from deploys.handed_over import is_handed_over, secret
from deploys.operations.shell import Commands, command, sequence
from deploys.resources import HostIdentity


@operation()
def identity(resource: HostIdentity) -> Commands:
    """Hand the wrapping token over; whatever identity the host had before is replaced."""
    if is_right(resource) and not is_handed_over(resource.role):
        host.noop(f"the identity of {resource.application} is in use")
        return
    token = secret(resource.role, f"no wrapping token for the role {resource.role} was handed over")
    yield command(names.AGENT, "receive-identity", resource.application, stdin=token)


@operation()
def no_identity(resource: HostIdentity) -> Commands:
    """Forget an identity: first the record that it is there, then what it is."""
    if resource.subject not in run().seen.resources:
        host.noop(f"the identity of {resource.application} is gone")
        return
    yield sequence(
        command("rm", "-f", names.identity_file(resource.application)),
        command("rm", "-f", f"{names.CREDENTIALS_DIRECTORY}/{names.credential(resource.application)}"),
    )
