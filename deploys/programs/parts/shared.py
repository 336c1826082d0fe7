"""Which of the addresses that a pair of gateways shares this one holds, as its kernel has them."""

from __future__ import annotations

import json

TYPE_CHECKING = False  # what type checkers take for true; importing `typing` for it would cost a tenth of the run
if TYPE_CHECKING:
    from typing import Any

    from deploys.programs.parts.fork import Fork

LIST_ADDRESSES = ["ip", "-json", "-4", "address", "show"]


def read_shared(wanted: Any, forks: dict[str, Fork]) -> Any:
    """Give those of the pairs of an interface and an address that were asked for which the kernel holds so."""
    held = {
        (link.get("ifname"), f"{each['local']}/{each['prefixlen']}")
        for link in json.loads(forks["shared"].text())
        for each in link.get("addr_info", ())
    }
    return [[interface, address] for interface, address in wanted if (interface, address) in held]
