"""Save what every host of a region would say of its network: run as a program, in a network namespace of its own.

    unshare --net python -m tests.bench.network_readings FILES READINGS

The rules of each host in turn are loaded into the kernel and read back from it, as `hosting network prove` reads them;
the interfaces are those that the region's files give the host.
"""

import json
import subprocess
import sys
from pathlib import Path

from deploys import flows, nftables
from deploys.desired_network import rule_set
from deploys.flows import Topology
from hosting_cli.network.readings import NetworkReading, save
from inventory.load import load_environment, load_region
from inventory.resource import Json
from tests.bench.scenario import ENVIRONMENT
from tests.unit.inventory.large_region import TODAY


def main(files: str, readings: str) -> None:
    region = load_region(Path(files), TODAY)
    environment = load_environment(Path(files, ENVIRONMENT), region)
    places = flows.topology(region)
    for host in places.hosts.values():
        rules = nftables.render(rule_set(places, environment, host))
        subprocess.run(["nft", "--file", "/dev/stdin"], input=rules, text=True, check=True)
        listing = subprocess.run(["nft", "--json", "list", "ruleset"], capture_output=True, text=True, check=True)
        reading = NetworkReading("", json.loads(listing.stdout), _addresses(places, host.id))
        save({host.id: reading}, Path(readings))


def _addresses(places: Topology, host: str) -> list[Json]:
    """Say what `ip -j address` would."""
    return [
        {"ifname": leg.name, "addr_info": [{"family": "inet", "local": str(leg.address)}]} for leg in places.legs[host]
    ]


if __name__ == "__main__":
    main(*sys.argv[1:])
