"""What runs on a host for us and leaves nothing there: each is sent over standard input, with its request, to Python.

Each needs nothing but Debian's Python, and is one text: what it imports from ``parts`` is sent before it.  A connection
that breaks leaves the text without its last line, the call that starts it: so either all of a request arrives, or
nothing happens.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib import resources

from inventory.resource import Json

INTERPRETER = ("/usr/bin/python3", "-I", "-S", "-")
"""Runs the program that comes over standard input; isolated, and without looking for installed packages."""

STEPWISE = (*INTERPRETER[:-1], "-c", "import json, sys; exec(json.loads(sys.stdin.readline()))")
"""Runs the program that comes as one line of standard input, and leaves it the lines that follow."""

_ANNOTATIONS = "from __future__ import annotations\n"
_PART = re.compile(r"^ *from deploys\.programs\.(parts)\.(\w+) import [\w, ]+\n", re.MULTILINE)


def program(name: str, request: Json) -> str:
    """Give the program *name* followed by the call that carries *request* out."""
    # JSON's escapes are Python's too, so that the text of a document is a literal of the other language.
    return f"{_text(name)}\n\nmain({json.dumps(json.dumps(request))})\n"


def stepwise(name: str, request: Json) -> str:
    """Give ``program`` as the line that *STEPWISE* waits for."""
    return json.dumps(program(name, request)) + "\n"


@cache
def _text(name: str) -> str:
    """Put a program together: each part once and before whatever imports from it, what must stand first at the top."""
    pieces = dict(_pieces((f"{name}.py",)))
    return _ANNOTATIONS + "\n\n".join(pieces.values())


def _pieces(path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield what a file needs and then the file, each without the lines that ask for it."""
    found = resources.files(__name__).joinpath(*path).read_text()
    for folder, part in _PART.findall(found):
        yield from _pieces((folder, f"{part}.py"))
    yield path, _PART.sub("", found).replace(_ANNOTATIONS, "")
