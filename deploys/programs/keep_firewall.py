"""Confirm a rule set that was loaded on probation: stop the timer that would undo it, and keep it for the next boot.

    {"timer": unit, "firewall": as `read_host` takes it, "text": digest, "record": path,
     "file": as `write_files` takes it}

Fails if the timer has brought the former rules back already: then what the kernel holds is not what was tried.
"""

from __future__ import annotations

import json
import os
import sys

from deploys.programs.parts.firewall import list_rules, read_firewall
from deploys.programs.parts.fork import Fork
from deploys.programs.parts.written import write


def main(text: str) -> None:
    """Carry the request in *text* out."""
    request = json.loads(text)
    os.umask(0o022)
    if Fork(["systemctl", "is-active", "--quiet", request["timer"]]).result()[0] != 0:
        sys.exit("the former rules are back already")
    Fork(["systemctl", "stop", request["timer"]]).text()
    held = read_firewall(request["firewall"], {"firewall": Fork(list_rules(request["firewall"]))})
    write(request["file"])
    record = {"kernel": held["kernel"], "text": request["text"]}
    write({**request["file"], "path": request["record"], "content": json.dumps(record) + "\n"})
