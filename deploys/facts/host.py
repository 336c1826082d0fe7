"""pyinfra's view of a host: the answer of the one reading program, asked once per host and run."""

import json
from dataclasses import dataclass, field
from typing import Any

from pyinfra.api.exceptions import FactError, PyinfraError
from pyinfra.api.facts import FactBase
from pyinfra.context import host

from deploys.answers import UnknownError
from deploys.programs import INTERPRETER, program
from deploys.reading import Seen, actual, request
from deploys.resources import HostResource
from inventory.resource import Json, Subject


class HostAnswer(FactBase[dict[str, Any]]):
    """What the reading program answers to the request that comes with it over standard input."""

    def command(self) -> str:
        """Run the program that follows on standard input."""
        return " ".join(INTERPRETER)

    def process(self, output: list[str]) -> dict[str, Any]:
        """Take the document apart; raise ``ValueError`` if something else was printed."""
        found: dict[str, Any] = json.loads("\n".join(output))
        return found


def ask(wanted: Json) -> dict[str, Any]:
    """Read the host now; raise ``FactError`` rather than give an empty answer."""
    try:
        found: dict[str, Any] | None = host.get_fact(HostAnswer, _stdin=program("read_host", wanted), _timeout=120)
    except PyinfraError as error:
        # pyinfra says "No hosts remaining!" when the last one fails, whatever the matter was.
        raise FactError("the host could not be read: its reading program failed or was cut off") from error
    except ValueError as error:
        raise FactError(f"the host could not be read: its answer is not JSON ({error})") from error
    if not found:
        raise FactError("the host could not be read: it gave no answer")
    return found


@dataclass
class Run:
    """What is known and was done on one host during one run."""

    answer: dict[str, Any]
    seen: Seen
    changed_units: set[str] = field(default_factory=set)
    must_reload_systemd: bool = False
    enabled: set[str] = field(default_factory=set)
    claimed: str | None = None
    failed: dict[Subject, str] = field(default_factory=dict)


def run() -> Run:
    """Give the run of the present host, reading the host the first time."""
    found: Run | None = host.connector_data.get("hosting")
    if found is None:
        resources = host.data.resources
        answer = ask(request(resources))
        found = Run(answer, actual(host.name, answer, resources))
        host.connector_data["hosting"] = found
    return found


def observed(resource: HostResource) -> HostResource | None:
    """Give *resource* as the host has it, ``None`` if it has not; raise ``UnknownError`` if it could not tell."""
    seen = run().seen
    if resource.subject in seen.unknown:
        raise UnknownError(seen.unknown[resource.subject])
    found = seen.resources.get(resource.subject)
    return found if isinstance(found, HostResource) else None


def is_right(resource: HostResource) -> bool:
    """Tell whether the host already has *resource* as it should be, and nothing done in this run disturbed it."""
    found = observed(resource)
    return found is not None and found.state() == resource.state() and resource.thing not in run().changed_units
