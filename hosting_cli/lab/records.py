"""Write a lab's records: JSON files that another process reads at any moment, and finds whole."""

import json
import os
import re
import secrets
from pathlib import Path
from typing import Any


def write(path: Path, content: dict[str, Any]) -> None:
    """Replace *path* (mode 0600) in one step."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        json.dump(content, stream, indent=1)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)


def read(path: Path) -> dict[str, Any] | None:
    """Read *path*; ``None`` when there is none."""
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    return content


def drafts(path: Path) -> frozenset[Path]:
    """Find what killed writers of *path* left beside it."""
    pattern = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{8}}")
    return frozenset(other for other in path.parent.iterdir() if pattern.fullmatch(other.name))
