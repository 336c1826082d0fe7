# ruff: noqa: F821 (what it uses of others is sent before it)
"""Confirm a rule set that was loaded on probation: stop the timer that would undo it, and keep it for the next boot.

    {"timer": unit, "firewall": as `read_host` takes it, "text": digest, "record": path,
     "file": as `write_files` takes it}

Fails if the timer has brought the former rules back already: then what the kernel holds is not what was tried.
"""

from __future__ import annotations

import json
import os
import sys

TYPE_CHECKING = False  # what type checkers take for true: `read_host` and `write_files` are sent before this
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Fork: Callable[[list[str]], Any]
    list_rules: Callable[[Any], list[str]]
    _read_firewall: Callable[[Any, Any], Any]
    _write: Callable[[dict[str, Any]], None]


def main(text: str) -> None:
    """Carry the request in *text* out."""
    request = json.loads(text)
    os.umask(0o022)
    if Fork(["systemctl", "is-active", "--quiet", request["timer"]]).result()[0] != 0:
        sys.exit("the former rules are back already")
    Fork(["systemctl", "stop", request["timer"]]).text()
    held = _read_firewall(request["firewall"], {"firewall": Fork(list_rules(request["firewall"]))})
    _write(request["file"])
    record = {"kernel": held["kernel"], "text": request["text"]}
    _write({**request["file"], "path": request["record"], "content": json.dumps(record) + "\n"})
