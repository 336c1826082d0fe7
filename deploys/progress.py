"""Carry out resources, and tell whoever listens what becomes of each.

Carried out by the worker, a failure is told and remembered, what requires it is left alone, and the rest of the host
goes on.  In a run by hand pyinfra decides, which is to stop the host.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pyinfra.api.exceptions import FactError, NestedOperationError, OperationError
from pyinfra.api.operation import OperationMeta
from pyinfra.context import host, state

from deploys.answers import UnknownError
from deploys.facts.host import is_right, run
from deploys.resources import HostResource

Operation = Callable[..., OperationMeta]

Tell = Callable[..., None]
"""Called with the kind of event, the host, and what there is of ``subject``, ``text`` and ``changed``."""

Kind = TypeVar("Kind", bound=HostResource)

LISTENERS: list[Tell] = []
"""Empty in a run by hand, where pyinfra prints."""

_KEPT_LINES = 8
_FAILURES = (OperationError, FactError, UnknownError)


def prepare(operation: Operation, *resources: HostResource, name: str) -> None:
    """Run an operation that begins *resources*, if any, and carries none of them out; what it raises ends the host."""
    if state.is_executing:
        for resource in resources:
            _begin(resource)
    try:
        operation(*resources, name=name)
    except NestedOperationError as error:
        raise OperationError(f"{name} failed: {_complaint(str(error))}") from error


def carry_out(operation: Operation, resource: HostResource) -> None:
    """Run *operation* for one resource, unless something it requires has failed on this host."""
    if not state.is_executing:
        operation(resource, name=str(resource.subject))
        return
    if _is_obstructed(resource):
        return
    _begin(resource)
    try:
        done = operation(resource, name=str(resource.subject))
    except NestedOperationError as error:
        _fail("failed", resource, _complaint(str(error)))
    except _FAILURES as error:
        _fail("failed", resource, str(error))
    else:
        tell("done", subject=resource, changed=done.did_change())


def carry_out_together(operation: Operation, resources: Sequence[Kind], *, key: Callable[[Kind], str]) -> None:
    """Run *operation* once for many resources; it prints ``{key: reason}`` for those that fail."""
    if not state.is_executing:
        _run_together(operation, resources, key)
        return
    ready = [resource for resource in resources if resource.subject not in run().failed]
    ready = [resource for resource in ready if not _is_obstructed(resource)]
    wrong = [resource for resource in ready if _begin(resource)]
    failed = _run_together(operation, ready, key)
    for resource in ready:
        reason = failed.get(key(resource)) if resource in wrong else None
        if reason is None:
            tell("done", subject=resource, changed=resource in wrong)
        else:
            _fail("failed", resource, reason)


def prepare_together(operation: Operation, resources: Sequence[Kind], *, key: Callable[[Kind], str]) -> None:
    """Run an operation that prepares many resources; those for which it fails have failed before they were begun."""
    ready = resources if not state.is_executing else [resource for resource in resources if not _waits(resource)]
    failed = _run_together(operation, ready, key)
    for resource in ready:
        if key(resource) in failed:
            _fail("failed", resource, failed[key(resource)])


def _run_together(operation: Operation, resources: Sequence[Kind], key: Callable[[Kind], str]) -> dict[str, str]:
    """Run *operation* once; give the reasons of what failed."""
    if not resources:
        return {}
    try:
        operation(*resources, name=f"every {resources[0].kind}")
    except NestedOperationError as error:
        return _reasons(str(error), [key(resource) for resource in resources])
    except _FAILURES as error:
        if not state.is_executing:
            raise
        return {key(resource): str(error) for resource in resources}
    return {}


def _waits(resource: HostResource) -> bool:
    return any(required in run().failed for required in resource.requires)


def _is_obstructed(resource: HostResource) -> bool:
    """Leave *resource* alone, and say so, if something that it requires has failed."""
    obstacle = next((required for required in resource.requires if required in run().failed), None)
    if obstacle is not None:
        _fail("skipped", resource, f"left alone because {obstacle} failed")
    return obstacle is not None


def _begin(resource: HostResource) -> bool:
    """Announce that something will be done to *resource*, unless it is right; unknown is never right."""
    try:
        if is_right(resource):
            return False
    except UnknownError:
        pass
    tell("start", subject=resource)
    return True


def _fail(kind: str, resource: HostResource, text: str) -> None:
    run().failed[resource.subject] = text
    tell(kind, subject=resource, text=text)


def _reasons(op_hash: str, keys: Sequence[str]) -> dict[str, str]:
    """Take the failures apart by resource; a program that died before it could say blames all."""
    meta = state.get_op_data_for_host(host, op_hash).operation_meta
    try:
        found: dict[str, str] = json.loads(meta.stdout)
    except ValueError:
        return dict.fromkeys(keys, _complaint(op_hash))
    return found


def _complaint(op_hash: str) -> str:
    """Give the last words of the command that failed."""
    meta = state.get_op_data_for_host(host, op_hash).operation_meta
    lines = [*meta.stderr_lines, *meta.stdout_lines][-_KEPT_LINES:]
    return "; ".join(line.strip() for line in lines if line.strip()) or "the command failed without a word"


def tell(kind: str, *, subject: HostResource | None = None, **words: Any) -> None:
    """Tell every listener."""
    for listener in LISTENERS:
        listener(kind, host.name, subject=subject.subject if subject else None, **words)
