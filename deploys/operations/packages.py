"""Debian packages: those that are missing are installed, none is removed."""

from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys.facts.host import is_right, observed
from deploys.operations.shell import Commands, command, sequence
from deploys.resources import HostPackages

INSTALL_TIMEOUT_SECONDS = 1800


@operation()
def packages(resource: HostPackages) -> Commands:
    """Install what is missing, without what is merely recommended."""
    if is_right(resource):
        host.noop("every package is installed")
        return
    found = observed(resource)
    present = found.packages if isinstance(found, HostPackages) else ()
    missing = [package for package in resource.packages if package not in present]
    # A configuration file that we wrote before its package came (or came back) is ours to keep.
    options = ("--quiet", "--option=DPkg::Lock::Timeout=300", "--option=DPkg::Options::=--force-confold")
    apt = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *options)
    yield sequence(
        command(*apt, "update"),
        command(*apt, "install", "--yes", "--no-install-recommends", *missing),
        timeout_seconds=INSTALL_TIMEOUT_SECONDS,
    )
