"""Bring a namespace host to the desired state, or damage it; sent to the host's own Python over standard input.

The product converges hosts with pyinfra and systemd; namespaces have no systemd, and this only sets the scene.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

STRAY_KEYS = Path("/root/.ssh/authorized_keys")
BOOT_LINK = Path("/etc/systemd/system/sysinit.target.wants/nftables.service")


def converge(wanted: dict[str, Any]) -> dict[str, Any]:
    """Write every file, load the rules, link the firewall into the boot; give the digest of what nft lists then."""
    STRAY_KEYS.unlink(missing_ok=True)
    for name, (content, mode) in wanted["files"].items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(int(mode, 8))
    run("nft", "--file", wanted["rules"])
    BOOT_LINK.parent.mkdir(parents=True, exist_ok=True)
    BOOT_LINK.unlink(missing_ok=True)
    BOOT_LINK.symlink_to("/usr/lib/systemd/system/nftables.service")
    listed = run("nft", "--stateless", "list", "table", "inet", "hosting").rstrip("\r\n")
    return {"listed": hashlib.sha256(listed.encode()).hexdigest()}


def record(wanted: dict[str, Any]) -> dict[str, Any]:
    """Write down which rules were loaded, as the product does."""
    Path(wanted["path"]).write_text(json.dumps(wanted["loaded"]))
    return {}


def damage(wanted: dict[str, Any]) -> dict[str, Any]:
    """Change a text, a mode and the kernel's rules, remove a file, and let a stray key in."""
    with Path(wanted["changed"]).open("a") as stream:
        stream.write("# changed by hand\n")
    Path(wanted["opened"]).chmod(0o666)
    Path(wanted["removed"]).unlink()
    run("nft", "add", "rule", "inet", "hosting", "input", "tcp", "dport", "4444", "accept")
    STRAY_KEYS.parent.mkdir(mode=0o700, exist_ok=True)
    STRAY_KEYS.write_text("ssh-ed25519 AAAA stray\n")
    return {}


def run(*argv: str) -> str:
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout


def main(work: str, wanted: str) -> None:
    """Do *work* and answer one JSON document."""
    sys.stdout.write(json.dumps({"converge": converge, "record": record, "damage": damage}[work](json.loads(wanted))))
