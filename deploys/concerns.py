"""What makes a host, concern by concern; each carries out the resources that `deploys.desired` gives it."""

from pyinfra.api.deploy import deploy
from pyinfra.context import host

from deploys.operations.files import file, no_file
from deploys.operations.firewall import firewall as firewall_rules
from deploys.operations.identity import identity as identity_in_the_vault
from deploys.operations.identity import no_identity
from deploys.operations.login import login
from deploys.operations.manifest import claimed, manifest
from deploys.operations.packages import packages
from deploys.operations.storage import volume_group
from deploys.operations.units import no_unit, reloaded, unit
from deploys.operations.volume import volume
from deploys.progress import Operation, carry_out
from deploys.resources import (
    HostFile,
    HostFirewall,
    HostIdentity,
    HostLogin,
    HostManifest,
    HostPackages,
    HostResource,
    HostStorage,
    HostUnit,
    HostVolume,
)

_MAKE: dict[type[HostResource], Operation] = {
    HostPackages: packages,
    HostFile: file,
    HostUnit: unit,
    HostLogin: login,
    HostFirewall: firewall_rules,
    HostIdentity: identity_in_the_vault,
    HostStorage: volume_group,
    HostVolume: volume,
}
_CLAIM: Operation = claimed
_UNMAKE: dict[type[HostResource], Operation] = {HostUnit: no_unit, HostFile: no_file, HostIdentity: no_identity}
"""Units stop before their files go.  What bears data is not here: no plan deletes it."""


def converge() -> None:
    """Make the host what the region's files say, and mark what is ours before and after."""
    mark()
    base()
    access()
    time()
    firewall()
    identity()
    storage()
    backup()
    monitoring()
    prune()
    settle()


@deploy("Mark")
def mark() -> None:
    """List what will be ours, so that it is found again whatever happens now."""
    for resource in _final_list():
        _CLAIM(resource, name=f"claim what {resource.subject} will list")


@deploy("Base")
def base() -> None:
    """Packages, the engines' certificate authority, the host agent, kernel parameters."""
    _make("base")


@deploy("Access")
def access() -> None:
    """Logins by certificate only."""
    _make("access")


@deploy("Time")
def time() -> None:
    """Clocks that agree."""
    _make("time")


@deploy("Firewall")
def firewall() -> None:
    """Routes to the other segments, and the rules: what is no flow is dropped."""
    _make("firewall")


@deploy("Identity")
def identity() -> None:
    """What the host says to the vault to be given an application's secrets."""
    _make("identity")


@deploy("Storage")
def storage() -> None:
    """Encrypted volumes, opened by the host itself at boot."""
    _make("storage")


@deploy("Backup")
def backup() -> None:
    """Copies of the volumes, by a timer."""
    _make("backup")


@deploy("Monitoring")
def monitoring() -> None:
    """Node exporter."""
    _make("monitoring")


@deploy("Prune")
def prune() -> None:
    """Remove what was ours and no file asks for any more."""
    for kind, operation in _UNMAKE.items():
        for resource in host.data.removed:
            if isinstance(resource, kind):
                carry_out(operation, resource)
    if host.data.removed:
        reloaded(name="forget removed units")


@deploy("Settle")
def settle() -> None:
    """List what is ours now."""
    for resource in _final_list():
        carry_out(manifest, resource)


def _make(concern: str) -> None:
    for resource in host.data.resources:
        if resource.concern == concern:
            carry_out(_MAKE[type(resource)], resource)


def _final_list() -> list[HostManifest]:
    return [resource for resource in host.data.resources if isinstance(resource, HostManifest)]
