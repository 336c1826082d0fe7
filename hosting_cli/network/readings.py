"""What hosts say of their networks: read all at once, kept in files for whoever proves again without them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from deploys.answers import UnknownError, part
from deploys.reading import TIMEOUT_SECONDS
from hosting_cli.errors import EngineError, UnreadableError
from hosting_cli.session import Session
from inventory.resource import Json

VERSION = 1


@dataclass(frozen=True)
class NetworkReading:
    """What `nft -j list ruleset` and `ip -j address` said on a host, and when."""

    read_at: str
    rules: Any
    addresses: Any


Readings: TypeAlias = Mapping[str, NetworkReading | UnreadableError]


def read(session: Session, hosts: Iterable[str]) -> Readings:
    """Ask *hosts*, each in one round trip; what could not be read is an error in its place."""
    request: Json = {"timeout_seconds": TIMEOUT_SECONDS, "network": {}}
    answers = session.hosts.read(dict.fromkeys(hosts, request))
    read_at = session.clock().isoformat(timespec="seconds")
    return {host: _reading(host, answer, read_at) for host, answer in answers.items()}


def _reading(host: str, answer: Any, read_at: str) -> NetworkReading | UnreadableError:
    if isinstance(answer, UnreadableError):
        return answer
    try:
        found = part(answer, "network")
    except UnknownError as error:
        return UnreadableError(f"host {host}", str(error), "Log in and see why nft or ip fails there.")
    return NetworkReading(read_at, found["rules"], found["addresses"])


def save(readings: Readings, folder: Path) -> None:
    """Write a file for each host that was read into *folder*; raise ``EngineError`` if that is impossible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for host, reading in readings.items():
            if isinstance(reading, NetworkReading):
                content = {"version": VERSION, "host": host, **vars(reading)}
                _file(folder, host).write_text(json.dumps(content) + "\n")
    except OSError as error:
        raise EngineError(f"folder {folder}", f"cannot be written ({error.strerror})", "Name another one.") from error


def load(hosts: Iterable[str], folder: Path) -> Readings:
    """Take the readings of *hosts* from *folder*; a file that is missing or broken is an error in its place."""
    return {host: _loaded(host, _file(folder, host)) for host in hosts}


def _loaded(host: str, path: Path) -> NetworkReading | UnreadableError:
    try:
        content = json.loads(path.read_text())
        about = (content["version"], content["host"])
        reading = NetworkReading(content["read_at"], content["rules"], content["addresses"])
    except OSError as error:
        remedy = "Save its reading there: hosting network prove --save FOLDER"
        return UnreadableError(f"host {host}", f"{path} cannot be read ({error.strerror})", remedy)
    except (ValueError, LookupError, TypeError) as error:
        return UnreadableError(f"host {host}", f"{path} holds no reading ({error})", "Save it anew.")
    if about != (VERSION, host):
        what = f"{path} holds a reading of version {about[0]} of {about[1]}"
        return UnreadableError(f"host {host}", what, "Save it anew.")
    return reading


def _file(folder: Path, host: str) -> Path:
    return folder / f"{host}.json"
