"""The desired state of the fleet's hosts: what `deploys` asks of application hosts, less what needs a real machine.

Namespaces have neither systemd nor block devices, so units, volumes and identities are left out; their files are not.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deploys import names
from deploys.desired import region_resources
from deploys.resources import HostFile, HostFirewall, HostLogin, HostManifest, HostPackages, HostResource
from deploys.view import Published, digest, manifest_text
from inventory.load import load_environment, load_region
from inventory.models import Environment
from inventory.resource import Json
from tests.bench import region
from tests.bench.fleet import CONTROLLER_ADDRESS, FleetHost
from tests.unit.inventory.large_region import REGION, finess

IN_NAMESPACES = (HostPackages, HostFile, HostLogin, HostFirewall)
CONNECTION_POINTS = 20
_PROTOCOLS = ("F-HTTPS", "F-DCMT")
_ACTIVITIES: list[Json] = [
    "physical-sites",
    "hardware",
    "virtual-infrastructure",
    "application-platform",
    "administration",
    "backup",
]

ByHost = Mapping[str, Sequence[HostResource]]


def write(folder: Path, hosts: Sequence[FleetHost]) -> None:
    """Write a region of one application on *hosts*, with 40 flows, and the environment in which they are reached."""
    (folder / "environments").mkdir(parents=True)
    (folder / "region.yaml").write_text(REGION)
    (folder / region.AUTHORITY).write_text("-----BEGIN CERTIFICATE-----\nnever opened\n-----END CERTIFICATE-----\n")
    region.write_yaml(folder / "network.yaml", _network())
    region.write_yaml(folder / "members/member.yaml", _member())
    region.write_yaml(folder / "applications/imaging.yaml", _application(hosts))
    for host in hosts:
        region.write_yaml(folder / f"hosts/{host.name}.yaml", _host(host))
    accesses: dict[str, Json] = {host.name: region.access(host.address, host.host_key) for host in hosts}
    region.write_yaml(folder / region.ENVIRONMENT, region.environment(accesses, [f"{CONTROLLER_ADDRESS}/32"]))


def _network() -> Json:
    tunnels: list[Json] = [
        {
            "id": f"tunnel-{point}",
            "site": "dijon",
            "kind": "tunnel",
            "network": f"10.78.{point}.0/24",
            "establishment": finess(0),
        }
        for point in range(CONNECTION_POINTS)
    ]
    tier: Json = {"id": "imaging", "site": "dijon", "kind": "tier", "network": "10.77.0.0/24"}
    return {"address_space": ["10.77.0.0/16", "10.78.0.0/16"], "segments": [tier, *tunnels]}


def _member() -> Json:
    establishment: Json = {"finess": finess(0), "name": "Établissement", "postal_code": "21000", "town": "Dijon"}
    contact: Json = {"id": "dsi", "role": "DSI", "email": "dsi@hopital.example", "telephone": "+33 3 53 01 00 20"}
    return {
        "id": "member",
        "name": "Membre",
        "joined": "2026-01-01",
        "establishments": [establishment],
        "contacts": [contact],
    }


def _host(host: FleetHost) -> Json:
    return {
        "id": host.name,
        "site": "dijon",
        "role": "application",
        "interfaces": [{"name": "eth0", "segment": "imaging", "address": f"{host.address}/24"}],
        "data_devices": [{"path": "/dev/disk/by-id/virtio-data", "size_gib": 100}],
    }


def _application(hosts: Sequence[FleetHost]) -> Json:
    volume: Json = {"id": "images", "size_gib": 50, "mount_point": "/srv/images"}
    flows: list[Json] = [
        {
            "source": f"tunnel-{point}",
            "destination": "tier:app",
            "protocol": protocol,
            "purpose": "Images",
            "owner": "DSI",
            "expires": "2028-12-31",
        }
        for point in range(CONNECTION_POINTS)
        for protocol in _PROTOCOLS
    ]
    return {
        "id": "imaging",
        "name": "Imagerie",
        "profile": "imaging-exchange",
        "environment": "production",
        "data_class": "D3",
        "continuity": "C1",
        "hds_activities": _ACTIVITIES,
        "establishments": [finess(0)],
        "incident_contact": "dsi",
        "tiers": [{"id": "app", "segment": "imaging", "hosts": [host.name for host in hosts], "volumes": [volume]}],
        "backup": {
            "store": "objects",
            "volumes": ["images"],
            "schedule": "*-*-* 02:30",
            "retention": {"daily": 30},
            "lock_days": 30,
        },
        "flows": flows,
    }


@dataclass(frozen=True)
class Wanted:
    """What the files ask for: the environment, and what should be on each host of the fleet."""

    environment: Environment
    of_host: ByHost


def load(folder: Path, authority_key: str) -> Wanted:
    """Load the region in *folder* and say what should be; the vault would give *authority_key*."""
    found = load_region(folder, region.TODAY)
    environment = load_environment(folder / region.ENVIRONMENT, found)
    published = Published(authority_key, environment.vault.certificate_authority.read_text())
    of_host: dict[str, list[HostResource]] = {host.id: [] for host in found.hosts}
    for resource in region_resources(found, environment, published):
        of_host[resource.host].append(resource)
    return Wanted(environment, {host: in_namespaces(resources) for host, resources in of_host.items()})


def in_namespaces(resources: Iterable[HostResource]) -> tuple[HostResource, ...]:
    """Keep what can exist in namespaces, and our mark of exactly that."""
    every = tuple(resources)
    kept = tuple(resource for resource in every if isinstance(resource, IN_NAMESPACES))
    ours = {(resource.kind, resource.thing, resource.owner) for resource in kept if isinstance(resource, HostFile)}
    content = manifest_text(ours)
    marks = tuple(
        replace(resource, sha256=digest(content), content=content)
        for resource in every
        if isinstance(resource, HostManifest)
    )
    return (*kept, *marks)


def packages(of_hosts: ByHost) -> set[str]:
    """Collect the packages that any host wants."""
    return {
        package
        for resources in of_hosts.values()
        for resource in resources
        if isinstance(resource, HostPackages)
        for package in resource.packages
    }


def files(resources: Sequence[HostResource]) -> dict[str, tuple[str, str]]:
    """Give the text and the mode of every file of a host, whichever kind of resource it belongs to."""
    found: dict[str, tuple[str, str]] = {}
    for resource in resources:
        match resource:
            case HostFile(path=path, content=str(content), mode=mode):
                found[path] = (content, mode)
            case HostFirewall(content=str(content)):
                found[names.FIREWALL_RULES] = (content, "0644")
            case HostManifest(content=str(content)):
                found[names.MANIFEST] = (content, "0644")
            case HostLogin(content=str(content), authority_key=str(key), principals=tuple(principals)):
                found |= {
                    names.SSH_CONFIGURATION: (content, "0644"),
                    names.SSH_AUTHORITY: (f"{key}\n", "0644"),
                    f"{names.SSH_PRINCIPALS}/root": ("".join(f"{name}\n" for name in principals), "0644"),
                }
    return found


def rules_digest(resources: Sequence[HostResource]) -> str:
    """Give the digest of the rules that a host should hold."""
    (found,) = (resource.rules for resource in resources if isinstance(resource, HostFirewall))
    return found
