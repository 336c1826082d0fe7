"""Isolate a segment on a host or release it, now and for the boots to come; answers what the kernel holds afterwards.

    {"firewall": as `read_host` takes it, "segment": id, "file": as `write_files` takes it, without content to release}

The file comes first: rules that are loaded in between load it too, and whatever kills us, the same order goes on.
"""

from __future__ import annotations

import json
import os
import sys

from deploys.programs.parts.firewall import isolated_apart, isolations_kept
from deploys.programs.parts.fork import Fork
from deploys.programs.parts.written import write

TYPE_CHECKING = False  # what type checkers take for true; importing `typing` for it would cost a tenth of the run
if TYPE_CHECKING:
    from typing import Any


def main(text: str) -> None:
    """Carry the request in *text* out."""
    request = json.loads(text)
    os.umask(0o022)
    try:
        answer = _carried_out(request["firewall"], request["segment"], request["file"])
    except ValueError as error:
        sys.exit(str(error))
    sys.stdout.write(json.dumps(answer))


def _carried_out(firewall: dict[str, Any], segment: str, file: dict[str, Any]) -> dict[str, Any]:
    write(file)
    if file["content"] is not None:
        Fork(["nft", "--file", file["path"]]).text()
    else:
        for network in _networks(firewall, segment):
            # Who reloads the rules meanwhile has released it already; what counts is what is read below.
            Fork(["nft", "delete", "element", *firewall["table"], firewall["set"], f"{{ {network} }}"]).result()
    kept = segment in isolations_kept(firewall["directory"])
    return {"isolated": _networks(firewall, segment), "kept": kept}


def _networks(firewall: dict[str, Any], segment: str) -> list[str]:
    """Give the networks that the kernel holds as isolated for *segment*."""
    listing = Fork(["nft", "list", "set", *firewall["table"], firewall["set"]]).text()
    return [network for network, owner in isolated_apart(listing.encode(), firewall["set"])[1] if owner == segment]
