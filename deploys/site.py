"""Make the hosts of a region what its files say; for a run by hand, through pyinfra's own command line.

    HOSTING_REGION=… HOSTING_ENVIRONMENT=… pyinfra inventory/hosts.py deploys/site.py --dry

Logs in with the keys and certificates of the operator's SSH agent.  What needs a secret of the vault fails here, saying
so; who may log in, and the removal of what left the region, are left to `hosting apply`, which can prove them.
"""

from pathlib import Path

from pyinfra.context import host

from deploys.concerns import converge
from deploys.desired import Published, host_resources
from deploys.resources import HostLogin

published = Published((), Path(host.data.environment.vault.certificate_authority).read_text())
resources = host_resources(host.data.region, host.data.environment, host.name, published)
host.data.resources = tuple(resource for resource in resources if not isinstance(resource, HostLogin))
host.data.removed = ()

converge()
