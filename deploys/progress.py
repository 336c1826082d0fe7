"""Carry out one resource at a time, and tell whoever listens what becomes of each."""

from collections.abc import Callable
from typing import Any

from pyinfra.api.exceptions import FactError, NestedOperationError, OperationError
from pyinfra.api.operation import OperationMeta
from pyinfra.context import host, state

from deploys.answers import UnknownError
from deploys.facts.host import is_right, run
from deploys.resources import HostResource

Operation = Callable[..., OperationMeta]

Tell = Callable[..., None]
"""Called with the kind of event, the host, and what there is of ``subject``, ``text`` and ``changed``."""

_KEPT_LINES = 8

LISTENERS: list[Tell] = []
"""Empty in a run by hand, where pyinfra prints."""


def carry_out(operation: Operation, resource: HostResource) -> None:
    """Run *operation* for *resource* unless something it requires has failed on this host.

    Carried out by the worker, a failure is told and remembered, and the rest of the host goes on.  In a run by hand
    pyinfra decides, which is to stop the host.
    """
    if not state.is_executing:
        operation(resource, name=str(resource.subject))
        return
    obstacle = next((required for required in resource.requires if required in run().failed), None)
    if obstacle is not None:
        _fail("skipped", resource, f"left alone because {obstacle} failed")
        return
    try:
        _execute(operation, resource)
    except NestedOperationError as error:
        _fail("failed", resource, _complaint(str(error)))
    except (OperationError, FactError, UnknownError) as error:
        _fail("failed", resource, str(error))


def _execute(operation: Operation, resource: HostResource) -> None:
    if not _is_settled(resource):
        tell("start", subject=resource)
    done = operation(resource, name=str(resource.subject))
    tell("done", subject=resource, changed=done.did_change())


def _is_settled(resource: HostResource) -> bool:
    """Tell whether nothing is expected to be done; unknown is never settled."""
    try:
        return is_right(resource)
    except UnknownError:
        return False


def _fail(kind: str, resource: HostResource, text: str) -> None:
    run().failed[resource.subject] = text
    tell(kind, subject=resource, text=text)


def _complaint(op_hash: str) -> str:
    """Give the last words of the command that failed."""
    meta = state.get_op_data_for_host(host, op_hash).operation_meta
    lines = [*meta.stderr_lines, *meta.stdout_lines][-_KEPT_LINES:]
    return "; ".join(line.strip() for line in lines if line.strip()) or "the command failed without a word"


def tell(kind: str, *, subject: HostResource | None = None, **words: Any) -> None:
    """Tell every listener."""
    for listener in LISTENERS:
        listener(kind, host.name, subject=subject.subject if subject else None, **words)
