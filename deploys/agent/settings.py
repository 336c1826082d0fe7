"""What the agent is told by files that `hosting` wrote on the host; never a secret."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ENGINES = Path("/etc/hosting/engines.json")
APPLICATIONS = Path("/etc/hosting/applications")
IDENTITIES = Path("/etc/hosting/identities")
HEADERS = Path("/var/lib/hosting/headers")
PRIVATE_MODE = 0o600


class AgentError(Exception):
    """What went wrong, in words for the journal of the host; never a secret.

    ``kind`` is one of a few words for the monitoring.
    """

    kind = "failure"


@dataclass(frozen=True)
class Engines:
    """Where the host finds the vault."""

    host: str
    vault: str
    certificate_authority: str


def engines() -> Engines:
    """Read where the engines are; raise ``AgentError`` if that is not known."""
    return Engines(**read(ENGINES))


def application(name: str) -> dict[str, Any]:
    """Read what is to be known of the application *name*; raise ``AgentError`` if it has no place here."""
    if not name or not name.replace("-", "").isalnum():
        raise AgentError(f"{name!r} is not the name of an application")
    return read(APPLICATIONS / f"{name}.json")


def volume(name: str, volume_id: str) -> dict[str, Any]:
    """Read what is to be known of a volume of *name*; raise ``AgentError`` if it has no place here."""
    known: dict[str, Any] | None = application(name)["volumes"].get(volume_id)
    if known is None:
        raise AgentError(f"{name} has no volume {volume_id!r} on this host")
    return known


def read(path: Path) -> dict[str, Any]:
    """Read a JSON file; raise ``AgentError`` if it cannot be."""
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise AgentError(f"{path} could not be read: {error}") from error
    return found


def write(path: Path, content: str, mode: int = 0o644) -> None:
    """Replace *path* in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(content)
    fresh.chmod(mode)
    fresh.replace(path)


def write_secret(path: Path, content: str) -> None:
    """Replace *path* in one step, by a file that nobody else can ever have opened."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(PRIVATE_MODE)
    fresh.write_text(content)
    fresh.replace(path)
