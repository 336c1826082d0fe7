"""Our mark on a host: written before anything of ours is, and again when all that is no longer ours is gone."""

import json

from pyinfra.api.exceptions import OperationError
from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys import names
from deploys.answers import part
from deploys.facts.host import observed, run
from deploys.operations.shell import Commands, entry, write_files
from deploys.resources import HostManifest
from deploys.view import digest, manifest_text


@operation()
def claim(resource: HostManifest) -> Commands:
    """Add what will be ours to what is, so that nothing of ours is ever unmarked, whenever we are killed."""
    wanted, held = _entries(resource), _held()
    if wanted <= held:
        host.noop("everything of ours is marked")
        return
    text = manifest_text(wanted | held)
    run().claimed = digest(text)
    yield write_files([entry(names.MANIFEST, text)])


@operation()
def manifest(resource: HostManifest) -> Commands:
    """Write the final list: what should be ours, and nothing else."""
    if _digest_now(resource) == resource.sha256:
        host.noop("the list of what is ours is right")
        return
    if resource.content is None:
        raise OperationError("the list of what is ours was not handed over")
    yield write_files([entry(names.MANIFEST, resource.content)])


def _digest_now(resource: HostManifest) -> str | None:
    found = observed(resource)
    return run().claimed or (found.sha256 if isinstance(found, HostManifest) else None)


def _entries(resource: HostManifest) -> set[tuple[str, ...]]:
    return {tuple(entry) for entry in json.loads(resource.content or "{}").get("resources", ())}


def _held() -> set[tuple[str, ...]]:
    found = part(run().answer, "manifest")
    return {tuple(entry) for entry in found["resources"]} if found else set()
