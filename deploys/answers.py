"""Take parts out of a host's answer without ever mistaking one it could not give for an empty one."""

from collections.abc import Mapping
from typing import Any


class UnknownError(Exception):
    """A part of the answer that is needed says only why it is missing."""


def part(answer: Mapping[str, Any], name: str) -> Any:
    """Give the value of a part; raise ``UnknownError`` with the host's own reason if it has none."""
    found = answer.get(name, {"unknown": "the host was not asked"})
    if "value" not in found:
        raise UnknownError(f"{name}: {found.get('unknown')}")
    return found["value"]
