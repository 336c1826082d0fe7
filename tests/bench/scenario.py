"""The desired state of the fleet's hosts: what `deploys` asks of application hosts, less what needs a real machine.

Namespaces have neither systemd nor block devices, so units, volumes and identities are left out; their files are not.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from deploys import names
from deploys.desired import region_resources
from deploys.resources import HostFile, HostFirewall, HostLogin, HostManifest, HostPackages, HostResource
from deploys.view import Published, digest, manifest_text
from inventory.environment import Environment
from inventory.load import load_environment, load_region

IN_NAMESPACES = (HostPackages, HostFile, HostLogin, HostFirewall)
ENVIRONMENT = "environments/bench.yaml"
AUTHORITY = "environments/authority.pem"
TODAY = date(2026, 11, 22)

ByHost = Mapping[str, Sequence[HostResource]]


@dataclass(frozen=True)
class Wanted:
    """What the files ask for: the environment, and what should be on each host of the fleet."""

    environment: Environment
    of_host: ByHost


def load(folder: Path, authority_key: str) -> Wanted:
    """Load the region in *folder* and say what should be; the vault would give *authority_key*."""
    found = load_region(folder, TODAY)
    environment = load_environment(folder / ENVIRONMENT, found)
    published = Published((authority_key,), environment.vault.certificate_authority.read_text())
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
            case HostLogin(content=str(content), authority_keys=(str(key),), principals=tuple(principals)):
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
