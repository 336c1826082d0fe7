"""The text that is sent to a host to read it."""

import json
from functools import cache
from importlib import resources

from inventory.resource import Json


def program(request: Json) -> str:
    """Give the reading program followed by the call that answers *request*."""
    # JSON's escapes are Python's too, so that the text of a document is a literal of the other language.
    return f"{_reader()}\n\nmain({json.dumps(json.dumps(request))})\n"


@cache
def _reader() -> str:
    return resources.files("deploys.facts").joinpath("read_host.py").read_text()
