"""What runs on a host for us and leaves nothing there: each is sent over standard input, with its request, to Python.

Each is one file that needs nothing but Debian's Python.  A connection that breaks leaves it without its last line, the
call that starts it: so either all of a request arrives, or nothing happens.
"""

import json
from functools import cache
from importlib import resources

from inventory.resource import Json

INTERPRETER = ("/usr/bin/python3", "-I", "-S", "-")
"""Runs the program that comes over standard input; isolated, and without looking for installed packages."""

STEPWISE = (*INTERPRETER[:-1], "-c", "import json, sys; exec(json.loads(sys.stdin.readline()))")
"""Runs the program that comes as one line of standard input, and leaves it the lines that follow."""

_USES = {"keep_firewall": ("read_host", "write_files"), "isolation": ("read_host", "write_files")}
"""Programs that use functions of others, which are sent before them."""

_ANNOTATIONS = "from __future__ import annotations\n"


def program(name: str, request: Json) -> str:
    """Give the program *name* followed by the call that carries *request* out."""
    # JSON's escapes are Python's too, so that the text of a document is a literal of the other language.
    return f"{_text(name)}\n\nmain({json.dumps(json.dumps(request))})\n"


def stepwise(name: str, request: Json) -> str:
    """Give ``program`` as the line that *STEPWISE* waits for."""
    return json.dumps(program(name, request)) + "\n"


@cache
def _text(name: str) -> str:
    """Put a program together; what must stand first in a text, once, is put first."""
    files = [resources.files(__name__).joinpath(f"{each}.py") for each in (*_USES.get(name, ()), name)]
    return _ANNOTATIONS + "\n\n".join(file.read_text().replace(_ANNOTATIONS, "") for file in files)
