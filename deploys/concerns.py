"""What makes a host, one concern after another; each carries out the resources of its kind that are not right."""

from collections.abc import Sequence
from typing import TypeVar

from pyinfra.api.deploy import deploy
from pyinfra.context import host

from deploys.operations.files import files, no_files, path_of
from deploys.operations.firewall import firewall
from deploys.operations.identity import identity, no_identity
from deploys.operations.interfaces import interface_of, interfaces
from deploys.operations.login import login
from deploys.operations.manifest import claim, manifest
from deploys.operations.packages import packages
from deploys.operations.storage import volume_group
from deploys.operations.units import enabled, no_unit, reloaded, unit_of, units
from deploys.operations.volume import volume
from deploys.operations.wireguard import no_wireguard, wireguard
from deploys.progress import carry_out, carry_out_together, prepare, prepare_together
from deploys.resources import (
    HostFile,
    HostFirewall,
    HostIdentity,
    HostInterface,
    HostLogin,
    HostManifest,
    HostPackages,
    HostResource,
    HostStorage,
    HostUnit,
    HostVolume,
    HostWireguard,
)

Kind = TypeVar("Kind", bound=HostResource)


def converge() -> None:
    """Make the host what the region's files say, and mark what is ours before and after."""
    mark()
    base()
    access()
    network()
    defence()
    tunnels()
    storage()
    services()
    prune()
    settle()


@deploy("Mark")
def mark() -> None:
    """List what will be ours, so that it is found again whatever happens now."""
    for resource in _of(HostManifest):
        prepare(claim, resource, name=f"claim what {resource.subject} will list")


@deploy("Base")
def base() -> None:
    """Packages, every file, and what starts at boot: none has an effect before its unit is started below."""
    required = {subject for resource in _of(HostPackages) for subject in resource.requires}
    carry_out_together(files, [file for file in _of(HostFile) if file.subject in required], key=path_of)
    for resource in _of(HostPackages):
        carry_out(packages, resource)
    carry_out_together(files, [file for file in _of(HostFile) if file.subject not in required], key=path_of)
    at_boot: list[HostUnit | HostFirewall] = [*_of(HostUnit), *_of(HostFirewall)]
    prepare_together(enabled, at_boot, key=unit_of)


@deploy("Access")
def access() -> None:
    """Logins by certificate of the vault only."""
    for resource in _of(HostLogin):
        carry_out(login, resource)


@deploy("Network")
def network() -> None:
    """The interfaces that the host makes, before rules speak of them; what is left of others goes at the same time."""
    found = [*_of(HostInterface), *_removed(HostInterface)]
    carry_out_together(interfaces, found, key=interface_of)


@deploy("Defence")
def defence() -> None:
    """The firewall: what is no flow is dropped, in both directions."""
    for resource in _of(HostFirewall):
        carry_out(firewall, resource)


@deploy("Tunnels")
def tunnels() -> None:
    """Interfaces of WireGuard, behind the firewall that is loaded; those of IPsec are a unit's among the services."""
    for resource in _of(HostWireguard):
        carry_out(wireguard, resource)


@deploy("Storage")
def storage() -> None:
    """Encrypted volumes, which the host opens itself: it says who it is, and the vault gives it the passphrase."""
    for identity_of in _of(HostIdentity):
        carry_out(identity, identity_of)
    for group in _of(HostStorage):
        carry_out(volume_group, group)
    for each in _of(HostVolume):
        carry_out(volume, each)


@deploy("Services")
def services() -> None:
    """Everything that runs: time, routes, volumes, backups by their timers, monitoring."""
    carry_out_together(units, _of(HostUnit), key=unit_of)


@deploy("Prune")
def prune() -> None:
    """Remove what was ours and no file asks for any more; what bears data is not touched, whoever asks."""
    for resource in _removed(HostUnit):
        carry_out(no_unit, resource)
    carry_out_together(no_files, _removed(HostFile), key=path_of)
    for interface in _removed(HostWireguard):
        carry_out(no_wireguard, interface)
    for left in _removed(HostIdentity):
        carry_out(no_identity, left)
    prepare(reloaded, name="have systemd forget removed units")


@deploy("Settle")
def settle() -> None:
    """List what is ours now."""
    for resource in _of(HostManifest):
        carry_out(manifest, resource)


def _of(kind: type[Kind]) -> Sequence[Kind]:
    return [resource for resource in host.data.resources if isinstance(resource, kind)]


def _removed(kind: type[Kind]) -> Sequence[Kind]:
    return [resource for resource in host.data.removed if isinstance(resource, kind)]
