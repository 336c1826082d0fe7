"""Generate the rules of one gateway of a region: run as a program, which says how long that took.

    python -m tests.bench.network_rules FOLDER

The region's files are in a folder of that; beside it are written the rules, the same one after another, and which way
packets may take.
"""

import gc
import json
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict
from ipaddress import IPv4Network
from pathlib import Path

from deploys import flows, nftables
from deploys.desired_network import rule_set
from deploys.elements import Element, Transport, addresses, elements
from deploys.flows import Topology
from hosting_cli.__main__ import spare_the_collector
from inventory.load import load_environment, load_region
from tests.bench.network_path import Route
from tests.bench.scenario import ENVIRONMENT
from tests.unit.inventory.large_region import TODAY

GATEWAY = "gateway-1"
FILES, RULES, LINEAR, ROUTE = "files", "gateway.nft", "linear.nft", "route.json"


def main(folder: str) -> None:
    spare_the_collector()
    region = load_region(Path(folder) / FILES, TODAY)
    environment = load_environment(Path(folder) / FILES / ENVIRONMENT, region)
    # When the collector next looks through what was loaded, which takes as long as much of this, is a matter of chance.
    gc.freeze()
    begun = time.process_time()
    places = flows.topology(region)
    rules = rule_set(places, environment, places.hosts[GATEWAY])
    text = nftables.render(rules)
    seconds = time.process_time() - begun
    found = [element for zone in rules.zones for element in elements(zone.rows)]
    Path(folder, RULES).write_text(text)
    Path(folder, LINEAR).write_text(linear(found))
    Path(folder, ROUTE).write_text(json.dumps(asdict(route(places, rules))))
    print(json.dumps({"seconds": seconds, "elements": len(found)}))


def linear(found: Iterable[Element]) -> str:
    """Write *found* as rules that are tried one after another, and nothing else."""
    lines = [
        f"ip saddr {addresses(each.source)} ip daddr {addresses(each.destination)}"
        f" {each.transport} dport {each.ports[0]}-{each.ports[1]} counter accept"
        for each in found
    ]
    return "\n".join(
        [
            "table inet linear {",
            "chain forward {",
            "type filter hook forward priority filter; policy drop;",
            "ct state vmap { established : accept, related : accept, invalid : drop }",
            *lines,
            "}",
            "}",
            "",
        ]
    )


def route(places: Topology, rules: nftables.RuleSet) -> Route:
    """Choose a UDP flow from the middle of the matrix, and say by which interfaces it passes."""
    zone = rules.zones[len(rules.zones) // 2]
    row = next(row for row in zone.rows if row.transport is Transport.UDP)
    (network,) = row.sources
    incoming = next(name for name, behind in rules.behind.items() if network in behind)
    address = {leg.name: str(leg.address) for leg in places.legs[GATEWAY]}
    (outgoing,) = zone.interfaces
    return Route(
        incoming=incoming,
        outgoing=outgoing,
        network=str(network),
        source=str(network[5]),
        gateway_in=address[incoming],
        gateway_out=address[outgoing],
        destination=str(_first(row.destinations)),
        prefix=network.prefixlen,
        port=row.ports[0],
    )


def _first(networks: tuple[IPv4Network, ...]) -> object:
    return networks[0].network_address


if __name__ == "__main__":
    main(sys.argv[1])
