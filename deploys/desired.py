"""Say what a host should be: one pure function from a region's files to resources, in the order of the deploys."""

from collections.abc import Callable, Iterator

from deploys import (
    desired_applications,
    desired_network,
    desired_pairs,
    desired_tunnels,
    desired_wireguard,
    flows,
    names,
)
from deploys.flows import Topology
from deploys.resources import (
    HostFile,
    HostIdentity,
    HostLogin,
    HostManifest,
    HostPackages,
    HostResource,
    HostUnit,
    HostVolume,
)
from deploys.templates import render
from deploys.view import Published, View, agent_files, as_json, digest, manifest_text
from inventory import naming
from inventory.backups import hosts_with_databases
from inventory.environment import Environment
from inventory.models import DatabaseEngine, HostRole, Region
from inventory.resource import PLATFORM, Json, Subject

__all__ = ["Published", "host_resources", "region_resources", "secrets_of", "volumes"]

_EVERYWHERE = ("chrony", "nftables", "openssh-server", "prometheus-node-exporter", "python3")
_FOR_VOLUMES = ("cryptsetup-bin", "e2fsprogs", "lvm2", "xfsprogs")
_FOR_BACKUPS = ("restic",)
_FOR_DATABASES = {DatabaseEngine.POSTGRESQL: "postgresql"}


def host_resources(
    region: Region, environment: Environment, host: str, published: Published, *, places: Topology | None = None
) -> tuple[HostResource, ...]:
    """Give everything that should be on *host*, prerequisites first.

    *places* is ``flows.topology(region)``, handed in by whoever asks for many hosts.  Raise ``KeyError`` if the
    environment does not say how to reach *host*.
    """
    places = places or flows.topology(region)
    view = View(region, environment, places, places.hosts[host], environment.hosts[host], published)
    resources = tuple(resource for part in _PARTS for resource in part(view))
    return (*resources, _manifest(view, resources))


def region_resources(region: Region, environment: Environment, published: Published) -> tuple[HostResource, ...]:
    """Give everything that should be on the hosts that the environment reaches."""
    places = flows.topology(region)
    return tuple(
        resource
        for host in region.hosts
        if host.id in environment.hosts
        for resource in host_resources(region, environment, host.id, published, places=places)
    )


def volumes(region: Region, environment: Environment) -> tuple[HostVolume, ...]:
    """Give the encrypted volumes on the hosts that the environment reaches; nothing published is needed for them."""
    places = flows.topology(region)
    return tuple(
        volume
        for host in region.hosts
        if host.id in environment.hosts
        for volume in desired_applications.volumes(
            View(region, environment, places, host, environment.hosts[host.id], Published((), ""))
        )
    )


def secrets_of(resource: HostResource) -> tuple[str, ...]:
    """Name what must be handed to the engine under these names before *resource* can be made.

    For a volume: the KV entries of its passphrases.  For an identity: its role, for which the response-wrapping
    token of a fresh secret-id is wanted.
    """
    match resource:
        case HostVolume():
            return (resource.active_secret, resource.recovery_secret)
        case HostIdentity():
            return (resource.role,)
    return ()


def _packages(view: View) -> Iterator[HostResource]:
    wanted = set(_EVERYWHERE)
    if view.host.data_devices:
        wanted |= set(_FOR_VOLUMES)
    if any(placement.application.backup for placement in view.placements):
        wanted |= set(_FOR_BACKUPS)
    if desired_pairs.in_pair(view):
        wanted |= set(desired_pairs.PACKAGES)
    if desired_tunnels.ended(view):
        wanted |= set(desired_tunnels.PACKAGES)
    if desired_wireguard.ended(view):
        wanted |= set(desired_wireguard.PACKAGES)
    engines = {
        database.engine
        for placement in view.placements
        if placement.application.backup and view.host.id in hosts_with_databases(placement.application)
        for database in placement.application.backup.databases
    }
    wanted |= {_FOR_DATABASES[engine] for engine in engines}
    # What keeps a package from making something in clear must be there before the package is.
    before = (view.subject(HostFile, names.NO_CLUSTER_IN_CLEAR),) if engines else ()
    yield HostPackages(
        host=view.host.id,
        name=view.name("packages"),
        owner=PLATFORM,
        packages=tuple(sorted(wanted)),
        requires=before,
    )


def _base(view: View) -> Iterator[HostResource]:
    yield view.file(names.CERTIFICATE_AUTHORITY, view.published.certificate_authority)
    yield view.file(names.ENGINES, as_json(_engines(view)))
    for path, content in agent_files():
        yield view.file(path, content, mode="0755" if path == names.AGENT else "0644")
    sysctl = render("sysctl.conf", forwards=view.host.role is HostRole.GATEWAY)
    yield view.file("/etc/sysctl.d/60-hosting.conf", sysctl, notifies=("systemd-sysctl.service",))
    yield view.unit("systemd-sysctl.service")


def _engines(view: View) -> dict[str, Json]:
    return {
        "host": view.host.id,
        "vault": view.access.vault_address,
        "certificate_authority": names.CERTIFICATE_AUTHORITY,
    }


def _login(view: View) -> Iterator[HostResource]:
    content = render(
        "sshd.conf",
        authority_path=names.SSH_AUTHORITY,
        principals_directory=names.SSH_PRINCIPALS,
        users=("root",),
    )
    yield HostLogin(
        host=view.host.id,
        name=view.name("login"),
        owner=PLATFORM,
        principals=(names.OPERATIONS_PRINCIPAL,),
        configuration=digest(content),
        content=content,
        authority_keys=view.published.ssh_authority_keys,
        requires=(Subject("ssh-authority", naming.SSH_MOUNT),),
    )


def _time(view: View) -> Iterator[HostResource]:
    gateways = flows.time_sources(view.places, view.host)
    servers = view.environment.time_servers or tuple(leg.address for leg in gateways)
    clients = flows.time_clients(view.places, view.host) if view.host.role is HostRole.GATEWAY else ()
    content = render(
        "chrony.conf",
        servers=tuple(str(server) for server in servers),
        is_reference=view.host.role is HostRole.GATEWAY and not view.environment.time_servers,
        clients=tuple(str(leg.network) for leg in clients),
    )
    yield view.file("/etc/chrony/chrony.conf", content, notifies=("chrony.service",))
    yield view.unit("chrony.service")


def _monitoring(view: View) -> Iterator[HostResource]:
    path, unit = "/etc/default/prometheus-node-exporter", "prometheus-node-exporter.service"
    port, metrics = desired_network.NODE_EXPORTER_PORT, names.METRICS_DIRECTORY
    yield view.file(path, render("node-exporter.default", port=port, metrics=metrics), notifies=(unit,))
    yield view.unit(unit)


def _manifest(view: View, resources: tuple[HostResource, ...]) -> HostResource:
    """List what is ours on a host and would have to be removed when no file asks for it any more."""
    kinds = (HostFile, HostUnit, HostIdentity)
    content = manifest_text(
        {(resource.kind, resource.thing, resource.owner) for resource in resources if isinstance(resource, kinds)}
    )
    return HostManifest(
        host=view.host.id,
        name=view.name("manifest"),
        owner=PLATFORM,
        sha256=digest(content),
        content=content,
    )


_PARTS: tuple[Callable[[View], Iterator[HostResource]], ...] = (
    _packages,
    _base,
    _login,
    _time,
    desired_network.resources,
    desired_pairs.resources,
    desired_tunnels.resources,
    desired_wireguard.resources,
    desired_applications.identities,
    desired_applications.storage,
    desired_applications.databases,
    desired_applications.backups,
    _monitoring,
)
