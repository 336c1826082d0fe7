"""Write host resources as JSON for the child process, and read them back there."""

from dataclasses import asdict
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from deploys.resources import KINDS, HostResource
from inventory.resource import Json, plain


def encode(resource: HostResource) -> dict[str, Json]:
    """Give *resource* as plain JSON: all of it, file contents included."""
    attributes = plain(asdict(resource))
    return {"kind": resource.kind, "attributes": attributes}


def decode(document: dict[str, Any]) -> HostResource:
    """Give back what ``encode`` wrote; raise ``ValueError`` or ``KeyError`` for anything else."""
    decoded = _adapter(document["kind"]).validate_python(document["attributes"])
    if not isinstance(decoded, HostResource):
        raise TypeError(f"{document['kind']} is no kind of host resource")
    return decoded


@cache
def _adapter(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter(KINDS[kind])
