"""Our mark on a host: written before anything of ours is, and again when all that is no longer ours is gone."""

import json

from pyinfra.api.exceptions import OperationError
from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys import names
from deploys.answers import part
from deploys.facts.host import is_right, run
from deploys.operations.shell import Commands, write_file
from deploys.resources import HostManifest
from deploys.view import manifest_text


@operation()
def claimed(resource: HostManifest) -> Commands:
    """Add what will be ours to what is, so that nothing of ours is ever unmarked, whenever we are killed."""
    wanted, held = _entries(resource), _held()
    if wanted <= held:
        host.noop("everything of ours is marked")
        return
    run().changed_units.add(resource.thing)  # what is there now is not the final list
    yield write_file(names.MANIFEST, manifest_text(wanted | held))


@operation()
def manifest(resource: HostManifest) -> Commands:
    """Write the final list: what should be ours, and nothing else."""
    if is_right(resource):
        host.noop("the list of what is ours is right")
        return
    if resource.content is None:
        raise OperationError("the list of what is ours was not handed over")
    yield write_file(names.MANIFEST, resource.content)


def _entries(resource: HostManifest) -> set[tuple[str, ...]]:
    return {tuple(entry) for entry in json.loads(resource.content or "{}").get("resources", ())}


def _held() -> set[tuple[str, ...]]:
    found = part(run().answer, "manifest")
    return {tuple(entry) for entry in found["resources"]} if found else set()
