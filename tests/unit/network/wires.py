"""Hosts that take part in probes, as values: everything is seen on the wire, and what *arrives* is let in."""

from collections.abc import Callable, Mapping
from typing import Any

Send = Mapping[str, Any]

LISTED_PORTS = {443, 2762}


def as_the_files_say(send: Send) -> bool:
    """Tell whether a packet is of the sample's flow matrix."""
    ends = (send["source"], send["destination"], send["protocol"])
    return ends == ("10.21.20.1", "10.21.10.11", "tcp") and send["port"] in LISTED_PORTS


def seen_by(requests: Mapping[str, Any], arrives: Callable[[Send], bool] = as_the_files_say) -> dict[str, Any]:
    """Give what all hosts answer: each sees every packet, and lets in what arrives."""
    sends = [send for request in requests.values() for send in request["sends"]]
    wire = [[send["destination"], send["number"]] for send in sends]
    heard = [[send["destination"], send["number"]] for send in sends if arrives(send)]
    return {host: {"wire": wire, "heard": heard, "deaf": [], "refused": [], "unsent": {}} for host in requests}
