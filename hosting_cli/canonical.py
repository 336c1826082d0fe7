"""One byte form for a value, so that a digest names it: canonical JSON (RFC 8785) and SHA-256."""

import hashlib
from collections.abc import Mapping
from typing import cast

import rfc8785

from inventory.resource import Json


def canonical(value: Mapping[str, Json] | Json) -> bytes:
    """Give the RFC 8785 form of *value*, UTF-8 encoded."""
    return rfc8785.dumps(cast("dict[str, rfc8785._impl._Value]", value))


def digest(value: Mapping[str, Json] | Json) -> str:
    """Name *value* by the SHA-256 of its canonical form, in hexadecimal."""
    return hashlib.sha256(canonical(value)).hexdigest()
