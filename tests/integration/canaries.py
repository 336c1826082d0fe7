"""Looking for secrets in whatever is left behind, in every form in which they may turn up."""

import base64
import json
from collections.abc import Iterable
from pathlib import Path


def forms(secret: str) -> tuple[bytes, ...]:
    """Give the forms in which a secret may turn up."""
    value = secret.encode()
    return value, base64.b64encode(value), json.dumps(secret).strip('"').encode()


def leaks(places: Iterable[tuple[str, bytes]], secrets: Iterable[str]) -> list[str]:
    wanted = [form for secret in secrets for form in forms(secret)]
    return [place for place, content in places if any(form in content for form in wanted)]


def files(*folders: Path) -> Iterable[tuple[str, bytes]]:
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file():
                yield str(path), path.read_bytes()
