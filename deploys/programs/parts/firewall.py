"""The rules of our table as the kernel holds them, and what is isolated apart from them."""

from __future__ import annotations

import os
import re

from deploys.programs.parts.files import sha256_of

TYPE_CHECKING = False  # what type checkers take for true; importing `typing` for it would cost a tenth of the run
if TYPE_CHECKING:
    from typing import Any

    from deploys.programs.parts.fork import Fork


def list_rules(wanted: dict[str, Any]) -> list[str]:
    """Give the command that lists our table without what changes by itself: counts, and those of its elements."""
    return ["nft", "--stateless", "list", "table", *wanted["table"]]


def read_firewall(wanted: Any, forks: dict[str, Fork]) -> Any:
    """Give the digest of what the kernel holds but for what is isolated, and that apart.

    Of text, since a gateway's flows are megabytes: nft takes longer to write them as JSON, and Python to read that.
    """
    if forks["firewall"].pid is None:
        return None
    status, output, errors = forks["firewall"].result()
    if status != 0 and b"No such file or directory" in errors:
        return None
    if status != 0:
        raise ValueError(f"nft failed ({status}): {errors.decode(errors='replace').strip()}")
    rules, isolated = isolated_apart(output, wanted["set"])
    return {"kernel": sha256_of(rules), "isolated": isolated, "kept": isolations_kept(wanted["directory"])}


def isolated_apart(listing: bytes, name: str) -> tuple[bytes, list[list[str]]]:
    """Take the elements of the set *name* out of a listing; give it without, and each as its network and segment."""
    before, begin, rest = listing.partition(f"\tset {name} {{\n".encode())
    block, end, after = rest.partition(b"\n\t}\n")
    kept, _, elements = block.partition(b"\n\t\telements = {")
    found = re.findall(r'([0-9][0-9./-]*)(?: comment "([^"]*)")?', elements.decode())
    return before + begin + kept + end + after, [[network, segment] for network, segment in found]


def isolations_kept(directory: str) -> list[str]:
    """Name the segments that the next boot isolates as well."""
    try:
        return sorted(name.removesuffix(".nft") for name in os.listdir(directory) if name.endswith(".nft"))
    except FileNotFoundError:
        return []
