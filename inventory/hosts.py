"""The hosts of a region for pyinfra's own command line, when somebody converges by hand.

    HOSTING_REGION=… HOSTING_ENVIRONMENT=… pyinfra inventory/hosts.py deploys/site.py --dry

pyinfra takes every list in here for a group of hosts, hence the one public name.
"""

import os as _os
from pathlib import Path as _Path

from inventory.environment import HostAccess as _HostAccess
from inventory.load import load_environment as _load_environment
from inventory.load import load_region as _load_region


def _known_hosts(accesses: dict[str, _HostAccess]) -> str:
    """Write the host keys of the environment to a file that exists in memory only, and give its path."""
    lines = [f"[{access.address}]:{access.port} {access.host_key}\n" for access in accesses.values()]
    lines += [f"{access.address} {access.host_key}\n" for access in accesses.values() if access.port == 22]
    descriptor = _os.memfd_create("known_hosts")
    _os.write(descriptor, "".join(lines).encode())
    return f"/proc/{_os.getpid()}/fd/{descriptor}"


_region = _load_region(_Path(_os.environ["HOSTING_REGION"]))
_environment = _load_environment(_Path(_os.environ["HOSTING_ENVIRONMENT"]), _region)
_keys = _known_hosts(_environment.hosts)

hosts = [
    (
        host.id,
        {
            "ssh_hostname": _environment.hosts[host.id].address,
            "ssh_port": _environment.hosts[host.id].port,
            "ssh_user": "root",
            "ssh_known_hosts_file": _keys,
            "ssh_strict_host_key_checking": "yes",
            "_timeout": 300,
            "region": _region,
            "environment": _environment,
        },
    )
    for host in _region.hosts
    if host.id in _environment.hosts
]
